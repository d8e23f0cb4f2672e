"""API keys, signing secrets and policies in Redis. They are few, so they are read as a whole."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple, TypedDict, TypeVar, Unpack

import msgspec

from service.background import Background
from service.redis.pipe import Pipe
from service.store.base import fields, instant
from service.store.keyspace import (
    ACCOUNTS,
    AUDITED,
    KEYS,
    OPERATED,
    PROMISE_EVENTS,
    SALT,
    SHARDS,
    SIGNING,
    SITES,
    USED,
    Shard,
)
from service.store.lists import ListsGone
from service.store.scripts import script
from service.values.access import ApiKey, Scope, SigningSecret, mint
from service.values.accounts import Account
from service.values.errors import SettingsError
from service.values.policy import DEFAULT, Policy

Kind = TypeVar("Kind")

# Name of the first key.
FIRST_NAME = "admin"

# Errors of msgspec for a record that this release cannot read.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class PolicyUnreadable(Exception):
    """No version of a site's policy is readable for this release."""


class Version(NamedTuple):
    """A version of a policy, who set it and when; None if it was set before Steward recorded that."""

    policy: Policy
    actor: str | None
    at: datetime | None


class PolicyTrail(TypedDict, total=False):
    """`action`, `details`: of the audit entry of a new version. `broken`: the target that audits contradicted, of which
    the site is told in the same step.
    """

    action: str
    details: Mapping[str, str]
    broken: str


class Sites(NamedTuple):
    """`known`: every site that ever had a key, a signing secret or a moderator. `staffed`: those that have one now."""

    known: frozenset[str]
    staffed: frozenset[str]


class Access:
    """Records that this release cannot read are logged, counted and left out, without affecting the others."""

    def __init__(self, pipe: Pipe, background: Background) -> None:
        self._pipe = pipe
        self._background = background

    async def keys(self) -> dict[str, ApiKey]:
        found = self._readable("keys", await self._pipe.call("HVALS", KEYS), ApiKey)
        return {key.id: key for key in found}

    async def keep(self, key: ApiKey) -> None:
        await self._pipe.call("SADD", SITES, key.site)
        await self._pipe.call("HSET", KEYS, key.id, msgspec.json.encode(key))

    async def begin(self, site: str) -> None:
        """Let a new site begin with blind audits; sites of earlier releases are asked (`Reviewing.is_unasked`)."""
        if site not in (await self.sites()).known:
            await self._pipe.call("SADD", AUDITED, site)

    async def sites(self) -> Sites:
        """All sites. A staffed site is stored permanently, because its comments and webhooks outlive its last key."""
        noted = {name.decode() for name in await self._pipe.call("SMEMBERS", SITES)}
        keys, secrets = await self.keys(), await self.signing_secrets()
        found = {key.site for key in keys.values()} | {secret.site for secret in secrets.values()}
        accounts = await self._pipe.call("HVALS", ACCOUNTS)
        readable = list(self._readable("accounts", accounts, Account))
        found.update(*(account.roles for account in readable))
        if fresh := found - noted:
            await self._pipe.call("SADD", SITES, *sorted(fresh))
        there = int(await self._pipe.call("HLEN", KEYS)) + int(await self._pipe.call("HLEN", SIGNING)) + len(accounts)
        # A record that cannot be read may be of any site.
        is_whole = there <= len(keys) + len(secrets) + len(readable)
        return Sites(_possible(noted | found), _possible(found if is_whole else noted | found))

    async def signing_secrets(self) -> dict[str, SigningSecret]:
        flat = await self._pipe.call("HGETALL", SIGNING)
        return {secret.id: secret for secret in self._readable("signing", flat[1::2], SigningSecret)}

    def _readable(self, what: str, found: Iterable[bytes], kind: type[Kind]) -> Iterator[Kind]:
        for number, raw in enumerate(found):
            try:
                yield msgspec.json.decode(raw, type=kind)
            except UNREADABLE as error:
                self._background.note(what, _id_of(raw) or f"record {number}", error)

    async def keep_signing_secret(self, secret: SigningSecret) -> None:
        await self._pipe.call("SADD", SITES, secret.site)
        await self._pipe.call("HSET", SIGNING, secret.id, msgspec.json.encode(secret))

    async def remove_signing_secret(self, secret_id: str) -> bool:
        """Returns False if there was no such secret."""
        return bool(await self._pipe.call("HDEL", SIGNING, secret_id))

    async def salt(self) -> bytes:
        """A random salt shared by all services on this Redis; with it random draws cannot be predicted from outside."""
        kept = await self._pipe.call("GET", SALT)
        if kept is None:
            await self._pipe.call("SETNX", SALT, secrets.token_bytes(32))
            kept = await self._pipe.call("GET", SALT)
        return bytes(kept)

    async def agree_on_shards(self, wanted: int) -> None:
        """Raises SettingsError if this Redis was first used with another number of shards.

        With another number comments would be looked up in the wrong shard.
        """
        kept = await self._pipe.call("GET", SHARDS)
        if kept is None:
            await self._pipe.call("SETNX", SHARDS, wanted)
            kept = await self._pipe.call("GET", SHARDS)
        if int(kept) != wanted:
            raise SettingsError(f"STEWARD_SHARDS is {wanted}, but this Redis was first used with {int(kept)}")

    async def first_key(self, site: str, *, is_audited: bool = False) -> str | None:
        """Create the first key, which may do all. Returns None if there are keys already, or another process won.

        `is_audited`: the site begins with blind audits.
        """
        text, key = mint(site, _BEFORE_OPERATE | {Scope.OPERATE}, FIRST_NAME, datetime.now(UTC))
        await self._pipe.call("SADD", SITES, site)
        # In one step: whoever sees the key sees the audits, too; and no later step may fail, or its text is lost.
        audited = site if is_audited else ""
        if await self._pipe.run(_FIRST_KEY, [KEYS, AUDITED, OPERATED], key.id, msgspec.json.encode(key), audited):
            return text
        await self._let_first_key_operate(site)
        return None

    async def _let_first_key_operate(self, site: str) -> None:
        """Give the first key of an earlier release the scope `operate`, once: `admin` used to include it."""
        if await self._pipe.call("EXISTS", OPERATED):
            return
        found = (await self.keys()).values()
        firsts = [key for key in found if key.site == site and key.name == FIRST_NAME and key.scopes == _BEFORE_OPERATE]
        if firsts and not any(Scope.OPERATE in key.scopes for key in found):
            first = min(firsts, key=lambda each: each.created_at)
            await self.change(first.id, lambda key: msgspec.structs.replace(key, scopes=key.scopes | {Scope.OPERATE}))
        await self._pipe.call("SET", OPERATED, 1)

    async def change(self, key_id: str, change: Callable[[ApiKey], ApiKey]) -> bool:
        """Returns False if there is no such key, or it was changed or revoked meanwhile."""
        before = await self._pipe.call("HGET", KEYS, key_id)
        if before is None:
            return False
        after = msgspec.json.encode(change(msgspec.json.decode(before, type=ApiKey)))
        return bool(await self._pipe.run(_REPLACE_KEY, [KEYS], key_id, before, after))

    async def revoke(self, key_id: str) -> bool:
        """Returns False if there was no such key."""
        await self._pipe.call("HDEL", USED, key_id)
        return bool(await self._pipe.call("HDEL", KEYS, key_id))

    async def policy(self, site: str) -> Policy | None:
        """The newest version that this release can read, or None if the site has set none.

        With the audits that the site began with, unless the policy names its own: a site that began with audits always
        has a policy. Raises PolicyUnreadable if there are versions but none can be read.
        """
        is_audited = bool(await self._pipe.call("SISMEMBER", AUDITED, site))
        versions = [int(version) for version in await self._pipe.call("HKEYS", Shard(site).key("policies"))]
        for version in sorted(versions, reverse=True):
            kept = await self._pipe.call("HGET", Shard(site).key("policies"), version)
            policy = None if kept is None else self._policy(site, version, kept)
            if policy is not None:
                return _audited(policy) if is_audited else policy
        if versions:
            raise PolicyUnreadable(site)
        return _audited(DEFAULT) if is_audited else None

    async def policies(self, site: str) -> list[Version]:
        """Every readable version that the site has set, oldest first. Version 1 is the default, which is not stored."""
        flat = await self._pipe.call("HGETALL", Shard(site).key("policies"))
        by = fields(await self._pipe.call("HGETALL", Shard(site).key("policies:by")))
        kept = [self._policy(site, int(version), raw) for version, raw in zip(flat[::2], flat[1::2], strict=True)]
        found = sorted((policy for policy in kept if policy is not None), key=lambda each: each.version)
        return [_version(policy, by.get(str(policy.version))) for policy in found]

    def _policy(self, site: str, version: int, raw: bytes) -> Policy | None:
        try:
            return msgspec.json.decode(raw, type=Policy)
        except UNREADABLE as error:
            self._background.note("policies", f"{site}: version {version} of the policy", error)
            return None

    async def keep_policy(
        self,
        site: str,
        policy: Policy,
        actor: str,
        lists: Iterable[str] = (),
        **trail: Unpack[PolicyTrail],
    ) -> bool:
        """Store `policy` under its version. Returns False if that version exists already.

        `lists`: word lists of the site that must be there. Raises ListsGone.
        """
        broken = trail.get("broken", "")
        kept = await self._pipe.run(
            _PUT_POLICY,
            [Shard(site).prefix],
            policy.version,
            msgspec.json.encode(policy),
            actor,
            policy.name,
            trail.get("action", "policy_changed"),
            msgspec.json.encode([part for pair in trail.get("details", {}).items() for part in pair]),
            f"{PROMISE_EVENTS}{policy.name}" if broken else "",
            broken,
            *lists,
        )
        if isinstance(kept, list):
            raise ListsGone(*(name.decode() for name in kept))
        return bool(kept)


def _audited(policy: Policy) -> Policy:
    return msgspec.structs.replace(policy, review=policy.review.audited())


def _possible(names: set[str]) -> frozenset[str]:
    """Leaves out names that cannot be part of a Redis key."""
    return frozenset(name for name in names if not {"{", "}"} & set(name))


def _id_of(raw: bytes) -> str:
    """The id of an unreadable record, for the log."""
    try:
        found = msgspec.json.decode(raw)
    except UNREADABLE:
        return ""
    return str(found.get("id") or found.get("name") or "") if isinstance(found, dict) else ""


def _version(policy: Policy, by: str | None) -> Version:
    ms, _, actor = (by or "").partition(" ")
    return Version(policy, actor or None, instant(ms))


# Every scope that there was before `operate`. The first key has these and `operate`: an earlier release cannot read a
# key with a scope that it does not know, and `akismet` allows only what others allow too.
_BEFORE_OPERATE = frozenset({Scope.SCORE, Scope.COMMENTS, Scope.REVIEW, Scope.ADMIN})
_FIRST_KEY, _REPLACE_KEY, _PUT_POLICY = script("first_key"), script("replace_key"), script("put_policy")
