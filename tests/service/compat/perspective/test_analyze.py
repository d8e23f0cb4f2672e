"""comments:analyze as clients see it (specs: perspective, sections 1 to 3 and 11)."""

import asyncio
import json
from typing import Any

from yarl import URL

from service.settings import Settings

PATH = "/v1alpha1/comments:analyze"
RUDE = "You are a stupid idiot and nobody wants you here."
KIND = "Thank you for this article, I learned a lot."


def value(reply: Any, attribute: str = "TOXICITY") -> float:
    assert reply.status == 200, reply.body
    found: float = reply.body["attributeScores"][attribute]["summaryScore"]["value"]
    return found


async def test_an_answer_has_the_shape_that_clients_index(perspective: Any, admin: Any) -> None:
    reply = await perspective.analyze(RUDE)
    whole = {"value": value(reply), "type": "PROBABILITY"}
    assert reply.body == {
        "attributeScores": {
            "TOXICITY": {"spanScores": [{"begin": 0, "end": len(RUDE), "score": whole}], "summaryScore": whole}
        },
        "languages": ["en"],
        "detectedLanguages": ["en"],
    }
    own = (await admin.post("/v1/score", {"text": RUDE})).body["results"][0]["scores"]["toxicity"]
    assert value(reply) == own > value(await perspective.analyze(KIND))


async def test_the_headers_are_those_of_googles_front_end(perspective: Any) -> None:
    reply = await perspective.analyze(RUDE)
    assert reply.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert reply.headers["Vary"] == "Origin, X-Origin, Referer"
    assert reply.headers["Cache-Control"] == "private"
    assert reply.headers["Referrer-Policy"] == "no-referrer"
    assert "Content-Encoding" not in reply.headers


async def test_names_in_snake_case_score_the_same(perspective: Any) -> None:
    camel = {
        "comment": {"text": RUDE},
        "requestedAttributes": {"TOXICITY": {"scoreThreshold": 0.1, "scoreType": "PROBABILITY"}},
        "spanAnnotations": True,
        "doNotStore": True,
        "clientToken": "t",
        "sessionId": "s",
        "communityId": "c",
        "context": {"articleAndParentComment": {"parentComment": {"text": "a"}}},
        "dropUnsupportedAttributes": True,
    }
    snake = {
        "comment": {"text": RUDE},
        "requested_attributes": {"TOXICITY": {"score_threshold": "0.1", "score_type": 1}},
        "span_annotations": True,
        "do_not_store": True,
        "client_token": "t",
        "session_id": "s",
        "community_id": "c",
        "context": {"article_and_parent_comment": {"parent_comment": {"text": "a"}}},
        "drop_unsupported_attributes": True,
    }
    replies = [await perspective.post(PATH, body) for body in (camel, snake)]
    assert replies[0].raw == replies[1].raw
    assert value(replies[0]) > value(await perspective.analyze(KIND))


async def test_null_is_the_same_as_nothing(perspective: Any) -> None:
    bare = {"comment": {"text": RUDE}, "requestedAttributes": {"TOXICITY": {}}}
    full = {
        "comment": {"text": RUDE, "type": None},
        "requestedAttributes": {"TOXICITY": None},
        **dict.fromkeys(("languages", "context", "doNotStore", "spanAnnotations", "clientToken", "sessionId")),
    }
    assert (await perspective.post(PATH, bare)).raw == (await perspective.post(PATH, full)).raw


async def test_sentences_are_counted_in_utf16_units(perspective: Any) -> None:
    reply = await perspective.analyze("😀 idiot. Nice day.", spanAnnotations=True)
    spans = reply.body["attributeScores"]["TOXICITY"]["spanScores"]
    assert [(span["begin"], span["end"]) for span in spans] == [(0, 9), (10, 19)]
    first, second = [span["score"]["value"] for span in spans]
    assert first > second
    assert b'"begin": 0' in reply.raw


async def test_each_sentence_has_a_score_of_its_own_and_the_whole_is_scored_as_a_whole(
    perspective: Any, admin: Any
) -> None:
    text = "What a lovely garden. You are a stupid idiot."
    reply = await perspective.analyze(text, "INSULT", spanAnnotations=True)
    texts = ["What a lovely garden.", "You are a stupid idiot.", text]
    own = (await admin.post("/v1/score", {"texts": texts})).body["results"]
    spans = reply.body["attributeScores"]["INSULT"]["spanScores"]
    assert [text[span["begin"] : span["end"]] for span in spans] == texts[:2]
    assert [span["score"]["value"] for span in spans] == [each["scores"]["insult"] for each in own[:2]]
    assert value(reply, "INSULT") == own[2]["scores"]["insult"]


async def test_without_span_annotations_there_is_one_span_over_all(perspective: Any) -> None:
    for text, length in (("😀 idiot. Nice day.", 19), ("plain. text.", 12), ("Grüße. Und so.", 14), ("a\n\nb", 4)):
        reply = await perspective.analyze(text, languages=["en"])
        (span,) = reply.body["attributeScores"]["TOXICITY"]["spanScores"]
        assert (span["begin"], span["end"]) == (0, length)
        assert span["score"]["value"] == value(reply)


async def test_half_of_a_character_counts_as_one_unit(perspective: Any) -> None:
    body = b'{"comment": {"text": "ab\\ud83d cd. ef"}, "languages": "en", "requestedAttributes": {"TOXICITY": {}}}'
    reply = await perspective.post(PATH, body)
    assert reply.body["attributeScores"]["TOXICITY"]["spanScores"][0]["end"] == 10


async def test_many_attributes_are_answered_at_once(perspective: Any) -> None:
    names = ("TOXICITY", "SEVERE_TOXICITY", "IDENTITY_ATTACK", "INSULT", "PROFANITY", "THREAT", "SPAM", "OBSCENE")
    reply = await perspective.analyze(RUDE, *names)
    assert list(reply.body["attributeScores"]) == list(names)
    assert value(reply, "OBSCENE") == value(reply, "PROFANITY")


async def test_a_score_below_its_threshold_is_left_out_and_an_equal_one_is_kept(perspective: Any) -> None:
    exact = value(await perspective.analyze(RUDE))
    for threshold, is_there in ((exact, True), (exact + 1e-6, False), (0, True), (str(exact), True)):
        body = {
            "comment": {"text": RUDE},
            "requestedAttributes": {"TOXICITY": {"scoreThreshold": threshold}, "INSULT": {"scoreThreshold": 0}},
        }
        reply = await perspective.post(PATH, body)
        assert ("TOXICITY" in reply.body["attributeScores"]) is is_there, threshold
        assert "INSULT" in reply.body["attributeScores"]


async def test_where_all_are_below_their_threshold_the_field_is_missing(perspective: Any) -> None:
    body = {
        "comment": {"text": "Good morning to all of you."},
        "requestedAttributes": {"TOXICITY": {"scoreThreshold": 1}},
    }
    reply = await perspective.post(PATH, body)
    assert reply.body == {"languages": ["en"], "detectedLanguages": ["en"]}


async def test_the_token_comes_back_unchanged(perspective: Any) -> None:
    for token in ("comment:4711", "  ☃ \n", '"' * 1000):
        assert (await perspective.analyze(RUDE, clientToken=token)).body["clientToken"] == token
    assert "clientToken" not in (await perspective.analyze(RUDE, clientToken="")).body


async def test_the_size_counts_in_bytes(perspective: Any, refusal: Any) -> None:
    assert (await perspective.analyze("a" * 20_480, languages=["en"])).status == 200
    assert (await perspective.analyze("é" * 10_240, languages=["en"])).status == 200
    for text in ("a" * 20_481, "é" * 10_241, "a" * 100_000):
        error = refusal(await perspective.analyze(text), 400, kind="COMMENT_TOO_LONG")
        assert error["message"] == "Comment text too long."


async def test_the_context_may_be_megabytes_and_changes_nothing(perspective: Any) -> None:
    bare = value(await perspective.analyze(RUDE))
    odd = json.dumps({"url": "https://example.org/a?commentID=b", "Coral_comment_id": "b"})
    for context in (
        {"entries": [{"text": "b" * 1_000_000, "type": "PLAIN_TEXT"}] * 3},
        {"entries": [{"text": odd}, {}]},
        {"articleAndParentComment": {"article": {"text": "a"}, "parentComment": {"text": RUDE}}},
        {"entries": []},
        {},
    ):
        assert value(await perspective.analyze(RUDE, context=context)) == bare


async def test_numbers_are_short(perspective: Any) -> None:
    reply = await perspective.analyze(RUDE, "TOXICITY", "INSULT", "THREAT", "SPAM", spanAnnotations=True)
    digits = [part.split(b",")[0] for part in reply.raw.split(b'"value": ')[1:]]
    assert len(digits) == 8
    assert all(len(number.strip().replace(b"0.", b"")) <= 9 for number in digits), digits


async def test_it_answers_while_redis_is_away(
    own_server: Any, tmp_path: Any, run: Any, key_for: Any, perspective_of: Any
) -> None:
    async with run(Settings(redis_url=own_server.url, data_dir=tmp_path, store_timeout_s=30)) as client:
        caller = perspective_of(await key_for(client))
        own_server.kill()
        assert value(await caller.analyze(RUDE)) > value(await caller.analyze(KIND))


async def test_many_at_once_get_their_own_answers(perspective: Any) -> None:
    replies = await asyncio.gather(*(perspective.analyze(f"text {n}", clientToken=str(n)) for n in range(50)))
    assert [reply.body["clientToken"] for reply in replies] == [str(n) for n in range(50)]
    lengths = [reply.body["attributeScores"]["TOXICITY"]["spanScores"][0]["end"] for reply in replies]
    assert lengths == [len(f"text {n}") for n in range(50)]


PATHS = [
    "/v1alpha1//comments:analyze",
    "/v1alpha1/comments%3Aanalyze",
    "/prefix/v1alpha1/comments:analyze",
    "/a/b/v1alpha1//comments:analyze",
]


async def test_other_ways_to_write_the_path_are_the_same(perspective: Any) -> None:
    plain = value(await perspective.analyze(RUDE))
    for path in PATHS:
        body = {"comment": {"text": RUDE}, "requestedAttributes": {"TOXICITY": {}}}
        url = URL(f"{path}?key={perspective.key}", encoded=True)
        assert value(await perspective.send("POST", url, json=body)) == plain
