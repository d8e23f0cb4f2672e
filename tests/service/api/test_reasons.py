"""A site's own reasons for rejections, and its own due times."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import msgspec
import pytest

from service.settings import Settings

REASONS = [
    {"key": "advertising", "titles": {"en": "Advertising", "de": "Werbung"}, "label": "spam"},
    {"key": "house_rules", "titles": {"de": "Hausordnung"}},
]


@pytest.fixture
async def client(run: Any, settings: Settings) -> AsyncIterator[Any]:
    async with run(msgspec.structs.replace(settings, undo_hold_s=0)) as client:
        yield client


@pytest.fixture
async def chief(client: Any, key_for: Any) -> Any:
    return await key_for(client, name="chief")


async def has_review(chief: Any, **review: Any) -> Any:
    body = {"thresholds": {"toxicity": {"review_at": 0}}, "review": review}
    return await chief("PUT", "/v1/policies/default", body)


async def post(chief: Any, comment_id: str, **more: Any) -> Any:
    return (await chief.post("/v1/comments", {"id": comment_id, "text": f"hello {comment_id}", **more})).body


async def decide(chief: Any, comment_id: str, **more: Any) -> Any:
    body = {"decision": "reject", "version": 1, **more}
    return await chief.post(f"/v1/review/{comment_id}/decision", body)


async def test_without_a_list_any_reason_is_taken_and_none_is_needed(chief: Any) -> None:
    await has_review(chief)
    for comment_id, more in (("c-1", {"reason": "whatever"}), ("c-2", {})):
        await post(chief, comment_id)
        assert (await decide(chief, comment_id, **more)).status == 200


async def test_another_reason_than_the_sites_own_is_refused_by_name(chief: Any) -> None:
    assert (await has_review(chief, reasons=REASONS)).status == 200
    await post(chief, "c-1")
    refused = await decide(chief, "c-1", reason="spam")
    assert refused.status == 400
    assert refused.body["errors"] == [
        {"pointer": "/reason", "detail": "not one of the site's reasons: advertising, house_rules"}
    ]
    assert (await decide(chief, "c-1", reason="advertising")).status == 200
    await post(chief, "c-2")
    assert (await decide(chief, "c-2", decision="approve", reason="anything")).status == 200


async def test_a_decision_that_is_sent_again_is_answered_the_same_after_the_reasons_changed(chief: Any) -> None:
    await has_review(chief, reasons=REASONS)
    await post(chief, "c-1")
    await post(chief, "c-2")
    first = await decide(chief, "c-1", reason="advertising")
    await has_review(chief, reasons=REASONS[1:])
    again = await decide(chief, "c-1", reason="advertising")
    assert (again.status, again.body) == (first.status, first.body)
    assert (await decide(chief, "c-1", reason="advertising", note="another one")).status == 409
    assert (await decide(chief, "c-2", reason="advertising")).status == 400


async def test_a_reason_can_be_required(chief: Any) -> None:
    await has_review(chief, reason_required=True)
    await post(chief, "c-1", author={"id": "u-1"})
    refused = await decide(chief, "c-1")
    assert (refused.status, refused.body["errors"]) == (400, [{"pointer": "/reason", "detail": "required"}])
    several = {"decisions": [{"id": "c-1", "decision": "reject", "version": 1}]}
    (one,) = (await chief.post("/v1/review/decisions", several)).body["results"]
    assert one["errors"] == [{"pointer": "/decisions/0/reason", "detail": "required"}]
    assert (await chief.post("/v1/authors/u-1:reject-waiting", {})).status == 400
    assert (await chief.get("/v1/comments/c-1")).body["status"] == "pending"
    assert (await decide(chief, "c-1", decision="approve")).status == 200


async def test_the_site_is_told_the_reason_in_its_own_words(chief: Any) -> None:
    await has_review(chief, reasons=REASONS)
    await post(chief, "c-1")
    await decide(chief, "c-1", reason="advertising")
    events = (await chief.get("/v1/events?limit=1000")).body["events"]
    (told,) = [each for each in events if each["type"] == "decision.created"]
    assert (told["reason"], told["reason_texts"]) == ("advertising", REASONS[0]["titles"])


@pytest.mark.parametrize(
    ("review", "pointer"),
    [
        ({"reasons": [REASONS[0], REASONS[0]]}, "/review/reasons/1/key"),
        ({"reasons": [{**REASONS[0], "label": "rudeness"}]}, "/review/reasons/0/label"),
        ({"reasons": [{"key": "a", "titles": {}}]}, "/review/reasons/0/titles"),
        ({"due_s": {"rudeness": 600}}, "/review/due_s/rudeness"),
        ({"due_s": {"threat": 1}}, "/review/due_s/threat"),
    ],
)
async def test_what_cannot_work_is_refused_with_its_place(chief: Any, review: Any, pointer: str) -> None:
    refused = await has_review(chief, **review)
    assert refused.status == 400
    assert pointer in [each["pointer"] for each in refused.body["errors"]]


async def due_s(chief: Any, comment_id: str) -> float:
    found = (await chief.get(f"/v1/comments/{comment_id}")).body
    item = (await chief.get("/v1/review/items?limit=100")).body["items"]
    (review,) = [each["review"] for each in item if each["id"] == comment_id]
    due, came = (datetime.fromisoformat(each) for each in (review["due_at"], found["created_at"]))
    return (due - came).total_seconds()


async def test_due_times_are_the_sites_own(chief: Any) -> None:
    await has_review(chief, due_s={"other": 120, "soon": 90}, urgent_sections=["front"])
    await post(chief, "c-1")
    assert await due_s(chief, "c-1") == pytest.approx(120, abs=1)
    await post(chief, "c-2", article={"id": "a-1", "section": "front"})
    assert await due_s(chief, "c-2") == pytest.approx(90, abs=1)
    await post(chief, "c-3")
    await decide(chief, "c-3", reason="spam")
    appealed = datetime.now().astimezone()
    assert (await chief.post("/v1/comments/c-3/appeal", {"reason": "why?"})).status == 200
    (item,) = [each for each in (await chief.get("/v1/review/items?limit=100")).body["items"] if each["id"] == "c-3"]
    due = datetime.fromisoformat(item["review"]["due_at"])
    assert (due - appealed).total_seconds() == pytest.approx(90, abs=5)
