"""What the audit trail tells for the Digital Services Act: rejections, and the figures of a year (articles 15 and 24).

Entries are pairs of an instant and details, in the order of the trail.
"""

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from msgspec import Struct

from service.values.audits import DrawnStratum, audited_share
from service.values.domain import Action, DecidedBy, Status
from service.values.dsa import Clause, Restriction, Source
from service.values.notice_trail import HOUR_S, NoticeCounts
from service.values.statistics import Estimate

Details = Mapping[str, str]
# A revision was judged by a person, whether or not that changed anything.
_ANSWERS = ("decided", "audit_disagreed")
_VERDICTS = (Action.APPROVE, Action.REJECT)


def restriction_in(site: str, at: datetime, said: Details) -> Restriction | None:
    """The rejection that an entry of the trail tells of; None if it tells of none, or of one that was so before."""
    action, decision = said.get("action"), said.get("decision")
    # It waits for an audit, or to be learned from, and is rejected meanwhile.
    is_drawn = action == "submitted" and ("inclusion" in said or "learning_inclusion" in said)
    if (said.get("to") != "decided" and not is_drawn) or said.get("before") == Status.REJECTED:
        return None
    if action == "submitted" and decision == Action.REJECT:
        by = DecidedBy(said.get("decided_by", DecidedBy.MODEL))
    elif action == "decided" and decision == Status.REJECTED:
        by = DecidedBy.EXPIRY
    elif action == "decided" and decision == Action.REJECT:
        by = DecidedBy.MODERATOR
    else:
        return None
    scores = (each.rpartition(" ")[0] for each in said.get("score", "").split(", "))
    return Restriction(
        site=site,
        comment=said["comment"],
        revision=int(said["revision"]),
        version=int(said["version"]),
        rejected_version=int(said["version"]) if by is DecidedBy.MODERATOR else None,
        at=at,
        decided_by=by,
        automatic=Action(said.get("automatic") or (Action.REVIEW if action == "decided" else Action.REJECT)),
        attributes=tuple(name for name in scores if name),
        reason=said.get("reason", "") if by is DecidedBy.MODERATOR else "",
        why=said.get("why", ""),
        reports=int(said.get("reports", 0)),
        scores_shown="scores_shown" in said,
    )


class YearFigures(Struct, frozen=True, kw_only=True):
    """The figures of one site and one year. Hours are medians; null: nothing to count.

    `restrictions`: rejections, without those that were undone; also by category, by ground, by how they were found, and
    by who decided. `reports`: notices included; `reports_acted_on`: rejections that they led to. `notices_restricted`,
    `notices_kept`: what was decided, `notices_automatic` without a person. `complaints_reversed`: for the author.
    `wrong_rejections`, `wrong_approvals`: share of the automatic decisions that people contradicted in blind audits.
    """

    site: str
    year: int
    restrictions: int
    by_category: dict[str, int]
    by_ground: dict[str, int]
    by_detection: dict[str, int]
    by_decision: dict[str, int]
    reports: int
    reports_acted_on: int
    report_hours: float | None
    notices: int
    notices_by_kind: dict[str, int]
    notices_restricted: int
    notices_kept: int
    notices_automatic: int
    notice_hours: float | None
    complaints: int
    complaints_upheld: int
    complaints_reversed: int
    complaint_hours: float | None
    automatic_decisions: dict[str, int]
    audits: int
    wrong_rejections: Estimate | None
    wrong_approvals: Estimate | None
    moderators: int


@dataclass(slots=True)
class _KnownDecision:
    """What is open of a comment."""

    reported_at: datetime | None = None
    appealed_at: datetime | None = None
    drawn: tuple[str, str] | None = None  # decision and share
    answered: int | None = None  # the version that answered the audit
    wrong: bool = False


@dataclass(slots=True)
class _Year:
    restrictions: dict[tuple[str, int], Restriction] = field(default_factory=dict)
    known: dict[str, _KnownDecision] = field(default_factory=dict)
    counted: Counter[str] = field(default_factory=Counter)
    automatic: Counter[str] = field(default_factory=Counter)
    report_hours: list[float] = field(default_factory=list)
    complaint_hours: list[float] = field(default_factory=list)
    notices: NoticeCounts = field(default_factory=NoticeCounts)
    draws: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # decision, share, what became of it
    moderators: set[str] = field(default_factory=set)


def year_figures(
    site: str, year: int, entries: Iterable[tuple[datetime, Details]], clause_of: Callable[[Restriction], Clause]
) -> YearFigures:
    """`entries`: those of the year, or of more. `clause_of`: the site's clause for a rejection."""
    found = _Year()
    for at, said in entries:
        if at.year == year and said.get("comment"):
            _see(found, site, at, said)
    for known in found.known.values():
        _close(found, known)
    return _figures(found, site, year, clause_of)


def _see(found: _Year, site: str, at: datetime, said: Details) -> None:
    action, version = said.get("action", ""), int(said.get("version") or 0)
    known = found.known.setdefault(said["comment"], _KnownDecision())
    if (restriction := restriction_in(site, at, said)) is not None:
        found.restrictions[restriction.comment, restriction.version] = restriction
    found.notices.see(at, said)
    if action == "submitted":
        _close(found, known)
        found.known[said["comment"]] = _submitted(found, said)
    elif action in ("reported", "noticed"):
        found.counted["reports"] += 1
        known.reported_at = known.reported_at or at
    elif action == "appealed" or (action == "reopened" and said.get("why") == "appeal"):
        found.counted["complaints"] += 1
        known.appealed_at = at
    elif action == "undone":
        found.restrictions.pop((said["comment"], version - 1), None)
        if known.answered == version - 1:
            known.answered = None
    elif action in _ANSWERS and said.get("decision") in _VERDICTS:
        _answered(found, known, at, said, version)


def _submitted(found: _Year, said: Details) -> _KnownDecision:
    found.automatic[said.get("decision", "")] += 1
    return _KnownDecision(drawn=(said.get("decision", ""), said["inclusion"]) if "inclusion" in said else None)


def _answered(found: _Year, known: _KnownDecision, at: datetime, said: Details, version: int) -> None:
    found.moderators.add(said.get("actor", ""))
    if known.drawn is not None and known.answered is None:
        known.answered, known.wrong = version, said["decision"] != known.drawn[0]
    if said.get("action") != "decided":
        return
    if known.reported_at is not None:
        found.report_hours.append((at - known.reported_at).total_seconds() / HOUR_S)
    if known.appealed_at is not None:
        found.counted["upheld" if said["decision"] == Action.REJECT else "reversed"] += 1
        found.complaint_hours.append((at - known.appealed_at).total_seconds() / HOUR_S)
    known.reported_at = known.appealed_at = None


def _close(found: _Year, known: _KnownDecision) -> None:
    """Count what became of the audit of a revision."""
    if known.drawn is not None:
        outcome = "unanswered" if known.answered is None else "wrong" if known.wrong else "right"
        found.draws[*known.drawn, outcome] += 1


def _figures(found: _Year, site: str, year: int, clause_of: Callable[[Restriction], Clause]) -> YearFigures:
    rejections = [(each, clause_of(each)) for each in found.restrictions.values()]
    counted = found.counted
    return YearFigures(
        site=site,
        year=year,
        restrictions=len(rejections),
        by_category=_sorted(clause.category for _, clause in rejections),
        by_ground=_sorted(clause.ground for _, clause in rejections),
        by_detection=_sorted("automated" if each.is_detected else "not_automated" for each, _ in rejections),
        by_decision=_sorted(each.automation.value for each, _ in rejections),
        reports=counted["reports"],
        reports_acted_on=sum(each.source is Source.NOTICE for each, _ in rejections),
        report_hours=_median(found.report_hours),
        notices=found.notices.by_kind.total(),
        notices_by_kind=dict(sorted(found.notices.by_kind.items())),
        notices_restricted=found.notices.restricted,
        notices_kept=found.notices.kept,
        notices_automatic=found.notices.automatic,
        notice_hours=_median(found.notices.hours),
        complaints=counted["complaints"],
        complaints_upheld=counted["upheld"],
        complaints_reversed=counted["reversed"],
        complaint_hours=_median(found.complaint_hours),
        automatic_decisions=dict(sorted(found.automatic.items())),
        audits=sum(found.draws.values()),
        wrong_rejections=_wrong(found, Action.REJECT),
        wrong_approvals=_wrong(found, Action.APPROVE),
        moderators=len(found.moderators),
    )


def _wrong(found: _Year, action: Action) -> Estimate | None:
    strata = []
    for share in sorted({share for decision, share, _ in found.draws if decision == action}):
        right, wrong, unanswered = (found.draws[action, share, name] for name in ("right", "wrong", "unanswered"))
        drawn = right + wrong + unanswered
        strata.append(DrawnStratum(drawn / float(share), drawn, right + wrong, wrong))
    return audited_share(strata)


def _sorted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


def _median(hours: list[float]) -> float | None:
    return round(statistics.median(hours), 2) if hours else None
