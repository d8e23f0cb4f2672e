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
