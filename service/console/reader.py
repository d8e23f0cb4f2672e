"""The statement of reasons for the author of a comment, without an account, with a form to complain once."""

from datetime import UTC, datetime
from typing import NamedTuple

from aiohttp import web

from service import app_keys as keys
from service.cases.statements import dsa_of
from service.console.texts import N_
from service.console.visit import Page, Visit
from service.http.limits import Buckets
from service.http.origin import client_network
from service.store.base import Record
from service.store.restrictions import complaint_of, restriction_of
from service.values.addresses import Addressed, addressed
from service.values.complaints import ComplaintAnswer
from service.values.domain import State
from service.values.dsa import Dsa
from service.values.errors import Conflict, NotFound, QueueFull, RateLimited
from service.values.statement_words import LANGUAGES, SOURCE_LANGUAGE, WordedStatement, worded

PATH = "/reasons/{address}"
MOST_CHARS = 5_000
# Complaints of an address: five at once, then one in twelve minutes. An office shares one.
RATE_PER_S, BURST = 1 / 720, 5
TRIES = web.AppKey("complaints from an address", Buckets)

BLANK = N_("Say why you think that the decision is wrong.")
TOO_LONG = N_("Write at most %(most)s characters; these are %(count)s.")
TOO_MANY = N_(
    "Too many complaints came from your network. Try again in %(minutes)s minutes; what you wrote is still here."
)
FULL = N_("Too much is waiting just now. Try again in a minute; what you wrote is still here.")
REFUSED = {
    "complaint_too_late": N_("The time in which you could complain is over."),
    "already_appealed": N_("You complained already, and it was decided."),
    "not_rejected": N_("The comment is not rejected any more."),
    "text_expired": N_("The text of the comment is not kept any more, so nobody can judge it again."),
}


class StatementPage(NamedTuple):
    """`statement`: of the rejection that stands; None: none does. `complaint`: None: nobody complained."""

    which: Addressed
    record: Record
    dsa: Dsa
    statement: WordedStatement | None
    complaint: ComplaintAnswer | None

    @property
    def may_complain(self) -> bool:
        is_open = self.statement is not None and self.complaint is None
        return is_open and self.statement is not None and datetime.now(UTC) < self.statement.complaint_until


async def show_reasons(visit: Visit) -> web.StreamResponse:
    return _page(visit, await _found(visit))


async def complain(visit: Visit) -> web.StreamResponse:
    """Hand the author's complaint to a person who did not decide before. The same address again changes nothing."""
    found, text = await _found(visit), visit.field("text").strip()
    if not text:
        return _page(visit, found, 400, problem=visit.texts(BLANK))
    if len(text) > MOST_CHARS:
        return _page(visit, found, 400, problem=visit.texts(TOO_LONG, most=MOST_CHARS, count=len(text)), text=text)
    try:
        visit.request.app[TRIES].take(client_network(visit.request))
        await visit.request.app[keys.COMPLAINTS].appeal(found.which.site, found.which.comment, text)
    except RateLimited as error:
        said = visit.texts(TOO_MANY, minutes=-(-error.retry_after_s // 60))
        return later(_page(visit, found, 429, problem=said, text=text), error.retry_after_s)
    except QueueFull as error:
        return later(_page(visit, found, 503, problem=visit.texts(FULL), text=text), error.retry_after_s)
    except Conflict as error:
        if error.reason not in REFUSED:
            raise
        return _page(visit, await _found(visit), 409, problem=visit.texts(REFUSED[error.reason]))
    return visit.go(f"/reasons/{visit.request.match_info['address']}")


async def _found(visit: Visit) -> StatementPage:
    """Raises NotFound for an address that was not made here, or whose comment is gone, changed or out of scope."""
    app = visit.request.app
    which = addressed(app[keys.DIRECTORY].salt, visit.request.match_info["address"])
    if which is None:
        raise NotFound(GONE)
    dsa = dsa_of(app[keys.DIRECTORY].for_people(which.site))
    try:
        record = await visit.console.store.comments.get(which.site, which.comment)
    except NotFound as error:
        raise NotFound(GONE) from error
    if dsa is None or record.state is State.ERASED or record.revision != which.revision:
        raise NotFound(GONE)
    restriction = restriction_of(which.site, record)
    return StatementPage(
        which,
        record,
        dsa,
        None if restriction is None else worded(restriction, dsa),
        complaint_of(which.site, record, dsa),
    )


GONE = N_("There is no statement here, or not any more.")


def _page(visit: Visit, found: StatementPage, status: int = 200, *, problem: str = "", text: str = "") -> web.Response:
    language = visit.texts.language if visit.texts.language in LANGUAGES else SOURCE_LANGUAGE
    return visit.show(
        "reasons.html",
        status,
        found=found,
        language=language,
        statement=found.statement.texts[language].split("\n\n") if found.statement else [],
        complaint=found.complaint.texts[language].split("\n\n") if found.complaint else [],
        most=MOST_CHARS,
        problem=problem,
        text=text,
    )


def later(response: web.Response, wait_s: int) -> web.Response:
    """The response, which says that the same may be sent again after this time."""
    response.headers["Retry-After"] = str(wait_s)
    return response


PAGES = (
    Page(path=PATH, view=show_reasons, roles=None),
    Page(path=PATH, view=complain, method="POST", roles=None),
)
