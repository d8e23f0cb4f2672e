"""The site's macros: decisions that a moderator applies by name, with a reason, a note and labels."""

from collections.abc import Sequence
from typing import NamedTuple

from service import app_keys as keys
from service.console.texts import N_
from service.console.visit import Visit
from service.values.domain import Verdict
from service.values.errors import Conflict
from service.values.review_settings import Macro

CHANGED = "macro_changed"
DECISIONS = {Verdict.APPROVE: N_("Approve"), Verdict.REJECT: N_("Reject"), Verdict.ESCALATE: N_("Escalate")}


class OfferedMacro(NamedTuple):
    """`digit`: the key after the one for macros, "" from the tenth on. `told`: what it does, in words."""

    name: str
    decision: Verdict
    digit: str
    told: str


def offered(visit: Visit) -> Sequence[OfferedMacro]:
    """In the order of the policy."""
    macros = visit.request.app[keys.DIRECTORY].for_people(visit.site).review.macros
    return [
        OfferedMacro(each.name, each.decision, str(number) if number < 10 else "", _told(visit, each))  # noqa: PLR2004 - the digits
        for number, each in enumerate(macros, 1)
    ]


def _told(visit: Visit, macro: Macro) -> str:
    texts = visit.texts
    reason = texts(visit.reasons.title(macro.reason)) if macro.reason else ""
    return " · ".join(filter(None, (texts(DECISIONS[macro.decision]), reason, macro.note)))


def named(visit: Visit, name: str, decision: Verdict | None = None) -> Macro:
    """The macro of this name. Raises Conflict if the site has none now, or one that decides otherwise than was seen."""
    found = visit.request.app[keys.DIRECTORY].for_people(visit.site).review.macro(name)
    if found is None or decision not in (None, found.decision):
        raise Conflict(
            CHANGED, N_("The site changed this macro meanwhile; decide without it, or by what it says now."), {}
        )
    return found
