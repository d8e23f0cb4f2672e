"""The ladder of thresholds that a certificate chooses from, and what is in force under it.

Level 0 is the policy's own thresholds. Each level moves all thresholds of a side by the same step on the logit scale,
so the weights that the site gave its attributes stay as they are. Higher levels decide more comments automatically. The
ladder depends on no label, so the order of the tests is fixed before any label is seen.
"""

import hashlib
import math
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from service.values.domain import Action, Reason
from service.values.policy import (
    LOOKED_AT,
    MOST_LOOKED_AT,
    NOT_CERTIFIED,
    Decision,
    Policy,
    Thresholds,
    likelihood,
)
from service.values.targets import Certificate, CertifiedStratum, Side, encode, keeps

LOWEST, HIGHEST = -80, 80
STEP = 0.1
DECIMALS = 6


def decides_digest(policy: Policy) -> str:
    """Of all in a policy that bears on decisions: what a certificate was made for.

    The entries of word lists are not part of it: they change daily, and the watch notices what that does.
    """
    return hashlib.sha256(
        encode(
            {
                "thresholds": policy.thresholds,
                "languages": policy.languages,
                "rules": policy.rules,
                "lists": policy.lists,
            }
        )
    ).hexdigest()


def rules_digest(policy: Policy) -> str:
    """Of all that acts beside the thresholds."""
    return decides_digest(msgspec.structs.replace(policy, thresholds={}))


def moved(threshold: float | None, level: int) -> float | None:
    """A threshold, `level` steps higher on the logit scale, rounded as it is certified and compared."""
    if threshold is None or not 0 < threshold < 1:
        return threshold
    return round(1 / (1 + math.exp(-(math.log(threshold / (1 - threshold)) + level * STEP))), DECIMALS)


def approving(limits: Thresholds, level: int) -> float | None:
    """From this score on a comment is not approved automatically."""
    return moved(limits.reject_at if limits.review_at is None else limits.review_at, level)


def rejecting(limits: Thresholds, level: int) -> float | None:
    return moved(limits.reject_at, -level)


def risk(scores: Mapping[str, float], policy: Policy) -> float:
    """How far the riskiest score is above (positive) or below its threshold, in levels; LOWEST to HIGHEST."""
    found = [
        (_logit(score) - _logit(first)) / STEP
        for attribute, limits in policy.thresholds.items()
        if (score := scores.get(attribute)) is not None and (first := approving(limits, 0)) is not None
    ]
    return min(HIGHEST, max(LOWEST, round(max(found, default=LOWEST), 3)))


def _logit(share: float) -> float:
    kept = min(1 - 1e-9, max(1e-9, share))
    return math.log(kept / (1 - kept))


def side_only(policy: Policy, side: Side, level: int) -> Policy:
    """The policy with the thresholds of one side alone, to ask what that side decides."""

    def of(limits: Thresholds) -> Thresholds:
        if side is Side.APPROVE:
            return Thresholds(review_at=approving(limits, level))
        return Thresholds(reject_at=rejecting(limits, level))

    return _with(policy, of)


def lowest_level(decided: Callable[[int], bool]) -> int | None:
    """The lowest level at which a comment is decided automatically; None: at none. `decided` must be monotone."""
    if not decided(HIGHEST):
        return None
    low, high = LOWEST - 1, HIGHEST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decided(middle) else (middle, high)
    return high


def boldest_reject(policy: Policy, approve_level: int) -> int | None:
    """The highest level of rejection at which no score is both approved and rejected; None: there is none."""
    levels = range(HIGHEST, LOWEST - 1, -1)
    return next((level for level in levels if _apart(policy, approve_level, level)), None)


def boldest_approve(policy: Policy) -> int | None:
    """The same for approvals, beside rejections by the policy's own thresholds."""
    levels = range(HIGHEST, LOWEST - 1, -1)
    return next((level for level in levels if _apart(policy, level, 0)), None)


def _apart(policy: Policy, approve_level: int, reject_level: int) -> bool:
    for limits in policy.thresholds.values():
        low, high = approving(limits, approve_level), rejecting(limits, reject_level)
        if low is not None and high is not None and low > high:
            return False
    return True


class InForce(NamedTuple):
    """The thresholds that decide now, and the sides that must leave their decisions to a person."""

    policy: Policy
    unpromised: frozenset[Side] = frozenset()


def in_force(policy: Policy, model: str, language: str | None) -> InForce:
    """`model`: the digest of the active one."""
    if policy.targets is UNSET:
        return InForce(policy)
    stratum = _stratum(policy, model, language)
    suspended = {each.side for each in policy.suspended or ()}
    unpromised, levels = set[Side](), dict[Side, int]()
    for side in Side:
        if not policy.targets.of_side(side):
            continue
        if stratum is None or side in suspended or not keeps(*stratum, policy.targets, side):
            unpromised.add(side)
        else:
            levels[side] = _level(stratum[1], side)
    return InForce(at_levels(policy, levels.get(Side.APPROVE), levels.get(Side.REJECT)), frozenset(unpromised))


class InForceCache:
    """Remembers what is in force, because digests take longer than a decision."""

    MOST = 256

    def __init__(self) -> None:
        # By identity: policies stay the same object until another version is read. The policy itself is kept beside it,
        # so that no other object gets its identity.
        self._found: dict[tuple[int, str, str | None], tuple[Policy, InForce]] = {}

    def __call__(self, policy: Policy, model: str, language: str | None) -> InForce:
        if policy.targets is UNSET:
            return InForce(policy)
        kept = self._found.get((id(policy), model, language))
        if kept is None:
            if len(self._found) >= self.MOST:
                self._found.clear()
            kept = self._found[id(policy), model, language] = (policy, in_force(policy, model, language))
        return kept[1]


def _level(stratum: CertifiedStratum, side: Side) -> int:
    level = stratum.approve_level if side is Side.APPROVE else stratum.reject_level
    assert level is not None, "keeps() checked it"  # noqa: S101 - for the type checker
    return level


def _stratum(policy: Policy, model: str, language: str | None) -> tuple[Certificate, CertifiedStratum] | None:
    certificate = policy.certificate
    if certificate is UNSET or certificate.model != model or certificate.decides != decides_digest(policy):
        return None
    stratum = certificate.stratum(language)
    return None if stratum is None else (certificate, stratum)


def at_levels(policy: Policy, approve_level: int | None, reject_level: int | None) -> Policy:
    """The policy with the thresholds of these levels; None: the policy's own."""

    def of(limits: Thresholds) -> Thresholds:
        review_at = limits.review_at if approve_level is None else approving(limits, approve_level)
        reject_at = limits.reject_at if reject_level is None else rejecting(limits, reject_level)
        return Thresholds(review_at, reject_at)

    return policy if approve_level is None and reject_level is None else _with(policy, of)


def _with(policy: Policy, of: Callable[[Thresholds], Thresholds]) -> Policy:
    limits = {attribute: of(each) for attribute, each in policy.thresholds.items()}
    return msgspec.structs.replace(policy, thresholds=limits)


def likelihood_in_force(scores: Mapping[str, float], in_force: InForce, lacking: Collection[str] = ()) -> float:
    """As `likelihood`, but where nothing certifies a side, it says that a person looks."""
    found = likelihood(scores, in_force.policy, lacking)
    if Side.APPROVE in in_force.unpromised:
        found = max(found, LOOKED_AT)
    return min(found, MOST_LOOKED_AT) if Side.REJECT in in_force.unpromised else found


_SIDES = {Action.APPROVE: Side.APPROVE, Action.REJECT: Side.REJECT}


def unless_promised(decision: Decision, unpromised: frozenset[Side]) -> Decision:
    """The decision, but a person looks at what a side would have decided whose target nothing certifies."""
    if _SIDES.get(decision.action) not in unpromised:
        return decision
    reason = Reason(NOT_CERTIFIED)
    # Of an approval, the score that came closest explains nothing.
    reasons = (*decision.reasons, reason) if decision.action is Action.REJECT else (reason,)
    return Decision(Action.REVIEW, reasons)
