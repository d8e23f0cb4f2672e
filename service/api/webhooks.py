"""Webhooks: the endpoint of a site, its secret, and dead letters."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct, structs

from service import app_keys as keys
from service.api.operation import Call, Operation
from service.store.endpoint import Endpoint
from service.store.outbox import Backlog, Letter, LetterPosition
from service.values.access import Scope
from service.values.domain import NOT_OURS, WORDS, Instant
from service.values.errors import BadRequest, Conflict, Fault, NotFound
from service.webhooks.message import MessageId

CURSOR = r"^[0-9]{1,16}\.evt_[0-9A-Za-z_~-]{1,3400}$(?!\n)"
MOST_IN_ONE_REPLAY = 10_000


class EndpointRequest(Struct, frozen=True, forbid_unknown_fields=True):
    url: Annotated[str, Meta(max_length=2048, description="https, port 443 or 8443, a public address.")]
    include_text: Annotated[bool, Meta(description="Send the comment's text along.")] = False


class EndpointResponse(Struct, frozen=True, kw_only=True):
    """`url`: null while there is no endpoint. `secret` is shown only when it is made.

    `disabled_at`: since when nothing is sent, because the receiver answered 410; PUT enables the endpoint again.
    `pending`: comments and authors with events still to be told. `overdue_seconds`: how late the oldest of them is.
    """

    url: str | None
    include_text: bool
    disabled_at: datetime | None
    has_secret: bool
    previous_secret_until: datetime | None
    pending: int
    dead: int
    overdue_seconds: float | None
    secret: str | None = None


class SecretResponse(Struct, frozen=True):
    """`previous_until`: until when webhooks are signed with the one before, too."""

    secret: str
    previous_until: datetime | None


class TestResponse(Struct, frozen=True):
    """`because`: the status that the receiver answered, or what went wrong."""

    id: str
    result: Literal["delivered", "gone", "failed"]
    because: str
    seconds: float


class DeadQuery(Struct, frozen=True, forbid_unknown_fields=True):
    cursor: (
        Annotated[str, Meta(pattern=CURSOR, description="`next` of the page before.", extra={WORDS: NOT_OURS})] | None
    ) = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class DeadLetter(Struct, frozen=True, kw_only=True):
    """`id`: the webhook-id that the receiver would have seen. `because`: why it was given up.

    `comment_id` is null, and `revision` 0, for an event about the status of an author, whose stored id is `author`, or
    of an `article` or a `section`.
    """

    id: str
    type: str
    comment_id: str | None
    author: str | None
    article: str | None
    section: str | None
    revision: int
    version: int
    status: str
    at: Instant
    died_at: Instant
    attempts: int
    because: str
    callback_url: str | None


class DeadResponse(Struct, frozen=True):
    """`next` is the cursor to go on at; null on the last page."""

    letters: tuple[DeadLetter, ...]
    next: str | None


class RetryResponse(Struct, frozen=True):
    id: str


class RetryAllResponse(Struct, frozen=True):
    """`superseded`: removed, because the receiver has a newer version. `busy`: a newer one was on its way, so it stays.

    `more`: there are letters left that were not looked at; call again.
    """

    replayed: int
    superseded: int
    busy: int
    more: bool


async def show_endpoint(call: Call) -> EndpointResponse:
    return _shown(*await _read(call))


async def replace_endpoint(call: Call) -> EndpointResponse:
    """Set and enable the endpoint; the first time a secret is made, and shown only in this answer."""
    asked: EndpointRequest = call.body
    webhooks = call.request.app[keys.WEBHOOKS]
    if problem := await webhooks.refusal_now(asked.url):
        raise BadRequest(f"/url: {problem}", [Fault("/url", problem)])
    endpoint, backlog = await _read(call)  # before the change: a reading that fails after it would lose the secret
    site, include_text = call.key.site, asked.include_text
    secret = await webhooks.put(site, asked.url, include_text=include_text, actor=call.key.name)
    is_set = structs.replace(endpoint, url=asked.url, include_text=include_text, disabled_at=None)
    return _shown(is_set, backlog, has_secret=True, secret=secret)


async def remove_endpoint(call: Call) -> None:
    """What is still to be told there becomes dead letters; the secret stays, for callback URLs."""
    await call.request.app[keys.STORE].outbox.endpoints.remove(call.key.site, call.key.name)


async def rotate_secret(call: Call) -> SecretResponse:
    """A new secret, also where none was; the one before stays good for a day, and keeps doing so if there is another.

    Refused (409, `too_many_secrets`, with `until`) while five from before are still good.
    """
    return SecretResponse(*await call.request.app[keys.WEBHOOKS].rotate(call.key.site, call.key.name))


async def test_endpoint(call: Call) -> TestResponse:
    """Send an event of the type webhook.test now."""
    site, app = call.key.site, call.request.app
    endpoint = await app[keys.STORE].outbox.endpoints.get(site)
    if endpoint.url is None or not endpoint.secrets:
        raise NotFound("this site has no endpoint")
    message_id, outcome = await app[keys.WEBHOOKS].test(site, endpoint)
    return TestResponse(message_id, outcome.result, outcome.because, round(outcome.seconds, 3))


async def list_dead(call: Call) -> DeadResponse:
    """What was given up, oldest first, for 30 days."""
    site, query = call.key.site, call.query
    found = await call.request.app[keys.STORE].outbox.letters(site, _place(query.cursor), query.limit)
    following = f"{found[-1].died}.{_id(site, found[-1])}" if len(found) == query.limit else None
    return DeadResponse(tuple(_letter(site, each) for each in found), following)


async def retry_dead(call: Call) -> RetryResponse:
    """Send it again, in its place among the comment's events; refused where the receiver has a newer version."""
    site, name = call.key.site, MessageId.parse(call.id)
    if name is None or name.site != site:
        raise NotFound(f"no dead letter '{call.id}'")
    outcome = await call.request.app[keys.STORE].outbox.replay(site, name.comment, name.version)
    if outcome == "unknown":
        raise NotFound(f"no dead letter '{call.id}'")
    if outcome == "superseded":
        raise Conflict("superseded", "the receiver has a newer version of this comment", {"comment_id": name.comment})
    if outcome == "busy":
        raise Conflict("busy", "a newer version is being sent just now; try again", {"comment_id": name.comment})
    return RetryResponse(str(name))


async def retry_all_dead(call: Call) -> RetryAllResponse:
    """Send all dead letters again, those of each comment in order."""
    replay = await call.request.app[keys.STORE].outbox.replay_all(call.key.site, MOST_IN_ONE_REPLAY)
    return RetryAllResponse(replay.sent, replay.superseded, replay.busy, replay.is_more)


async def _read(call: Call) -> tuple[Endpoint, Backlog]:
    site, outbox = call.key.site, call.request.app[keys.STORE].outbox
    return await outbox.endpoints.get(site), await outbox.backlog(site)


def _shown(
    endpoint: Endpoint, backlog: Backlog, *, has_secret: bool = False, secret: str | None = None
) -> EndpointResponse:
    return EndpointResponse(
        url=endpoint.url,
        include_text=endpoint.include_text,
        disabled_at=endpoint.disabled_at,
        has_secret=has_secret or bool(endpoint.secrets),
        previous_secret_until=endpoint.previous_until,
        pending=backlog.pending,
        dead=backlog.dead,
        overdue_seconds=backlog.overdue_s,
        secret=secret,
    )


def _id(site: str, letter: Letter) -> str:
    return str(MessageId(site, letter.comment, letter.version))


def _letter(site: str, letter: Letter) -> DeadLetter:
    return DeadLetter(
        id=_id(site, letter),
        type=letter.type,
        comment_id=None if letter.comment.startswith(" ") else letter.comment,
        author=letter.author,
        article=letter.article,
        section=letter.section,
        revision=letter.revision,
        version=letter.version,
        status=letter.status,
        at=datetime.fromtimestamp(letter.at / 1000, UTC),
        died_at=letter.died_at,
        attempts=letter.attempts,
        because=letter.because,
        callback_url=letter.callback,
    )


def _place(cursor: str | None) -> LetterPosition | None:
    if cursor is None:
        return None
    died, _, name = cursor.partition(".")
    found = MessageId.parse(name)
    if found is None:
        raise BadRequest("query parameter 'cursor': not one that we gave")
    return LetterPosition(found.comment, found.version, int(died))


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/webhooks",
        handler=show_endpoint,
        scope=Scope.ADMIN,
        tag="Webhooks",
        summary="The site's endpoint, and how much is still to be told.",
        answer=EndpointResponse,
        problems=(503,),
    ),
    Operation(
        method="PUT",
        path="/v1/webhooks",
        handler=replace_endpoint,
        scope=Scope.ADMIN,
        tag="Webhooks",
        summary="Set the site's endpoint.",
        body=EndpointRequest,
        answer=EndpointResponse,
        problems=(503,),
    ),
    Operation(
        method="DELETE",
        path="/v1/webhooks",
        handler=remove_endpoint,
        scope=Scope.ADMIN,
        tag="Webhooks",
        summary="Remove the site's endpoint.",
        status=204,
        problems=(503,),
    ),
    Operation(
        method="POST",
        path="/v1/webhooks:rotate",
        handler=rotate_secret,
        scope=Scope.ADMIN,
        tag="Webhooks",
        summary="Make a new secret.",
        answer=SecretResponse,
        problems=(409, 503),
    ),
    Operation(
        method="POST",
        path="/v1/webhooks:test",
        handler=test_endpoint,
        scope=Scope.ADMIN,
        tag="Webhooks",
        summary="Send a test event and say what came of it.",
        answer=TestResponse,
        problems=(404, 503),
    ),
    Operation(
        method="GET",
        path="/v1/webhooks/dead",
        handler=list_dead,
        scope=Scope.ADMIN,
        tag="Webhooks",
        summary="Dead letters: events that were given up.",
        query=DeadQuery,
        answer=DeadResponse,
        problems=(503,),
    ),
    Operation(
        method="POST",
        path="/v1/webhooks/dead/{id}:retry",
        handler=retry_dead,
        scope=Scope.ADMIN,
        tag="Webhooks",
        summary="Send a dead letter again.",
        answer=RetryResponse,
        problems=(404, 409, 503),
    ),
    Operation(
        method="POST",
        path="/v1/webhooks/dead:retry",
        handler=retry_all_dead,
        scope=Scope.ADMIN,
        tag="Webhooks",
        summary="Send all dead letters again.",
        answer=RetryAllResponse,
        problems=(503,),
    ),
)
