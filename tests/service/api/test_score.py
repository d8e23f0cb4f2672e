"""Scoring: in order, for any text, and nothing kept."""

import json
from typing import Any

import pytest

import classifier
from service.values.domain import MAX_TEXT_BYTES

HOSTILE = [
    "\x00",
    "a\x00b",
    "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\u202e\u2066 right to left \u061c",
    "\u200b",
    "a" * MAX_TEXT_BYTES,
    "\u0301" * (MAX_TEXT_BYTES // 2),
    "e\u0301" * 1000,
    "[" * 5000,
    "\ufffd\ufeff\uffff",
    "\ufdfa" * 1000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=[repr(text[:8]) for text in HOSTILE])
@pytest.mark.parametrize("spans", [False, True])
async def test_any_text_is_scored(admin: Any, text: str, spans: bool) -> None:
    reply = await admin.post("/v1/score", {"text": text, "spans": spans})
    assert reply.status == 200
    (result,) = reply.body["results"]
    assert set(result["scores"]) == set(classifier.LABELS)
    assert all(0 <= score <= 1 for score in result["scores"].values())
    assert ("spans" in result) is spans
    for span in result.get("spans", []):
        assert 0 <= span["start"] < span["end"] <= len(text)
        assert span["attribute"] in classifier.LABELS


@pytest.mark.parametrize("escaped", [r"\ud800", r"a \udfff b", r"\udc00\ud800", r"\ud83d", r"\ud83d\u0041"])
async def test_a_lone_surrogate_is_input_like_any_other(admin: Any, escaped: str) -> None:
    for path in ("/v1/score", "/v1/comments"):
        reply = await admin.send(path, b'{"text": "hello %s"}' % escaped.encode())
        assert reply.status == 200, reply.body


async def test_an_escaped_pair_of_surrogates_is_one_character(admin: Any) -> None:
    escaped = await admin.send("/v1/score", rb'{"text": "you idiot \ud83d\ude00"}')
    plain = await admin.post("/v1/score", {"text": "you idiot \U0001f600"})
    assert escaped.body["results"] == plain.body["results"]


async def test_many_texts_are_answered_in_order(admin: Any) -> None:
    texts = [f"{'you stupid idiot' if number % 3 == 0 else 'have a nice day'} {number}" for number in range(50)]
    together = (await admin.post("/v1/score", {"texts": texts, "spans": True})).body["results"]
    for index in (0, 1, 33, 49):
        (alone,) = (await admin.post("/v1/score", {"text": texts[index], "spans": True})).body["results"]
        assert alone == together[index]
    assert together[0]["scores"]["insult"] > together[1]["scores"]["insult"]


async def test_only_the_asked_attributes_are_answered(admin: Any) -> None:
    reply = await admin.post("/v1/score", {"text": "you idiot", "attributes": ["insult", "spam"], "spans": True})
    (result,) = reply.body["results"]
    assert set(result["scores"]) == {"insult", "spam"}
    assert {span["attribute"] for span in result["spans"]} <= {"insult", "spam"}


async def test_spans_count_code_points_of_the_text_as_sent(admin: Any) -> None:
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in "IDIOT")  # full-width forms
    text = f"\U0001f600 \u0130\u200b you {wide} !"
    (result,) = (await admin.post("/v1/score", {"text": text, "spans": True})).body["results"]
    insult = [text[span["start"] : span["end"]] for span in result["spans"] if span["attribute"] == "insult"]
    assert wide in insult


async def test_spans_stay_right_behind_a_lone_surrogate(admin: Any) -> None:
    reply = await admin.send("/v1/score", rb'{"text": "\ud800\ud800 you idiot", "spans": true}')
    starts = {(span["start"], span["end"]) for span in reply.body["results"][0]["spans"]}
    assert (7, 12) in starts


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("a" * 20_480, 200),
        ("a" * 20_481, 413),
        ("é" * 10_240, 200),
        ("é" * 10_240 + "a", 413),
        ("\U0001f600" * 5_120, 200),
        ("\U0001f600" * 5_121, 413),
    ],
)
@pytest.mark.parametrize("path", ["/v1/score", "/v1/comments"])
async def test_the_limit_of_a_text_counts_bytes(admin: Any, path: str, text: str, status: int) -> None:
    reply = await admin.post(path, {"text": text})
    assert reply.status == status
    if status == 413:
        assert reply.body["errors"][0]["pointer"] == "/text"


async def test_a_lone_surrogate_counts_as_the_three_bytes_that_replace_it(admin: Any) -> None:
    at_the_limit = b'{"text": "%s"}' % (rb"\ud800" * 6826 + b"aa")
    assert (await admin.send("/v1/score", at_the_limit)).status == 200
    assert (await admin.send("/v1/score", at_the_limit.replace(b'aa"', b'aaa"'))).status == 413


async def test_a_thousand_texts_are_scored_and_one_more_is_too_many(admin: Any, problem: Any) -> None:
    reply = await admin.post("/v1/score", {"texts": ["hello"] * 1000})
    assert len(reply.body["results"]) == 1000
    found = problem(await admin.post("/v1/score", {"texts": ["hello"] * 1001}), 413)
    assert [fault["pointer"] for fault in found["errors"]] == ["/texts"]


async def test_scoring_keeps_nothing(admin: Any, redis_server: Any) -> None:
    with redis_server.client() as redis:
        before = redis.dbsize()
        await admin.post("/v1/score", {"texts": ["hello", "you idiot"]})
        assert redis.dbsize() == before


async def test_the_answer_names_the_model(admin: Any) -> None:
    reply = await admin.post("/v1/score", {"text": "a"})
    assert reply.body["model"] == classifier.SHIPPED.name
    assert json.loads(reply.raw) == reply.body
