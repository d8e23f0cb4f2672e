"""Languages over HTTP: what the model does not judge goes to a person, and what cannot be told is judged."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import classifier

FINNISH = "Sinä olet idiootti ja kaikki tietävät sen."
GERMAN = "Das ist doch völliger Unsinn, und das weißt du auch."
SWEDISH = "Det här är fullständigt nonsens och det vet du mycket väl själv."
ENGLISH = "What a thoughtful article, thank you for writing it."
TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=200).filter(str.strip)
JUDGED = classifier.read_manifest(classifier.SHIPPED).judged_by_both
REASON = {"code": "language_not_supported", "language": "fi"}


async def test_a_comment_in_a_language_without_a_model_is_queued_without_scores(admin: Any, ann: Any) -> None:
    answer = (await admin.post("/v1/comments", {"id": "c-1", "text": FINNISH})).body
    assert answer["scores"] == {}
    assert answer["spans"] == []
    assert answer["reasons"] == [REASON]
    assert answer["language"] == "fi"
    assert (answer["decision"], answer["status"], answer["decided_by"]) == ("review", "pending", "model")
    assert (answer["review"]["state"], answer["review"]["why"]) == ("queued", "language_not_supported")
    assert (await admin.get("/v1/comments/c-1")).body == answer
    (item,) = (await ann.post("/v1/review/claim", {"filter": {"why": "language_not_supported"}})).body["items"]
    assert (item["id"], item["language"], item["text"]) == ("c-1", "fi", FINNISH)
    decided = await ann.post("/v1/review/c-1/decision", {"decision": "reject", "lease": item["lease"]})
    assert decided.body["status"] == "rejected"
    (label,) = [json.loads(line) for line in (await admin.get("/v1/labels")).raw.splitlines()]
    assert (label["id"], label["language"]) == ("c-1", "fi")


async def test_moderators_claim_what_they_can_read(admin: Any, ann: Any, decide_always: Any) -> None:
    await decide_always("review")
    for number, text in enumerate((ENGLISH, FINNISH, GERMAN, "ok", FINNISH + " Ihan totta.")):
        await admin.post("/v1/comments", {"id": f"c-{number}", "text": text})
    listed = (await ann.get("/v1/review/items?language=fi")).body["items"]
    claimed = (await ann.post("/v1/review/claim", {"filter": {"language": "fi"}})).body["items"]
    assert [item["id"] for item in listed] == [item["id"] for item in claimed] == ["c-1", "c-4"]


async def test_no_policy_approves_or_rejects_what_is_not_judged(admin: Any, decide_always: Any) -> None:
    for decision in ("approve", "reject"):
        await decide_always(decision)
        assert (await admin.post("/v1/comments", {"text": FINNISH})).body["decision"] == "review"


@pytest.mark.parametrize("text", ["👍🏻👏🇫🇮", "lol", "idiot", "...", "¯\\_(ツ)_/¯", "\x00", "\u200b1"])
async def test_short_texts_and_emoji_are_judged_in_the_models_first_language(admin: Any, text: str) -> None:
    answer = (await admin.post("/v1/comments", {"text": text})).body
    assert answer["language"] == "en"
    assert set(answer["scores"]) == set(classifier.LABELS)


@pytest.mark.parametrize(
    ("text", "said", "language", "is_judged"),
    [
        ("lol", "en-GB", "en", True),
        ("lol", "fi", "fi", False),
        (ENGLISH, "fi-FI", "fi", False),
        (FINNISH, "en", "fi", False),
        (ENGLISH, "und", "en", True),
    ],
)
async def test_the_site_may_say_the_language(admin: Any, text: str, said: str, language: str, is_judged: bool) -> None:
    answer = (await admin.post("/v1/comments", {"text": text, "language": said})).body
    assert (answer["language"], bool(answer["scores"])) == (language, is_judged)
    (scored,) = (await admin.post("/v1/score", {"text": text, "language": said})).body["results"]
    assert (scored["language"], scored["scores"]) == (language, answer["scores"])


async def test_a_batch_is_judged_comment_by_comment(admin: Any) -> None:
    texts = [ENGLISH, FINNISH, "ok", SWEDISH]
    reply = await admin.post("/v1/comments:batch", {"comments": [{"text": text} for text in texts]})
    assert [result["language"] for result in reply.body["results"]] == ["en", "fi", "en", "sv"]
    assert [bool(result["scores"]) for result in reply.body["results"]] == [True, False, True, False]


@pytest.mark.parametrize("times", [1, 10])
@pytest.mark.parametrize("spans", [False, True])
async def test_scoring_leaves_what_it_does_not_judge_empty(admin: Any, times: int, spans: bool) -> None:
    reply = await admin.post("/v1/score", {"texts": [FINNISH, "you idiot", FINNISH] * times, "spans": spans})
    results = reply.body["results"]
    assert [result["language"] for result in results] == ["fi", "en", "fi"] * times
    nothing = {"language": "fi", "scores": {}, "language_support": "none"} | ({"spans": []} if spans else {})
    assert results[0::3] == results[2::3] == [nothing] * times
    assert all(result["scores"]["insult"] > 0.5 for result in results[1::3])


async def test_the_languages_of_a_model_are_shown(admin: Any) -> None:
    found = (await admin.get(f"/v1/models/{classifier.SHIPPED.name}")).body
    assert found["languages"]["en"] == list(classifier.LABELS)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TEXTS, min_size=1, max_size=30))
async def test_any_texts_are_scored_or_set_aside(admin: Any, texts: list[str]) -> None:
    reply = await admin.post("/v1/score", {"texts": texts, "spans": True})
    assert reply.status == 200, reply.body
    for result in reply.body["results"]:
        assert set(result["scores"]) == set(JUDGED.get(result["language"], ()))


async def test_languages_are_counted_without_repeating_what_a_site_calls_them(admin: Any) -> None:
    await admin.post("/v1/score", {"text": "hello", "language": "qaa-made-up"})
    shown = (await admin.get("/metrics")).raw.decode()
    assert 'steward_languages_total{language="other"}' in shown
    assert "qaa" not in shown
