"""Requests as other software makes them: its ids, its locales, empty fields, and more beside a comment than we keep."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from yarl import URL

from service.values.domain import MAX_ID, MAX_NAME, MAX_SECTION, MAX_TEXT_BYTES, MAX_TITLE, MAX_URL

IDS = [
    *("-V1StGXR8_Z5jdHi6B-myT", "@olena@example.social", "/politics/mayor", "é", "日本 語", "a b", "x" * MAX_ID),
    *(
        "می\u200cدست",
        "👩\u200d👧",
        "...",
        "a/../b",
        "%2F",
        "a\\b",
        "=1+1",
        "+1",
        "https://example.org/?p=1&q=2#c-3",
        "🦊" * MAX_ID,
    ),
]
NO_IDS = ["a\nb", "a\x00", ".", "..", " a", "a\u202eb", "x" * (MAX_ID + 1)]


def path(*steps: str) -> URL:
    return URL("/v1/" + "/".join(quote(step, safe="") for step in steps), encoded=True)


async def test_an_id_of_other_software_goes_all_the_way(admin: Any, ann: Any, decide_always: Any) -> None:
    await decide_always("review")
    for their_id in IDS:
        await _all_the_way(admin, ann, their_id)


async def _all_the_way(admin: Any, ann: Any, their_id: str) -> None:
    sent = {"id": their_id, "text": "hello there", "author": {"id": their_id}, "article": {"id": their_id}}
    sent["parent"] = {"id": their_id}
    assert (await admin.post("/v1/comments", sent)).body["id"] == their_id
    assert (await admin.get(path("comments", their_id))).body["id"] == their_id
    (listed,) = (await ann.get("/v1/review/items", params={"article": their_id})).body["items"]
    assert listed["article"]["id"] == listed["parent"]["id"] == their_id
    (found,) = (await admin.get("/v1/comments", params={"id": their_id, "article": their_id})).body["items"]
    (by_author,) = (await admin.get("/v1/comments", params={"author": their_id})).body["items"]
    assert found["id"] == by_author["id"] == their_id
    (item,) = (await ann.post("/v1/review/claim", {})).body["items"]
    said = {"decision": "reject", "lease": item["lease"], "reason": "insult"}
    assert (await ann.post(path("review", their_id, "decision"), said)).body["status"] == "rejected"
    assert (await admin.post(path("comments", their_id, "appeal"), {"reason": "no"})).status == 200
    assert (await admin.post(path("comments", their_id, "report"), {"reporter": their_id})).status == 200
    assert their_id in {json.loads(line)["id"] for line in (await admin.get("/v1/labels")).raw.splitlines()}
    entries = (await admin.get("/v1/audit", params={"comment": their_id})).body["entries"]
    assert "decided" in {entry["details"]["action"] for entry in entries}
    known = (await admin.post("/v1/reconcile", {"comments": [{"id": their_id}, {"id": "unknown"}]})).body
    assert [each["id"] for each in known["unknown"]] == ["unknown"]
    assert (await admin("DELETE", path("comments", their_id))).status == 204
    assert (await admin.get(path("comments", their_id))).body["erased_at"]


@pytest.mark.parametrize("place", ["/id", "/parent/id"])
async def test_what_is_no_id_is_refused_in_words(admin: Any, problem: Any, place: str) -> None:
    *outer, _ = place.split("/")[1:]
    for no_id in NO_IDS:
        body: dict[str, Any] = {"text": "hello there", **({outer[0]: {"id": no_id}} if outer else {"id": no_id})}
        (fault,) = problem(await admin.post("/v1/comments", body), 400)["errors"]
        assert fault["pointer"] == place
        assert fault["detail"].startswith("must ")
        assert not set(fault["detail"]) & set("^$[]\\")


async def test_a_locale_is_judged_as_its_language(admin: Any) -> None:
    for said in ("en_US", "en_us", "EN_gb", "en-US", "en_US.UTF-8", "en_GB@euro", "en"):
        assert (await admin.post("/v1/comments", {"text": "lol", "language": said})).body["language"] == "en"
        (scored,) = (await admin.post("/v1/score", {"text": "lol", "language": said})).body["results"]
        assert scored["language"] == "en"
    assert (await admin.post("/v1/comments", {"text": "lol", "language": "fi_FI"})).body["language"] == "fi"


EMPTY = [None, "", " ", [], {}]
OPTIONAL = ["id", "author", "article", "parent", "created_at", "language", "callback_url", "metadata"]
WITHIN = [
    *(("author", name) for name in ("id", "name", "created_at", "trusted")),
    *(("article", name) for name in ("id", "url", "title", "section")),
    *(("parent", name) for name in ("id", "text")),
]


async def test_an_optional_field_may_be_sent_empty(admin: Any) -> None:
    for name in OPTIONAL:
        sent = [{"text": "hello there", name: empty} for empty in EMPTY]
        assert {(await admin.post("/v1/comments", each)).status for each in sent} == {200}
        results = (await admin.post("/v1/comments:batch", {"comments": sent})).body["results"]
        assert all(each["decision"] for each in results)


async def test_so_may_one_within_another(admin: Any) -> None:
    sent = [{"text": "hello there", outer: {name: empty}} for outer, name in WITHIN for empty in EMPTY]
    assert {(await admin.post("/v1/comments", each)).status for each in sent} == {200}


async def test_the_text_may_not_be_empty(admin: Any, problem: Any) -> None:
    for empty in EMPTY:
        (fault,) = problem(await admin.post("/v1/comments", {"text": empty}), 400)["errors"]
        assert fault["pointer"] == "/text"


@pytest.mark.parametrize("empty", EMPTY)
async def test_other_requests_take_empty_fields_too(admin: Any, ann: Any, decide_always: Any, empty: Any) -> None:
    await decide_always("review")
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello there"})
    claim = {"filter": empty, "wait": empty, "lease_seconds": empty}
    (item,) = (await ann.post("/v1/review/claim", claim)).body["items"]
    said = {"decision": "reject", "lease": item["lease"], "reason": empty, "labels": empty, "note": empty}
    assert (await ann.post("/v1/review/c-1/decision", said)).status == 200
    assert (await admin.post("/v1/comments/c-1/report", {"reporter": "r", "reason": empty})).status == 200
    assert (await admin.post("/v1/comments/c-1/appeal", {"reason": empty})).status == 200
    assert (await admin.post("/v1/score", {"text": "hello", "spans": empty, "language": empty})).status == 200


async def test_empty_query_parameters_ask_for_nothing(admin: Any, ann: Any) -> None:
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello there"})
    found = await admin.get("/v1/comments?id=&author=&article=&status=&cursor=&limit=")
    assert [item["id"] for item in found.body["items"]] == ["c-1"]
    assert (await ann.get("/v1/review/items?limit=&cursor=&state=")).status == 200
    assert (await admin.get("/v1/comments/c-1?wait=")).status == 200


async def test_what_accompanies_a_comment_is_cut_and_never_refuses_it(admin: Any, decide_always: Any) -> None:
    await decide_always("review")
    sent = {
        "id": "c-1",
        "text": "hello there",
        "author": {"id": "u-1", "name": "n" * 1_000},
        "article": {"id": "a-1", "title": "t" * 600, "url": "https://example.org/" + "u" * 3_000, "section": "s" * 200},
        "parent": {"id": "p", "text": "ї" * 14_000},
    }
    assert (await admin.send("/v1/comments", json.dumps(sent, ensure_ascii=False).encode())).status == 200
    (item,) = (await admin.get("/v1/review/items")).body["items"]
    assert item["author"]["name"] == "n" * (MAX_NAME - 1) + "…"
    assert item["article"]["title"] == "t" * (MAX_TITLE - 1) + "…"
    assert item["article"]["section"] == "s" * MAX_SECTION
    assert item["article"].get("url") is None
    assert item["parent"]["text"].endswith("ї…")
    assert MAX_TEXT_BYTES - 4 < len(item["parent"]["text"].encode()) <= MAX_TEXT_BYTES


TIMES = ["2026-11-23 10:00:00", "2026-11-23T10:00:00", "2026-11-23T10:00:00.123456789Z", "0000-00-00 00:00:00"]


async def test_a_time_that_no_rule_asks_for_never_refuses_a_comment(admin: Any, problem: Any) -> None:
    for said in (*TIMES, "2026-11-23T10:00Z", "yesterday"):
        sent = {"text": "hello there", "created_at": said, "author": {"id": "u-1", "created_at": said}}
        assert (await admin.post("/v1/comments", sent)).status == 200
        (found,) = (await admin.post("/v1/comments:batch", {"comments": [sent]})).body["results"]
        assert found["decision"], said
    (fault,) = problem(await admin.post("/v1/comments", {"text": "hello", "created_at": 1_700_000_000}), 400)["errors"]
    assert fault["detail"] == "must be a date and time such as 2026-11-23T10:00:00Z or null, not a whole number"


async def test_the_time_of_an_article_without_a_zone_is_in_utc(admin: Any, problem: Any) -> None:
    """As WordPress writes it, and Python."""
    old = {"id": "old", "when": {"article": {"older_than_s": 3600}}, "then": {"action": "review"}}
    assert (await admin("PUT", "/v1/policies/default", {"thresholds": {"toxicity": {}}, "rules": [old]})).status == 200
    now = datetime.now(UTC)
    for hours, status in ((0, "approved"), (2, "pending")):
        said = (now - timedelta(hours=hours)).replace(tzinfo=None).isoformat(timespec="seconds")
        for each in (said, said.replace("T", " "), said + "Z"):
            sent = {"text": "hello there", "article": {"id": "a-1", "published_at": each}}
            assert (await admin.post("/v1/comments", sent)).body["status"] == status, each
    sent = {"text": "hello there", "article": {"id": "a-1", "published_at": "yesterday"}}
    (fault,) = problem(await admin.post("/v1/comments", sent), 400)["errors"]
    assert fault["pointer"] == "/article/published_at"


async def test_the_scheme_of_an_address_has_no_case(admin: Any) -> None:
    sent = {"text": "hello there", "callback_url": "HTTPS://example.org/hook"}
    assert (await admin.post("/v1/comments", sent)).status == 200


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
async def test_a_body_in_utf_16_is_told_to_be_one(admin: Any, problem: Any, encoding: str) -> None:
    raw = '{"text": "hello thére"}'.encode(encoding)
    assert "looks like UTF-16" in problem(await admin.send("/v1/comments", raw), 400)["detail"]
    raw = "one\ntwo".encode(encoding)
    found = problem(await admin("PUT", "/v1/lists/w", data=raw, headers={"Content-Type": "text/csv"}), 400)
    assert "looks like UTF-16" in found["detail"]


@pytest.mark.parametrize("raw", [b"", b" \n", b"{a", b'{"text": "hi",}', b'{"text": "\x01"}', b"{'text': 1}"])
async def test_what_is_no_json_is_told_in_our_words(admin: Any, problem: Any, raw: bytes) -> None:
    detail = problem(await admin.send("/v1/comments", raw), 400)["detail"]
    said = "it is empty" if not raw.strip() else "it cannot be read from line 1, column "
    assert detail.startswith(f"not valid JSON: {said}")


async def test_what_fits_exactly_is_kept_whole(admin: Any, decide_always: Any) -> None:
    await decide_always("review")
    article = {
        "title": "t" * MAX_TITLE,
        "url": "https://example.org/".ljust(MAX_URL, "u"),
        "section": "s" * MAX_SECTION,
    }
    sent = {"author": {"name": "n" * MAX_NAME}, "article": article, "parent": {"text": "p" * MAX_TEXT_BYTES}}
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello there", **sent})
    (item,) = (await admin.get("/v1/review/items")).body["items"]
    assert item["author"]["name"] == sent["author"]["name"]
    assert item["article"].items() >= article.items()
    assert item["parent"]["text"] == sent["parent"]["text"]


@pytest.mark.parametrize(
    "sent",
    [
        {"text": "\x01" * (MAX_TEXT_BYTES - 1) + "a"},
        {"text": "ї" * (MAX_TEXT_BYTES // 2), "parent": {"text": "ї" * (MAX_TEXT_BYTES // 2)}},
        {"text": "🦊" * (MAX_TEXT_BYTES // 4), "article": {"title": "🦊" * 20_000}},
        {"text": "hello there", "parent": {"text": "p" * 300_000}},
    ],
    ids=["control characters", "a parent", "a title", "a long parent"],
)
async def test_a_comment_is_taken_however_its_json_is_escaped_and_however_long_its_context_is(
    admin: Any, sent: dict[str, Any]
) -> None:
    """json.dumps, and PHP's json_encode, write each character that is not ASCII as an escape of 6 or 12 bytes."""
    body = json.dumps(sent).encode()
    reply = await admin("POST", "/v1/comments", data=body, headers={"Content-Type": "application/json"})
    assert reply.status == 200


async def test_a_blank_parent_is_no_fault_of_the_comment(admin: Any) -> None:
    assert (await admin.post("/v1/comments", {"text": "hello there", "parent": {"text": " \n"}})).status == 200


async def test_a_long_reason_of_a_reader_or_author_is_cut(admin: Any, decide_always: Any) -> None:
    await decide_always("reject")
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello there"})
    assert (await admin.post("/v1/comments/c-1/report", {"reporter": "r", "reason": "x" * 5_000})).status == 200
    assert (await admin.post("/v1/comments/c-1/appeal", {"reason": "x" * 5_000})).status == 200
    (item,) = (await admin.get("/v1/review/items")).body["items"]
    assert item["appeal"] == "x" * 1_999 + "…"


async def test_a_byte_order_mark_before_a_body_is_passed_over(admin: Any) -> None:
    for route in ("/v1/comments", "/v1/score"):
        assert (await admin.send(route, b'\xef\xbb\xbf{"text": "hello there"}')).status == 200
    lines = b'\xef\xbb\xbf{"text": "hello", "decision": "approve"}\n{"text": "you", "decision": "reject"}\n'
    assert (await admin.send("/v1/labels", lines, "application/x-ndjson")).body == {"added": 2, "known": 0}
