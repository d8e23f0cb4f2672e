"""The state of a site's comments at the last export, computed from all entries of its trail."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from service.trail.chain import Entry
from service.values.domain import STATUS_AFTER, Action, DecidedBy, State, Status

# Entries read between two removals of old comments.
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
class StandingDecision:
    """The decision in force on a comment, who made it, and when."""

    status: Status
    by: DecidedBy
    at: datetime | None
    moderator: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CommentOutcome:
    """One comment. `before`: what stood before the last answer of a person, which an undo brings back."""

    id: str
    revision: int
    version: int
    state: State
    decision: Action
    created_at: datetime
    changed_at: datetime
    standing: StandingDecision
    before: StandingDecision | None = None
    is_audit: bool = False

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for review. Then its text was only in Redis."""
        return self.state in (State.QUEUED, State.LEASED, State.ESCALATED)


class StandingStatus(NamedTuple):
    """The status of an author or an article, by whom, when, and until when it is (Unix ms; None: for good)."""

    status: str
    version: int
    by: str
    at: datetime
    why: str | None
    until_ms: int | None


@dataclass(slots=True)
class Outcomes:
    """`authors`: the last change of each status, by pseudonym; `articles`: by kind and name. `revoked`: API keys.

    `forgotten`: how many comments were decided too long ago to matter.
    """

    comments: dict[str, CommentOutcome] = field(default_factory=dict)
    authors: dict[str, StandingStatus] = field(default_factory=dict)
    articles: dict[tuple[str, str], StandingStatus] = field(default_factory=dict)
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
        details = entry.details
        if details["action"] == "key_revoked":
            found.revoked.add(details.get("key", ""))
        _see_author(found.authors, entry)
        _see_article(found.articles, entry)
        state = _STATES.get(details.get("to", ""))
        if state is None or not details.get("comment"):  # of no comment, or of a revision that is withdrawn
            continue
        before = found.comments.get(details["comment"])
        if details["action"] == "submitted":
            found.comments[details["comment"]] = _submitted(entry, state, before)
        elif before is not None:  # else its beginning was put away with older files
            found.comments[details["comment"]] = _changed(entry, state, before)
    return found


def _see_author(authors: dict[str, StandingStatus], entry: Entry) -> None:
    details, author = entry.details, entry.details.get("author", "")
    if details["action"] == "author_status" and author:
        authors[author] = _standing(entry)
    elif details["action"] == "author_erased" and not details.get("ban_kept"):
        authors.pop(author, None)


def _see_article(articles: dict[tuple[str, str], StandingStatus], entry: Entry) -> None:
    if entry.details["action"] == "article_status":
        kind = "article" if "article" in entry.details else "section"
        articles[kind, entry.details[kind]] = _standing(entry)


def _standing(entry: Entry) -> StandingStatus:
    details, until = entry.details, entry.details.get("until")
    return StandingStatus(
        details["after"],
        int(details["version"]),
        details["actor"],
        entry.at,
        details.get("why"),
        int(until) if until else None,
    )


def _submitted(entry: Entry, state: State, before: CommentOutcome | None) -> CommentOutcome:
    details = entry.details
    decision = _ACTIONS[details["decision"]]
    is_audit = "inclusion" in details or "learning_inclusion" in details
    # What waits and is no audit is undecided, whatever the model said: submit.lua has somebody look again.
    status = Status.PENDING if state is State.QUEUED and not is_audit else STATUS_AFTER[decision]
    by = DecidedBy.RULE if details.get("decided_by") == DecidedBy.RULE else DecidedBy.MODEL
    return CommentOutcome(
        id=details["comment"],
        revision=int(details["revision"]),
        version=int(details["version"]),
        state=state,
        decision=decision,
        created_at=before.created_at if before and details["revision"] != "1" else entry.at,
        changed_at=entry.at,
        standing=StandingDecision(status, by, None if status is Status.PENDING else entry.at),
        is_audit=is_audit,
    )


def _changed(entry: Entry, state: State, comment: CommentOutcome) -> CommentOutcome:
    details, was = entry.details, comment.state
    comment = replace(
        comment, revision=int(details["revision"]), version=int(details["version"]), state=state, changed_at=entry.at
    )
    if details["action"] == "decided" and details.get("decision") in _STATUS:
        said = _STATUS[details["decision"]]
        is_upheld = comment.is_audit and said is comment.standing.status  # the automatic decision goes on standing
        # Every decision of a moderator has a token, which may be empty. An entry by expiry has none.
        by = DecidedBy.MODERATOR if "token" in details else DecidedBy.EXPIRY
        moderator = "" if by is DecidedBy.EXPIRY else details["actor"]
        stands = StandingDecision(
            said, comment.standing.by if is_upheld else by, entry.at, moderator, details.get("reason", "")
        )
        return replace(comment, standing=stands, before=comment.standing)
    if details["action"] == "undone":
        # Of a vote or an escalation nothing stood. Whoever takes a decision back was shown what it was.
        is_audit = comment.is_audit and was is not State.DECIDED
        return replace(comment, standing=comment.before or comment.standing, before=None, is_audit=is_audit)
    if details["action"] in ("reopened", "appealed", "audit_disagreed"):
        return replace(comment, before=None, is_audit="blind" in details)
    return comment
