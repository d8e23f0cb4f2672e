"""Keyboard shortcuts of the queue: actions, default keys, and personal changes."""

from collections.abc import Mapping
from typing import NamedTuple

from service.console.texts import N_


class Key(NamedTuple):
    action: str
    key: str
    title: str


KEYS = (
    Key("next", "j", N_("Next comment")),
    Key("previous", "k", N_("Previous comment")),
    Key("approve", "a", N_("Approve")),
    Key("reject", "r", N_("Reject; then 1 to 9 for the reason, 0 for none")),
    Key("skip", "s", N_("Skip: somebody else may have it")),
    Key("escalate", "e", N_("Escalate, with a note")),
    Key("macro", "m", N_("Apply a macro of the site; then its number. In the list: to what is selected")),
    Key("note", "n", N_("Write a note for other moderators")),
    Key("assign", "i", N_("Assign to somebody; in the list: what is selected")),
    Key("article", "t", N_("Change the article: heated, pre-moderated, closed")),
    Key("copies", "c", N_("After a rejection: the comments like it that wait")),
    Key("undo", "u", N_("Take the last decision back (also Ctrl+Z)")),
    Key("select", "x", N_("Select, in the list")),
    Key("select_range", "X", N_("Select from the last selected row to this one")),
    Key("approve_all", "A", N_("Approve all that are selected")),
    Key("reject_all", "R", N_("Reject all that are selected")),
    Key("open", "Enter", N_("Open, in the list")),
    Key("view", "z", N_("List or single comment")),
    Key("search", "/", N_("Filter")),
    Key("saved", "f", N_("Saved filters")),
    Key("go", "g", N_("Go to another queue or saved filter; then its number")),
    Key("thread", "o", N_("Open or close the thread around the comment")),
    Key("reveal", "b", N_("Show a text that is hidden")),
    Key("help", "?", N_("These keys")),
)


# After `g`: the page of each letter. The digits after it are the queues.
PAGES = {
    "q": "/queue",
    "a": "/appeals",
    "x": "/stuck",
    "v": "/approvals",
    "i": "/promises",
    "s": "/search",
    "d": "/dashboard",
    "t": "/decided",
    "p": "/policy",
    "r": "/rules",
    "l": "/lists",
    "m": "/models",
    "w": "/webhooks",
    "k": "/keys",
    "o": "/moderators",
    "n": "/mentions",
    "c": "/account",
}


def chosen(kept: Mapping[str, str]) -> dict[str, str]:
    """The key of each action. If two actions share a key, the one that was moved there keeps it."""
    moved = {name: key for name, key in kept.items() if key}
    taken = set(moved.values())
    return {each.action: moved.get(each.action, "" if each.key in taken else each.key) for each in KEYS}
