"""API keys of the site: what there is, never the secrets; a new text for one."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

from service import app_keys
from service.api.operation import Call, Operation
from service.cases import rotating
from service.cases.rotating import DEFAULT_KEEP_HOURS, MOST_KEEP_HOURS
from service.values.access import ApiKey, Scope


class KeySummary(Struct, frozen=True, kw_only=True):
    """`older_until`: when each older text ends that still works. `last_used_at`: to within a minute."""

    id: str
    name: str
    scopes: list[Scope]
    origins: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    older_until: tuple[datetime, ...]


class KeysResponse(Struct, frozen=True):
    keys: list[KeySummary]


class RotateRequest(Struct, frozen=True, forbid_unknown_fields=True):
    keep_hours: Annotated[
        int,
        Meta(ge=0, le=MOST_KEEP_HOURS, description="How long the text before goes on working. 0: all before end now."),
    ] = DEFAULT_KEEP_HOURS


class RotatedResponse(Struct, frozen=True):
    """`key` is shown only in this answer. `older_until`: when the text before ends; null: it has ended."""

    id: str
    name: str
    key: str
    older_until: datetime | None


async def list_keys(call: Call) -> KeysResponse:
    """The site's keys, newest first. Secrets are not stored, so nobody can read them."""
    app = call.request.app
    found = [each for each in (await app[app_keys.STORE].access.keys()).values() if each.site == call.key.site]
    used, now = await app[app_keys.USAGE].last_used(), datetime.now(UTC)
    newest = sorted(found, key=lambda each: each.created_at, reverse=True)
    return KeysResponse([_summary(each, used.get(each.id), now) for each in newest])


async def rotate_key(call: Call) -> RotatedResponse:
    """A new text for a key, with the same id, name, scopes and limits.

    The text before works for `keep_hours` more, so that clients can be changed one after the other. A key with a scope
    that the caller lacks is refused. If the answer is lost, rotate again: a text before keeps its end, unless
    `keep_hours` is 0.
    """
    asked: RotateRequest = call.body
    app, caller = call.request.app, call.key

    def may(record: ApiKey) -> bool:
        if record.site != caller.site:
            return False
        rotating.check_scopes(record, caller.scopes)
        return True

    keep = timedelta(hours=asked.keep_hours)
    done = await rotating.rotate(app[app_keys.STORE], call.id, keep, datetime.now(UTC), actor=caller.name, may=may)
    await app[app_keys.DIRECTORY].refresh()
    return RotatedResponse(done.key.id, done.key.name, done.text, done.older_until)


def _summary(key: ApiKey, used: datetime | None, now: datetime) -> KeySummary:
    return KeySummary(
        id=key.id,
        name=key.name,
        scopes=sorted(key.scopes),
        origins=sorted(key.origins),
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=used,
        older_until=key.older_until(now),
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/keys",
        handler=list_keys,
        scope=Scope.ADMIN,
        tag="Keys",
        summary="The site's API keys, without their secrets.",
        answer=KeysResponse,
        problems=(503,),
    ),
    Operation(
        method="POST",
        path="/v1/keys/{id}:rotate",
        handler=rotate_key,
        scope=Scope.ADMIN,
        tag="Keys",
        summary="Make a new text for a key.",
        body=RotateRequest,
        answer=RotatedResponse,
        problems=(404, 409, 503),
    ),
)
