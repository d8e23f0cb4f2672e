"""API keys and site policies, held in memory so that no request waits for Redis."""

import asyncio
import contextlib
import hmac
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from service.background import Background, Loop
from service.cases.directory_copy import Snapshot, copy_of, set_aside, write
from service.store.access import Access, PolicyUnreadable, Sites
from service.values import access, short_keys
from service.values.access import ApiKey, SigningSecret
from service.values.errors import Retryable, StoreUnavailable
from service.values.policy import Policy

# Keys are read this often, so that every process refuses a revoked key within two seconds, even if Redis is slow.
REFRESH_S = 1.0
POLICIES_S = 2.0
# Limits the load on Redis from requests with unknown keys.
LEAST_BETWEEN_LOOKS_S = 0.05
# Length of a pseudonym that serves as an author's id: 128 bits.
AUTHOR_CHARS = 32


class Directory:
    """Keys and policies as last read from Redis.

    A copy on disk (without secrets, only their hashes) lets a service that starts while Redis is unavailable still
    score. Keys, signing secrets, policies and the copy are refreshed by separate loops, so that none of them delays the
    revocation of a key.
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
        # As in Snapshot. A site without an entry does not get the default, which might approve what its policy rejects.
        self._policies: dict[str, Policy | None] = {}
        self._salt = b""
        # A salt and keys that come from the same Redis, for the copy on disk.
        self._salt_and_keys: tuple[bytes, dict[str, ApiKey]] = (b"", {})
        self._sites = Sites(frozenset(), frozenset())
        # Sites whose policy was requested, readable or not: reading keys does not wait for these again.
        self._looked_for: set[str] = set()
        # The number of the look that read each policy. Looks overlap, and an earlier one may get its answer later.
        self._read_by: dict[str, int] = {}
        self._look_numbers = itertools.count()
        # The content of the copy on disk; None: not written yet.
        self._copied: Snapshot | None = None
        self._copying = asyncio.Lock()
        # Not in the copy on disk: these are secrets, and signed requests record comments, which needs Redis anyway.
        self._signing: dict[str, tuple[SigningSecret, ...]] | None = None
        self._signing_asked_at = 0.0
        # Keys accepted since the last refresh, by their text. Each refresh clears them, so they are checked again.
        self._opened: dict[str, ApiKey] = {}
        self._labels: dict[str, ApiKey] = {}
        self._shorts: dict[str, ApiKey] = {}
        self._origins = frozenset[str]()
        # The newest keys that Redis answered, and when they were asked for. Not all of them may be open yet.
        self._answered: tuple[float, dict[str, ApiKey]] = (0.0, {})
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
        if not access.opens(text, self._keys.get(key_id), self._now()):  # new, or rotated by another process
            await self._look_again()
        record = self._keys.get(key_id)
        if not access.opens(text, record, self._now()) or record is None:
            return None
        if access.is_newest(text, record):  # one from before a rotation ends by the clock, so it is checked each time
            self._opened[text] = record
        return record

    async def admit_label(self, text: str) -> ApiKey | None:
        """The record of the valid key that has this label, or None. Raises StoreUnavailable as `admit` does.

        The lookup is by hash, so its duration reveals nothing about the label.
        """
        digest = access.label_digest(text)
        if digest is None:
            return None
        if digest not in self._labels:
            await self._look_again()
        record = self._labels.get(digest)
        return record if record is not None and access.label_opens(digest, record, self._now()) else None

    async def admit_short(self, text: str) -> ApiKey | None:
        """The record of a valid short key, or None. Raises StoreUnavailable as `admit` does."""
        digest = await asyncio.to_thread(short_keys.digest, text)
        if digest not in self._shorts:
            await self._look_again()
        record = self._shorts.get(digest)
        return record if record is not None and short_keys.opens(digest, record, self._now()) else None

    def policy(self, site: str) -> Policy:
        """The last readable version. Raises StoreUnavailable if none was read yet and the site may have one."""
        if (policy := self._policies.get(site)) is not None:
            return policy
        if site not in self._policies and site in self.sites:
            is_unreadable = site in self._looked_for
            raise StoreUnavailable(
                "this release cannot read the policy of this site; see the log"
                if is_unreadable
                else "the policy of this site has not been read yet"
            )
        return self._default

    def for_people(self, site: str) -> Policy:
        """By which people work; the default where the site's policy was never read, so that they can go on."""
        return self._policies.get(site) or self._default

    def signing_secrets(self, site: str) -> tuple[SigningSecret, ...]:
        """The valid signing secrets of a site. Raises StoreUnavailable until they were read once."""
        if self._signing is None:
            raise StoreUnavailable("Redis was not seen yet")
        return self._signing.get(site, ())

    def shows_scores(self, site: str) -> bytes | None:
        """The key of the draw that hides the scores of some comments; None: the site shows no scores."""
        return self._salt if self.for_people(site).review.show_scores else None

    @property
    def origins(self) -> frozenset[str]:
        """The origins that at least one key allows."""
        return self._origins

    @property
    def sites(self) -> list[str]:
        """All sites, including those whose last key was revoked: their comments still wait."""
        return sorted(self._sites.known | self.staffed)

    @property
    def staffed(self) -> frozenset[str]:
        """Sites that have a key, a signing secret or a moderator now."""
        return self._sites.staffed.union((key.site for key in self._keys.values()), self._signing or ())

    @property
    def salt(self) -> bytes:
        """The salt of random draws and pseudonyms; the same for every service on this Redis.

        Raises StoreUnavailable until it was read: with another salt, pseudonyms would not match those stored.
        """
        if not self._salt:
            raise StoreUnavailable("Redis was not seen yet")
        return self._salt

    def pseudonym(self, site: str, who: str) -> str:
        """64 hex digits that identify a person within a site. The id cannot be computed from them without the salt.

        Raises StoreUnavailable until the salt was read.
        """
        known = _keyed(self.salt).copy()
        known.update(f"{site}\n{who}".encode())
        return known.hexdigest()

    async def refresh(self) -> None:
        """Read everything from Redis, as far as it can be read now; what cannot stays as known, and the loops go on.

        Raises nothing, because callers do this after a change that is stored: their answer must say so, and may hold
        the only text of a new key.
        """
        for name, look in self._looks().items():
            with self._background.sparing(name, "after a change"):
                await look()

    def _looks(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """By the name of the loop that repeats it."""
        return {
            "keys": self.refresh_keys,
            "signing": self.refresh_signing,
            "policies": self.refresh_policies,
            "copy": self.keep_copy,
        }

    async def refresh_keys(self) -> None:
        """On StoreUnavailable, keys that were already read stay in force, so no revoked key becomes valid again."""
        asked_at = time.monotonic()
        keys = await self._kept.keys()
        if asked_at < self._looked_at:
            return  # a refresh that began later has newer keys
        self._note_answer(asked_at, keys)
        if self._is_known:
            # Revoked keys end here. New ones open nothing before the policies of their sites are read.
            self._see_keys(self._newest_of(self._keys))
        salt = await self._kept.salt()
        if salt != self._salt:
            asked_at = time.monotonic()
            keys = await self._kept.keys()  # those read before the salt may come from another Redis
            self._note_answer(asked_at, keys)
        self._see_salt(salt)
        await self._see_policies({key.site for key in keys.values()} - self._looked_for)
        if asked_at < self._looked_at:
            return
        # A refresh that began later may have ended some of these keys, and may fail before it comes this far.
        self._see_keys(self._newest_of(keys))
        self._looked_at = asked_at
        self._salt_and_keys = salt, self._keys

    def _note_answer(self, asked_at: float, keys: dict[str, ApiKey]) -> None:
        if asked_at >= self._answered[0]:
            self._answered = asked_at, keys

    def _newest_of(self, names: Iterable[str]) -> dict[str, ApiKey]:
        """The newest records of these keys, without keys that were removed."""
        _, newest = self._answered
        return {name: newest[name] for name in names if name in newest}

    async def refresh_signing(self) -> None:
        """Raises StoreUnavailable."""
        asked_at = time.monotonic()
        found = (await self._kept.signing_secrets()).values()
        if asked_at < self._signing_asked_at:
            return  # a refresh that began later has newer secrets
        self._signing_asked_at = asked_at
        if new := {secret.site for secret in found} - self._looked_for:
            # As with keys: removed secrets end here, and those of a new site open nothing before its policy is read.
            if self._signing is not None:
                self._signing = _by_site(secret for secret in found if secret.site not in new)
            await self._see_policies(new)
            if asked_at < self._signing_asked_at:
                return
        self._signing = _by_site(found)

    async def refresh_policies(self) -> None:
        """Raises StoreUnavailable if the policy of a site cannot be read, after reading all others."""
        self._see_salt(await self._kept.salt())
        salt, sites = self._salt, await self._kept.sites()
        # The policies first: a site that is known without its policy is refused.
        failed = await self._see_policies(sites.known)
        if salt == self._salt:  # else these are the sites of another Redis
            self._sites = sites
        if failed is not None:
            raise failed

    def _see_keys(self, keys: dict[str, ApiKey]) -> None:
        self._keys, self._opened, self._is_known = keys, {}, True
        self._labels = access.by_label(keys.values())
        self._shorts = short_keys.by_digest(keys.values())
        self._origins = frozenset[str]().union(*(key.origins for key in keys.values()))

    def _see_salt(self, salt: bytes) -> None:
        """A different salt means a different Redis, as after a loss. Then drop what is known of the sites."""
        if self._salt not in (b"", salt):
            self._policies, self._sites = {}, Sites(frozenset(), frozenset())
            self._looked_for, self._read_by = set(), {}
        self._salt = salt

    async def _see_policies(self, sites: Iterable[str]) -> Retryable | None:
        """Read the policies of `sites`. On failure a site keeps its last readable policy, if any.

        Returns the first retryable error.
        """
        # If the salt changes meanwhile, nobody reads these any more.
        policies, looked_for, read_by = self._policies, self._looked_for, self._read_by
        names, failed, number = sorted(sites), None, next(self._look_numbers)
        found = await asyncio.gather(*(self._kept.policy(name) for name in names), return_exceptions=True)
        # Only now: keys that another refresh read meanwhile must not open a site whose policy is still on its way.
        looked_for.update(names)
        for name, policy in zip(names, found, strict=True):
            if not isinstance(policy, BaseException):
                if read_by.get(name, -1) < number:
                    policies[name], read_by[name] = policy, number
            elif isinstance(policy, Retryable):
                failed = failed or policy
            elif not isinstance(policy, PolicyUnreadable):  # already logged for each version
                self._background.note("policies", name, policy)
        return failed

    async def keep_copy(self) -> None:
        """Write the copy on disk if anything changed. First move aside a copy that came from another Redis."""
        async with self._copying:
            salt, keys = self._salt_and_keys
            seen, before = Snapshot(keys, dict(self._policies), salt), self._copied
            if seen == before or not salt or salt != self._salt:
                return
            if before is not None and before.salt not in (b"", seen.salt):
                await asyncio.to_thread(set_aside, self._copy, before)
            await asyncio.to_thread(write, self._copy, seen)
            self._copied = seen

    @contextlib.asynccontextmanager
    async def kept_fresh(self) -> AsyncIterator[None]:
        if (seen := copy_of(self._copy)) is not None:
            self._see_keys(seen.keys)
            self._policies, self._salt, self._copied = dict(seen.policies), seen.salt, seen
            self._salt_and_keys = seen.salt, seen.keys
        for name, look in self._looks().items():
            with self._background.sparing(name, "the first look"):
                await look()
        async with contextlib.AsyncExitStack() as running:
            for name, look in self._looks().items():
                every_s = POLICIES_S if name == "policies" else REFRESH_S
                await running.enter_async_context(self._looking(name, look, every_s))
            yield

    def _looking(
        self, name: str, look: Callable[[], Awaitable[None]], every_s: float
    ) -> contextlib.AbstractAsyncContextManager[Loop]:
        """Refresh at a fixed rate even after failures, so that revoked keys are noticed in time."""

        async def once() -> None:
            with contextlib.suppress(Retryable):
                await look()

        return self._background.beside(name, once, every_s=every_s, longest_pause_s=every_s)

    async def _look_again(self) -> None:
        """Refresh the keys because of an unknown key, which may be new or a guess; one refresh serves many requests."""
        asked_at = time.monotonic()
        async with self._look:
            if self._looked_at > asked_at:
                return
            # A request that waited for a failed refresh does not try again: that would take another timeout.
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
    """Cached, because copying a keyed HMAC is faster than creating one."""
    return hmac.new(salt, digestmod="sha256")


def _by_site(found: Iterable[SigningSecret]) -> dict[str, tuple[SigningSecret, ...]]:
    sites: dict[str, tuple[SigningSecret, ...]] = {}
    for secret in sorted(found, key=lambda secret: (secret.created_at, secret.id)):
        sites[secret.site] = (*sites.get(secret.site, ()), secret)
    return sites
