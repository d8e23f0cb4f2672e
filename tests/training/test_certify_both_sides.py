"""Certificates of policies whose approvals and rejections may meet: what one side passes says nothing of the other."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from service.values.targets import Certificate, faults
from training.certificate import certify, plan
from training.certify import Certifiable, CertifyOptions, SampleLine, Targets, folds

NOW = datetime(2026, 11, 30, tzinfo=UTC)
LOWEST, HIGHEST = -80, 80
GRID = np.arange(LOWEST, HIGHEST + 1)
TARGETS = Targets(max_wrong_approve=0.05, max_wrong_reject=0.1, confidence=0.9)
# Thresholds that leave nothing to people: where approvals end, rejections begin.
MEETING = Certifiable(
    site="daily",
    policy="default@2",
    decides="d" * 64,
    model="a" * 64,
    model_version="m",
    targets=TARGETS,
    lowest=LOWEST,
    highest=HIGHEST,
    boldest_approve=0,
    boldest_reject=[-level for level in range(LOWEST, HIGHEST + 1)],
    reviewed=0,
    answered=0,
)


def met(seed: int, count: int, rates: NDArray[np.float64]) -> list[SampleLine]:
    """Comments with risks of -80 to 80 that violate at these rates; thresholds at 0 decide all of them."""
    rng = np.random.default_rng(seed)
    risks = rng.integers(LOWEST, HIGHEST, count, endpoint=True)
    labels = rng.random(count) < rates[risks - LOWEST]
    return [
        SampleLine(
            cursor=f"{number}-0",
            id=f"c-{number}",
            revision=1,
            at=NOW - timedelta(days=60) + timedelta(minutes=number),
            verdict="reject" if is_violating else "approve",
            decision="approve" if risk < 0 else "reject",
            language="en",
            approve_level=min(HIGHEST, risk + 1),
            reject_level=-risk,
            risk=float(risk),
        )
        for number, (risk, is_violating) in enumerate(zip(risks.tolist(), labels.tolist(), strict=True))
    ]


def certified_where_they_meet(lines: list[SampleLine]) -> dict[str, Any] | None:
    """The stratum, which the service must accept."""
    options = CertifyOptions(now=NOW)
    certificate = certify(MEETING, TARGETS, plan(MEETING, TARGETS, folds(lines, options), options)).certificate
    if certificate is None:
        return None
    assert faults(msgspec.convert(certificate, Certificate)) == []
    (stratum,) = certificate["strata"]
    approve, reject = stratum["approve_level"], stratum["reject_level"]
    if approve is not None:
        assert approve <= (0 if reject is None else -reject), "no score is decided both ways"
    return dict(stratum)


def test_where_both_sides_meet_promises_are_broken_in_at_most_the_promised_share_of_samples() -> None:
    """Each side keeps its promise up to shortly before both meet, and breaks it where they do."""
    runs, risk = 120, 1 - TARGETS.confidence
    rates = np.where(GRID < -20, 0.015, np.where(GRID < 0, 0.17, np.where(GRID < 20, 0.67, 0.97)))
    broken = found = 0
    for seed in range(runs):
        stratum = certified_where_they_meet(met(seed, 1_500, rates))
        if stratum is None:
            continue
        found += 1
        approve, reject = stratum["approve_level"], stratum["reject_level"]
        too_many = approve is not None and rates[approve > GRID].mean() > 0.05
        broken += too_many or (reject is not None and (1 - rates[reject >= -GRID]).mean() > 0.1)
    assert broken / runs <= risk + 3 * np.sqrt(risk * (1 - risk) / runs)
    assert found > 0.7 * runs, "promises that hold are found, too"


def test_the_tests_of_rejections_do_not_depend_on_labels_of_approvals() -> None:
    rates = np.where(GRID < 0, 0.01, np.where(GRID < 20, 0.93, 0.99))
    lines = met(1, 6_000, rates)
    worse = [msgspec.structs.replace(each, verdict="reject") if (each.risk or 0) < -1 else each for each in lines]
    good, bad = certified_where_they_meet(lines), certified_where_they_meet(worse)
    assert good is not None
    assert bad is not None
    assert (good["approve_level"] is None, bad["approve_level"] is None) == (False, True)
    assert good["tests"][1] == bad["tests"][1], "the same levels in the same order"
    assert len(good["tests"][1]["steps"]) > 10


def test_rejections_keep_apart_from_approvals_that_go_beyond_their_own_thresholds() -> None:
    """Rejections pass further down than the chosen approvals leave room for."""
    rates = np.where(GRID < 10, 0.01, 0.99)
    stratum = certified_where_they_meet(met(2, 6_000, rates))
    assert stratum is not None
    assert stratum["approve_level"] > 0
    assert stratum["reject_level"] < stratum["tests"][1]["chosen"]
    assert stratum["coverage"] > 0.97


def test_approvals_beside_which_no_rejections_passed_stay_below_the_thresholds_of_rejection() -> None:
    """The service refuses levels that approve what the policy's own thresholds reject."""
    rates = np.where(GRID < 40, 0.01, 0.6)
    stratum = certified_where_they_meet(met(3, 6_000, rates))
    assert stratum is not None
    assert stratum["reject_level"] is None
    assert max(step["level"] for step in stratum["tests"][0]["steps"] if step["p"] <= 0.05) > 0
    assert stratum["approve_level"] == 0
