"""Comments that are drawn to learn from: blind for people, with their probability for training, in no other figure."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

import classifier
from service import app_keys as keys
from service.values.learning import EPS
from training import archive
from training.archive import LabelLine
from training.pull import _decode as decode

# A score of toxicity above this is rejected; hardly any is.
POLICY = {"thresholds": {"toxicity": {"review_at": 0.98, "reject_at": 0.99}}}
TEXTS = ("The new bridge opens on Monday.", "You are such an idiot.", "Thank you for the article.")


@pytest.fixture
def draw(app: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Says which number the next comments draw."""

    def draws(number: float) -> None:
        monkeypatch.setattr(app[keys.MODERATION], "_draw", lambda *_: number)

    return draws


async def policy(admin: Any, **review: Any) -> None:
    reply = await admin("PUT", "/v1/policies/default", {**POLICY, "review": review})
    assert reply.status == 200, reply.body


async def send(admin: Any, name: str, text: str, **more: Any) -> Any:
    reply = await admin.post("/v1/comments", {"id": name, "text": text, **more})
    assert reply.status == 200, reply.body
    return reply.body


async def answer_all(moderator: Any, decision: str) -> list[Any]:
    items = (await moderator.post("/v1/review/claim", {"count": 20})).body["items"]
    for item in items:
        body = {"decision": decision, "lease": item["lease"]}
        assert (await moderator.post(f"/v1/review/{item['id']}/decision", body)).status == 200
    return list(items)


async def learning(admin: Any) -> list[Any]:
    return list((await admin.get("/v1/review/draws?sampler=learning")).body["draws"])


async def test_off_unless_the_site_sets_it(admin: Any, draw: Any) -> None:
    draw(0.999999)
    await policy(admin)
    assert (await send(admin, "c-1", TEXTS[0]))["review"] is None
    assert await learning(admin) == []
    review = (await admin.get("/v1/policies/default")).body["review"]
    assert not any(name.startswith("learning") for name in review), "earlier releases read the policy"


async def test_a_comment_is_drawn_blind_and_its_label_says_how_probable_that_was(
    admin: Any, ann: Any, draw: Any
) -> None:
    await policy(admin, learning_share=0.5)
    draw(0.95)
    said = await send(admin, "c-1", TEXTS[1])
    assert said["status"] == "approved", "the decision stands"
    (item,) = await answer_all(ann, "reject")
    assert (item["status"], item["decision"], item["review"]["why"]) == ("pending", "review", "uncertain")
    assert item["scores"] is item["reasons"] is None
    assert not {"inclusion", "learning_inclusion"} & item.keys()
    (one,) = await learning(admin)
    assert (one["comment"], one["decision"], one["state"], one["verdict"]) == ("c-1", "approve", "answered", "reject")
    assert EPS * 0.5 < one["inclusion"] <= 0.5
    (label,) = [json.loads(line) for line in (await admin.get("/v1/labels")).raw.splitlines()]
    assert (label["source"], label["learning_inclusion"]) == ("learning", one["inclusion"])
    assert "inclusion" not in label
    assert (await admin.get("/v1/comments/c-1")).body["status"] == "rejected"


async def test_the_more_doubtful_a_comment_the_likelier_it_is_drawn(admin: Any, draw: Any) -> None:
    await policy(admin, learning_share=1.0)
    draw(0.999999)
    for number, text in enumerate(TEXTS):
        await send(admin, f"c-{number}", text)
    chances = {each["comment"]: each["inclusion"] for each in await learning(admin)}
    assert chances["c-1"] > 1.5 * chances["c-0"]
    assert all(chance >= EPS for chance in chances.values())
    draw(1 - (chances["c-0"] + chances["c-1"]) / 2)
    for number, text in enumerate(("It rained all night in our town.", "What a complete moron he is.")):
        await send(admin, f"d-{number}", text)
    assert [each["comment"] for each in await learning(admin)][3:] == ["d-1"]


async def test_the_archive_keeps_the_probability(admin: Any, ann: Any, draw: Any, tmp_path: Path) -> None:
    await policy(admin, learning_share=1.0)
    draw(0.999999)
    await send(admin, "c-1", TEXTS[0])
    await answer_all(ann, "approve")
    reply = await admin.get("/v1/labels")
    lines: list[LabelLine] = [decode(line) for line in reply.raw.splitlines()]
    await asyncio.to_thread(archive.append, tmp_path, lines, "1-0")
    (one,) = await learning(admin)
    (kept,) = archive.valid(tmp_path)
    assert kept.learning_inclusion == one["inclusion"]
    assert archive.read(tmp_path).stands_for.tolist() == pytest.approx([1 / one["inclusion"]])


async def test_no_other_figure_counts_them(admin: Any, ann: Any, draw: Any) -> None:
    await policy(admin, learning_share=1.0, audit_approved=0.5, audit_rejected=0.5)
    draw(0.999999)
    await send(admin, "c-1", TEXTS[1])
    await answer_all(ann, "reject")
    figures = (await ann.get("/v1/review/audits")).body
    assert figures["all"]["approvals"]["audits"]["drawn"] == 0
    assert figures["by_attribute"] == {}
    found = figures["learning"]["approvals"]
    assert (found["audits"], found["wrong"]) == ({"drawn": 1, "answered": 1, "open": 0, "lost": {}}, 1)
    stats = (await ann.get("/v1/review/stats")).body
    assert stats["overturn_rate"] is None
    assert (stats["quality"]["approved"]["judged"], stats["quality"]["missed_in_approvals"]) == (0, None)
    sample = await admin.get("/v1/policies/default/sample")
    assert sample.raw == b""
    model = classifier.SHIPPED.name
    compared = (await admin.get(f"/v1/models/{model}/comparison?against={model}")).body
    assert compared["comments"] == 0
    draw(0.1)
    await send(admin, "c-2", TEXTS[1])
    await answer_all(ann, "reject")
    figures = (await ann.get("/v1/review/audits")).body
    assert figures["all"]["approvals"]["audits"]["answered"] == figures["learning"]["approvals"]["audits"]["drawn"] == 1
    assert [each["comment"] for each in (await admin.get("/v1/review/draws")).body["draws"]] == ["c-2"]


async def test_near_copies_are_not_drawn_again_and_again(admin: Any, draw: Any) -> None:
    await policy(admin, learning_share=1.0)
    draw(0.999999)
    text = "Buy the new wonder pills of Doctor Miller today, they helped me and my whole family within one week"
    for number in range(5):
        await send(admin, f"c-{number}", f"{text}, order {number}!")
    chances = [each["inclusion"] for each in await learning(admin)]
    assert len(chances) == 3
    assert chances[1] < chances[0] / 3
    assert chances[2] < chances[1] / 3
    assert (await admin.get("/v1/review/audits")).body["learning"]["passed_over"] == {"copies": 2}


async def test_a_comment_that_a_rule_decides_may_be_drawn_and_one_that_waits_is_not(admin: Any, draw: Any) -> None:
    def rule(name: str, word: str, action: str) -> Any:
        when = {"all": [{"words": {"any": [word]}}]}
        return {"id": name, "when": when, "then": {"action": action}}

    rules = [rule("r-1", "xylophone", "reject"), rule("r-2", "trombone", "review")]
    reply = await admin("PUT", "/v1/policies/default", {**POLICY, "review": {"learning_share": 1.0}, "rules": rules})
    assert reply.status == 200, reply.body
    draw(0.999999)
    assert (await send(admin, "c-1", "My xylophone is here."))["status"] == "rejected"
    assert (await send(admin, "c-2", "My trombone is here."))["status"] == "pending"
    assert [(each["comment"], each["decided_by"]) for each in await learning(admin)] == [("c-1", "rule")]


async def test_impossible_settings_are_named(admin: Any, problem: Any) -> None:
    for name, value in (("learning_share", 1.5), ("learning_per_day", 0)):
        reply = problem(await admin("PUT", "/v1/policies/default", {**POLICY, "review": {name: value}}), 400)
        assert name in json.dumps(reply)
    problem(await admin.get("/v1/review/draws?sampler=shadow"), 400)
