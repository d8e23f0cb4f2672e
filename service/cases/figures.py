"""Statistics: the queue, decisions, agreement between people and model, and the results of blind audits."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta, Struct

from service.store import Store
from service.values.agreement import Agreement, cohens_kappa
from service.values.audits import AuditCounts, DrawnStratum, audited_share, found_share_of_kinds, share_of_kinds
from service.values.domain import Action, Verdict
from service.values.statistics import Estimate

# Redis keeps the counters for this long.
MOST_HOURS = 62 * 24
HOUR_S = 3600


class HourCounts(Struct, frozen=True):
    """`inflow`: comments that entered the queue. A share is null in an hour without such comments."""

    hour: datetime
    decisions: dict[str, int]
    moderators: dict[str, int]
    automatic: dict[str, int]
    inflow: int
    automated: Annotated[float | None, Meta(description="Share of new comments that the automatic step decided.")]
    agreement: float | None
    overturn_rate: float | None


class QueueSample(Struct, frozen=True):
    """The length of the queue at one time, and the age of its oldest comment."""

    at: datetime
    waiting: int
    oldest_age_s: float


class Audited(Struct, frozen=True, omit_defaults=True):
    """Comments with one automatic decision, how many of them people judged, and how many of those violate the rules.

    `unaudited`: comments that came while such decisions were not audited; estimates do not cover them.
    """

    comments: int
    judged: int
    violating: int
    unaudited: int = 0


class Quality(Struct, frozen=True, kw_only=True):
    """Estimates for all comments of these hours from people's decisions, each with its 95 % interval.

    Automatic decisions enter through blind audits only, each weighted by the number of comments that it represents
    (Horvitz and Thompson), so that doubtful comments, which people mostly see, do not weigh too much. `lowest` and
    `highest` of an estimate say how much the audits that nobody has answered could change it. The first two cover the
    comments that came while such decisions were audited; the others are null if part of the comments was not audited.
    An interval is null if the sample is too small.
    """

    rejected: Audited
    reviewed: Audited
    approved: Audited
    audits_of_rejections: AuditCounts
    audits_of_approvals: AuditCounts
    precision_of_rejections: Annotated[Estimate | None, Meta(description="Automatic rejections that violate.")]
    missed_in_approvals: Annotated[Estimate | None, Meta(description="Automatic approvals that violate.")]
    violating: Annotated[Estimate | None, Meta(description="Share of all comments that violate.")]
    recall_of_rejections: Annotated[Estimate | None, Meta(description="Of those, the share rejected automatically.")]
    recall: Annotated[Estimate | None, Meta(description="Of those, the share rejected automatically or by people.")]


class Figures(Struct, frozen=True, kw_only=True):
    """The queue now, and the last hours.

    `decisions_per_hour`: newest hour first, without empty hours. `queue`: a sample every five minutes, oldest first.
    `agreement`: how often two independent reviews of one comment agreed; `double_review`: the same corrected for chance
    (Cohen's kappa). `overturn_rate`: how often people changed an earlier decision (audits, reports, appeals). Null if
    there were none. Comments that are leased, or that this moderator judged before, are in the queue but cannot be
    claimed: `next_lease_ends_s` says when the next one may become free.
    """

    queued: int
    claimed: int
    escalated: int
    overdue: int
    oldest_age_s: float | None
    next_lease_ends_s: float | None
    hours: Annotated[int, Meta(description="The number of hours that the following fields cover.")]
    stuck: Annotated[int, Meta(description="Comments whose lease ended five times without a decision.")]
    reports: Annotated[int, Meta(description="Readers' reports.")]
    expired: Annotated[int, Meta(description="Comments decided by expiry.")]
    decisions_per_hour: list[HourCounts]
    queue: list[QueueSample]
    automated: float | None
    agreement: float | None
    overturn_rate: float | None
    double_review: Agreement | None
    quality: Quality


async def figures(store: Store, site: str, hours: int = 24, *, step: int = 1) -> Figures:
    """`hours`: at most MOST_HOURS, including the current, incomplete one.

    `step`: how many hours each entry of `decisions_per_hour` covers; entries begin at multiples of it.
    """
    stats = await store.queue.stats(site, hours)
    counted = _summed(counted for _, counted in stats["hours"])
    return Figures(
        queued=stats["queued"],
        claimed=stats["leased"],
        escalated=stats["escalated"],
        overdue=stats["overdue"],
        oldest_age_s=_seconds(stats["oldest_ms"]),
        next_lease_ends_s=_seconds(stats["frees_ms"]),
        hours=hours,
        stuck=counted["stuck"],
        reports=counted["reported"],
        expired=sum(_of(counted, "expired:").values()),
        decisions_per_hour=[_hour(hour, counted) for hour, counted in _together(stats["hours"], step) if counted],
        queue=[
            QueueSample(datetime.fromtimestamp(at, UTC), waiting, age_ms / 1000)
            for at, (waiting, age_ms) in stats["samples"].items()
        ],
        automated=_automated(_automatic(counted)),
        agreement=_share(counted["agreed"], counted["disagreed"]),
        overturn_rate=_share(counted["overturned"], counted["upheld"]),
        double_review=_double_review(counted),
        quality=_quality(counted),
    )


def _hour(hour: int, counted: Mapping[str, int]) -> HourCounts:
    automatic = _automatic(counted)
    came = automatic.get(Action.REVIEW, 0) + sum(
        n for kind in ("drawn:", "learning:", "reopened:") for n in _of(counted, kind).values()
    )
    return HourCounts(
        hour=datetime.fromtimestamp(hour, UTC),
        decisions=_of(counted, "decision:"),
        moderators=_of(counted, "moderator:"),
        automatic=automatic,
        inflow=came,
        automated=_automated(automatic),
        agreement=_share(counted.get("agreed", 0), counted.get("disagreed", 0)),
        overturn_rate=_share(counted.get("overturned", 0), counted.get("upheld", 0)),
    )


def _together(hours: Iterable[tuple[int, Mapping[str, int]]], step: int) -> list[tuple[int, Mapping[str, int]]]:
    """Sums over `step` hours; keeps the order, newest first."""
    found: dict[int, Counter[str]] = {}
    for hour, counted in hours:
        found.setdefault(hour - hour % (step * HOUR_S), Counter()).update(counted)
    return list(found.items())


def _double_review(counted: Mapping[str, int]) -> Agreement | None:
    said = (Verdict.APPROVE, Verdict.REJECT)
    return cohens_kappa([[counted.get(f"votes:{first}:{second}", 0) for second in said] for first in said])


def _quality(counted: Mapping[str, int]) -> Quality:
    rejected, approved = _strata(counted, Action.REJECT), _strata(counted, Action.APPROVE)
    judged = {verdict: counted.get(f"judged:{verdict}", 0) for verdict in (Verdict.APPROVE, Verdict.REJECT)}
    answered, came = sum(judged.values()), _automatic(counted).get(Action.REVIEW, 0)
    # More can be judged than came in: an edited comment may have come in an earlier hour.
    reviewed = [DrawnStratum(max(came, answered), answered, answered, judged[Verdict.REJECT])]
    is_whole = not any(_unaudited(counted, action) for action in (Action.REJECT, Action.APPROVE))
    return Quality(
        rejected=_audited(counted, Action.REJECT, rejected),
        reviewed=Audited(max(came, answered), answered, judged[Verdict.REJECT]),
        approved=_audited(counted, Action.APPROVE, approved),
        audits_of_rejections=_audits(counted, Action.REJECT, rejected),
        audits_of_approvals=_audits(counted, Action.APPROVE, approved),
        precision_of_rejections=audited_share(rejected),
        missed_in_approvals=audited_share(approved),
        violating=share_of_kinds([rejected, reviewed, approved]) if is_whole else None,
        recall_of_rejections=found_share_of_kinds([rejected], [reviewed, approved]) if is_whole else None,
        recall=found_share_of_kinds([rejected, reviewed], [approved]) if is_whole else None,
    )


def _strata(counted: Mapping[str, int], action: Action) -> list[DrawnStratum]:
    """One stratum for each audit share, because the share changes with the policy and as a day's audits run out."""
    strata = []
    for name, total in _of(counted, f"automatic:{action}@").items():
        judged = _of(counted, f"audited:{action}@{name}:")
        answered = sum(judged.values())
        # Earlier releases did not count draws by their share.
        drawn = max(answered, counted.get(f"drawn:{action}@{name}", 0))
        strata.append(DrawnStratum(max(total, drawn), drawn, answered, judged.get(Verdict.REJECT, 0)))
    return strata


def _unaudited(counted: Mapping[str, int], action: Action) -> int:
    return counted.get(f"automatic:{action}", 0)


def _audited(counted: Mapping[str, int], action: Action, strata: Sequence[DrawnStratum]) -> Audited:
    unaudited = _unaudited(counted, action)
    return Audited(
        comments=round(sum(each.total for each in strata)) + unaudited,
        judged=sum(each.answered for each in strata),
        violating=sum(each.hits for each in strata),
        unaudited=unaudited,
    )


def _audits(counted: Mapping[str, int], action: Action, strata: Sequence[DrawnStratum]) -> AuditCounts:
    drawn, answered = sum(each.drawn for each in strata), sum(each.answered for each in strata)
    lost: Counter[str] = Counter()
    for name, n in _of(counted, f"lost:{action}@").items():
        lost[name.partition(":")[2]] += n
    return AuditCounts(drawn, answered, max(0, drawn - answered - lost.total()), dict(lost))


def _automatic(counted: Mapping[str, int]) -> dict[str, int]:
    """Counts by decision, summed over the audit shares."""
    found: Counter[str] = Counter()
    for name, n in _of(counted, "automatic:").items():
        found[name.partition("@")[0]] += n
    return dict(found)


def _automated(automatic: Mapping[str, int]) -> float | None:
    total = sum(automatic.values())
    return 1 - automatic.get(Action.REVIEW, 0) / total if total else None


def _seconds(ms: int) -> float | None:
    return None if ms < 0 else ms / 1000


def _share(those: int, others: int) -> float | None:
    return those / (those + others) if those + others else None


def _summed(hours: Iterable[Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for counted in hours:
        total.update(counted)
    return total


def _of(counted: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): n for name, n in counted.items() if name.startswith(prefix)}
