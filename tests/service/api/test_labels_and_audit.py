"""Labels out and in, policies, and who did what."""

import hashlib
import json
import re
from typing import Any

import msgspec
import pytest

from service import app_keys as keys
from service.store.base import Label
from service.store.labels import Imported

NDJSON = "application/x-ndjson"


def lines(raw: bytes) -> list[Any]:
    return [json.loads(line) for line in raw.splitlines()]


def ndjson(*labels: Any) -> bytes:
    return b"".join(json.dumps(label).encode() + b"\n" for label in labels)


@pytest.fixture
async def decided(admin: Any, ann: Any, decide_always: Any) -> None:
    await decide_always("review")
    for number in range(4):
        await admin.post("/v1/comments", {"id": f"c-{number}", "text": f"text {number}"})
    for item in (await ann.post("/v1/review/claim", {"count": 4})).body["items"]:
        body = {"decision": "reject", "lease": item["lease"], "labels": {"insult": True, "threat": False}}
        await ann.post(f"/v1/review/{item['id']}/decision", body)


@pytest.mark.usefixtures("decided")
async def test_every_human_decision_is_a_line(admin: Any) -> None:
    reply = await admin.get("/v1/labels")
    assert reply.headers["Content-Type"] == NDJSON
    found = lines(reply.raw)
    assert [label["id"] for label in found] == [f"c-{number}" for number in range(4)]
    assert (
        found[0].items()
        >= {
            "text": "text 0",
            "labels": {"insult": True, "threat": False},
            "decision": "reject",
            "source": "moderator",
            "weight": 1.0,
            "actor": "ann",
        }.items()
    )
    assert msgspec.convert(found[0], Label).cursor == found[0]["cursor"]


@pytest.mark.usefixtures("decided")
async def test_labels_are_read_on_from_a_cursor(admin: Any) -> None:
    seen, after = [], ""
    while found := lines((await admin.get(f"/v1/labels?limit=3{after}")).raw):
        seen += [label["id"] for label in found]
        after = f"&after={found[-1]['cursor']}"
    assert seen == [f"c-{number}" for number in range(4)]


@pytest.mark.usefixtures("decided")
async def test_erased_texts_are_passed_over_and_the_erasures_follow_behind_them(admin: Any) -> None:
    for number in range(3):
        await admin("DELETE", f"/v1/comments/c-{number}")
    reply = await admin.get("/v1/labels?limit=1")
    assert [label["id"] for label in lines(reply.raw)] == ["c-3"]
    cursor = reply.headers["Steward-Next-Cursor"]
    following = await admin.get(f"/v1/labels?after={cursor}")
    told = [(label["id"], label["text"], label["retracts"]) for label in lines(following.raw)]
    assert told == [(f"c-{number}", "", "*") for number in range(3)]
    cursor = following.headers["Steward-Next-Cursor"]
    end = await admin.get(f"/v1/labels?after={cursor}")
    assert (end.raw, end.headers["Steward-Next-Cursor"]) == (b"", cursor)


async def test_labels_brought_in_twice_are_kept_once(admin: Any) -> None:
    body = ndjson({"text": "buy now", "labels": {"spam": True}}, {"id": "l-2", "text": "fine", "decision": "approve"})
    first = await admin.send("/v1/labels", body + b"\n \n", NDJSON)
    assert (first.status, first.body) == (200, {"added": 2, "known": 0})
    for _ in range(2):
        assert (await admin.send("/v1/labels", body, NDJSON)).body == {"added": 0, "known": 2}
    assert [label["decision"] for label in lines((await admin.get("/v1/labels")).raw)] == ["", "approve"]


@pytest.mark.parametrize("decision", [{}, {"decision": ""}, {"decision": None}])
async def test_a_label_without_a_decision_is_read_as_it_was_said(admin: Any, decision: Any) -> None:
    for labels in ({"spam": False}, {"insult": True}, {"toxicity": 0.3}):
        line = {"text": f"about {labels}", "labels": labels, **decision}
        assert (await admin.send("/v1/labels", ndjson(line), NDJSON)).body == {"added": 1, "known": 0}
        label = lines((await admin.get("/v1/labels")).raw)[-1]
        assert (label["labels"], label["decision"]) == (labels, "")


async def test_a_label_sent_again_takes_the_place_of_the_one_whose_decision_was_made_up(
    client: Any, admin: Any
) -> None:
    """Earlier releases kept a label without a decision, and without an id, as an approval or a rejection."""
    made_up = ["fine", [["spam", False]], "approve", "", "import", 1.0]
    digest = hashlib.blake2b(msgspec.json.encode(made_up), digest_size=16).hexdigest()
    kept = Imported(f"label-{digest}", digest, "fine", {"spam": False}, "approve", "", "import", 1.0)
    assert await client.server.app[keys.STORE].labels.add("daily", kept, "chief")
    body = ndjson({"text": "fine", "labels": {"spam": False}})
    assert (await admin.send("/v1/labels", body, NDJSON)).body == {"added": 1, "known": 0}
    assert (await admin.send("/v1/labels", body, NDJSON)).body == {"added": 0, "known": 1}
    retraction, label = lines((await admin.get("/v1/labels")).raw)
    assert retraction["retracts"]
    assert (label["id"], label["decision"]) == (kept.id, "")


@pytest.mark.parametrize(
    ("line", "pointer"),
    [
        (b"{", "/1"),
        (b'{"text": "a", "text": "b"}', "/1"),
        (b'{"text": "a", "x": ' + b"[" * 30 + b"]" * 30 + b"}", "/1"),
        (b"[]", "/1"),
        (b'{"labels": {}}', "/1/text"),
        (b'{"text": "a"}', "/1"),
        (b'{"text": "a", "decision": "", "labels": {}}', "/1"),
        (b'{"text": " ", "decision": "reject"}', "/1/text"),
        (b'{"text": "a", "decision": "escalate"}', "/1/decision"),
        (b'{"text": "a", "decision": "reject\\n"}', "/1/decision"),
        (b'{"text": "a", "labels": {"taste/~": true}}', "/1/labels/taste~1~0"),
        (b'{"text": "a", "labels": {"spam": 1.5}}', "/1/labels/spam"),
        (b'{"text": "a", "labels": {"spam": "yes"}}', "/1/labels/spam"),
        (b'{"text": "a", "labels": {"spam": true}, "community": 7}', "/1/community"),
        (b'{"text": "a", "decision": "reject", "weight": 0}', "/1/weight"),
        (b'{"text": "a", "decision": "reject", "weight": NaN}', "/1"),
    ],
)
async def test_a_bad_line_is_named_and_then_none_is_kept(admin: Any, problem: Any, line: bytes, pointer: str) -> None:
    good = ndjson({"text": "buy now", "decision": "reject"})
    found = problem(await admin.send("/v1/labels", good + line + b"\n", NDJSON), 400)
    assert [fault["pointer"] for fault in found["errors"]] == [pointer]
    assert (await admin.get("/v1/labels")).raw == b""


async def test_a_line_that_is_no_json_is_named_as_editors_count_it(admin: Any, problem: Any) -> None:
    good = ndjson({"text": "buy now", "decision": "reject"})
    found = problem(await admin.send("/v1/labels", good + b'\n{"text":\n', NDJSON), 400)
    assert found["detail"] == "/2: not valid JSON: it cannot be read from line 3, column 9 on"


@pytest.mark.usefixtures("decided")
async def test_what_one_site_gave_another_takes(client: Any, admin: Any, key_for: Any) -> None:
    await admin("DELETE", "/v1/comments/c-0")
    given = (await admin.get("/v1/labels")).raw
    assert [line.get("retracts") for line in lines(given)] == [None, None, None, "*"]
    other = await key_for(client, site="other")
    assert (await other.send("/v1/labels", given, NDJSON)).body == {"added": 3, "known": 0}
    said = ("id", "text", "labels", "decision", "source", "weight")
    taken = (await other.get("/v1/labels")).raw
    first, second = ([[line[name] for name in said] for line in lines(raw) if line["text"]] for raw in (given, taken))
    assert first == second


async def test_a_label_that_a_later_line_retracts_is_left_out(admin: Any, problem: Any) -> None:
    label = {"decision": "reject", "labels": {}, "source": "moderator", "weight": 1, "at": "2026-11-23T10:00:00Z"}
    first, second, third = (label | {"id": name, "cursor": name, "text": f"text {name}"} for name in "abc")
    empty = label | {"text": "", "decision": "", "weight": 0}
    undone, erased = empty | {"id": "a", "cursor": "d", "retracts": "a"}, empty | {"id": "b", "retracts": "*"}
    body = ndjson(first, second, third, undone, erased, undone | {"retracts": "c"}, third | {"cursor": "e"})
    assert (await admin.send("/v1/labels", body, NDJSON)).body == {"added": 1, "known": 0}
    assert [line["text"] for line in lines((await admin.get("/v1/labels")).raw)] == ["text c"]
    found = problem(await admin.send("/v1/labels", ndjson(third, undone), NDJSON), 400)
    assert found["detail"] == "/1/retracts: names a label that is not in this body: send both, or neither"


async def test_a_label_over_the_limit_is_413(admin: Any, problem: Any) -> None:
    body = ndjson({"text": "a" * 20_481, "decision": "reject"})
    problem(await admin.send("/v1/labels", body, NDJSON), 413)


async def test_many_labels_come_in_at_once(admin: Any) -> None:
    body = ndjson(*({"text": f"text {number}", "decision": "reject"} for number in range(3000)))
    assert (await admin.send("/v1/labels", body, NDJSON)).body == {"added": 3000, "known": 0}


@pytest.mark.usefixtures("decided")
async def test_the_trail_says_who_did_what(admin: Any) -> None:
    found = (await admin.get("/v1/audit?comment=c-0")).body
    assert found["next"] is None
    assert [(entry["details"]["actor"], entry["details"]["action"]) for entry in found["entries"]] == [
        ("chief", "submitted"),
        ("ann", "claimed"),
        ("ann", "decided"),
    ]
    by_ann = (await admin.get("/v1/audit?actor=ann&limit=3")).body
    assert len(by_ann["entries"]) == 3
    rest = (await admin.get(f"/v1/audit?actor=ann&after={by_ann['next']}")).body
    assert len(rest["entries"]) == 5


async def test_the_trail_shows_a_deed_on_many_as_one_and_who_may_what(admin: Any, ann: Any, decide_always: Any) -> None:
    await decide_always("review")
    for number in range(4):
        await admin.post("/v1/comments", {"id": f"c-{number}", "text": "hello"})
    items = (await ann.post("/v1/review/claim", {"count": 3})).body["items"]
    one, *many = [{"id": item["id"], "lease": item["lease"], "decision": "reject", "note": "seen"} for item in items]
    await ann.post(f"/v1/review/{one.pop('id')}/decision", one)
    await ann.post("/v1/review/decisions", {"decisions": many})
    (item,) = (await admin.post("/v1/review/claim", {"count": 1})).body["items"]
    await admin.post(f"/v1/review/{item['id']}/decision", {"lease": item["lease"], "decision": "approve"})
    entries = [entry["details"] for entry in (await admin.get("/v1/audit")).body["entries"]]
    decided = [entry for entry in entries if entry["action"] == "decided"]
    assert [entry["role"] for entry in decided] == ["key", "key", "key", "admin key"]
    assert [entry.get("noted") for entry in decided] == ["1", "1", "1", None]
    alone, first, second, last = (entry.get("batch") for entry in decided)
    assert (alone, last) == (None, None)
    assert first == second
    assert first
    submitted = [entry for entry in entries if entry["action"] == "submitted"]
    assert all(re.fullmatch(r"[a-z_]+ 0\.\d{1,6}", entry["score"]) for entry in submitted)


async def test_a_policy_is_versioned_and_seen_at_once(admin: Any, problem: Any) -> None:
    before = (await admin.get("/v1/policies/default")).body
    assert before["version"] == 1
    reply = await admin("PUT", "/v1/policies/default", {"thresholds": {"toxicity": {"reject_at": 0}}, "version": 1})
    assert (reply.status, reply.body["version"]) == (200, 2)
    assert (await admin.get("/v1/policies/default")).body == reply.body
    answer = (await admin.post("/v1/comments", {"text": "good morning"})).body
    assert (answer["decision"], answer["policy"]) == ("reject", "default@2")
    found = problem(await admin("PUT", "/v1/policies/default", {"thresholds": {"spam": {}}, "version": 1}), 409)
    assert (found["code"], found["current"]) == ("policy_changed", reply.body)
    problem(await admin.get("/v1/policies/other"), 404)
    problem(await admin("PUT", "/v1/policies/other", {"thresholds": {"spam": {}}}), 404)
    changed = [e["details"] for e in (await admin.get("/v1/audit")).body["entries"]]
    assert [(each["action"], each["policy"]) for each in changed if "changed" in each["action"]] == [
        ("policy_changed", "default@2")
    ]


async def test_an_attribute_that_the_model_does_not_score_goes_to_a_person(admin: Any, problem: Any) -> None:
    problem(await admin("PUT", "/v1/policies/default", {"thresholds": {"taste": {"review_at": 0.5}}}), 400)
