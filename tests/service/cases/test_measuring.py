"""What the watch measures without labels: drift of scores, coverage and inflow."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service import app_keys as keys
from service.cases import measuring
from service.cases.figures import HourCounts
from service.cases.measuring import departures, measured
from service.store.watch import WatchState
from service.values.ladder import decides_digest, risk
from service.values.targets import Certificate, CertifiedStratum, FoldWindow, RiskHistogram

NOW = datetime(2026, 11, 30, 12, 20, tzinfo=UTC)
LAST = datetime(2026, 11, 30, 11, tzinfo=UTC)


def _hour(weeks: int, automated: float | None, inflow: int, comments: int = 200) -> HourCounts:
    approved = round(comments * (automated or 0))
    return HourCounts(
        hour=LAST - timedelta(weeks=weeks),
        decisions={},
        moderators={},
        automatic={"approve": approved, "review": comments - approved},
        inflow=inflow,
        automated=automated,
        agreement=None,
        overturn_rate=None,
    )


def test_an_hour_is_compared_with_the_same_hour_of_earlier_weeks() -> None:
    usual = [_hour(week, 0.9, 20 + week) for week in range(1, 7)]
    other_hours = [
        HourCounts(
            hour=LAST - timedelta(hours=3),
            decisions={},
            moderators={},
            automatic={"review": 900},
            inflow=900,
            automated=0.0,
            agreement=None,
            overturn_rate=None,
        )
    ]
    coverage, inflow = departures([_hour(0, 0.91, 22), *usual, *other_hours], NOW)
    assert coverage is not None
    assert inflow is not None
    assert not coverage.is_notable
    assert not inflow.is_notable
    coverage, inflow = departures([_hour(0, 0.5, 90), *usual], NOW)
    assert coverage is not None
    assert inflow is not None
    assert coverage.is_notable
    assert coverage.sigmas < -3
    assert inflow.is_notable
    assert inflow.usual == pytest.approx(23.5)


def test_too_few_weeks_or_comments_say_nothing() -> None:
    coverage, inflow = departures([_hour(0, 0.5, 90), *(_hour(week, 0.9, 20) for week in range(1, 4))], NOW)
    assert (coverage, inflow) == (None, None)
    quiet = [_hour(0, 0.5, 9, comments=10), *(_hour(week, 0.9, 20) for week in range(1, 7))]
    assert departures(quiet, NOW)[0] is None


async def test_the_newest_comments_are_compared_with_those_of_the_certificate(
    client: Any, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = client.server.app
    reply = await admin(
        "PUT", "/v1/policies/default", {"thresholds": {"toxicity": {"review_at": 0.3, "reject_at": 0.9}}}
    )
    assert reply.status == 200
    monkeypatch.setattr(measuring, "LEAST_COMPARED", 20)
    texts = [f"Good morning, number {number}." for number in range(30)]
    for number, text in enumerate(texts):
        await admin.post("/v1/comments", {"id": f"c-{number}", "text": text})
    policy, store = app[keys.DIRECTORY].policy("daily"), app[keys.STORE]
    scores = app[keys.MODELS].current.score(texts[0], language="en")
    usual, model = risk({"toxicity": float(scores[0])}, policy), app[keys.MODELS].current.version
    same = RiskHistogram((usual + 15.0,), (100, 1))
    other = RiskHistogram((usual - 15.0,), (100, 1))
    found = [
        await measured(store, "daily", policy, _certificate(policy, risks, by), WatchState(), NOW)
        for risks, by in ((same, model), (other, model), (None, model), (other, "promoted-later"))
    ]
    assert found[0].drift is not None
    assert found[0].drift.comments == 30
    assert not found[0].drift.must_act
    assert found[1].drift is not None
    assert found[1].drift.must_act
    assert found[1].drift.jensen_shannon > 0.8
    assert found[2].drift is None
    assert found[3].drift is None, "scores of another model say nothing"
    monkeypatch.setattr(measuring, "LEAST_COMPARED", 31)
    assert (await measured(store, "daily", policy, _certificate(policy, same, model), WatchState(), NOW)).drift is None


def _certificate(policy: Any, risks: RiskHistogram | None, model: str) -> Certificate:
    return Certificate(
        id="certificate-1",
        method="binomial-fst",
        model="a" * 64,
        model_version=model,
        site="daily",
        policy=str(policy),
        decides=decides_digest(policy),
        confidence=0.95,
        strata=(CertifiedStratum((), None, None, (), audits=0),),
        fold=FoldWindow(NOW - timedelta(days=1), NOW),
        sampling="",
        risks=risks,
        created_at=NOW,
    )
