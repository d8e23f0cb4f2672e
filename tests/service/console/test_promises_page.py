"""The page of promises: each with its state, its evidence as a plot, and what is not promised."""

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service import app_keys as keys
from service.cases.promises import Promise
from service.cases.watch import Watch
from service.console.promises import HEIGHT, NOT_PROMISED, WIDTH, plot
from service.store import Store
from service.store.watch import SideWatch, WatchState
from service.values.domain import Action
from service.values.targets import Side, Target, p_value
from service.values.watching import Departure, Drift, Evidence, PromiseState, state_of

TARGETS = {"max_wrong_approve": 0.05, "max_wrong_reject": 0.1, "max_missed": 0.2, "confidence": 0.9}


def _promise(*points: tuple[int, float], alarm_at: float = 40.0) -> Promise:
    return Promise(
        target=Target.WRONG_APPROVE,
        side=Side.APPROVE,
        alpha=0.05,
        delta=1 / alarm_at,
        state=PromiseState.HOLDING,
        alarm_at=alarm_at,
        points=list(points),
    )


def test_the_plot_shows_every_look_and_the_alarm_within_its_frame() -> None:
    found = plot(_promise((10, 0.5), (20, 1e-5), (30, 1e12)))
    assert found is not None
    points = [tuple(map(float, each.split(","))) for each in found.line.split()]
    assert len(points) == 4, "it begins at no audit and no evidence"
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert [y > found.alarm_y for _, y in points] == [True, True, True, False]
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert 2 <= len(found.ticks) <= 8
    assert plot(_promise()) is None


@pytest.fixture
async def certified(admin: Any) -> WatchState:
    """A policy whose three targets are certified, and a watch that has seen nothing."""
    thresholds = {"toxicity": {"review_at": 0.3, "reject_at": 0.6}}
    reply = await admin("PUT", "/v1/policies/default", {"thresholds": thresholds, "targets": TARGETS})
    assert reply.status == 200
    about = (await admin.get("/v1/policies/default/certifiable")).body
    tests = [
        {
            "target": target,
            "alpha": alpha,
            "delta": 0.03,
            "steps": [{"level": 0, "n": 900, "k": 9, "p": p_value(900, 9, alpha)}],
            "chosen": 0,
            "upper": 0.0189,
        }
        for target, alpha in TARGETS.items()
        if target != "confidence"
    ]
    now = datetime.now(UTC)
    certificate = {
        "id": "certificate-1",
        "method": "binomial-fst",
        **{name: about[name] for name in ("site", "model", "model_version", "policy", "decides")},
        "confidence": 0.9,
        "strata": [{"languages": [], "approve_level": 0, "reject_level": 0, "tests": tests, "audits": 900}],
        "fold": {"from": (now - timedelta(days=30)).isoformat(), "to": now.isoformat()},
        "sampling": "",
        "not_promised": list(NOT_PROMISED),
        "created_at": now.isoformat(),
    }
    reply = await admin("PUT", "/v1/policies/default/certificate", certificate)
    assert reply.status == 200, reply.body
    return WatchState(certificate="certificate-1", measured_at=now)


def _watched(outcomes: list[bool], alpha: float) -> SideWatch:
    evidence = Evidence()
    for is_wrong in outcomes:
        evidence = evidence.with_outcome(is_wrong, alpha)
    delta = (1 - 0.9) / 3
    return SideWatch(evidence, state_of(evidence, delta), datetime(2026, 11, 29, 12, tzinfo=UTC))


async def _put(store: Store, state: WatchState) -> None:
    """The service watches, too, and may have stored what it saw."""
    while not await store.watches.put("daily", (await store.watches.read("daily"))[0], state):
        pass


def _states(text: str) -> list[str]:
    return re.findall(r'<span class="tag (?:good-tag|warn-tag|bad-tag|)">([^<]+)</span>', text)


async def test_every_promise_is_shown_with_its_state(client: Any, as_role: Any, certified: WatchState) -> None:
    store = client.server.app[keys.STORE]
    sides = {
        Side.APPROVE: _watched([False] * 60, 0.05),
        Side.REJECT: _watched([True, True], 0.1),
    }
    state = WatchState(
        certificate=certified.certificate,
        sides=sides,
        measured_at=certified.measured_at,
        drift=Drift(1000, 0.031, 0.05),
        coverage=Departure(0.82, 0.9, -1.5),
    )
    await _put(store, state)
    text = (await (await as_role()).get("/console/promises")).text
    assert _states(text) == ["Holding", "At risk", "Unknown"]
    assert text.count("<svg") == 2
    assert "Of automatic approvals, at most 5% break the rules" in text
    assert "It is certified. Single audits cannot check it." in text
    assert all(each.split(":")[0] in text for each in NOT_PROMISED)
    assert "1.89%" in text
    assert "0.03" in text, "the drift"
    assert "too few weeks to say" in text, "of the inflow nothing is known"
    changed = text.split('id="changes"')[1].split("</section>")[0]
    assert '<table class="rows stacked">' in changed, "else it is wider than a phone in German"
    assert changed.count("<td") == changed.count("data-label=") == 6


async def test_a_broken_promise_says_since_when_people_look(
    client: Any, as_role: Any, admin: Any, certified: WatchState
) -> None:
    app = client.server.app
    policy = app[keys.DIRECTORY].policy("daily")
    state = WatchState(
        certificate=certified.certificate,
        sides={Side.APPROVE: _watched([True] * 5, 0.05)},
        measured_at=certified.measured_at,
        cursor=f"{int(datetime.now(UTC).timestamp() * 1000)}-0",
    )
    await _put(app[keys.STORE], state)
    await Watch(app[keys.STORE], app[keys.DIRECTORY], app[keys.MODELS].digest).look("daily", policy, policy.targets)
    text = (await (await as_role()).get("/console/promises")).text
    assert _states(text)[0] == "Broken"
    assert "Stopped since" in text
    assert "Broken from here on" in text
    reply = await admin.post("/v1/comments", {"id": "a", "text": "well, hello there"})
    assert reply.body["decision"] == Action.REVIEW


async def test_without_a_certificate_it_says_so(as_role: Any, admin: Any) -> None:
    await admin("PUT", "/v1/policies/default", {"targets": {"max_wrong_approve": 0.005}})
    chief = await as_role()
    text = (await chief.get("/console/promises")).text
    assert "This policy has targets" in (await chief.get("/console/policy")).text
    assert _states(text) == ["Unknown"]
    assert "There is no certificate." in text
    assert "at most 0.5% break the rules" in text


def test_evidence_is_always_a_number_that_can_be_written() -> None:
    evidence = Evidence()
    for _ in range(3_000):
        evidence = evidence.with_outcome(True, 0.01)
    assert math.isfinite(evidence.peak)
