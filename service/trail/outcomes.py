"""How the comments of a site stood when its trail was last exported, told from the first entry to the last."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from service.trail.chain import Entry
from service.values.domain import STATUS_AFTER, Action, DecidedBy, State, Status

# Entries between two looks at what may be forgotten.
AT_ONCE = 100_000

_ACTIONS = {each.value: each for each in Action}
_STATES = {each.value: each for each in State}
# What a person answers, and what expiry says, as the status that it brings.
_STATUS = {
    "approve": Status.APPROVED,
    "reject": Status.REJECTED,
    Status.APPROVED.value: Status.APPROVED,
    Status.REJECTED.value: Status.REJECTED,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands of a comment, who said so, when."""

    status: Status
    by: DecidedBy
    at: datetime | None
    moderator: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One comment. `before`: what stood before the last answer of a person, which an undo brings back."""

    id: str
    revision: int
    version: int
    state: State
    decision: Action
    created_at: datetime
    changed_at: datetime
    standing: Standing
    before: Standing | None = None
    is_audit: bool = False

    @property
    def is_waiting(self) -> bool:
        """For people. Its text was in Redis alone."""
        return self.state in (State.QUEUED, State.LEASED, State.ESCALATED)


@dataclass(slots=True)
class Outcomes:
    """`revoked`: ids of API keys. `forgotten`: how many comments were decided too long ago to matter."""

    comments: dict[str, Outcome] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    forgotten: int = 0

    def forget(self, before: datetime) -> None:
        """What was decided, or erased, before that."""
        kept = {name: each for name, each in self.comments.items() if each.is_waiting or each.changed_at >= before}
        self.forgotten += len(self.comments) - len(kept)
        self.comments = kept


def outcomes(entries: Iterable[Entry], life: timedelta = timedelta.max) -> Outcomes:
    """Of the comments that the entries name; entries are in the order of each shard's own trail.

    `life`: after that a decided comment is forgotten, so that the trail of years does not have to fit into memory.
    """
    found = Outcomes()
    for n, entry in enumerate(entries, 1):
        if n % AT_ONCE == 0 and life < timedelta.max:
            found.forget(entry.at - life)
        told = entry.details
        if told["action"] == "key_revoked":
            found.revoked.add(told.get("key", ""))
        state = _STATES.get(told.get("to", ""))
        if state is None or not told.get("comment"):  # of no comment, or of a revision that is withdrawn
            continue
        before = found.comments.get(told["comment"])
        if told["action"] == "submitted":
            found.comments[told["comment"]] = _submitted(entry, state, before)
        elif before is not None:  # else its beginning was put away with older files
            found.comments[told["comment"]] = _changed(entry, state, before)
    return found


def _submitted(entry: Entry, state: State, before: Outcome | None) -> Outcome:
    told = entry.details
    decision = _ACTIONS[told["decision"]]
    is_audit = "inclusion" in told
    # What waits and is no audit is undecided, whatever the model said: submit.lua has somebody look again.
    status = Status.PENDING if state is State.QUEUED and not is_audit else STATUS_AFTER[decision]
    return Outcome(
        id=told["comment"],
        revision=int(told["revision"]),
        version=int(told["version"]),
        state=state,
        decision=decision,
        created_at=before.created_at if before and told["revision"] != "1" else entry.at,
        changed_at=entry.at,
        standing=Standing(status, DecidedBy.MODEL, None if status is Status.PENDING else entry.at),
        is_audit=is_audit,
    )


def _changed(entry: Entry, state: State, comment: Outcome) -> Outcome:
    told, was = entry.details, comment.state
    comment = replace(
        comment, revision=int(told["revision"]), version=int(told["version"]), state=state, changed_at=entry.at
    )
    if told["action"] == "decided" and told.get("decision") in _STATUS:
        said = _STATUS[told["decision"]]
        is_upheld = comment.is_audit and said is comment.standing.status  # the automatic decision goes on standing
        by = DecidedBy.MODERATOR if "token" in told else DecidedBy.EXPIRY  # whose entry names no lease, not even none
        moderator = "" if by is DecidedBy.EXPIRY else told["actor"]
        stands = Standing(said, comment.standing.by if is_upheld else by, entry.at, moderator, told.get("reason", ""))
        return replace(comment, standing=stands, before=comment.standing)
    if told["action"] == "undone":
        # Of a vote or an escalation nothing stood. Whoever takes a decision back was shown what it was.
        is_audit = comment.is_audit and was is not State.DECIDED
        return replace(comment, standing=comment.before or comment.standing, before=None, is_audit=is_audit)
    if told["action"] in ("reopened", "appealed", "audit_disagreed"):
        return replace(comment, before=None, is_audit=False)
    return comment
