"""Writes certificates: runs the tests of every stratum, and says what was certified and what was not."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from training.certification import smallest_sample, upper_bounds
from training.certify import (
    LEAST_ANSWERED,
    NOT_PROMISED,
    SIDES,
    Certifiable,
    CertifyOptions,
    Fold,
    SampleLine,
    Targets,
    TestedTarget,
    advice,
    code_version,
    common_inclusion,
    grid,
    histogram,
    new_id,
    pool,
    strata_of,
    test,
    upper,
)
from training.errors import DataUnusable


@dataclass(frozen=True, slots=True)
class CertifyOutcome:
    """`certificate`: None if no target passed anywhere. `said`: what was tested and what is missing, in words."""

    certificate: dict[str, Any] | None
    said: list[str]


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is decided before the labels of the certify fold are opened. `strata`: None is the one for all.

    `short`: targets that cannot pass whatever the labels say, in words; `is_hopeless`: one of them in every stratum.
    """

    fold: Fold
    strata: list[str | None]
    delta: float
    short: list[str]
    is_hopeless: bool


def plan(about: Certifiable, targets: Targets, fold: Fold, options: CertifyOptions) -> Plan:
    """Raises DataUnusable if too few of the reviewed comments were answered to be a fair sample."""
    if about.reviewed and about.answered / about.reviewed < LEAST_ANSWERED:
        raise DataUnusable(
            f"people decided only {about.answered} of the {about.reviewed} comments that were left to them; at least "
            f"{LEAST_ANSWERED:.0%} are needed, because the others may be different ones"
        )
    share = (1 - targets.confidence) / len(targets.wanted)
    least = smallest_sample(max(targets.wanted.values()), share)
    strata = strata_of(fold.tune, fold.certify, least, options)
    delta = share / len(strata)
    missing = {
        (target, language): said
        for language in strata
        for target in targets.wanted
        if (said := _too_few(about, targets, fold, language, target, delta))
    }
    is_hopeless = any(all((target, language) in missing for language in strata) for target in targets.wanted)
    return Plan(fold, strata, delta, list(missing.values()), is_hopeless)


def _too_few(  # noqa: PLR0917 - a target, and all that it is tested on
    about: Certifiable, targets: Targets, fold: Fold, language: str | None, target: str, delta: float
) -> str:
    """Whether a target cannot pass whatever the labels say, in words. Known from counts alone, except for missed ones:
    how many comments violate only the labels say.
    """
    most = _most(about, targets, SIDES[target])
    lines = _of([*fold.certify, *fold.open], language)
    have = 0 if most is None else len(pool(lines, target, most))
    least = smallest_sample(targets.wanted[target], delta)
    if have >= least:
        return ""
    return (
        f"{target}{_in(language)}: {have} answers; even without one wrong answer it takes {least}, so at least "
        f"{least - have} more are needed"
    )


def certify(about: Certifiable, targets: Targets, made: Plan, opened: int = 1) -> CertifyOutcome:
    """Opens the labels of the certify fold."""
    said: list[str] = []
    strata = [_stratum(about, targets, made, language, said) for language in made.strata]
    if all(each["approve_level"] is None and each["reject_level"] is None for each in strata):
        return CertifyOutcome(None, said)
    return CertifyOutcome(
        {
            "id": new_id(),
            "method": "binomial-fst",
            "model": about.model,
            "model_version": about.model_version,
            "site": about.site,
            "policy": about.policy,
            "decides": about.decides,
            "confidence": targets.confidence,
            "strata": strata,
            "fold": {"from": made.fold.begins.isoformat(), "to": made.fold.ends.isoformat()},
            "sampling": _sampling(made.fold.certify),
            "risks": histogram(made.fold.certify),
            "opened": opened,
            "not_promised": list(NOT_PROMISED),
            "created_at": datetime.now(UTC).isoformat(),
            "code_version": code_version(),
        },
        said,
    )


def _stratum(about: Certifiable, targets: Targets, made: Plan, language: str | None, said: list[str]) -> dict[str, Any]:
    tune, lines = _of(made.fold.tune, language), _of(made.fold.certify, language)
    missing = _of(made.fold.open, language)
    lines = [*lines, *missing]
    days = (made.fold.ends - made.fold.begins).total_seconds() / 86_400
    own = set() if about.boldest_approve is None else {about.boldest_approve}
    approving = _side("approve", about, targets, made, (tune, lines), own)
    beside = {most for level in approving.levels if (most := about.boldest_reject[level - about.lowest]) is not None}
    rejecting = _side("reject", about, targets, made, (tune, lines), beside)
    approve_level, reject_level, coverage = _chosen(about, approving, rejecting, lines)
    said += [_said(each, language, approve_level, days) for each in approving.tests]
    said += [_said(each, language, reject_level, days) for each in rejecting.tests]
    return {
        "languages": [] if language is None else [language],
        "approve_level": approve_level,
        "reject_level": reject_level,
        "tests": [_written(each) for each in (*approving.tests, *rejecting.tests)],
        "audits": len(lines),
        "unanswered": len(missing),
        "coverage": coverage,
    }


@dataclass(frozen=True, slots=True)
class _CertifiedSide:
    """`levels`: in the order of the tests. `passed`: those that all targets of the side passed."""

    tests: list[TestedTarget]
    levels: list[int]
    passed: list[int]


def _side(  # noqa: PLR0917 - a side, and all that it is tested on
    side: str,
    about: Certifiable,
    targets: Targets,
    made: Plan,
    lines: tuple[Sequence[SampleLine], Sequence[SampleLine]],
    beside: AbstractSet[int] = frozenset(),
) -> _CertifiedSide:
    """The tests of a side. Their order depends on scores alone, never on labels of the certify fold, not even on those
    of the other side. `beside`: levels to test as well, for which the other side leaves room.
    """
    wanted = [target for target in targets.wanted if SIDES[target] == side]
    most = _most(about, targets, side)
    if not wanted or most is None:
        return _CertifiedSide([], [], [])
    # Both targets of approvals are tested at the same levels, so that they can pass the same one.
    first = wanted[0]
    tune, sample = (pool(each, first, most) for each in lines)
    sizes = (1, 1)
    if first != "max_missed":
        sizes = (
            smallest_sample(targets.wanted[first], made.delta),
            smallest_sample(targets.wanted[first], made.delta, 2),
        )
    levels = grid(tune, side, most, sizes, len(sample) / max(1, len(tune)))
    levels = sorted({*levels, *(each for each in beside if levels[0] < each < most)})
    tests = [
        test(pool(lines[1], target, most), target, levels, targets.wanted[target], made.delta) for target in wanted
    ]
    passed = set.intersection(*(set(each.passed) for each in tests))
    return _CertifiedSide(tests, levels, sorted(passed))


def _most(about: Certifiable, targets: Targets, side: str) -> int | None:
    """How bold the levels of a side may be, whatever labels say."""
    if side == "approve":
        return about.highest if targets.max_wrong_reject is not None else about.boldest_approve
    # Level 0 is the policy's own thresholds: nothing below the score that they approve is rejected.
    return about.boldest_reject[0 - about.lowest]


def _chosen(
    about: Certifiable, approving: _CertifiedSide, rejecting: _CertifiedSide, lines: Sequence[SampleLine]
) -> tuple[int | None, int | None, float]:
    """Of the levels that passed, the two that decide most comments and no score both ways, and which share that is.

    The choice may look at everything: the tests of each side have a fixed order, so with the promised confidence none
    of the levels that passed is wrong.
    """
    coverage = _Coverage(lines)
    # The first of equals: the boldest approvals.
    share, approve, reject = max(
        ((coverage.of(*pair), *pair) for pair in _pairs(about, approving, rejecting)), key=lambda each: each[0]
    )
    return approve, reject, share


def _pairs(
    about: Certifiable, approving: _CertifiedSide, rejecting: _CertifiedSide
) -> Iterator[tuple[int | None, int | None]]:
    """Each level of approvals that passed, the boldest first, or none, with the boldest rejections beside it."""
    for approve in reversed(approving.passed):
        most = about.boldest_reject[approve - about.lowest]
        reject = max((each for each in rejecting.passed if most is not None and each <= most), default=None)
        # Without a level of their own, rejections keep the policy's thresholds.
        if reject is not None or (about.boldest_approve is not None and approve <= about.boldest_approve):
            yield approve, reject
    yield None, max(rejecting.passed, default=None)


class _Coverage:
    """The share of all comments that levels decide; each line stands for 1 / inclusion comments."""

    def __init__(self, lines: Sequence[SampleLine]) -> None:
        self._weights = np.array([1 / line.inclusion for line in lines])
        self._approve, self._reject = (
            np.array([np.inf if (level := line.level(side)) is None else level for line in lines])
            for side in ("approve", "reject")
        )

    def of(self, approve: int | None, reject: int | None) -> float:
        decided = np.zeros(len(self._weights), bool)
        if approve is not None:
            decided |= self._approve <= approve
        if reject is not None:
            decided |= self._reject <= reject
        whole = self._weights.sum()
        return round(float(self._weights[decided].sum() / whole), 6) if whole else 0.0


def _of(lines: Sequence[SampleLine], language: str | None) -> list[SampleLine]:
    return [line for line in lines if language is None or line.language == language]


def _written(tested: TestedTarget) -> dict[str, Any]:
    chosen = tested.trial.chosen
    return {
        "target": tested.target,
        "alpha": tested.alpha,
        "delta": tested.delta,
        "steps": [{"level": each.level, "n": each.n, "k": each.k, "p": each.p} for each in tested.trial.steps],
        "chosen": None if chosen is None else tested.trial.steps[chosen].level,
        "upper": upper(tested.trial, tested.delta),
    }


def _said(tested: TestedTarget, language: str | None, level: int | None, days: float) -> str:
    if tested.trial.chosen is None:
        return f"not certified{_in(language)}: {advice(tested, days)}"
    step = next((each for each in tested.trial.steps if each.level == level), None)
    if step is None:
        return (
            f"not applied{_in(language)}: {tested.target} {tested.alpha:.3g} passed, but at no level that the other "
            "target of its side passed and that the other side leaves room for"
        )
    bound = float(upper_bounds(step.n, step.k, tested.delta))
    return (
        f"certified{_in(language)}: {tested.target} {tested.alpha:.3g} at level {level} ({step.k} of {step.n} wrong; "
        f"with confidence {1 - tested.delta:.4g} at most {bound:.2%})"
    )


def _sampling(lines: Sequence[SampleLine]) -> str:
    lowest = min(line.inclusion for line in lines)
    return (
        f"{len(lines)} answered audits and reviews, drawn with probabilities from {lowest:.4g} to 1; each target uses "
        f"a simple random sample of them, thinned to one probability (over all: {common_inclusion(lines):.4g})"
    )


def _in(language: str | None) -> str:
    return "" if language is None else f" in {language}"
