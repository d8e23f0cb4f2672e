"""What the clients were told, what the service says afterwards, and where the two disagree."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Said(NamedTuple):
    """An acknowledged decision or undo: what it left the comment at."""

    comment: str
    version: int
    moderator: str
    verdict: str


class Told(NamedTuple):
    """A notification, as the feed lists it and as the receiving site got it."""

    comment: str
    version: int
    type: str


@dataclass(slots=True)
class Ledger:
    """Only answers with status 200 are in it: each of them is a promise."""

    submitted: dict[str, int] = field(default_factory=dict)
    decided: list[Said] = field(default_factory=list)
    undone: list[Said] = field(default_factory=list)
    unanswered: int = 0
    refused: int = 0

    def took(self, comment: str, revision: int) -> None:
        self.submitted[comment] = max(revision, self.submitted.get(comment, 0))


def lost_decisions(ledger: Ledger, trail: Iterable[dict[str, Any]]) -> list[Said]:
    """Acknowledged decisions and undos of which the audit trail knows nothing."""
    known = {
        (entry["comment"], int(entry["version"]), entry["actor"], entry.get("decision", "undo"))
        for entry in trail
        if entry["action"] in ("decided", "escalated", "undone")
    }
    return [said for said in (*ledger.decided, *ledger.undone) if tuple(said) not in known]


def double_decisions(ledger: Ledger, trail: Iterable[dict[str, Any]]) -> list[str]:
    """Comments decided twice with nothing between that takes the first one back, or twice for one version."""
    found: list[str] = []
    stands: dict[str, str] = {}
    for entry in trail:
        if entry["action"] == "decided":
            if entry["comment"] in stands:
                found.append(entry["comment"])
            stands[entry["comment"]] = entry["version"]
        elif entry["action"] in ("undone", "submitted", "reopened"):
            stands.pop(entry["comment"], None)
    winners: defaultdict[tuple[str, int], set[Said]] = defaultdict(set)
    for said in ledger.decided:
        winners[said.comment, said.version].add(said)
    return found + [comment for (comment, _), each in winners.items() if len(each) > 1]


def missing_notifications(feed: Iterable[Told], received: Iterable[Told]) -> set[Told]:
    return set(feed) - set(received)


def unwanted_notifications(feed: Iterable[Told], received: Iterable[Told]) -> set[Told]:
    """Told to the site, and yet taken back before anybody should have heard of it."""
    return set(received) - set(feed)


def reordered_notifications(received: Iterable[Told]) -> list[Told]:
    """Arrivals after a newer one of the same comment; the same one twice in a row is what "at least once" means."""
    newest: dict[str, int] = {}
    found = []
    for told in received:
        if told.version < newest.get(told.comment, 0):
            found.append(told)
        newest[told.comment] = max(told.version, newest.get(told.comment, 0))
    return found


def unannounced_decisions(ledger: Ledger, feed: Iterable[Told], trail: Iterable[dict[str, Any]]) -> list[Said]:
    """Acknowledged decisions that nobody took back and the feed does not tell of."""
    known = {(each.comment, each.version) for each in feed}
    known |= {(entry["comment"], int(entry["version"]) - 1) for entry in trail if entry["action"] == "undone"}
    return [said for said in ledger.decided if said.verdict != "escalate" and (said.comment, said.version) not in known]
