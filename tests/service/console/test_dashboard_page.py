"""The dashboard: what was counted, put together over time, and no person in it."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service import app_keys as keys
from service.cases.figures import QueueSample, figures
from service.console.dashboard import queue_charts, stretches
from service.values.accounts import Role

NOW = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(("hours", "step", "first"), [(24, 1, (24, 13)), (168, 6, (18, 18)), (720, 24, (27, 0))])
def test_no_stretch_of_time_is_left_out(hours: int, step: int, first: tuple[int, int]) -> None:
    found = stretches(NOW, hours, step)
    assert len(found) == hours // step
    assert (found[0].day, found[0].hour) == first
    assert {later - earlier for earlier, later in itertools.pairwise(found)} == {timedelta(hours=step)}
    assert found[-1] <= NOW < found[-1] + timedelta(hours=step)


def test_of_each_stretch_the_longest_queue_counts_and_a_gap_is_no_zero() -> None:
    at = NOW - timedelta(hours=2)
    samples = [QueueSample(at, 3, 60), QueueSample(at + timedelta(minutes=5), 7, 7200), QueueSample(NOW, 0, 0)]
    lengths, ages = queue_charts(samples, stretches(NOW, 4, 1), 1)
    assert lengths.series[0].values == [None, 7, None, 0]
    assert ages.series[0].values == [None, 2.0, None, 0]
    assert [values for _, values in lengths.rows] == [[0], [None], [7], [None]]
    empty, _ = queue_charts(samples[2:], stretches(NOW, 4, 1), 1)
    assert empty.is_empty


async def test_hours_are_counted_together(client: Any, admin: Any, decide_always: Any) -> None:
    await decide_always("approve")
    await admin.post("/v1/comments", {"id": "c-1", "text": "Hello."})
    store = client.server.app[keys.STORE]
    (hour,) = (await figures(store, "daily")).decisions_per_hour
    (day,) = (await figures(store, "daily", step=24)).decisions_per_hour
    assert day.automatic == hour.automatic == {"approve": 1}
    assert day.hour == hour.hour.replace(hour=0)


async def test_what_happened_is_counted_and_nobody_is_named(
    as_role: Any, ann: Any, admin: Any, decide_always: Any
) -> None:
    await decide_always("review")
    for n in range(4):
        await admin.post("/v1/comments", {"id": f"c-{n}", "text": "You are an idiot."})
    (item,) = (await ann.post("/v1/review/claim", {"count": 1})).body["items"]
    await ann.post(f"/v1/review/{item['id']}/decision", {"decision": "approve", "lease": item["lease"]})
    somebody = await as_role(Role.MODERATOR)
    for span in ("day", "week", "month"):
        text = (await somebody.get(f"/console/dashboard?span={span}")).text
        assert "<dt>Waiting</dt><dd>3" in text
        assert 'data-value="4"' in text
        assert ">ann<" not in text
        assert "<dt>Decided without a person</dt><dd>0%" in text


async def test_the_dashboard_says_what_became_of_the_audits_and_how_much_the_unanswered_could_change(
    as_role: Any, ann: Any, admin: Any
) -> None:
    policy = {"thresholds": {"toxicity": {}}, "review": {"audit_approved": 1}}
    assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
    for n in range(3):
        await admin.post("/v1/comments", {"id": f"c-{n}", "text": "Hello, good morning."})
    (item,) = (await ann.post("/v1/review/claim", {"count": 1})).body["items"]
    await ann.post(f"/v1/review/{item['id']}/decision", {"decision": "approve", "lease": item["lease"]})
    await admin.post("/v1/comments", {"id": "c-2", "text": "Edited."})
    text = (await (await as_role(Role.SUPERVISOR)).get("/console/dashboard")).text
    row = text.split('<th scope="row">Of automatic approvals</th>')[1].split("</tr>")[0]
    shown = [each.split("<")[0].strip() for each in row.split('">')[1:]]
    assert shown[:4] == ["4", "1", "2", "1"], "drawn, answered, open, lost"
    assert "edited by the author: 1" in row
    assert "Whatever the unanswered are" in text
    assert "Toxicity" in text.split("Wrong decisions by attribute")[1]


@pytest.mark.parametrize(("answer", "share"), [("on", 0.01), ("off", 0)])
async def test_a_site_that_was_never_asked_answers_once_whether_it_wants_audits(
    as_role: Any, admin: Any, answer: str, share: float
) -> None:
    question = "Shall a sample of the automatic decisions be checked?"
    assert question not in (await (await as_role(Role.SUPERVISOR)).get("/console/dashboard")).text
    chief = await as_role(Role.ADMIN)
    for page in ("/console/dashboard", "/console/policy"):
        assert question in (await chief.get(page)).text
    before = (await admin.get("/v1/policies/default")).body
    assert before["version"] == 1
    assert (await chief.post("/console/policy/audits", answer=answer)).status == 303
    after = (await admin.get("/v1/policies/default")).body
    assert (after["version"], after["review"]["audit_approved"]) == (2, share)
    assert after["thresholds"] == before["thresholds"]
    for page in ("/console/dashboard", "/console/policy"):
        assert question not in (await chief.get(page)).text
    await chief.post("/console/policy/audits", answer="off" if answer == "on" else "on")
    assert (await admin.get("/v1/policies/default")).body["version"] == 2, "what was answered is changed in the policy"


async def test_the_dashboard_shows_what_was_drawn_to_learn_from_apart_from_the_audits(
    as_role: Any, ann: Any, admin: Any, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app[keys.MODERATION], "_draw", lambda *_: 0.999999)
    policy = {"thresholds": {"toxicity": {}}, "review": {"learning_share": 1, "learning_per_day": 4}}
    somebody = await as_role(Role.SUPERVISOR)
    assert "Drawn to learn from" not in (await somebody.get("/console/dashboard")).text
    assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
    for n, text in enumerate(("Good morning.", "The bridge is open.", "It rains.")):
        await admin.post("/v1/comments", {"id": f"c-{n}", "text": text})
    (item,) = (await ann.post("/v1/review/claim", {"count": 1})).body["items"]
    await ann.post(f"/v1/review/{item['id']}/decision", {"decision": "reject", "lease": item["lease"]})
    text = (await somebody.get("/console/dashboard")).text
    part = text.split('<h3 id="learning">')[1].split("</table>")[0]
    row = part.split('<th scope="row">Of automatic approvals</th>')[1].split("</tr>")[0]
    assert [each.split("<")[0].strip() for each in row.split('">')[1:]][:4] == ["3", "1", "2", "0"]
    assert "100%" in row
    audits = text.split('<h3 id="audits">')[1].split('<h3 id="learning">')[0]
    row = audits.split('<th scope="row">Of automatic approvals</th>')[1].split("</tr>")[0]
    assert [each.split("<")[0].strip() for each in row.split('">')[1:]][:4] == ["0", "0", "0", "0"]
