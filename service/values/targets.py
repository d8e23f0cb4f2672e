"""Targets of a policy, and the certificate that says which thresholds keep them.

`steward certify` writes certificates (training/certify.py); the service checks and applies them.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from service.values.domain import WORDS, Instant
from service.values.statistics import beta_cdf

OpenShare = Annotated[float, Meta(gt=0, lt=1)]
Level = Annotated[int, Meta(ge=-80, le=80)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Digest = Annotated[
    str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)", extra={WORDS: "must be a SHA-256 digest: 64 hexadecimal digits"})
]
_Language = Annotated[
    str, Meta(pattern=r"^[a-z]{2,3}$(?!\n)", extra={WORDS: "must be a language of two or three small letters"})
]
MAX_STEPS = 200
MAX_STRATA = 32
BINS = 10


class Target(StrEnum):
    """Three different risks: of approvals that violate, of rejections that do not, of violations that are approved."""

    WRONG_APPROVE = "max_wrong_approve"
    WRONG_REJECT = "max_wrong_reject"
    MISSED = "max_missed"


class Side(StrEnum):
    """The automatic decisions that a target is about."""

    APPROVE = "approve"
    REJECT = "reject"


SIDE_OF = {
    Target.WRONG_APPROVE: Side.APPROVE,
    Target.MISSED: Side.APPROVE,
    Target.WRONG_REJECT: Side.REJECT,
}


class Targets(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The shares of wrong automatic decisions that a site accepts. Null: no target.

    A side with a target decides by itself only with a certificate; without one, a person looks.
    """

    max_wrong_approve: Annotated[
        OpenShare | None, Meta(description="Of automatic approvals, the share that breaks the rules.")
    ] = None
    max_wrong_reject: Annotated[
        OpenShare | None, Meta(description="Of automatic rejections, the share that breaks no rule.")
    ] = None
    max_missed: Annotated[
        OpenShare | None, Meta(description="Of comments that break the rules, the share approved automatically.")
    ] = None
    confidence: Annotated[
        float, Meta(ge=0.5, lt=1, description="Of all targets together; the risk is split evenly.")
    ] = 0.95
    when_broken: Annotated[
        Literal["review", "previous"],
        Meta(
            description="What follows if audits contradict a target: a person looks at what was decided automatically "
            "(`review`), or the certificate before is used again, if there is one that still fits (`previous`)."
        ),
    ] = "review"

    def alpha(self, target: Target) -> float | None:
        found: float | None = getattr(self, target.value)
        return found

    @property
    def wanted(self) -> tuple[Target, ...]:
        return tuple(target for target in Target if self.alpha(target) is not None)

    def of_side(self, side: Side) -> tuple[Target, ...]:
        return tuple(target for target in self.wanted if SIDE_OF[target] is side)

    @property
    def delta(self) -> float:
        """The risk of each target."""
        return (1 - self.confidence) / max(1, len(self.wanted))


class TargetStep(Struct, frozen=True, forbid_unknown_fields=True):
    """One exact binomial test: of `n` comments that thresholds of this level decide, `k` would be decided wrongly."""

    level: Level
    n: Count
    k: Count
    p: Annotated[float, Meta(ge=0, le=1)]


class TargetTest(Struct, frozen=True, forbid_unknown_fields=True):
    """The tests of one target in their order. `chosen`: the level of the last that passed before the first failure;
    null: none passed. `upper`: the one-sided bound of Clopper and Pearson there.
    """

    target: Target
    alpha: OpenShare
    delta: Annotated[float, Meta(gt=0, le=0.5)]
    steps: Annotated[tuple[TargetStep, ...], Meta(max_length=MAX_STEPS)]
    chosen: Level | None
    upper: Annotated[float, Meta(ge=0, le=1)] | None = None


class CertifiedStratum(Struct, frozen=True, forbid_unknown_fields=True):
    """Comments that are certified together: those in `languages`, or if it is empty all in no other stratum.

    `approve_level`, `reject_level`: the thresholds (see ladder.py); null: such comments are not decided automatically.
    `audits`: comments that were used; `unanswered`: drawn audits without an answer, which count as wrong. `coverage`:
    share of the fold that these levels decide automatically.
    """

    languages: Annotated[tuple[_Language, ...], Meta(max_length=64)]
    approve_level: Level | None
    reject_level: Level | None
    tests: Annotated[tuple[TargetTest, ...], Meta(max_length=len(Target))]
    audits: Count
    unanswered: Count = 0
    coverage: Annotated[float, Meta(ge=0, le=1)] | None = None

    def test(self, target: Target) -> TargetTest | None:
        return next((each for each in self.tests if each.target is target), None)


class FoldWindow(Struct, frozen=True, forbid_unknown_fields=True, rename={"begins": "from", "ends": "to"}):
    begins: Instant
    ends: Instant


class RiskHistogram(Struct, frozen=True, forbid_unknown_fields=True):
    """How risky the comments of the fold were (see `risk` in ladder.py): bounds between the bins, and comments in each.

    The watch compares newer comments with it.
    """

    bounds: Annotated[tuple[float, ...], Meta(max_length=BINS - 1)]
    counts: Annotated[tuple[Count, ...], Meta(max_length=BINS)]


class Certificate(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What was tested, on what, and which thresholds passed.

    `model`: the digest of the model folder with its calibration. `decides`: the digest of everything else that decides:
    thresholds, languages and rules of the policy (see ladder.py). The service applies a certificate only if both are
    those in force. `opened`: how often the labels of the fold were looked at for a certificate; only 1 is as good as
    it says.
    """

    id: Annotated[
        str,
        Meta(
            pattern=r"^[a-z0-9-]{8,64}$(?!\n)",
            extra={WORDS: "must have 8 to 64 small letters, digits and hyphens"},
        ),
    ]
    method: Literal["binomial-fst"]
    model: Digest
    model_version: Annotated[str, Meta(max_length=128)]
    site: Annotated[str, Meta(max_length=63, description="Whose comments it was made from.")]
    policy: Annotated[str, Meta(max_length=128)]
    decides: Digest
    confidence: Annotated[float, Meta(ge=0.5, lt=1)]
    strata: Annotated[tuple[CertifiedStratum, ...], Meta(min_length=1, max_length=MAX_STRATA)]
    fold: FoldWindow
    sampling: Annotated[str, Meta(max_length=500)]
    risks: RiskHistogram | None = None
    opened: Annotated[int, Meta(ge=1)] = 1
    not_promised: Annotated[tuple[Annotated[str, Meta(max_length=500)], ...], Meta(max_length=20)] = ()
    created_at: Instant
    code_version: Annotated[str, Meta(max_length=64)] = ""

    def stratum(self, language: str | None) -> CertifiedStratum | None:
        named = next((each for each in self.strata if language in each.languages), None)
        return named or next((each for each in self.strata if not each.languages), None)


def p_value(n: int, k: int, alpha: float) -> float:
    """P(Bin(n, alpha) <= k), as a regularized incomplete beta function; 1 for an empty region."""
    return 1.0 if k >= n else beta_cdf(1 - alpha, n - k, k + 1)


def faults(certificate: Certificate) -> list[tuple[tuple[str, ...], str]]:
    """What does not add up in a certificate: where, and why. The service trusts no figure that it can compute."""
    found: list[tuple[tuple[str, ...], str]] = []
    risk = sum(test.delta for stratum in certificate.strata for test in stratum.tests)
    if risk > 1 - certificate.confidence + 1e-9:
        found.append((("strata",), f"the tests risk {risk:.6g} together, more than the confidence allows"))
    if certificate.fold.ends <= certificate.fold.begins:
        found.append((("fold", "to"), "must be after from"))
    if certificate.opened > 1:
        found.append((("opened",), "the labels of the fold were used before, so the confidence does not hold"))
    if certificate.risks and len(certificate.risks.counts) != len(certificate.risks.bounds) + 1:
        found.append((("risks", "counts"), "must be one more than the bounds"))
    names = [language for stratum in certificate.strata for language in stratum.languages or ("",)]
    if len(names) != len(set(names)):
        found.append((("strata",), "a language is in two strata"))
    for place, stratum in enumerate(certificate.strata):
        found += [(("strata", str(place), *at), why) for at, why in _stratum_faults(stratum)]
    return found


def _stratum_faults(stratum: CertifiedStratum) -> list[tuple[tuple[str, ...], str]]:
    found: list[tuple[tuple[str, ...], str]] = []
    levels = {Side.APPROVE: stratum.approve_level, Side.REJECT: stratum.reject_level}
    for place, test in enumerate(stratum.tests):
        at, passed = ("tests", str(place)), _passed(test)
        if test.chosen is not None and test.chosen not in passed:
            found.append(((*at, "chosen"), "the tests up to this level do not pass"))
        level = levels[SIDE_OF[test.target]]
        # The boldest level that every target of the side passed is a level that this target's own tests passed.
        if level is not None and level not in passed:
            found.append(((*at, "steps"), f"level {level} is applied, but did not pass"))
    if len({test.target for test in stratum.tests}) != len(stratum.tests):
        found.append((("tests",), "a target is tested twice"))
    return found


def _passed(test: TargetTest) -> set[int]:
    """The levels that passed before the first failure."""
    passed: set[int] = set()
    for step in test.steps:
        if step.k > step.n or p_value(step.n, step.k, test.alpha) > test.delta:
            break
        passed.add(step.level)
    return passed


def keeps(certificate: Certificate, stratum: CertifiedStratum, targets: Targets, side: Side) -> bool:
    """Whether the certificate promises what the targets want of a side, in this stratum."""
    level = stratum.approve_level if side is Side.APPROVE else stratum.reject_level
    if level is None or certificate.confidence < targets.confidence - 1e-9:
        return False
    for target in targets.of_side(side):
        test, alpha = stratum.test(target), targets.alpha(target)
        if test is None or test.chosen is None or alpha is None or test.alpha > alpha + 1e-12:
            return False
    return True


class Suspended(Struct, frozen=True, forbid_unknown_fields=True):
    """A side whose automatic decisions go to people since audits contradicted its target."""

    side: Side
    at: datetime


encode = msgspec.json.Encoder(order="deterministic").encode
