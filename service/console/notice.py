"""The form for notices by readers, without an account, and the page of a notice's receipt and outcome (docs/dsa.md)."""

from collections.abc import Mapping
from typing import Annotated, NamedTuple

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from service import app_keys as keys
from service.cases.notices import MOST_CHARS
from service.cases.statements import dsa_of
from service.console.reader import FULL, TOO_LONG, later
from service.console.reasons import CHILD_ABUSE, GROUNDS, Ground, reasons_of
from service.console.texts import N_
from service.console.visit import Page, Visit
from service.http.limits import Buckets
from service.http.origin import client_network
from service.values.addresses import NoticeAddressed, notice_address, notice_addressed
from service.values.domain import Id
from service.values.errors import Conflict, NotFound, QueueFull, RateLimited
from service.values.notices import Giver

FORM, RECEIPT = "/notice", "/notice/{address}"
MOST_NAME_CHARS = 200
MOST_EMAIL_CHARS = 254  # RFC 5321, section 4.5.3.1.3, without the brackets
# Notices from an address: five at once, then one in six minutes. An office shares one.
NOTICES_PER_S, NOTICE_BURST = 1 / 360, 5
NOTICE_TRIES = web.AppKey("notices from an address", Buckets)

NOT_TAKEN = N_("This site takes no notices here.")
GONE = N_("There is no notice here, or not any more.")
TOO_MANY = N_(
    "Too many notices came from your network. Try again in %(minutes)s minutes; what you wrote is still here."
)
NO_COMMENT = N_("There is no such comment here.")
REFUSED = {
    "too_many_notices": N_("This comment has had many notices already and takes no more."),
    "text_expired": N_("The text of the comment is not kept any more, so nobody can judge it again."),
}


class NoticeQuery(Struct, frozen=True):
    """Sites link to the form with both; other parameters are ignored."""

    site: Annotated[str, Meta(max_length=64)]
    comment: Annotated[str, Meta(max_length=2_000)] = ""


class NoticeForm(NamedTuple):
    """As it was sent."""

    comment: str = ""
    kind: str = ""
    explanation: str = ""
    name: str = ""
    email: str = ""
    good_faith: str = ""

    @property
    def reader(self) -> str:
        """Whose notice it is: the address, which also finds it for an erasure, else the text."""
        return self.email.lower() or f"no address\n{self.explanation}"


async def show_form(visit: Visit) -> web.StreamResponse:
    query = _asked(visit)
    return _page(visit, query.site, NoticeForm(comment=query.comment))


async def give(visit: Visit) -> web.StreamResponse:
    """Take a notice and lead to its receipt. The same notice again leads to the same receipt."""
    site = _asked(visit).site
    sent = NoticeForm(*(visit.field(name).strip() for name in NoticeForm._fields))
    if problems := _problems(visit, sent, kinds_of(visit, site)):
        return _page(visit, site, sent, 400, problems)
    try:
        visit.request.app[NOTICE_TRIES].take(client_network(visit.request))
        given = await visit.request.app[keys.NOTICES].give(
            site, sent.comment, sent.reader, sent.kind, sent.explanation, Giver(sent.name, sent.email)
        )
    except RateLimited as error:
        said = visit.texts(TOO_MANY, minutes=-(-error.retry_after_s // 60))
        return later(_page(visit, site, sent, 429, {"": said}), error.retry_after_s)
    except QueueFull as error:
        return later(_page(visit, site, sent, 503, {"": visit.texts(FULL)}), error.retry_after_s)
    except NotFound:
        return _page(visit, site, sent, 404, {"comment": visit.texts(NO_COMMENT)})
    except Conflict as error:
        if error.reason not in REFUSED:
            raise
        return _page(visit, site, sent, 409, {"": visit.texts(REFUSED[error.reason])})
    salt = visit.request.app[keys.DIRECTORY].salt
    return visit.go("/notice/" + notice_address(salt, NoticeAddressed(site, given.notice.comment, given.notice.id)))


async def show_receipt(visit: Visit) -> web.StreamResponse:
    """The receipt, and later the outcome. It says nothing of the comment, nor what the reader wrote."""
    app = visit.request.app
    which = notice_addressed(app[keys.DIRECTORY].salt, visit.request.match_info["address"])
    if which is None:
        raise NotFound(GONE)
    try:
        found = await app[keys.NOTICES].one(which.site, which.comment, which.notice)
    except (NotFound, Conflict) as error:  # not kept any more, or the site has left the scope
        raise NotFound(GONE) from error
    language = visit.texts.language
    return visit.show("notice_receipt.html", found=found, paragraphs=found.answer.texts[language].split("\n\n"))


def kinds_of(visit: Visit, site: str) -> tuple[Ground, ...]:
    """What a reader may say it is: the reasons for which the site rejects, and two that it may not have."""
    own = reasons_of(visit.request.app[keys.DIRECTORY].for_people(site).review, visit.texts.language).grounds
    more = (CHILD_ABUSE, GROUNDS[-1])
    names = {each.code for each in more}
    return (*(each for each in own if each.code not in names), *more)


def _asked(visit: Visit) -> NoticeQuery:
    """Raises BadRequest without a site, and NotFound for one that is not in scope."""
    query = visit.query(NoticeQuery)
    if dsa_of(visit.request.app[keys.DIRECTORY].for_people(query.site)) is None:
        raise NotFound(NOT_TAKEN)
    return query


def _problems(visit: Visit, sent: NoticeForm, kinds: tuple[Ground, ...]) -> dict[str, str]:
    """What is wrong, by field, in the reader's language."""
    texts, needs_name = visit.texts, sent.kind != CHILD_ABUSE.code
    found: dict[str, str] = {}
    if not is_id(sent.comment):
        found["comment"] = texts(NO_COMMENT)
    if sent.kind not in {each.code for each in kinds}:
        found["kind"] = texts(N_("Choose what is wrong with the comment."))
    if not sent.explanation:
        found["explanation"] = texts(N_("Say why the comment may not stay."))
    if len(sent.explanation) > MOST_CHARS:
        found["explanation"] = texts(TOO_LONG, most=MOST_CHARS, count=len(sent.explanation))
    if (needs_name and not sent.name) or len(sent.name) > MOST_NAME_CHARS:
        found["name"] = texts(N_("Write your name."))
    if (needs_name or sent.email) and not is_email(sent.email):
        found["email"] = texts(N_("Write an e-mail address, such as name@example.org."))
    if not sent.good_faith:
        found["good_faith"] = texts(N_("Confirm that you believe what you say."))
    return found


def is_id(text: str) -> bool:
    """Whether it may name a comment."""
    try:
        msgspec.convert(text, Id)
    except msgspec.ValidationError:
        return False
    return True


def is_email(text: str) -> bool:
    """Whether it has the form of an address: nobody can tell without sending a message whether it is one."""
    local, _, host = text.rpartition("@")
    is_plain = text.isprintable() and " " not in text and len(text) <= MOST_EMAIL_CHARS
    return is_plain and bool(local) and all(host.split(".")) and "." in host and is_id(text.lower())


def _page(
    visit: Visit, site: str, sent: NoticeForm, status: int = 200, problems: Mapping[str, str] | None = None
) -> web.Response:
    return visit.show(
        "notice.html",
        status,
        sent=sent,
        problems=problems or {},
        kinds=kinds_of(visit, site),
        most=MOST_CHARS,
        most_name=MOST_NAME_CHARS,
        most_email=MOST_EMAIL_CHARS,
    )


PAGES = (
    Page(path=FORM, view=show_form, roles=None),
    Page(path=FORM, view=give, method="POST", roles=None),
    Page(path=RECEIPT, view=show_receipt, roles=None),
)
