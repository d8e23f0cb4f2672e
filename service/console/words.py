"""Words for our terms on pages, translated when shown."""

from collections.abc import Mapping

from service.console.cards import WHYS
from service.console.reasons import code_title
from service.console.rendering import ROLES
from service.console.texts import N_
from service.values.articles import ArticleStatus
from service.values.domain import Action, DecidedBy, State, Status
from service.values.rules import AuthorStatus

STATUSES = {Status.APPROVED: N_("Approved"), Status.PENDING: N_("Pending"), Status.REJECTED: N_("Rejected")}
DECISIONS = {Action.APPROVE: N_("Approve"), Action.REVIEW: N_("To a person"), Action.REJECT: N_("Reject")}
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
    State.QUEUED: N_("waits in the queue"),
    State.LEASED: N_("is with a moderator"),
    State.ESCALATED: N_("waits for a supervisor"),
    State.DECIDED: N_("is decided"),
    State.ERASED: N_("is erased"),
}
DECIDED_BY = {
    DecidedBy.MODEL: N_("the model"),
    DecidedBy.RULE: N_("a rule"),
    DecidedBy.MODERATOR: N_("a moderator"),
    DecidedBy.EXPIRY: N_("the end of the waiting time"),
}
# Words for the actions in the audit trail.
DEEDS = {
    "submitted": N_("The comment came"),
    "claimed": N_("Claimed"),
    "released": N_("Put back"),
    "skipped": N_("Skipped"),
    "expired": N_("The claim ended by itself"),
    "decided": N_("Decided"),
    "voted": N_("First of two opinions"),
    "escalated": N_("Passed to a supervisor"),
    "disagreed": N_("Two opinions differ: passed to a supervisor"),
    "audit_disagreed": N_("An audit disagrees: passed to a supervisor"),
    "undone": N_("Taken back"),
    "reopened": N_("Reopened"),
    "reported": N_("A reader reported it"),
    "appealed": N_("The author appealed"),
    "withdrawn": N_("Replaced by a new revision"),
    "erased": N_("Erased"),
    "labelled": N_("A label was brought in from elsewhere"),
}
ACTORS = {"author": N_("the author"), "reader": N_("a reader"), "expiry": N_("the end of the waiting time")}


def deed(name: str) -> str:
    return DEEDS.get(name, name)


def actor(name: str) -> str:
    return ACTORS.get(name, name)


TOLD = {
    "decision": N_("decision"),
    "decided_by": N_("decided by"),
    "rules": N_("rule"),
    "reason": N_("reason"),
    "model": N_("model"),
    "policy": N_("policy"),
    "inclusion": N_("drawn with probability"),
    "mode": N_("the site"),
    "why": N_("because"),
    "handling_ms": N_("milliseconds in hand"),
    "source": N_("source"),
    "role": N_("role"),
    "score": N_("score"),
}
VERDICTS = {"approve": N_("Approve"), "reject": N_("Reject"), "escalate": N_("Escalate"), "review": N_("To a person")}
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
