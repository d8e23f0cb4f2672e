"""The Lua scripts, one per operation, each preceded by the shared prelude."""

from functools import cache
from importlib.resources import files

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
    text = "".join([*parts, folder.joinpath(f"{name}.lua").read_text()])
    return made(name, text, _FLAGS.get(name, Flags.ADDS))
