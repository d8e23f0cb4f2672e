"""Writes certificates: runs the tests of every stratum, and says what was certified and what was not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from training.certification import smallest_sample
from training.certify import (
    LEAST_ANSWERED,
    NOT_PROMISED,
    SIDES,
    Certifiable,
    CertifyOptions,
    Fold,
    SampleLine,
    Targets,
    Tested,
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
    most = _most(about, targets, SIDES[target], None)
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
    approving = _side("approve", about, targets, made, (tune, lines), None)
    # Approvals come first; rejections then only go as far as both decide different scores.
    rejecting = _side("reject", about, targets, made, (tune, lines), approving.level)
    said += [_said(each, language, side.level, days) for side in (approving, rejecting) for each in side.tests]
    return {
        "languages": [] if language is None else [language],
        "approve_level": approving.level,
        "reject_level": rejecting.level,
        "tests": [_written(each) for each in (*approving.tests, *rejecting.tests)],
        "audits": len(lines),
        "unanswered": len(missing),
        "coverage": _coverage(lines, {"approve": approving.level, "reject": rejecting.level}),
    }


@dataclass(frozen=True, slots=True)
class _Side:
    """`level`: the boldest that all targets of the side passed; None: there is none."""

    tests: list[Tested]
    level: int | None


def _side(  # noqa: PLR0917 - a side, and all that it is tested on
    side: str,
    about: Certifiable,
    targets: Targets,
    made: Plan,
    lines: tuple[Sequence[SampleLine], Sequence[SampleLine]],
    approve_level: int | None,
) -> _Side:
    wanted = [target for target in targets.wanted if SIDES[target] == side]
    most = _most(about, targets, side, approve_level)
    if not wanted or most is None:
        return _Side([], None)
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
    tests = [
        test(pool(lines[1], target, most), target, levels, targets.wanted[target], made.delta) for target in wanted
    ]
    passed = set.intersection(*(set(each.passed) for each in tests))
    return _Side(tests, max(passed, default=None))


def _most(about: Certifiable, targets: Targets, side: str, approve_level: int | None) -> int | None:
    if side == "approve":
        return about.highest if targets.max_wrong_reject is not None else about.boldest_approve
    # Level 0 is the policy's own thresholds, which decide approvals that have no target.
    level = approve_level if approve_level is not None else about.lowest
    return about.boldest_reject[level - about.lowest]


def _coverage(lines: Sequence[SampleLine], levels: Mapping[str, int | None]) -> float:
    """The share of all comments that these levels decide; each line stands for 1 / inclusion comments."""
    whole = sum(1 / line.inclusion for line in lines)
    decided = sum(
        1 / line.inclusion
        for line in lines
        if any(
            most is not None and (level := line.level(side)) is not None and level <= most
            for side, most in levels.items()
        )
    )
    return round(decided / whole, 6) if whole else 0.0


def _of(lines: Sequence[SampleLine], language: str | None) -> list[SampleLine]:
    return [line for line in lines if language is None or line.language == language]


def _written(tested: Tested) -> dict[str, Any]:
    chosen = tested.trial.chosen
    return {
        "target": tested.target,
        "alpha": tested.alpha,
        "delta": tested.delta,
        "steps": [{"level": each.level, "n": each.n, "k": each.k, "p": each.p} for each in tested.trial.steps],
        "chosen": None if chosen is None else tested.trial.steps[chosen].level,
        "upper": upper(tested.trial, tested.delta),
    }


def _said(tested: Tested, language: str | None, level: int | None, days: float) -> str:
    chosen = tested.trial.chosen
    if chosen is None:
        return f"not certified{_in(language)}: {advice(tested, days)}"
    step = tested.trial.steps[chosen]
    bound = upper(tested.trial, tested.delta)
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
