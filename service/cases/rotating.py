"""Rotation of API keys: a new text for the same key, while the one before works for a chosen time. And their end."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from service.store import Store
from service.values import access, short_keys
from service.values.access import ApiKey, Scope, audit_details
from service.values.errors import Conflict, Forbidden, NotFound

# How long the text before may go on working: long enough for a release of a site, and not for ever.
MOST_KEEP_HOURS = 720
DEFAULT_KEEP_HOURS = 24
# Texts of one key from before its rotations that work at the same time. Each makes a check of the key a little longer.
MOST_OLDER = 5

May = Callable[[ApiKey], bool]


class Rotation(NamedTuple):
    """`text` is shown only once. `older_until`: when the text before ends; None: it has ended."""

    text: str
    key: ApiKey
    older_until: datetime | None


async def rotate(store: Store, key_id: str, keep: timedelta, now: datetime, *, actor: str, may: May) -> Rotation:
    """Make a new text for a key. `keep` nothing: all texts before end now. `may`: whether the actor knows of the key.

    Raises NotFound, and Conflict if the key is expired, has too many texts that work, or was changed meanwhile.
    """
    record = (await store.access.keys()).get(key_id)
    if record is None or not may(record):
        raise NotFound(f"no key '{key_id}'")
    if record.is_expired(now):
        raise Conflict("key_expired", "this key has expired; make another one", {"id": key_id})
    if keep and len(record.older_until(now)) >= MOST_OLDER:
        raise Conflict("too_many_texts", f"{MOST_OLDER} older texts of this key still work", {"id": key_id})
    change = access.rotated if record.short_digest is None else short_keys.rotated
    text, changed = await asyncio.to_thread(change, record, now, keep)  # the digest of a short key is slow
    until = now + keep if keep else None
    kept = {"older_until": until.isoformat(timespec="seconds")} if until else {}
    # The audit entry first: no text may exist without one.
    await store.audit.write(record.site, "key_rotated", actor, **audit_details(record), **kept)

    def unless_changed(found: ApiKey) -> ApiKey:
        if found != record:
            raise _changed(key_id)
        return changed

    if not await store.access.change(key_id, unless_changed):
        raise _changed(key_id)
    return Rotation(text, changed, until)


async def revoke(store: Store, key_id: str, *, actor: str, may: May) -> bool:
    """End all texts of a key. False: there is none, or the actor may not know of it."""
    record = (await store.access.keys()).get(key_id)
    if record is None or not may(record):
        return False
    # The audit entry first: once the key is gone, nobody can try again to write it.
    await store.audit.write(record.site, "key_revoked", actor, key=key_id)
    return await store.access.revoke(key_id)


def check_scopes(record: ApiKey, scopes: frozenset[Scope]) -> None:
    """Whoever sees the new text may use it. Raises Forbidden if it opens more than `scopes` do."""
    if not record.scopes - {Scope.AKISMET} <= scopes:  # which opens no more than the others
        raise Forbidden("this key opens more than you may; somebody with all its scopes must rotate it")


def _changed(key_id: str) -> Conflict:
    return Conflict("key_changed", "the key was revoked or rotated meanwhile; nothing was rotated", {"id": key_id})
