"""API keys: their format, what they open, and how one is checked without being stored."""

import base64
import hashlib
import hmac
import re
import secrets
import zlib
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from service.values.domain import SITE_PATTERN

# Fixed prefix, fixed lengths and a checksum, so that scanners find a leaked key (specs: security, section 1).
KEY_PATTERN = re.compile(r"cmk_live_([0-9a-z]{8})_([0-9A-Za-z_-]{43})_([0-9A-Za-z_-]{6})")
# A label stands for a key where the key itself does not fit: in a host name (63 bytes, no case) or in a form that
# drops all but hexadecimal digits (WordPress). Prefix, 128 bits made from the secret, checksum.
LABEL_PATTERN = re.compile(r"(c0de)([0-9a-f]{32})([0-9a-f]{8})", re.IGNORECASE | re.ASCII)
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
# The site that exists from the first start of a service on.
FIRST_SITE = "default"


# What Coral shows of a phase after it was saved; the whole text is the secret, prefix included.
SIGNING_PATTERN = re.compile(r"empsec_[0-9A-Za-z_-]{4,193}")
# redis://, rediss://, unix:// and those with +sentinel or +cluster, up to a blank or a quote.
# A short key is known only by its place: twelve hexadecimal digits may be anything.
_SHORT_IN_ADDRESS = re.compile(r"(/k/|\bkey=|api_key=)[0-9a-f]{12}(?![0-9a-zA-Z_-])", re.IGNORECASE | re.ASCII)
_REDIS_ADDRESS = re.compile(r"(?:rediss?|unix)(?:\+[a-z]+)?://[^\s'\"]*")


class Scope(StrEnum):
    """What a key may do at its site; `operate` is about what all sites share, such as the model in use."""

    SCORE = "score"
    COMMENTS = "comments"
    REVIEW = "review"
    ADMIN = "admin"
    OPERATE = "operate"
    # Only Akismet's routes. The only scope of a short key.
    AKISMET = "akismet"


class ApiKey(Struct, frozen=True, omit_defaults=True):
    """What is stored of a key: never the secret, only its SHA-256 (it is random, so no slow hash is needed)."""

    id: str
    site: Annotated[str, Meta(pattern=SITE_PATTERN)]
    scopes: frozenset[Scope]
    name: str
    secret_sha256: str
    created_at: datetime
    expires_at: datetime | None = None
    rate_per_s: float | None = None
    label_sha256: str | None = None
    # The origins whose pages may use the key; empty: any.
    origins: frozenset[str] = frozenset()
    # Of a short key, made by values/short_keys.py: its text, and the text before the last rotation with its end.
    short_digest: str | None = None
    former_digest: str | None = None
    former_until: datetime | None = None

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and now >= self.expires_at


class SigningSecret(Struct, frozen=True):
    """The secret with which a caller that cannot send a key signs. `sealed`: encrypted by webhooks/sealing.py."""

    id: str
    site: Annotated[str, Meta(pattern=SITE_PATTERN)]
    name: str
    sealed: str
    created_at: datetime


def new_id() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(8))


def mint(
    site: str,
    scopes: frozenset[Scope],
    name: str | None,
    now: datetime,
    *,
    expires_at: datetime | None = None,
    rate_per_s: float | None = None,
    origins: frozenset[str] = frozenset(),
) -> tuple[str, ApiKey]:
    """Make a new key; without a name it is called by its id. Returns the text to hand out once and the record."""
    key_id = new_id()
    secret = secrets.token_urlsafe(32)
    body = f"cmk_live_{key_id}_{secret}"
    text = f"{body}_{_checksum(body)}"
    digest = label_digest(label_of(text))
    record = ApiKey(key_id, site, scopes, name or key_id, _digest(secret), now, expires_at, rate_per_s, digest, origins)
    return text, record


def audit_details(key: ApiKey) -> dict[str, str]:
    """The details of a new or rotated key for the audit trail."""
    limited = {"origins": " ".join(sorted(key.origins))} if key.origins else {}
    return {"key": key.id, "scopes": " ".join(sorted(key.scopes)), **limited}


def origin_of(text: str) -> str:
    """An origin as browsers write it in the header Origin: lower case, no port where it is the scheme's own, no slash.

    Raises ValueError for what is no origin of a page: one with a path, a name or a password, or another scheme.
    """
    match = _ORIGIN.fullmatch(text.strip().lower())
    if match is None or int(match[3] or 0) > _LARGEST_PORT:
        raise ValueError("an origin is scheme and host, as https://www.example.org, without a path")
    port = f":{int(match[3])}" if match[3] and int(match[3]) != _OWN_PORTS[match[1]] else ""
    return f"{match[1]}://{match[2]}{port}"


# Names of other alphabets stand there as browsers send them (xn--...).
_ORIGIN = re.compile(r"(https?)://([a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::([0-9]{1,5}))?/?", re.ASCII)
_OWN_PORTS = {"http": 80, "https": 443}
_LARGEST_PORT = 65_535


def key_id(text: str) -> str | None:
    """The id inside a well-formed key, or None for anything else."""
    match = KEY_PATTERN.fullmatch(text)
    if match is None or not hmac.compare_digest(_checksum(text[:-7]), match[3]):
        return None
    return match[1]


def opens(text: str, record: ApiKey | None, now: datetime | None = None) -> bool:
    """Whether `text` is the key of `record`. Takes the same time without a record."""
    secret = text[18:61]
    expected = record.secret_sha256 if record is not None else _digest("")
    matches = hmac.compare_digest(_digest(secret), expected)
    return matches and record is not None and not record.is_expired(now or datetime.now(UTC))


def label_of(text: str) -> str:
    """The label of a key, always the same; the key cannot be computed from it."""
    body = "c0de" + hmac.digest(text[18:61].encode(), b"label", "sha256").hex()[:32]
    return body + _label_checksum(body)


def label_digest(label: str) -> str | None:
    """The digest by which the record of a label's key is found; None for a malformed label."""
    label = label.lower()
    match = LABEL_PATTERN.fullmatch(label)
    if match is None or not hmac.compare_digest(_label_checksum(label[:-8]), match[3]):
        return None
    return _digest(label)


def masked(text: str) -> str:
    """For log lines: any key in `text` replaced by its id, any label or signing secret by its prefix, and the user,
    password and options of any address of Redis left out.
    """
    text = SIGNING_PATTERN.sub("empsec_***", LABEL_PATTERN.sub(r"\1***", KEY_PATTERN.sub(r"cmk_live_\1_***", text)))
    text = _SHORT_IN_ADDRESS.sub(r"\1***", text)
    return without_passwords(text)


def without_passwords(text: str) -> str:
    return _REDIS_ADDRESS.sub(lambda found: address_without_password(found[0]), text) if "://" in text else text


def address_without_password(address: str) -> str:
    """The address of a Redis without user, password and options."""
    scheme, found, rest = address.partition("://")
    if not found:
        return "***"
    place, asked, options = rest.partition("?")
    if "@" in options:  # an unescaped password may extend to here
        return f"{scheme}://***"
    _, at, host = place.rpartition("@")
    return f"{scheme}://{'***@' if at else ''}{host}{'?***' if asked else ''}"


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _checksum(body: str) -> str:
    return base64.urlsafe_b64encode(zlib.crc32(body.encode()).to_bytes(4, "big")).decode().rstrip("=")


def _label_checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"
