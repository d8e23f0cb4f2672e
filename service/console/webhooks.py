"""Webhooks: the endpoint of the site, its secret, and dead letters."""

import re
from datetime import datetime, timedelta

from aiohttp import web
from msgspec import Struct, structs

from service import app_keys as keys
from service.console import words
from service.console.texts import N_
from service.console.visit import ADMINS, Nav, Page, Visit, in_words
from service.store.endpoint import Endpoint
from service.store.outbox import Backlog, Letter, LetterPosition
from service.values.accounts import Role
from service.values.errors import NotFound
from service.webhooks.message import MessageId

MOST_IN_ONE_REPLAY = 10_000
PER_PAGE = 50

REFUSED = {
    "too_many_secrets": N_("Five older secrets are still valid. Another one can be made when the oldest ends."),
}
SAID = {
    "saved": N_("The endpoint is set and enabled."),
    "removed": N_("The endpoint is removed. What was still to be told there is among the dead letters."),
    "resent": N_("It is sent again."),
    "superseded": N_("It was not sent again: the receiver has a newer version of this comment."),
    "busy": N_("A newer version is being sent just now; try again."),
}


class Secret(Struct, frozen=True):
    """`text` is shown only once. The previous secret stays valid until `previous_until` (None: there was none)."""

    text: str
    previous_until: datetime | None = None


class State(Struct, frozen=True):
    """What the page reads from Redis. `letters`: a page. `delivered_at`: None if nothing was delivered yet."""

    endpoint: Endpoint
    backlog: Backlog
    letters: list[Letter]
    delivered_at: datetime | None


class Tested(Struct, frozen=True):
    is_delivered: bool
    because: str
    seconds: float


async def show_webhooks(visit: Visit) -> web.StreamResponse:
    return _page(visit, await _state(visit))


async def save_endpoint(visit: Visit) -> web.StreamResponse:
    """Set the endpoint. The first time, create a secret and show it once."""
    url, webhooks = visit.field("url").strip(), visit.request.app[keys.WEBHOOKS]
    if problem := (N_("Enter an address.") if not url else await webhooks.refusal_now(url)):
        return _page(visit, await _state(visit), 400, problem=problem)
    include_text = visit.field("include_text") == "1"
    state = await _state(visit)  # before the change: a reading that fails after it would lose the secret
    secret = await webhooks.put(visit.site, url, include_text=include_text, actor=visit.account.name)
    if secret is None:
        return visit.go("/webhooks", said="saved")
    endpoint = Endpoint(url, include_text, secrets=(secret,))
    return _page(visit, structs.replace(state, endpoint=endpoint), secret=Secret(secret))


async def remove_endpoint(visit: Visit) -> web.StreamResponse:
    await visit.console.store.outbox.endpoints.remove(visit.site, visit.account.name)
    return visit.go("/webhooks", said="removed")


async def rotate_secret(visit: Visit) -> web.StreamResponse:
    state = await _state(visit)  # before the change, as above
    with in_words(visit, REFUSED):
        text, until = await visit.request.app[keys.WEBHOOKS].rotate(visit.site, visit.account.name)
    active = (text, *state.endpoint.secrets)
    endpoint = structs.replace(state.endpoint, secrets=active, previous_until=until)
    return _page(visit, structs.replace(state, endpoint=endpoint), secret=Secret(text, until))


async def send_test(visit: Visit) -> web.StreamResponse:
    endpoint = await visit.console.store.outbox.endpoints.get(visit.site)
    if endpoint.url is None or not endpoint.secrets:
        raise NotFound(N_("This site has no endpoint."))
    _, outcome = await visit.request.app[keys.WEBHOOKS].test(visit.site, endpoint)
    tested = Tested(outcome.result == "delivered", outcome.because, outcome.seconds)
    return _page(visit, await _state(visit), tested=tested)


async def resend(visit: Visit) -> web.StreamResponse:
    name = MessageId.parse(visit.field("letter"))
    if name is None or name.site != visit.site:
        raise NotFound(N_("No such dead letter."))
    outcome = await visit.console.store.outbox.replay(visit.site, name.comment, name.version)
    if outcome == "unknown":
        raise NotFound(N_("No such dead letter; somebody may have sent it again already."))
    await _written(visit, "letter_resent", comment=name.comment, outcome=outcome)
    return visit.go("/webhooks", said="resent" if outcome == "ok" else outcome)


async def resend_all(visit: Visit) -> web.StreamResponse:
    replay = await visit.console.store.outbox.replay_all(visit.site, MOST_IN_ONE_REPLAY)
    await _written(visit, "letters_resent", sent=str(replay.sent), superseded=str(replay.superseded))
    return visit.go("/webhooks", sent=str(replay.sent), superseded=str(replay.superseded), busy=str(replay.busy))


async def _written(visit: Visit, action: str, **details: str) -> None:
    await visit.console.store.audit.write(visit.site, action, visit.account.name, **details)


async def _state(visit: Visit) -> State:
    outbox, site = visit.console.store.outbox, visit.site
    return State(
        endpoint=await outbox.endpoints.get(site),
        backlog=await outbox.backlog(site),
        letters=await outbox.letters(site, _place(visit.request.query.get("after", "")), PER_PAGE),
        delivered_at=await visit.console.store.usage.last_delivered(site),
    )


def _page(
    visit: Visit,
    state: State,
    status: int = 200,
    *,
    problem: str = "",
    secret: Secret | None = None,
    tested: Tested | None = None,
) -> web.Response:
    query, backlog, letters = visit.request.query, state.backlog, state.letters
    return visit.show(
        "webhooks.html",
        status,
        words=words,
        endpoint=state.endpoint,
        backlog=backlog,
        delivered_at=state.delivered_at,
        late_since=visit.now - timedelta(seconds=backlog.overdue_s) if backlog.overdue_s else None,
        letters=[(_id(visit, each), each) for each in letters],
        following=f"{letters[-1].died}.{_id(visit, letters[-1])}" if len(letters) == PER_PAGE else "",
        problem=problem,
        secret=secret,
        tested=tested,
        replayed={
            name: int(query[name])
            for name in ("sent", "superseded", "busy")
            if re.fullmatch("[0-9]{1,9}", query.get(name, ""))
        },
        said=SAID.get(query.get("said", ""), ""),
        may_change=visit.role is Role.ADMIN,
    )


def _id(visit: Visit, letter: Letter) -> str:
    return str(MessageId(visit.site, letter.comment, letter.version))


def _place(cursor: str) -> LetterPosition | None:
    """The cursor of a page; an invalid one means the beginning."""
    died, _, text = cursor.partition(".")
    name = MessageId.parse(text)
    is_number = died.isascii() and died.isdigit() and len(died) < 16  # noqa: PLR2004 - Unix milliseconds have 13
    return LetterPosition(name.comment, name.version, int(died)) if name and is_number else None


PAGES = (
    Page(path="/webhooks", view=show_webhooks, roles=ADMINS | {Role.AUDITOR}, nav=Nav(title=N_("Webhooks"), order=80)),
    Page(path="/webhooks", view=save_endpoint, method="POST", roles=ADMINS),
    Page(path="/webhooks/remove", view=remove_endpoint, method="POST", roles=ADMINS),
    Page(path="/webhooks/rotate", view=rotate_secret, method="POST", roles=ADMINS),
    Page(path="/webhooks/test", view=send_test, method="POST", roles=ADMINS),
    Page(path="/webhooks/resend", view=resend, method="POST", roles=ADMINS),
    Page(path="/webhooks/resend-all", view=resend_all, method="POST", roles=ADMINS),
)
