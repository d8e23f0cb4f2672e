"""The gate before a promotion: what the site's policy asks of a model, checked on what people of the site decided."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from msgspec import UNSET, Struct

import classifier
from classifier import Losses, Worth
from service.cases.comparison import Comparison, Comparisons
from service.cases.model_files import ALL_SITES
from service.cases.model_folders import Described
from service.cases.models import Models
from service.store.draws import Draws
from service.store.shadow import KEPT_DAYS, ShadowCounts
from service.values.audits import ModelPair
from service.values.differing import differing_audits, differing_check
from service.values.errors import Conflict, ModelUnusable
from service.values.gate import Gate, GateCheck, audits_check, coverage_check, shadow_check, target_checks
from service.values.policy import Policy
from service.values.shadow import figures

# Newest decisions of people that the checks look at.
LAST = 2_000


class GateResult(Struct, frozen=True, kw_only=True):
    """`is_required`: the policy has a gate, so a promotion that does not pass takes two people."""

    model: str
    champion: str
    policy: str
    at: datetime
    is_required: bool
    passed: bool
    checks: list[GateCheck]


class PromotionGate:
    """Methods raise NotFound, ModelUnusable and StoreUnavailable."""

    def __init__(self, comparisons: Comparisons, models: Models, shadow: ShadowCounts, draws: Draws) -> None:
        self._comparisons = comparisons
        self._models = models
        self._shadow = shadow
        self._draws = draws

    async def check(self, site: str, policy: Policy, version: str, own: str = ALL_SITES) -> GateResult:
        """By the policy's gate; by the usual one if it has none. `own`: the site for which it would be promoted."""
        gate = Gate() if policy.gate is UNSET else policy.gate
        comparison, judged = await self._comparisons.judged(site, version, LAST, own)
        known = await asyncio.to_thread(self._models.list, own)
        targets = None if policy.targets is UNSET else policy.targets
        model = await self._models.opened(version, own)
        checks = [
            *_held_out(gate, known, version),
            *_by_group(gate, known, version),
            self._golden(model),
            *_compared(gate, comparison),
            *target_checks(gate, targets, judged),
            *await self._shadowed(gate, site, model.digest),
            *await self._differing(gate, site, policy, ModelPair(self._models.digest(own), model.digest)),
        ]
        return GateResult(
            model=version,
            champion=comparison.champion,
            policy=str(policy),
            at=datetime.now(UTC),
            is_required=policy.gate is not UNSET,
            passed=all(each.passed for each in checks),
            checks=checks,
        )

    async def admit(self, site: str, policy: Policy, version: str, own: str = ALL_SITES) -> None:
        """Raises Conflict if the policy has a gate and the model does not pass it. The model in use needs none."""
        if policy.gate is UNSET or version == self._models.of(own).version:
            return
        found = await self.check(site, policy, version, own)
        if not found.passed:
            failed = [each for each in found.checks if not each.passed]
            said = "; ".join(f"{each.name}: {each.detail}" for each in failed)
            raise Conflict(
                "gate_failed",
                f"{version} does not pass the gate ({said}); a second person can promote it with a reason",
                {"failed": [each.name for each in failed]},
            )

    async def _shadowed(self, gate: Gate, site: str, digest: str) -> list[GateCheck]:
        if not gate.shadow_days:
            return []
        return [shadow_check(gate, figures(await self._shadow.of(site, digest, datetime.now(UTC).date())))]

    async def _differing(self, gate: Gate, site: str, policy: Policy, models: ModelPair) -> list[GateCheck]:
        if not policy.review.audit_differing:
            return []
        draws = await self._draws.sampled_since(site, datetime.now(UTC) - timedelta(days=KEPT_DAYS), models)
        check = differing_check(gate, differing_audits(draws))
        return [] if check is None else [check]

    @staticmethod
    def _golden(model: classifier.Model) -> GateCheck:
        """A model with another score for one of these texts could not have been opened."""
        count = len(model.manifest.golden)
        return GateCheck("golden", count > 0, f"{count} texts have the scores that were recorded", {"texts": count})


def _held_out(gate: Gate, known: list[Described], version: str) -> Iterator[GateCheck]:
    if not gate.held_out:
        return
    active, other = _pair(known, version)
    found = classifier.losses(Worth(active.languages, active.metrics), Worth(other.languages, other.metrics))
    figures = {"languages": len(found.languages), "attributes": len(found.attributes), "data_sets": len(found.fallen)}
    yield GateCheck("held_out", not found.is_any, _said(found), figures)


def _by_group(gate: Gate, known: list[Described], version: str) -> Iterator[GateCheck]:
    if gate.max_group_ratio is None:
        return
    champion, challenger = (classifier.group_errors(each.metrics) for each in _pair(known, version))
    figures: dict[str, float | int | None] = {"most": gate.max_group_ratio, "champion": champion and champion.ratio}
    if challenger is None:
        detail = "its manifest has no figures by identity group; models from before this check have none"
        yield GateCheck("groups", passed=False, detail=detail, figures=figures | {"worst_over_mean": None})
        return
    figures |= {
        "worst_over_mean": challenger.ratio,
        "worst_share": challenger.worst_share,
        "mean_share": challenger.mean_share,
        "groups": challenger.groups,
    }
    detail = (
        f"harmless texts on the worst of {challenger.groups} identity groups ({challenger.worst}) are flagged "
        f"{challenger.ratio:.2f} times as often as the mean, and at most {gate.max_group_ratio:g} times is allowed"
    )
    yield GateCheck("groups", challenger.ratio <= gate.max_group_ratio, detail, figures)


def _pair(known: list[Described], version: str) -> tuple[Described, Described]:
    """The model in use, and this one. Raises ModelUnusable if a folder was removed."""
    active = next((each for each in known if each.active), None)
    other = next((each for each in known if each.version == version), None)
    if active is None or other is None:
        raise ModelUnusable(f"the folder of {'the model in use' if active is None else version} is gone")
    return active, other


def _said(found: Losses) -> str:
    if not found.is_any:
        return "nothing is lost, and no data set is significantly worse"
    return (
        f"lost: {len(found.languages)} languages and {len(found.attributes)} attributes; significantly worse: "
        f"{len(found.fallen)} figures on held-out texts"
    )


def _compared(gate: Gate, comparison: Comparison) -> Iterator[GateCheck]:
    shares = {name: each.automated_share for name, each in comparison.outcomes.items()}
    pairs = comparison.audited
    for check in (
        coverage_check(gate, shares["champion"], shares["challenger"]),
        audits_check(gate, pairs.comments, pairs.only_champion_wrong, pairs.only_challenger_wrong, pairs.p_value),
    ):
        if check is not None:
            yield check
