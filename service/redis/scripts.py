"""Lua scripts in the form sent to Redis, with the flags that newer servers read."""

import hashlib
from enum import StrEnum
from typing import NamedTuple


class Flags(StrEnum):
    """The flag that tells Redis 7 and later whether a script may run when memory is full (review-queue.md, 11)."""

    ADDS = ""  # refused before its first write
    DRAINS = "allow-oom"
    READS = "no-writes"


class ScriptSource(NamedTuple):
    text: str
    sha: str


class Script(NamedTuple):
    """`flagged` is for Redis 7 and later, which reads flags from the first line; 6.2 rejects that line."""

    name: str
    flags: Flags
    plain: ScriptSource
    flagged: ScriptSource

    def source(self, *, flagged: bool) -> ScriptSource:
        return self.flagged if flagged else self.plain


def made(name: str, text: str, flags: Flags) -> Script:
    first_line = f"#!lua flags={flags}" if flags else "#!lua"
    return Script(name, flags, _source(text), _source(f"{first_line}\n{text}"))


def _source(text: str) -> ScriptSource:
    # Redis identifies a script by its SHA-1; it has no security purpose.
    return ScriptSource(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())
