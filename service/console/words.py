"""Words for our terms on pages, translated when shown."""

import re
from collections.abc import Mapping

from babel.numbers import format_decimal, format_percent

from service.console.cards import WHYS
from service.console.reasons import attribute_title, code_title
from service.console.rendering import ROLES
from service.console.texts import N_, Texts
from service.values.articles import ArticleStatus
from service.values.domain import Action, DecidedBy, State, Status
from service.values.rules import AuthorStatus

STATUSES = {Status.APPROVED: N_("Approved"), Status.PENDING: N_("Pending"), Status.REJECTED: N_("Rejected")}
DECISIONS = {Action.APPROVE: N_("Approve"), Action.REVIEW: N_("Review"), Action.REJECT: N_("Reject")}
AUTHOR_STATUSES = {
    AuthorStatus.ACTIVE: N_("Active"),
    AuthorStatus.TRUSTED: N_("Trusted"),
    AuthorStatus.PREMODERATED: N_("Pre-moderated"),
    AuthorStatus.MUTED: N_("Muted"),
    AuthorStatus.BANNED: N_("Banned"),
}
ARTICLE_STATUSES = {
    ArticleStatus.OPEN: N_("Open"),
    ArticleStatus.PREMODERATED: N_("Pre-moderated"),
    ArticleStatus.HEATED: N_("Heated"),
    ArticleStatus.CLOSED: N_("Closed"),
}
STATES = {
    State.QUEUED: N_("In the queue"),
    State.LEASED: N_("With a moderator"),
    State.ESCALATED: N_("With the supervisors"),
    State.DECIDED: N_("Decided"),
    State.ERASED: N_("Erased"),
}
DECIDED_BY = {
    DecidedBy.MODEL: N_("the model"),
    DecidedBy.RULE: N_("a rule"),
    DecidedBy.MODERATOR: N_("a moderator"),
    DecidedBy.EXPIRY: N_("a timeout"),
}
# Words for the actions in the audit trail.
DEEDS = {
    "submitted": N_("Posted"),
    "claimed": N_("Claimed"),
    "released": N_("Put back"),
    "skipped": N_("Skipped"),
    "freed": N_("Given back to the queue by somebody else"),
    "expired": N_("Not decided in time; back in the queue"),
    "decided": N_("Decided"),
    "voted": N_("First of two opinions"),
    "escalated": N_("Escalated to a supervisor"),
    "disagreed": N_("Two opinions differ: escalated to a supervisor"),
    "audit_disagreed": N_("An audit disagrees: escalated to a supervisor"),
    "undone": N_("Taken back"),
    "reopened": N_("Reopened"),
    "reported": N_("A reader reported it"),
    "noticed": N_("A reader sent a notice"),
    "appealed": N_("The author appealed"),
    "withdrawn": N_("Replaced by a new revision"),
    "erased": N_("Erased"),
    "assigned": N_("Assigned"),
    "unassigned": N_("Assignment removed"),
    "note_added": N_("Note written"),
    "note_removed": N_("Note removed"),
    "labelled": N_("A label was brought in from elsewhere"),
}
ACTORS = {"author": N_("the author"), "reader": N_("a reader"), "expiry": N_("a timeout")}


def deed(name: str) -> str:
    return DEEDS.get(name, name)


def actor(name: str) -> str:
    return ACTORS.get(name, name)


_SCORE = re.compile(r"([a-z_]{1,64}) ([01]\.\d{1,9})")
_SHARE = re.compile(r"[01](\.\d{1,17})?")
TOLD = {
    "decision": N_("decision"),
    "decided_by": N_("decided by"),
    "rules": N_("rule"),
    "reason": N_("reason"),
    "macro": N_("macro"),
    "model": N_("model"),
    "policy": N_("policy"),
    "inclusion": N_("drawn with probability"),
    "learning_inclusion": N_("drawn to learn from, with probability"),
    "mode": N_("the site"),
    "why": N_("because"),
    "source": N_("source"),
    "role": N_("role"),
    "assignee": N_("assigned to"),
    "score": N_("score"),
    "holder": N_("held by"),
    "request": N_("request"),
}
VERDICTS = {"approve": N_("Approved"), "reject": N_("Rejected"), "escalate": N_("Escalated"), "review": N_("Review")}
CAPACITIES = {
    **{role.value: title for role, title in ROLES.items()},
    "key": N_("an API key"),
    "admin key": N_("an API key for everything"),
}
_BY = {by.value: title for by, title in DECIDED_BY.items()}
MODES = {"cancelled": N_("was not told yet"), "compensated": N_("is told")}


def told(name: str) -> str:
    return TOLD.get(name, name)


def why(name: str) -> str:
    return WHYS.get(name, name)


def detail(texts: Texts, name: str, said: str) -> tuple[str, str]:
    """A detail of the audit trail in words: its name, "" where the value says it all, and its value."""
    if name == "handling_ms" and said.isdecimal():
        return "", texts(N_("Decided in %(seconds)s s"), seconds=_decimal(texts, int(said) / 1000, "0.0"))
    if name in ("inclusion", "learning_inclusion") and _SHARE.fullmatch(said):
        return texts(told(name)), format_percent(float(said), "0.#%", locale=texts.locale)
    if name == "score" and (found := _SCORE.fullmatch(said)):
        return "", f"{attribute_title(texts, found[1])} {_decimal(texts, float(found[2]), '0.00')}"
    return texts(told(name)), texts(value(name, said))


def _decimal(texts: Texts, number: float, form: str) -> str:
    return format_decimal(number, format=form, locale=texts.locale)


def value(name: str, said: str) -> str:
    """A value of the audit trail in words; an unknown one, or a reason of the site, as it is."""
    if name == "rules":
        return code_title(said)
    words: Mapping[str, Mapping[str, str]] = {
        "decision": VERDICTS,
        "decided_by": _BY,
        "mode": MODES,
        "why": WHYS,
        "role": CAPACITIES,
    }
    return words.get(name, {}).get(said, said)


# Words for the failure codes of webhooks/delivery.py and the relay.
BECAUSE = {
    "timeout": N_("The receiver did not answer in time"),
    "no_connection": N_("No connection to the receiver"),
    "name_not_found": N_("The receiver's name is not known"),
    "address_refused": N_("The receiver's address is not public"),
    "url_refused": N_("The address must not be used"),
    "certificate_refused": N_("The receiver's certificate is not good"),
    "broken_answer": N_("The receiver's answer could not be read"),
    "gone": N_("The receiver wants nothing any more"),
}


def because(code: str) -> str:
    return BECAUSE.get(code, code)
