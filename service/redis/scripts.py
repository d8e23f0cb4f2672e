"""A Lua script as it is sent to Redis, with the flags that newer servers read."""

import hashlib
from enum import StrEnum
from typing import NamedTuple


class Flags(StrEnum):
    """What Redis 7 and later may do with a script when memory is full (review-queue.md, 11): the flag that says so."""

    ADDS = ""  # refused before its first write
    DRAINS = "allow-oom"
    READS = "no-writes"


class Source(NamedTuple):
    text: str
    sha: str


class Script(NamedTuple):
    """`flagged` is for Redis 7 and later, which reads in the first line what a script may do; 6.2 refuses that line."""

    name: str
    flags: Flags
    plain: Source
    flagged: Source

    def source(self, *, flagged: bool) -> Source:
        return self.flagged if flagged else self.plain


def made(name: str, text: str, flags: Flags) -> Script:
    first_line = f"#!lua flags={flags}" if flags else "#!lua"
    return Script(name, flags, _source(text), _source(f"{first_line}\n{text}"))


def _source(text: str) -> Source:
    # Redis names a script by its SHA-1; nothing is secured by it.
    return Source(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())
