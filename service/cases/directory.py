"""Who may enter and what each site wants, held in memory so that no request waits for it."""

import asyncio
import contextlib
import hashlib
import hmac
import logging
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from service.background import Background, Loop
from service.store.access import Access, PolicyUnreadable, Sites
from service.values import access
from service.values.access import ApiKey, SigningSecret
from service.values.errors import Retryable, StoreUnavailable
from service.values.policy import Policy

log = logging.getLogger(__name__)

Kind = TypeVar("Kind")

# Keys are looked at this often, so that a revoked one is refused everywhere within two seconds, also by a slow Redis.
REFRESH_S = 1.0
POLICIES_S = 2.0
# Guesses at keys must not turn into load on Redis.
LEAST_BETWEEN_LOOKS_S = 0.05


# Of a pseudonym, as the id of an author: 128 bits.
AUTHOR_CHARS = 32


class Snapshot(Struct):
    """Keys by id, the newest policy of each site, and the salt for random draws and pseudonyms.

    `policies` holds None for a site that has set no policy, and no entry for a site whose policy was never read.
    """

    keys: dict[str, ApiKey]
    policies: dict[str, Policy | None]
    salt: bytes = b""


class Directory:
    """Keys and policies as of the last look at Redis.

    A copy on disk (no secrets, only their hashes) lets a service that starts while Redis is away still score. Keys,
    signing secrets, policies and the copy each have a loop of their own, so that none delays the end of a revoked key.
    """

    def __init__(
        self,
        kept: Access,
        copy: Path,
        default: Policy,
        background: Background,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._kept = kept
        self._copy = copy
        self._default = default
        self._now = now
        self._background = background
        self._keys: dict[str, ApiKey] = {}
        # As in Snapshot. A site without an entry does not get the default: that might approve what its policy rejects.
        self._policies: dict[str, Policy | None] = {}
        self._salt = b""
        # The keys that were read just before the salt: only these belong to the same Redis for certain.
        self._keys_with_salt: dict[str, ApiKey] = {}
        self._sites = Sites(frozenset(), frozenset())
        # Sites whose policy was asked for, readable or not: looking at keys does not wait for them again.
        self._looked_for: set[str] = set()
        # What the copy on disk says; None: it was not written yet.
        self._copied: Snapshot | None = None
        self._copying = asyncio.Lock()
        # Not in the copy on disk: these are secrets, and who signs wants comments recorded, which takes Redis anyway.
        self._signing: dict[str, tuple[SigningSecret, ...]] | None = None
        # The keys that opened since the last look, by their text: it is checked again after each.
        self._opened: dict[str, ApiKey] = {}
        self._labels: dict[str, ApiKey] = {}
        self._origins = frozenset[str]()
        self._looked_at = 0.0
        self._failed_at = 0.0
        self._is_known = False
        self._look = asyncio.Lock()

    async def admit(self, text: str) -> ApiKey | None:
        """The record of a valid key, or None. Raises StoreUnavailable when keys have never been seen."""
        record = self._opened.get(text)
        if record is not None and (record.expires_at is None or not record.is_expired(self._now())):
            return record
        key_id = access.key_id(text)
        if key_id is None:
            return None
        if key_id not in self._keys:
            await self._look_again()
        record = self._keys.get(key_id)
        if not access.opens(text, record, self._now()) or record is None:
            return None
        self._opened[text] = record
        return record

    async def admit_label(self, text: str) -> ApiKey | None:
        """The record of the valid key that has this label, or None. Raises StoreUnavailable as `admit` does.

        What is found is found by a hash, so how long it takes says nothing of the label.
        """
        digest = access.label_digest(text)
        if digest is None:
            return None
        if digest not in self._labels:
            await self._look_again()
        record = self._labels.get(digest)
        return None if record is None or record.is_expired(self._now()) else record

    def policy(self, site: str) -> Policy:
        """The last one that could be read. Raises StoreUnavailable while none was read and the site may have one."""
        if (policy := self._policies.get(site)) is not None:
            return policy
        if site not in self._policies and site in self.sites:
            raise StoreUnavailable("the policy of this site was not read yet")
        return self._default

    def signing_secrets(self, site: str) -> tuple[SigningSecret, ...]:
        """Those of a site, all good now. Raises StoreUnavailable while they have never been seen."""
        if self._signing is None:
            raise StoreUnavailable("Redis was not seen yet")
        return self._signing.get(site, ())

    def shows_scores(self, site: str) -> bytes | None:
        """By what it is drawn which comments are shown without scores all the same; None: all are."""
        return self._salt if self.policy(site).review.show_scores else None

    @property
    def origins(self) -> frozenset[str]:
        """Whose pages some key is for."""
        return self._origins

    @property
    def sites(self) -> list[str]:
        """Every site that there is, also one whose last key was revoked: its comments go on waiting."""
        return sorted(self._sites.known | self.staffed)

    @property
    def staffed(self) -> frozenset[str]:
        """Sites that have a key, a signing secret or a moderator now."""
        return self._sites.staffed.union((key.site for key in self._keys.values()), self._signing or ())

    @property
    def salt(self) -> bytes:
        """For what is drawn by chance; the same in every service on this Redis.

        Raises StoreUnavailable while it was never seen: with another one, hashes would not be known again.
        """
        if not self._salt:
            raise StoreUnavailable("Redis was not seen yet")
        return self._salt

    def pseudonym(self, site: str, who: str) -> str:
        """64 hex digits that name the same person of a site again, to nobody but who knows the id.

        Raises StoreUnavailable while the salt was never seen.
        """
        known = _keyed(self.salt).copy()
        known.update(f"{site}\n{who}".encode())
        return known.hexdigest()

    async def refresh(self) -> None:
        """Raises StoreUnavailable, and keeps what was known."""
        await self.refresh_keys()
        await self.refresh_signing()
        await self.refresh_policies()
        await self.keep_copy()

    async def refresh_keys(self) -> None:
        """Raises StoreUnavailable; keys that were read are in force all the same, so no revoked key comes back."""
        asked_at = time.monotonic()
        keys = await self._kept.keys()
        if asked_at < self._looked_at:
            return  # another look began later and saw more
        self._see_keys(keys)
        self._looked_at = asked_at
        self._see_salt(await self._kept.salt())
        self._keys_with_salt = keys
        await self._see_policies({key.site for key in keys.values()} - self._looked_for)

    async def refresh_signing(self) -> None:
        """Raises StoreUnavailable."""
        self._signing = _by_site((await self._kept.signing_secrets()).values())

    async def refresh_policies(self) -> None:
        """Raises StoreUnavailable for a site whose policy cannot be read; the others are read all the same."""
        self._see_salt(await self._kept.salt())
        self._sites = await self._kept.sites()
        failed = await self._see_policies(self._sites.known)
        if failed is not None:
            raise failed

    def _see_keys(self, keys: dict[str, ApiKey]) -> None:
        self._keys, self._opened, self._is_known = keys, {}, True
        self._labels = {key.label_sha256: key for key in keys.values() if key.label_sha256}
        self._origins = frozenset[str]().union(*(key.origins for key in keys.values()))

    def _see_salt(self, salt: bytes) -> None:
        """Another salt means another Redis, as after a loss: what is known of sites is of the one before."""
        if self._salt not in (b"", salt):
            self._policies, self._sites, self._looked_for = {}, Sites(frozenset(), frozenset()), set()
        self._salt = salt

    async def _see_policies(self, sites: Iterable[str]) -> Retryable | None:
        """Read the policies of `sites`; where that fails, the site keeps the last one that could be read, if any.

        Returns the first StoreUnavailable or the like.
        """
        names, failed = sorted(sites), None
        self._looked_for.update(names)
        found = await asyncio.gather(*(self._kept.policy(name) for name in names), return_exceptions=True)
        for name, policy in zip(names, found, strict=True):
            if not isinstance(policy, BaseException):
                self._policies[name] = policy
            elif isinstance(policy, Retryable):
                failed = failed or policy
            elif not isinstance(policy, PolicyUnreadable):  # which was noted, version by version
                self._background.note("policies", name, policy)
        return failed

    async def keep_copy(self) -> None:
        """Write the copy on disk if anything in it changed. The copy of another Redis is set aside first."""
        async with self._copying:
            seen, before = Snapshot(self._keys_with_salt, dict(self._policies), self._salt), self._copied
            if seen == before or not seen.salt:
                return
            if before is not None and before.salt not in (b"", seen.salt):
                await asyncio.to_thread(_set_aside, self._copy, before)
            await asyncio.to_thread(_write, self._copy, msgspec.json.encode(seen))
            self._copied = seen

    @contextlib.asynccontextmanager
    async def kept_fresh(self) -> AsyncIterator[None]:
        if (seen := copy_of(self._copy)) is not None:
            self._see_keys(seen.keys)
            self._policies, self._salt, self._copied = dict(seen.policies), seen.salt, seen
            self._keys_with_salt = seen.keys
        looks = {
            "keys": (self.refresh_keys, REFRESH_S),
            "signing": (self.refresh_signing, REFRESH_S),
            "policies": (self.refresh_policies, POLICIES_S),
            "copy": (self.keep_copy, REFRESH_S),
        }
        for name, (look, _) in looks.items():
            with self._background.sparing(name, "the first look"):
                await look()
        async with contextlib.AsyncExitStack() as running:
            for name, (look, every_s) in looks.items():
                await running.enter_async_context(self._looking(name, look, every_s))
            yield

    def _looking(
        self, name: str, look: Callable[[], Awaitable[None]], every_s: float
    ) -> contextlib.AbstractAsyncContextManager[Loop]:
        """However often it fails, it is tried again as soon as the promise for revoked keys asks for."""

        async def once() -> None:
            with contextlib.suppress(Retryable):
                await look()

        return self._background.beside(name, once, every_s=every_s, longest_pause_s=every_s)

    async def _look_again(self) -> None:
        """A key that we do not know may have been made just now, or be a guess: look, but once for many guesses."""
        asked_at = time.monotonic()
        async with self._look:
            if self._looked_at > asked_at:
                return
            # Who waited behind a look that failed would find the same, a deadline later.
            if self._failed_at <= asked_at:
                await asyncio.sleep(self._looked_at + LEAST_BETWEEN_LOOKS_S - asked_at)
                try:
                    await self.refresh_keys()
                except Retryable:
                    self._failed_at = time.monotonic()
                except Exception as error:  # noqa: BLE001 - logged and counted; an unknown key opens nothing
                    self._failed_at = time.monotonic()
                    self._background.note("keys", "another look", error)
            if self._failed_at > asked_at and not self._is_known:
                raise StoreUnavailable("Redis was not seen yet")


@lru_cache(maxsize=2)
def _keyed(salt: bytes) -> hmac.HMAC:
    """To begin with a copy of it takes less than to begin with the key."""
    return hmac.new(salt, digestmod="sha256")


_KEY = msgspec.json.Decoder(ApiKey)
_POLICY: msgspec.json.Decoder[Policy | None] = msgspec.json.Decoder(Policy | None)


class _Copy(Struct):
    """As Snapshot; each record is read by itself."""

    keys: dict[str, msgspec.Raw]
    policies: dict[str, msgspec.Raw]
    salt: bytes = b""


def copy_of(path: Path) -> Snapshot | None:
    """What the copy on disk says; None where there is none. What another release wrote otherwise is left out."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_Copy)
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return Snapshot(_readable(found.keys, _KEY), _readable(found.policies, _POLICY), found.salt)


def _readable(found: dict[str, msgspec.Raw], decoder: msgspec.json.Decoder[Kind]) -> dict[str, Kind]:
    read: dict[str, Kind] = {}
    for name, raw in found.items():
        try:
            read[name] = decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            log.error("the copy of keys and policies: %s cannot be read (%s)", name, type(error).__name__)
    return read


def _set_aside(path: Path, before: Snapshot) -> None:
    """Keep the copy of a Redis that was replaced, for `steward rebuild --access`.

    One file for each Redis that was lost, whichever process sees it first.
    """
    name = hashlib.blake2b(before.salt, digest_size=4).hexdigest()
    kept = path.with_name(f"{path.stem}.lost-{name}.json")
    log.error("Redis was replaced by another one; if the old one was lost, run 'steward rebuild --access %s'", kept)
    if not kept.exists():
        _write(kept, msgspec.json.encode(before))


def _by_site(found: Iterable[SigningSecret]) -> dict[str, tuple[SigningSecret, ...]]:
    sites: dict[str, tuple[SigningSecret, ...]] = {}
    for secret in sorted(found, key=lambda secret: (secret.created_at, secret.id)):
        sites[secret.site] = (*sites.get(secret.site, ()), secret)
    return sites


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all; a folder that cannot be written costs the copy, not the service."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(data)
        os.replace(file.name, path)  # noqa: PTH105 - a pair of names, not one path's method
    except OSError as error:
        log.warning("cannot keep a copy of keys and policies in %s: %s", path, error.strerror)
