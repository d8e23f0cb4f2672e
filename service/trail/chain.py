"""The lines of the exported trail and their hash chain. Values only."""

import hashlib
import json
import re
from datetime import datetime
from typing import NamedTuple, TypeVar

import msgspec
from msgspec import Struct

FORMAT = 1
# The previous hash of the very first line.
START = "0" * 64


class Header(Struct, frozen=True):
    """The first line of a file: `n` entries stand in the files before, the last of each shard at `cursors`."""

    cursors: dict[str, str]
    file: int
    format: int
    n: int
    site: str


class Entry(Struct, frozen=True):
    """The `n`-th entry of a site's trail; `cursor` is its id in the stream of its shard."""

    at: datetime
    cursor: str
    details: dict[str, str]
    n: int
    shard: int


class Line(NamedTuple):
    """`body` is the entry as bytes, exactly as it is hashed."""

    body: bytes
    hash: str


Content = TypeVar("Content", Header, Entry)

_LINE = re.compile(rb'\{"entry":(\{.*\}),"hash":"([0-9a-f]{64})"\}\n')


def canonical(content: Header | Entry) -> bytes:
    """JSON in UTF-8 with sorted names and no spaces (for strings and whole numbers that is RFC 8785)."""
    plain = msgspec.to_builtins(content)
    return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def link(previous: str, body: bytes) -> str:
    """The hash of a line: SHA-256 of the 64 hex digits of the line before, followed by the entry."""
    return hashlib.sha256(previous.encode() + body).hexdigest()


def line(previous: str, content: Header | Entry) -> tuple[str, bytes]:
    """The line that follows, and its hash."""
    body = canonical(content)
    following = link(previous, body)
    return following, b'{"entry":%b,"hash":"%b"}\n' % (body, following.encode())


def parsed(raw: bytes) -> Line | None:
    found = _LINE.fullmatch(raw)
    return Line(found[1], found[2].decode()) if found else None


def content_of(body: bytes, kind: type[Content]) -> Content | None:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
