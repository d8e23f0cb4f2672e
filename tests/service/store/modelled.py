"""One comment of the model of the queue (model_of_queue.py)."""

from dataclasses import dataclass, field
from typing import Any, Literal

from service.values.domain import Verdict

Doubling = Literal["drawn", "rejects"]


@dataclass
class Modelled:
    """One comment."""

    text: str
    state: str = "decided"
    status: str = "pending"
    decided_by: str = "model"
    revision: int = 1
    version: int = 0
    due: int = 0
    why: str = ""
    is_audit: bool = False
    is_learning: bool = False
    double: Doubling | None = None
    owner: str | None = None
    token: int | None = None
    # To whom it is assigned, and whether others are not offered it yet.
    assignee: str | None = None
    is_reserved: bool = False
    released: int | None = None
    against: set[str] = field(default_factory=set)
    readers: set[str] = field(default_factory=set)
    readers_judged: int = 0
    is_appealed: bool = False
    # The last decision, and what is needed to take it back.
    moderator: str | None = None
    request: str | None = None
    label: int | None = None
    event: int | None = None
    is_held_back: bool = False
    before: tuple[str, str] = ("pending", "model")
    escalated_by: str | None = None
    before_escalation: tuple[Any, ...] | None = None
    undone: int | None = None
    undone_by: str | None = None
    # The first of two votes.
    vote: Verdict | None = None
    voter: str | None = None
    vote_request: str | None = None
    vote_label: int | None = None
    # Which of the last acts (decided, voted, escalated) lie beyond the undo window.
    long_ago: set[str] = field(default_factory=set)

    @property
    def waits(self) -> bool:
        return self.state in ("queued", "leased", "escalated")

    def is_reserved_for_another(self, moderator: str) -> bool:
        return self.is_reserved and self.assignee not in (None, moderator)

    def hurry(self, due: int) -> None:
        """A report or an appeal makes it due earlier, and the reservation is measured anew."""
        self.due, self.is_reserved = min(self.due, due), True

    def holds(self, moderator: str, token: int | None) -> bool:
        return (self.owner, self.token) == (moderator, token)

    def settled(self, status: str, by: str) -> None:
        self.state, self.status, self.decided_by = "decided", status, by
        self.owner = self.token = self.undone = self.escalated_by = self.assignee = None
