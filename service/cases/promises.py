"""Certificates of a policy, and what its promises are worth now."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct

from service.cases import policies
from service.store import Store
from service.store.watch import SideWatch, WatchState
from service.values import targets
from service.values.errors import BadRequest, Conflict, Fault
from service.values.ladder import at_levels, boldest_approve, boldest_reject, decides_digest
from service.values.policy import Policy, Thresholds
from service.values.targets import SIDE_OF, Certificate, CertifiedStratum, Side, Target, Targets, TargetTest, keeps
from service.values.watching import Departure, Drift, PromiseState, state_of

# Targets that audits of one side check as they are answered.
WATCHED = {Side.APPROVE: Target.WRONG_APPROVE, Side.REJECT: Target.WRONG_REJECT}

# Why a promise is unknown: no certificate, one of another model, of other thresholds or rules, or of another target;
# no audit yet; a target that single audits cannot check; or audits contradict another target of the same decisions.
Why = Literal[
    "no_certificate", "other_model", "other_policy", "not_certified", "no_audits", "not_watched", "side_stopped"
]


class StratumPromise(Struct, frozen=True, kw_only=True):
    """One language, or all others, of a certificate. `is_kept`: the certificate covers the target there."""

    languages: tuple[str, ...]
    is_kept: bool
    thresholds: dict[str, Thresholds]
    audits: int
    wrong: int | None
    upper: Annotated[float | None, Meta(description="With the confidence of the test at most this share is wrong.")]


class Promise(Struct, frozen=True, kw_only=True):
    """A target and what is known of it. `evidence`: of audits against it since the certificate; from `alarm_at` on it
    is broken. `points`: the evidence after so many audits, oldest first.
    """

    target: Target
    side: Side
    alpha: float
    delta: float
    state: PromiseState
    why: Why | None = None
    since: datetime | None = None
    is_suspended: bool = False
    audits: int = 0
    wrong: int = 0
    evidence: float = 1.0
    alarm_at: float = 1.0
    points: list[tuple[int, float]] = []
    strata: list[StratumPromise] = []


class Promises(Struct, frozen=True, kw_only=True):
    """`drift`, `coverage`, `inflow`: whether comments and decisions changed since the certificate, without labels."""

    policy: str
    targets: Targets | None
    certificate: str | None = None
    certified_at: datetime | None = None
    not_promised: tuple[str, ...] = ()
    promises: list[Promise] = []
    drift: Drift | None = None
    coverage: Departure | None = None
    inflow: Departure | None = None
    measured_at: datetime | None = None


async def put_certificate(store: Store, site: str, certificate: Certificate, model: str, actor: str) -> Policy:
    """Store the next version of the policy, with this certificate. What was suspended resumes.

    `model`: the digest of the active one. Raises BadRequest for a certificate that does not add up, and Conflict for
    one that was made for something else.
    """
    before = await policies.newest(store, site)
    wrong = [
        Fault("/" + "/".join(at), why) for at, why in (*targets.faults(certificate), *_overlaps(certificate, before))
    ]
    if wrong:
        raise BadRequest(f"{wrong[0].pointer}: {wrong[0].detail}", wrong)
    if certificate.site != site:
        raise _refused(f"it was made from the comments of site {certificate.site}")
    if certificate.model != model:
        raise _refused(f"it certifies model {certificate.model_version}, which is not the one in use")
    if certificate.decides != decides_digest(before):
        raise _refused(
            f"it certifies {certificate.policy}, whose thresholds, languages or rules are not those of {before}"
        )
    after = msgspec.structs.replace(before, certificate=certificate, suspended=UNSET)
    return await policies.replace(
        store, site, before, after, actor, action="policy_certified", details={"certificate": certificate.id}
    )


async def withdraw_certificate(store: Store, site: str, actor: str) -> Policy:
    """Store the next version of the policy without a certificate."""
    before = await policies.newest(store, site)
    if before.certificate is UNSET:
        return before
    after = msgspec.structs.replace(before, certificate=UNSET, suspended=UNSET)
    return await policies.replace(
        store,
        site,
        before,
        after,
        actor,
        action="certificate_withdrawn",
        details={"certificate": before.certificate.id},
    )


def _refused(detail: str) -> Conflict:
    return Conflict("certificate_refused", detail, {})


def _overlaps(certificate: Certificate, policy: Policy) -> list[tuple[tuple[str, ...], str]]:
    found: list[tuple[tuple[str, ...], str]] = []
    for place, stratum in enumerate(certificate.strata):
        if stratum.approve_level is None:
            continue
        boldest = boldest_approve(policy)
        if stratum.reject_level is not None:
            boldest = boldest_reject(policy, stratum.approve_level)
        level = stratum.approve_level if stratum.reject_level is None else stratum.reject_level
        if boldest is None or level > boldest:
            at = ("strata", str(place), "approve_level" if stratum.reject_level is None else "reject_level")
            found.append((at, "approves and rejects the same scores"))
    return found


def seen(policy: Policy, model: str, state: WatchState) -> Promises:
    """What is promised, and what is known of it. `model`: the digest of the active one."""
    if policy.targets is UNSET:
        return Promises(policy=str(policy), targets=None)
    certificate = None if policy.certificate is UNSET else policy.certificate
    is_watched = certificate is not None and state.certificate == certificate.id
    watched: Mapping[Side, SideWatch] = state.sides if is_watched else {}
    return Promises(
        policy=str(policy),
        targets=policy.targets,
        certificate=certificate.id if certificate else None,
        certified_at=certificate.created_at if certificate else None,
        not_promised=certificate.not_promised if certificate else (),
        promises=[
            _promise(policy, policy.targets, target, model, watched.get(SIDE_OF[target], SideWatch()), state)
            for target in policy.targets.wanted
        ],
        drift=state.drift if is_watched else None,
        coverage=state.coverage if is_watched else None,
        inflow=state.inflow if is_watched else None,
        measured_at=state.measured_at if is_watched else None,
    )


def _promise(  # noqa: PLR0917 - a target, and all that bears on it
    policy: Policy, wanted: Targets, target: Target, model: str, watch: SideWatch, state: WatchState
) -> Promise:
    side, alpha, delta = SIDE_OF[target], wanted.alpha(target) or 0.0, wanted.delta
    stopped = next((each for each in policy.suspended or () if each.side is side), None)
    why = _why_unknown(policy, wanted, side, model)
    if why is None and target is not WATCHED[side]:
        why = "not_watched"
    found = Promise(
        target=target,
        side=side,
        alpha=alpha,
        delta=delta,
        state=PromiseState.UNKNOWN,
        why=why,
        is_suspended=stopped is not None,
        alarm_at=1 / delta,
        strata=_strata(policy, wanted, target),
    )
    if stopped is not None and target is not WATCHED[side]:
        return msgspec.structs.replace(found, why="side_stopped", since=stopped.at)
    if stopped is None and why is not None:
        return found
    now = state_of(watch.evidence, delta, is_drifting=is_drifting(state))
    return msgspec.structs.replace(
        found,
        state=PromiseState.BROKEN if stopped else now,
        why="no_audits" if now is PromiseState.UNKNOWN and not stopped else None,
        since=stopped.at if stopped else watch.since,
        audits=watch.evidence.audits,
        wrong=watch.evidence.wrong,
        evidence=_exp(watch.evidence.log),
        points=[(n, _exp(log)) for n, _, log in watch.evidence.points],
    )


def is_drifting(state: WatchState) -> bool:
    return (state.drift is not None and state.drift.must_act) or (
        state.coverage is not None and state.coverage.is_notable
    )


def _exp(log: float) -> float:
    """At most 1e300, so that it stays a number of JSON."""
    return float(f"{2.718281828459045 ** min(log, 690.0):.6g}")


def _why_unknown(policy: Policy, wanted: Targets, side: Side, model: str) -> Why | None:
    """Why nothing certifies a side; None: it is certified, at least for some languages."""
    if policy.certificate is UNSET:
        return "no_certificate"
    if policy.certificate.model != model:
        return "other_model"
    if policy.certificate.decides != decides_digest(policy):
        return "other_policy"
    if not any(keeps(policy.certificate, stratum, wanted, side) for stratum in policy.certificate.strata):
        return "not_certified"
    return None


def _strata(policy: Policy, wanted: Targets, target: Target) -> list[StratumPromise]:
    if policy.certificate is UNSET:
        return []
    certificate, side = policy.certificate, SIDE_OF[target]
    return [
        _stratum(policy, stratum, target, keeps(certificate, stratum, wanted, side)) for stratum in certificate.strata
    ]


def _stratum(policy: Policy, stratum: CertifiedStratum, target: Target, is_kept: bool) -> StratumPromise:
    test = stratum.test(target)
    chosen = _chosen(test)
    return StratumPromise(
        languages=stratum.languages,
        is_kept=is_kept,
        thresholds=dict(at_levels(policy, stratum.approve_level, stratum.reject_level).thresholds),
        audits=chosen[0] if chosen else 0,
        wrong=chosen[1] if chosen else None,
        upper=test.upper if test else None,
    )


def _chosen(test: TargetTest | None) -> tuple[int, int] | None:
    """Comments and wrong decisions at the chosen level."""
    if test is None or test.chosen is None:
        return None
    return next(((step.n, step.k) for step in test.steps if step.level == test.chosen), None)
