"""Keys and policies in Redis: small, read whole."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from service.access import ApiKey, Scope, SigningSecret, mint
from service.errors import SettingsError
from service.policy import Policy
from service.store.base import fields, instant
from service.store.keyspace import KEYS, OPERATED, SALT, SHARDS, SIGNING, Site
from service.store.pipe import Pipe
from service.store.scripts import script

# What the first key is called.
FIRST_NAME = "admin"


class Version(NamedTuple):
    """A policy that a site had, and who set it when; None for those set before that was kept."""

    policy: Policy
    actor: str | None
    at: datetime | None


class Access:
    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    async def keys(self) -> dict[str, ApiKey]:
        found = [msgspec.json.decode(record, type=ApiKey) for record in await self._pipe.call("HVALS", KEYS)]
        return {key.id: key for key in found}

    async def keep(self, key: ApiKey) -> None:
        await self._pipe.call("HSET", KEYS, key.id, msgspec.json.encode(key))

    async def signing_secrets(self) -> dict[str, SigningSecret]:
        flat = await self._pipe.call("HGETALL", SIGNING)
        return {secret.id: secret for secret in (msgspec.json.decode(each, type=SigningSecret) for each in flat[1::2])}

    async def keep_signing_secret(self, secret: SigningSecret) -> None:
        await self._pipe.call("HSET", SIGNING, secret.id, msgspec.json.encode(secret))

    async def remove_signing_secret(self, secret_id: str) -> bool:
        """False when there was no such secret."""
        return bool(await self._pipe.call("HDEL", SIGNING, secret_id))

    async def salt(self) -> bytes:
        """Drawn once for all services on this Redis: what is chosen by chance must not be guessed from outside."""
        kept = await self._pipe.call("GET", SALT)
        if kept is None:
            await self._pipe.call("SETNX", SALT, secrets.token_bytes(32))
            kept = await self._pipe.call("GET", SALT)
        return bytes(kept)

    async def agree_on_shards(self, wanted: int) -> None:
        """Every site of this Redis has as many shards as it was first used with. Raises SettingsError.

        With another number comments would be looked for where they are not.
        """
        kept = await self._pipe.call("GET", SHARDS)
        if kept is None:
            await self._pipe.call("SETNX", SHARDS, wanted)
            kept = await self._pipe.call("GET", SHARDS)
        if int(kept) != wanted:
            raise SettingsError(f"STEWARD_SHARDS is {wanted}, but this Redis was first used with {int(kept)}")

    async def first_key(self, site: str) -> str | None:
        """Make the first key, with every scope. None when there already are keys, now or before a race was lost."""
        text, key = mint(site, frozenset(Scope), FIRST_NAME, datetime.now(UTC))
        kept = await self._pipe.run(_FIRST_KEY, [KEYS], key.id, msgspec.json.encode(key))
        if kept:
            await self._pipe.call("SET", OPERATED, 1)
            return text
        await self._let_first_key_operate(site)
        return None

    async def _let_first_key_operate(self, site: str) -> None:
        """Once for a Redis of an earlier release, where `admin` was enough: its first key goes on as before."""
        if await self._pipe.call("EXISTS", OPERATED):
            return
        found = (await self.keys()).values()
        firsts = [key for key in found if key.site == site and key.name == FIRST_NAME and key.scopes == _BEFORE_OPERATE]
        if firsts and not any(Scope.OPERATE in key.scopes for key in found):
            first = min(firsts, key=lambda each: each.created_at)
            await self.change(first.id, lambda key: msgspec.structs.replace(key, scopes=key.scopes | {Scope.OPERATE}))
        await self._pipe.call("SET", OPERATED, 1)

    async def change(self, key_id: str, change: Callable[[ApiKey], ApiKey]) -> bool:
        """False when there is no such key, or somebody else changed or revoked it meanwhile."""
        before = await self._pipe.call("HGET", KEYS, key_id)
        if before is None:
            return False
        after = msgspec.json.encode(change(msgspec.json.decode(before, type=ApiKey)))
        return bool(await self._pipe.run(_REPLACE_KEY, [KEYS], key_id, before, after))

    async def revoke(self, key_id: str) -> bool:
        """False when there was no such key."""
        return bool(await self._pipe.call("HDEL", KEYS, key_id))

    async def policy(self, site: Site) -> Policy | None:
        """The newest version, or None while the site has not set one."""
        versions = [int(version) for version in await self._pipe.call("HKEYS", site.key("policies"))]
        if not versions:
            return None
        kept = await self._pipe.call("HGET", site.key("policies"), max(versions))
        return msgspec.json.decode(kept, type=Policy)

    async def policies(self, site: Site) -> list[Version]:
        """Every version that the site has set, the oldest first; version 1 is the default, which nobody set."""
        kept = await self._pipe.call("HVALS", site.key("policies"))
        by = fields(await self._pipe.call("HGETALL", site.key("policies:by")))
        found = [msgspec.json.decode(each, type=Policy) for each in kept]
        return [
            _version(policy, by.get(str(policy.version))) for policy in sorted(found, key=lambda each: each.version)
        ]

    async def keep_policy(self, site: Site, policy: Policy, actor: str) -> bool:
        """Store `policy` as its version; False when somebody stored that version first."""
        kept = await self._pipe.run(
            _PUT_POLICY,
            [site.prefix],
            policy.version,
            msgspec.json.encode(policy),
            actor,
            policy.name,
        )
        return bool(kept)


def _version(policy: Policy, by: str | None) -> Version:
    ms, _, actor = (by or "").partition(" ")
    return Version(policy, actor or None, instant(ms))


# Every scope that there was before `operate`.
_BEFORE_OPERATE = frozenset(Scope) - {Scope.OPERATE}
_FIRST_KEY, _REPLACE_KEY, _PUT_POLICY = script("first_key"), script("replace_key"), script("put_policy")
