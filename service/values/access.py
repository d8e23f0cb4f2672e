"""API keys: their format, what they open, and how one is checked without being stored."""

import base64
import hashlib
import hmac
import re
import secrets
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Annotated

import msgspec
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


class FormerText(Struct, frozen=True):
    """A text of a long key from before a rotation, and of its label; both open until `until`."""

    secret_sha256: str
    label_sha256: str | None
    until: datetime


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
    # Of a long key: its texts before the last rotations.
    former: tuple[FormerText, ...] = ()

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and now >= self.expires_at

    def older_until(self, now: datetime) -> tuple[datetime, ...]:
        """Until when each text from before a rotation still works, soonest first; not those that ended."""
        ends = [each.until for each in self.former]
        if self.former_until is not None:
            ends.append(self.former_until)
        return tuple(sorted(each for each in ends if now < each))


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
    text, secret, label = _new_text(key_id)
    record = ApiKey(key_id, site, scopes, name or key_id, secret, now, expires_at, rate_per_s, label, origins)
    return text, record


def _new_text(key_id: str) -> tuple[str, str, str | None]:
    """A text for the key with this id, the digest of its secret, and that of its label."""
    secret = secrets.token_urlsafe(32)
    body = f"cmk_live_{key_id}_{secret}"
    text = f"{body}_{_checksum(body)}"
    return text, _digest(secret), label_digest(label_of(text))


def rotated(key: ApiKey, now: datetime, keep: timedelta) -> tuple[str, ApiKey]:
    """A new text for a long key, and its changed record. The text before works for `keep` more.

    Texts of earlier rotations keep the ends that they had; a `keep` of nothing ends all of them, because then the key
    has leaked.
    """
    text, secret, label = _new_text(key.id)
    lasting = [each for each in key.former if keep and now < each.until]
    if keep:
        lasting.append(FormerText(key.secret_sha256, key.label_sha256, now + keep))
    return text, msgspec.structs.replace(key, secret_sha256=secret, label_sha256=label, former=tuple(lasting))


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
_OTHER_ORIGIN = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,63})://([A-Za-z0-9._~:\[\]-]{1,253})/?", re.ASCII)
_OWN_PORTS = {"http": 80, "https": 443}
_LARGEST_PORT = 65_535


@lru_cache
def origins(text: str) -> frozenset[str]:
    """Parses a list separated by commas; origins as browsers write them. Raises ValueError naming one that is none."""
    return frozenset(_origin(part.strip()) for part in text.split(",") if part.strip())


def _origin(text: str) -> str:
    """`null` is the origin of pages without one; apps with pages of their own have other schemes (capacitor://localhost)."""
    if text in {"*", "null"}:
        return text
    if (match := _OTHER_ORIGIN.fullmatch(text)) and match[1].lower() not in _OWN_PORTS:
        return f"{match[1].lower()}://{match[2]}"
    try:
        return origin_of(text)
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}") from error


def key_id(text: str) -> str | None:
    """The id inside a well-formed key, or None for anything else."""
    match = KEY_PATTERN.fullmatch(text)
    if match is None or not hmac.compare_digest(_checksum(text[:-7]), match[3]):
        return None
    return match[1]


def opens(text: str, record: ApiKey | None, now: datetime | None = None) -> bool:
    """Whether `text` is the key of `record`, also from before a rotation. Takes the same time without a record."""
    now, digest = now or datetime.now(UTC), _digest(text[18:61])
    expected = record.secret_sha256 if record is not None else _digest("")
    matches = hmac.compare_digest(digest, expected)
    if record is None or record.is_expired(now):
        return False
    return matches or any(
        now < each.until and hmac.compare_digest(digest, each.secret_sha256) for each in record.former
    )


def is_newest(text: str, record: ApiKey) -> bool:
    """Whether `text`, which opens `record`, is its text since the last rotation."""
    return not record.former or hmac.compare_digest(_digest(text[18:61]), record.secret_sha256)


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


def by_label(keys: Iterable[ApiKey]) -> dict[str, ApiKey]:
    """By the digests of their labels, also of those from before a rotation."""
    return {
        digest: key
        for key in keys
        for digest in (*(each.label_sha256 for each in key.former), key.label_sha256)
        if digest is not None
    }


def label_opens(digest: str, record: ApiKey, now: datetime) -> bool:
    """Whether the label with this digest, found by `by_label`, opens `record` now."""
    if record.is_expired(now):
        return False
    return digest == record.label_sha256 or any(
        digest == each.label_sha256 and now < each.until for each in record.former
    )


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
