"""The Lua scripts, one per operation, each preceded by what it needs of the shared prelude and fragments."""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from service.redis.scripts import Flags, Script, made
from service.store.packing import WORDS

# Scripts that are not listed here add data.
_FLAGS = {
    **dict.fromkeys(
        ("claim", "take", "extend", "release", "free", "decide", "undo", "erase", "forget_author", "remove_note"),
        Flags.DRAINS,
    ),
    **dict.fromkeys(
        ("forget_status", "tend", "mend", "take_events", "settle_event", "delete_list", "end_naming"),
        Flags.DRAINS,
    ),
    **dict.fromkeys(("begin_weighing", "weigh", "weighed", "forget_reporter"), Flags.DRAINS),
    "settle_approval": Flags.DRAINS,  # what is approved may be an erasure, or decisions
    # Moderators who drain the queue must be able to sign in, and to follow it.
    **dict.fromkeys(("open_session", "visitor", "issue_ticket", "try_sign_in", "right_try", "here"), Flags.DRAINS),
    **dict.fromkeys(("get", "items", "labels", "stats", "walk", "letters", "outbox", "endpoint"), Flags.READS),
    **dict.fromkeys(("recent", "observe", "copies", "replies", "stuck"), Flags.READS),
}


# Fragments that stand between the prelude and a script.
_FRAGMENTS = {
    "submit": ("counters", "prints", "facts", "rules", "draws", "notices"),
    "observe": ("counters", "prints", "facts"),
    "tend": ("counters", "notices"),
    **dict.fromkeys(
        ("decide", "undo"), ("counters", "prints", "said", "statuses", "strikes", "draws", "notices", "reporters")
    ),
    "weigh": ("counters", "statuses", "strikes"),
    **dict.fromkeys(("set_status", "log_status", "restore_status"), ("statuses",)),
    "draw_differing": ("draws",),
    "erase": ("counters", "prints", "said", "draws", "notices"),
    **dict.fromkeys(("report", "forget_reporter", "notice", "mend"), ("notices", "reporters")),
}
# Scripts whose audit entries name the model, policy and scores of the automatic decision.
_DECIDING = ("decide", "tend")


@cache
def script(name: str) -> Script:
    folder = files(__name__)
    parts = [folder.joinpath(f"{each}.lua").read_text() for each in ("prelude", *_FRAGMENTS.get(name, ()))]
    if name in _DECIDING:
        words = ", ".join(f"[{number}] = '{word}'" for number, word in enumerate(WORDS))
        parts += [f"local WORDS = {{{words}}}\n", folder.joinpath("judged.lua").read_text()]
    own = folder.joinpath(f"{name}.lua").read_text()
    return made(name, _needed("".join(parts), own) + own, _FLAGS.get(name, Flags.ADDS))


class _Definition(NamedTuple):
    """A function or a value of the shared code, with the comment before it. `names`: what it defines."""

    names: frozenset[str]
    text: str

    @property
    def is_pure(self) -> bool:
        """Whether nothing happens where it stands."""
        code = _without_comments(self.text)
        return "function" in code or "(" not in code


# All shared code is definitions that begin at the margin; what stands within them does not.
_BEGIN = re.compile(r"^(?:local (?:function )?(\w+(?:, \w+)*)|(\w+) = function)", re.MULTILINE)
_COMMENT = re.compile(r"^\s*--.*$", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z_]\w*")


def _needed(shared: str, own: str) -> str:
    """The definitions that a script uses, also by others that it uses.

    Redis makes the functions of a script anew with each call, and keeps the code of each script in memory.
    """
    definitions = list(_definitions(shared))
    used = set(_names(own)).union(*(_names(each.text) for each in definitions if not each.is_pure))
    kept: set[int] = set()
    while found := {at for at, each in enumerate(definitions) if at not in kept and not used.isdisjoint(each.names)}:
        kept |= found
        used.update(*(_names(definitions[at].text) for at in found))
    return "".join(each.text for at, each in enumerate(definitions) if at in kept or not each.is_pure)


def _definitions(shared: str) -> Iterator[_Definition]:
    begins = list(_BEGIN.finditer(shared))
    starts = [_comment_before(shared, each.start()) for each in begins]
    for begin, start, end in zip(begins, starts, [*starts[1:], len(shared)], strict=True):
        yield _Definition(frozenset((begin[1] or begin[2]).split(", ")), shared[start:end])


def _comment_before(text: str, at: int) -> int:
    while (line := text.rfind("\n", 0, max(at - 1, 0)) + 1) < at and text.startswith("--", line):
        at = line
    return at


def _without_comments(text: str) -> str:
    return _COMMENT.sub("", text)


def _names(text: str) -> list[str]:
    return _NAME.findall(_without_comments(text))
