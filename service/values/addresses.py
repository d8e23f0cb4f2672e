"""Addresses of pages for people without an account: they name a comment, and nobody can guess them."""

import base64
import binascii
import hashlib
import hmac
from typing import NamedTuple, TypeVar

import msgspec

# Of the signature: 128 bits.
SIGNED_BYTES = 16
# What an address is for: one for a page is none for another.
STATEMENT, NOTICE = b"statement page", b"notice page"


class Addressed(NamedTuple):
    """A revision of a comment."""

    site: str
    comment: str
    revision: int


class NoticeAddressed(NamedTuple):
    """A reader's notice of a comment."""

    site: str
    comment: str
    notice: str


Named = TypeVar("Named", Addressed, NoticeAddressed)


def address_of(salt: bytes, what: Addressed) -> str:
    """One segment of a path. The same again for the same revision, as long as the salt stays."""
    return _signed(salt, STATEMENT, what)


def addressed(salt: bytes, address: str) -> Addressed | None:
    """None: it was not made with this salt."""
    return _opened(salt, STATEMENT, address, Addressed)


def notice_address(salt: bytes, what: NoticeAddressed) -> str:
    """As `address_of`, for a notice."""
    return _signed(salt, NOTICE, what)


def notice_addressed(salt: bytes, address: str) -> NoticeAddressed | None:
    """As `addressed`, for a notice."""
    return _opened(salt, NOTICE, address, NoticeAddressed)


def _signed(salt: bytes, purpose: bytes, what: Addressed | NoticeAddressed) -> str:
    said = msgspec.msgpack.encode(what)
    return base64.urlsafe_b64encode(_signature(salt, purpose, said) + said).decode().rstrip("=")


def _opened(salt: bytes, purpose: bytes, address: str, kind: type[Named]) -> Named | None:
    try:
        raw = base64.urlsafe_b64decode(address.encode() + b"=" * (-len(address) % 4))
    except (binascii.Error, ValueError):
        return None
    signature, said = raw[:SIGNED_BYTES], raw[SIGNED_BYTES:]
    if not hmac.compare_digest(signature, _signature(salt, purpose, said)):
        return None
    return msgspec.msgpack.decode(said, type=kind)


def _signature(salt: bytes, purpose: bytes, said: bytes) -> bytes:
    return hashlib.blake2b(said, key=salt[:64], digest_size=SIGNED_BYTES, person=purpose).digest()
