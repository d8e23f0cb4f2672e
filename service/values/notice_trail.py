"""What the audit trail tells of notices by readers: how many, what became of them, and how long that took."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from service.values.domain import Action, DecidedBy, State, Status

_RESTRICTED = {Action.REJECT.value, Status.REJECTED.value}
_KEPT = {Action.APPROVE.value, Status.APPROVED.value}
HOUR_S = 3600


class _Answered(NamedTuple):
    given_at: datetime
    hours: float
    is_restricted: bool
    is_automatic: bool


@dataclass(slots=True)
class NoticeCounts:
    """`by_kind`: notices by what readers said it is. The entries must come in the order of the trail."""

    by_kind: Counter[str] = field(default_factory=Counter)
    _open: defaultdict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    # By comment and the version that answered; notices of what was rejected before have a version of their own.
    _answered: defaultdict[tuple[str, str], list[_Answered]] = field(default_factory=lambda: defaultdict(list))

    def see(self, at: datetime, said: Mapping[str, str]) -> None:
        comment, action, version = said["comment"], said.get("action"), said.get("version", "0")
        if action == "noticed":
            self.by_kind[said.get("kind") or "other"] += 1
            if said.get("to") == State.DECIDED and said.get("status") == Status.REJECTED:
                is_automatic = said.get("decided_by") != DecidedBy.MODERATOR
                self._answered[comment, f"notice {said.get('notice')}"].append(_Answered(at, 0.0, True, is_automatic))
            else:
                self._open[comment].append(at)
        elif action == "undone":
            self._open[comment] += [each.given_at for each in self._answered.pop((comment, f"{int(version) - 1}"), [])]
        elif action == "erased":
            self._open.pop(comment, None)
        elif self._open.get(comment) and self._is_answer(said):
            by_person = action == "decided" and said.get("actor") != DecidedBy.EXPIRY
            self._answered[comment, version] += [
                _Answered(given, (at - given).total_seconds() / HOUR_S, said["decision"] in _RESTRICTED, not by_person)
                for given in self._open.pop(comment)
            ]

    @staticmethod
    def _is_answer(said: Mapping[str, str]) -> bool:
        if said.get("to") != State.DECIDED:
            return False
        known = _RESTRICTED | (_KEPT if said.get("action") == "decided" else set())
        return said.get("action") in ("decided", "submitted") and said.get("decision") in known

    @property
    def restricted(self) -> int:
        return sum(each.is_restricted for each in self._all())

    @property
    def kept(self) -> int:
        return sum(not each.is_restricted for each in self._all())

    @property
    def automatic(self) -> int:
        return sum(each.is_automatic for each in self._all())

    @property
    def hours(self) -> list[float]:
        return [each.hours for each in self._all()]

    def _all(self) -> list[_Answered]:
        return [each for some in self._answered.values() for each in some]
