"""Rules of a policy, over HTTP: refused with their place, tried, simulated, in force, taken back."""

from typing import Any

import msgspec
import pytest

from service import app_keys as keys
from service.values.policy import DEFAULT
from service.values.rules import Rule

LINKS = {"id": "links", "when": {"links": {"at_least": 1}}, "then": {"action": "review", "due": "spam"}}
WORDS = {"id": "words", "when": {"words": {"any": ["zorblax"]}}, "then": {"action": "reject", "reason": "off_topic"}}
NEW = {"id": "new", "when": {"author": {"approved_below": 1}}, "then": {"action": "premoderate"}}
SAME = {
    "id": "same",
    "when": {"duplicate": {"match": "exact", "of": "site", "at_least": 3}},
    "then": {"action": "review", "due": "spam", "label": "spam"},
}


@pytest.fixture(autouse=True)
async def _approves(decide_always: Any) -> None:
    await decide_always("approve")


async def put(admin: Any, *rules: Any, **more: Any) -> Any:
    shown = (await admin.get("/v1/policies/default")).body
    thresholds = shown["thresholds"]
    return await admin("PUT", "/v1/policies/default", {"thresholds": thresholds, "rules": rules, **more})


async def send(admin: Any, comment_id: str, text: str = "hello there", **more: Any) -> Any:
    reply = await admin.post("/v1/comments", {"id": comment_id, "text": text, **more})
    assert reply.status == 200, reply.body
    return reply.body


def ruled(answer: Any) -> list[str]:
    return [each["rule"] for each in answer["reasons"] if each["code"] == "rule"]


async def test_a_rule_rejects_and_the_answer_says_which_word_where(admin: Any) -> None:
    reply = await put(admin, WORDS)
    assert reply.status == 200, reply.body
    assert reply.body["rules"] == [WORDS]
    text = "Buy a z.o-r b l a x today"
    answer = await send(admin, "c1", text)
    assert (answer["decision"], answer["status"], answer["decided_by"]) == ("reject", "rejected", "rule")
    (reason,) = [each for each in answer["reasons"] if each["code"] == "rule"]
    assert (reason["rule"], reason["action"], reason["reason"]) == ("words", "reject", "off_topic")
    assert reason["entry"] == "zorblax"
    assert [text[start:end] for start, end in reason["spans"]] == ["z.o-r b l a x"]
    assert (await admin.get("/v1/comments/c1")).body == answer
    assert (await send(admin, "c2"))["decision"] == "approve"


async def test_a_rule_that_is_over_before_it_begins_is_refused_and_one_that_has_ended_stays(
    admin: Any, client: Any
) -> None:
    over = {**WORDS, "until": "2026-01-31"}
    tries = {"comment": {"text": "zorblax"}, "rules": [over]}
    for reply in (await put(admin, LINKS, over), await admin.post("/v1/policies/default:try", tries)):
        assert reply.status == 400
        assert reply.body["errors"][0]["pointer"].endswith("/until")
        assert "2026-01-31, is over" in reply.body["detail"]
    version = (await admin.get("/v1/policies/default")).body["version"]
    after = msgspec.structs.replace(DEFAULT, version=version + 1, rules=(msgspec.convert(over, Rule),))
    assert await client.server.app[keys.STORE].access.keep_policy("daily", after, "somebody")
    assert (await put(admin, over, LINKS)).status == 200


async def test_a_rule_holds_new_authors_and_says_why_it_waits(admin: Any, ann: Any) -> None:
    assert (await put(admin, NEW)).status == 200
    answer = await send(admin, "c1", author={"id": "u1"})
    assert (answer["decision"], answer["review"]["why"]) == ("review", "rule")
    assert ruled(answer) == ["new"]
    (item,) = (await ann.post("/v1/review/claim", {"count": 1})).body["items"]
    assert item["review"]["why"] == "rule"
    decision = {"decision": "approve", "lease": item["lease"]}
    assert (await ann.post("/v1/review/c1/decision", decision)).status == 200
    assert (await send(admin, "c2", author={"id": "u1"}))["decision"] == "approve"
    assert (await send(admin, "c3", author={"id": "u2"}))["decision"] == "review"


async def test_the_third_copy_of_a_text_is_held(admin: Any) -> None:
    assert (await put(admin, SAME)).status == 200
    text = "Get rich today with our amazing offer"
    found = [(await send(admin, f"c{n}", text, author={"id": f"u{n}"}))["decision"] for n in range(4)]
    assert found == ["approve", "approve", "review", "review"]
    assert (await send(admin, "c1", text, author={"id": "u1"}))["decision"] == "approve", "sent again, it counts once"


async def test_a_rule_in_shadow_changes_nothing_and_is_told(admin: Any) -> None:
    assert (await put(admin, {**WORDS, "state": "shadow"})).status == 200
    answer = await send(admin, "c1", "zorblax")
    assert answer["decision"] == "approve"
    assert [(each["rule"], each["shadow"]) for each in answer["reasons"] if each["code"] == "rule"] == [("words", True)]


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        ({**WORDS, "when": {"all": [{"links": {}}, {"pattern": "(a"}]}}, "/rules/0/when/all/1/pattern"),
        ({**WORDS, "when": {"words": {"list": "nowhere"}}}, "/rules/0/when/words/list"),
        ({**WORDS, "when": {"score": {"attribute": "wit", "at_least": 0.5}}}, "/rules/0/when/score/attribute"),
        ({**WORDS, "when": {}}, "/rules/0/when"),
        ({**WORDS, "id": "Not an id"}, "/rules/0/id"),
    ],
)
async def test_a_rule_that_cannot_work_is_refused_with_its_place(admin: Any, rule: Any, place: str) -> None:
    before = (await admin.get("/v1/policies/default")).body
    reply = await put(admin, rule)
    assert reply.status == 400
    assert reply.body["errors"][0]["pointer"] == place, reply.body
    assert (await admin.get("/v1/policies/default")).body == before, "nothing is half applied"


async def test_rules_are_tried_on_a_text_and_on_what_came(admin: Any) -> None:
    await send(admin, "c0", "see example.com for more", author={"id": "u1"})
    await send(admin, "c1", "nothing to see", author={"id": "u1"})
    asked = {"comment": {"text": "a zorblax", "author": {"id": "u1"}}, "rules": [WORDS, NEW]}
    tried = (await admin.post("/v1/policies/default:try", asked)).body
    assert (tried["decision"], [each["rule"] for each in tried["rules"]]) == ("reject", ["words"])
    assert tried["open"] == [
        {"rule": "new", "action": "premoderate", "shadow": False, "depends_on": ["approved_below"]}
    ]
    thresholds = (await admin.get("/v1/policies/default")).body["thresholds"]
    asked = {"thresholds": thresholds, "rules": [LINKS, NEW]}
    found = (await admin.post("/v1/policies/default:simulate", asked)).body
    assert found["rules"] == [
        {"rule": "links", "state": "on", "comments": 1, "examples": ["c0"]},
        {"rule": "new", "state": "on", "comments": 1, "examples": ["c0"]},
    ]
    assert found["after"] == {"approve": 1, "review": 1, "reject": 0}


async def test_an_earlier_version_is_brought_back(admin: Any) -> None:
    first = (await put(admin, WORDS)).body["version"]
    assert (await put(admin)).body["rules"] == []
    reply = await admin.post("/v1/policies/default:restore", {"version": first})
    assert (reply.status, reply.body["version"], reply.body["rules"]) == (200, first + 2, [WORDS])
    assert (await send(admin, "c1", "zorblax"))["decision"] == "reject"
    assert (await admin.post("/v1/policies/default:restore", {"version": 99})).status == 404


async def test_a_list_that_changes_is_in_force_within_seconds(admin: Any, app: Any) -> None:
    entries = {"entries": [{"text": "zorblax"}]}
    assert (await admin("PUT", "/v1/lists/house", entries)).status in (200, 201)
    rule = {"id": "house", "when": {"words": {"list": "house"}}, "then": {"action": "reject"}}
    assert (await put(admin, rule)).status == 200
    answer = await send(admin, "c1", "a zorblax")
    assert [(each["list"], each["entry"]) for each in answer["reasons"] if each["code"] == "rule"] == [
        ("house", "zorblax")
    ]
    entries = {"entries": [{"text": "quux"}]}
    assert (await admin("PUT", "/v1/lists/house", entries)).status == 200
    await app[keys.RULEBOOK].refresh()
    assert (await send(admin, "c2", "a zorblax"))["decision"] == "approve"
    assert (await send(admin, "c3", "a quux"))["decision"] == "reject"


async def test_copies_that_wait_are_found_to_be_decided_together(admin: Any, ann: Any) -> None:
    assert (await put(admin, SAME)).status == 200
    for n in range(5):
        await send(admin, f"c{n}", "Get rich today with our amazing offer", author={"id": f"u{n}"})
    await send(admin, "other", "Something else that nobody else says")
    found = (await ann.get("/v1/review/c2/copies")).body["items"]
    assert [each["id"] for each in found] == ["c4", "c3"], "the first two were approved"
    assert (await ann.get("/v1/review/other/copies")).body == {"items": []}
    assert (await ann.get("/v1/review/nowhere/copies")).status == 404


@pytest.mark.parametrize("depth", [9, 50, 5_000])
async def test_conditions_that_are_nested_too_deep_are_refused(admin: Any, depth: int) -> None:
    when = '{"not":' * depth + '{"links":{}}' + "}" * depth
    body = f'{{"thresholds":{{"toxicity":{{}}}},"rules":[{{"id":"deep","when":{when},"then":{{"action":"review"}}}}]}}'
    headers = {"Content-Type": "application/json"}
    reply = await admin("PUT", "/v1/policies/default", data=body.encode(), headers=headers)
    assert reply.status == 400
    assert reply.body["code"] == "bad_request"
