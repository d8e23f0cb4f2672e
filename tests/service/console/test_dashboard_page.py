"""The dashboard: what was counted, put together over time, and no person in it."""

from datetime import UTC, datetime
from typing import Any

from service.accounts import Role
from service.console.dashboard import charts, stretches

NOW = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)
HOUR = int(datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp())


def test_hours_are_put_together_and_empty_ones_are_not_left_out() -> None:
    hours = [(HOUR, {"a": 1}), (HOUR - 3600, {"a": 2}), (HOUR - 23 * 3600, {"a": 4}), (HOUR - 24 * 3600, {"a": 8})]
    by_hour = stretches(hours, NOW, 24, 1)
    assert len(by_hour) == 24
    assert [span.of("a") for span in by_hour] == [4, *[0] * 21, 2, 1]
    assert by_hour[-1].at == datetime(2026, 11, 25, 12, tzinfo=UTC)
    by_six = stretches(hours, NOW, 24, 6)
    assert [span.of("a") for span in by_six] == [4, 0, 0, 3]


def test_shares_of_nothing_are_not_known() -> None:
    found = {chart.name: chart for chart in charts(stretches([(HOUR, {"agreed": 3, "disagreed": 1})], NOW, 24, 12))}
    agreement, changed = found["quality"].series
    assert agreement.values == [None, 0.75]
    assert changed.values == [None, None]
    assert found["inflow"].is_empty
    assert not found["quality"].is_empty


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
