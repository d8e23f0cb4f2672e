"""The Lua scripts, one per operation, each with the shared prelude before it."""

import hashlib
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from service.store.packing import WORDS


class Flags(StrEnum):
    """What Redis 7 and later may do with a script when memory is full (review-queue.md, 11): the flag that says so."""

    ADDS = ""  # refused before its first write
    DRAINS = "allow-oom"
    READS = "no-writes"


# Whoever is not named here adds to the queue.
_FLAGS = {
    **dict.fromkeys(("claim", "take", "extend", "release", "decide", "undo", "erase", "forget_author"), Flags.DRAINS),
    **dict.fromkeys(("tend", "mend", "take_events", "settle_event"), Flags.DRAINS),
    # Who drains the queue must be able to enter.
    **dict.fromkeys(("open_session", "visitor", "issue_ticket", "try_sign_in", "right_try"), Flags.DRAINS),
    **dict.fromkeys(
        ("get", "items", "labels", "stats", "walk", "letters", "outbox", "endpoint", "recent"), Flags.READS
    ),
}


# Whose audit entries say by which model, policy and scores the comment came to them.
_DECIDING = ("decide", "tend")


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


@cache
def script(name: str) -> Script:
    folder = files(__name__)
    parts = [folder.joinpath("prelude.lua").read_text()]
    if name in _DECIDING:
        words = ", ".join(f"[{number}] = '{word}'" for number, word in enumerate(WORDS))
        parts += [f"local WORDS = {{{words}}}\n", folder.joinpath("judged.lua").read_text()]
    text = "".join([*parts, folder.joinpath(f"{name}.lua").read_text()])
    return made(name, text, _FLAGS.get(name, Flags.ADDS))


def made(name: str, text: str, flags: Flags) -> Script:
    first_line = f"#!lua flags={flags}" if flags else "#!lua"
    return Script(name, flags, _source(text), _source(f"{first_line}\n{text}"))


def _source(text: str) -> Source:
    # Redis names a script by its SHA-1; nothing is secured by it.
    return Source(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())
