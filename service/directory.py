"""Who may enter and what each site wants, held in memory so that no request waits for it."""

import asyncio
import contextlib
import hashlib
import hmac
import logging
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import msgspec
from msgspec import Struct

from service import access
from service.access import ApiKey, SigningSecret
from service.background import beside
from service.errors import Retryable, StoreUnavailable
from service.policy import Policy
from service.store.access import Access
from service.store.keyspace import Site

log = logging.getLogger(__name__)

# A revoked key is refused everywhere after at most this long (security.md asks for 5 s), with slack for a slow Redis.
REFRESH_S = 2.0
# Guesses at keys must not turn into load on Redis.
LEAST_BETWEEN_LOOKS_S = 0.05


# Of a pseudonym, as the id of an author: 128 bits.
AUTHOR_CHARS = 32


class Snapshot(Struct):
    """Keys by id, the newest policy of each site that has one, and the salt of what is drawn and hashed."""

    keys: dict[str, ApiKey]
    policies: dict[str, Policy]
    salt: bytes = b""


class Directory:
    """Keys and policies as of the last look at Redis.

    A copy on disk (no secrets, only their hashes) lets a service that starts while Redis is away still score.
    """

    def __init__(
        self, kept: Access, copy: Path, default: Policy, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._kept = kept
        self._copy = copy
        self._default = default
        self._now = now
        self._seen = Snapshot({}, {})
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
        if key_id not in self._seen.keys:
            await self._look_again()
        record = self._seen.keys.get(key_id)
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
        return self._seen.policies.get(site, self._default)

    def signing_secrets(self, site: str) -> tuple[SigningSecret, ...]:
        """Those of a site, all good now. Raises StoreUnavailable while they have never been seen."""
        if self._signing is None:
            raise StoreUnavailable("Redis was not seen yet")
        return self._signing.get(site, ())

    def shows_scores(self, site: str) -> bytes | None:
        """By what it is drawn which comments are shown without scores all the same; None: all are."""
        return self._seen.salt if self.policy(site).review.show_scores else None

    @property
    def origins(self) -> frozenset[str]:
        """Whose pages some key is for."""
        return self._origins

    @property
    def sites(self) -> list[str]:
        """Every site that somebody has a key for, or signs for."""
        return sorted({key.site for key in self._seen.keys.values()}.union(self._signing or ()))

    @property
    def salt(self) -> bytes:
        """For what is drawn by chance; the same in every service on this Redis.

        Raises StoreUnavailable while it was never seen: with another one, hashes would not be known again.
        """
        if not self._seen.salt:
            raise StoreUnavailable("Redis was not seen yet")
        return self._seen.salt

    def pseudonym(self, site: str, who: str) -> str:
        """64 hex digits that name the same person of a site again, to nobody but who knows the id.

        Raises StoreUnavailable while the salt was never seen.
        """
        known = _keyed(self.salt).copy()
        known.update(f"{site}\n{who}".encode())
        return known.hexdigest()

    async def refresh(self) -> None:
        """Raises StoreUnavailable, and keeps what was known."""
        asked_at = time.monotonic()
        keys = await self._kept.keys()
        signing = _by_site((await self._kept.signing_secrets()).values())
        sites = sorted({key.site for key in keys.values()}.union(signing))
        found = await asyncio.gather(*(self._kept.policy(Site(site)) for site in sites))
        policies = {site: policy for site, policy in zip(sites, found, strict=True) if policy is not None}
        seen = Snapshot(keys, policies, await self._kept.salt())
        if self._seen.salt not in (b"", seen.salt):
            await asyncio.to_thread(_put_by, self._copy, self._seen)
        changed = seen != self._seen or not self._is_known
        self._signing = signing
        self._see(seen)
        self._looked_at = asked_at
        if changed:
            await asyncio.to_thread(_write, self._copy, msgspec.json.encode(seen))

    def _see(self, seen: Snapshot) -> None:
        self._seen, self._opened, self._is_known = seen, {}, True
        self._labels = {key.label_sha256: key for key in seen.keys.values() if key.label_sha256}
        self._origins = frozenset[str]().union(*(key.origins for key in seen.keys.values()))

    @contextlib.asynccontextmanager
    async def kept_fresh(self) -> AsyncIterator[None]:
        if (seen := copy_of(self._copy)) is not None:
            self._see(seen)
        with contextlib.suppress(Retryable):
            await self.refresh()
        async with beside(self._refresh_often()):
            yield

    async def _refresh_often(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_S)
            with contextlib.suppress(Retryable):
                await self.refresh()

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
                    await self.refresh()
                except StoreUnavailable:
                    self._failed_at = time.monotonic()
            if self._failed_at > asked_at and not self._is_known:
                raise StoreUnavailable("Redis was not seen yet")


@lru_cache(maxsize=2)
def _keyed(salt: bytes) -> hmac.HMAC:
    """To begin with a copy of it takes less than to begin with the key."""
    return hmac.new(salt, digestmod="sha256")


def copy_of(path: Path) -> Snapshot | None:
    """What the copy on disk says; None where there is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Snapshot)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _put_by(path: Path, before: Snapshot) -> None:
    """It is another Redis, as after a loss: what was known of the one before must not go with it.

    One file for each Redis that was lost, whichever process sees it first.
    """
    name = hashlib.blake2b(before.salt, digest_size=4).hexdigest()
    kept = path.with_name(f"{path.stem}.lost-{name}.json")
    log.error("this Redis is not the one of before; if that was lost, see 'steward rebuild --access %s'", kept)
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
