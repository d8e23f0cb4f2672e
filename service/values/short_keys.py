"""Short keys: 12 hexadecimal digits, for Akismet clients whose form accepts nothing else (WordPress).

48 random bits can be guessed and, from a fast hash, computed. So a short key has only the scope `akismet`, wrong ones
are limited by address (service/http/guesses.py), and what is stored is a slow hash.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache

import msgspec

from service.values.access import ApiKey, Scope, new_id

PATTERN = re.compile("[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
# After a rotation a site has this long to enter the new key.
OVERLAP = timedelta(days=1)
# About 10 ms and 4 MiB. The salt is fixed, because a key must be found by its digest.
_COST, _BLOCK, _SALT = 2**12, 8, b"steward short key"


def mint(
    site: str, name: str | None, now: datetime, *, expires_at: datetime | None = None, rate_per_s: float | None = None
) -> tuple[str, ApiKey]:
    """Make a short key; without a name it is called by its id. Returns the text to hand out once and the record."""
    text, key_id = secrets.token_hex(6), new_id()
    record = ApiKey(
        key_id,
        site,
        frozenset({Scope.AKISMET}),
        name or key_id,
        secret_sha256="",  # no long form opens it
        created_at=now,
        expires_at=expires_at,
        rate_per_s=rate_per_s,
        short_digest=digest(text),
    )
    return text, record


def rotated(key: ApiKey, now: datetime, keep: timedelta = OVERLAP) -> tuple[str, ApiKey]:
    """A new text for the same key; the old one works for `keep` more, and the one before that no longer."""
    text = secrets.token_hex(6)
    changed = msgspec.structs.replace(
        key, short_digest=digest(text), former_digest=key.short_digest, former_until=now + keep
    )
    return text, changed


def is_short(text: str) -> bool:
    return PATTERN.fullmatch(text) is not None


@lru_cache(maxsize=1024)
def digest(text: str) -> str:
    """The digest by which the record of a short key is found. Slow, and cached, so that only new texts cost time."""
    return hashlib.scrypt(text.lower().encode(), salt=_SALT, n=_COST, r=_BLOCK, p=1, dklen=32).hex()


def by_digest(keys: Iterable[ApiKey]) -> dict[str, ApiKey]:
    return {text: key for key in keys for text in (key.former_digest, key.short_digest) if text is not None}


def opens(found: str, record: ApiKey, now: datetime) -> bool:
    """Whether the digest `found` is of a text that opens `record` now."""
    if record.is_expired(now):
        return False
    is_former = found == record.former_digest and record.former_until is not None and now < record.former_until
    return found == record.short_digest or is_former
