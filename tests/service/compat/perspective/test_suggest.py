"""comments:suggestscore: what people say of a text becomes a label (specs: perspective, section 4)."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx

from classifier import LABELS
from service.settings import Settings
from training import archive
from training.client import Service
from training.pull import pull

PATH = "/v1alpha1/comments:suggestscore"


async def labels(admin: Any) -> list[Any]:
    lines = [json.loads(line) for line in (await admin.get("/v1/labels")).raw.splitlines()]
    return [line for line in lines if "retracts" not in line]


async def test_a_suggestion_is_a_label_of_the_keys_site_and_the_community(
    perspective: Any, admin: Any, client: Any, key_for: Any
) -> None:
    reply = await perspective.suggest("You fool.", 1, clientToken="comment:7", communityId="Coral:https://a.example")
    assert (reply.status, reply.body) == (200, {"clientToken": "comment:7"})
    (label,) = await labels(admin)
    expected = {
        "text": "You fool.",
        "labels": {"toxicity": True},
        "decision": "",
        "source": "perspective",
        "actor": "chief",
        "community": "Coral:https://a.example",
        "weight": 1.0,
    }
    assert label.items() >= expected.items()
    assert await labels(await key_for(client, "admin", site="weekly")) == []


async def test_zero_is_kept_as_zero(perspective: Any, admin: Any) -> None:
    for number, value in enumerate((0, 0.0, "0", 1, 0.25)):
        assert (await perspective.suggest(f"text {number}", value)).status == 200
    assert [label["labels"] for label in await labels(admin)] == [
        *[{"toxicity": False}] * 3,
        {"toxicity": True},
        {"toxicity": 0.25},
    ]


async def test_of_one_token_in_one_community_the_newest_counts(perspective: Any, admin: Any) -> None:
    for value, community in ((1, "a"), (0, "b"), (0, "a"), (1, "a")):
        await perspective.suggest("A text.", value, clientToken="comment:7", communityId=community)
    said = {label["community"]: label["labels"]["toxicity"] for label in await labels(admin)}
    assert said == {"a": True, "b": False}
    assert len(await labels(admin)) == 2


async def test_the_same_suggestion_again_changes_nothing(perspective: Any, admin: Any) -> None:
    replies = await asyncio.gather(*(perspective.suggest("A text.", 1, clientToken="t") for _ in range(10)))
    replies += await asyncio.gather(*(perspective.suggest("A text.", 1) for _ in range(10)))
    assert {reply.status for reply in replies} == {200}
    assert len(await labels(admin)) == 2


async def test_people_without_a_token_may_differ(perspective: Any, admin: Any) -> None:
    for value in (0, 1):
        await perspective.suggest("A text.", value)
    assert [label["labels"]["toxicity"] for label in await labels(admin)] == [False, True]


async def test_suggestions_reach_labels_pull_and_what_training_reads(
    perspective: Any, admin: Any, client: Any, tmp_path: Path
) -> None:
    text = "The council has met again and nobody in town is surprised."
    await perspective.suggest(text, 0, clientToken="t-1", communityId="north")
    await perspective.suggest(text, 0.75, clientToken="t-1", communityId="north")
    await perspective.suggest("You are a fool and a liar.", 1, "INSULT", clientToken="t-2")
    server = client.server
    headers = {"Authorization": f"Bearer {admin.key}"}

    def pulled() -> int:
        with httpx.Client(base_url=f"http://{server.host}:{server.port}", headers=headers, timeout=60) as http:
            return pull(Service(http), tmp_path / "labels")

    assert await asyncio.to_thread(pulled) == 2
    found = archive.read(tmp_path / "labels")
    taught = [
        {name: float(value) for name, value in zip(LABELS, row, strict=True) if value == value}  # noqa: PLR0124 - not NaN
        for row in found.labels
    ]
    assert dict(zip(found.texts, taught, strict=True)) == {
        text: {"toxicity": 0.75},
        "You are a fool and a liar.": {"insult": 1.0},
    }


async def test_a_correction_after_a_pull_takes_back_what_was_pulled(
    perspective: Any, admin: Any, client: Any, tmp_path: Path
) -> None:
    headers = {"Authorization": f"Bearer {admin.key}"}

    def pulled() -> int:
        with httpx.Client(base_url=str(client.make_url("/")), headers=headers, timeout=60) as http:
            return pull(Service(http), tmp_path / "labels")

    for value in (1, 0):
        await perspective.suggest("A text of some length.", value, clientToken="t")
        assert await asyncio.to_thread(pulled) == 1
    found = archive.read(tmp_path / "labels")
    assert (len(found), float(found.labels[0][LABELS.index("toxicity")])) == (1, 0.0)


async def test_likely_to_reject_is_a_decision(perspective: Any, admin: Any) -> None:
    for number, value in enumerate((0, 0.5, 1)):
        await perspective.suggest(f"text {number}", value, "LIKELY_TO_REJECT")
    assert [(label["decision"], label["labels"]) for label in await labels(admin)] == [
        ("approve", {}),
        ("reject", {}),
        ("reject", {}),
    ]


async def test_other_names_of_an_attribute_are_labels_of_it(perspective: Any, admin: Any, wish: Any) -> None:
    await wish(attributes={"ATTACK_ON_AUTHOR": "insult"})
    for name in ("TOXICITY@6", "THREAT_EXPERIMENTAL", "OBSCENE", "SPAM", "ATTACK_ON_AUTHOR"):
        assert (await perspective.suggest(f"of {name}", 1, name)).status == 200
    found = [next(iter(label["labels"])) for label in await labels(admin)]
    assert found == ["toxicity", "threat", "profanity", "spam", "insult"]


async def test_an_analysis_can_be_sent_back_whole(perspective: Any, admin: Any) -> None:
    text = "😀 You fool. Good day."
    analysis = (await perspective.analyze(text, "TOXICITY", "INSULT", spanAnnotations=True)).body
    body = {"comment": {"text": text, "type": "PLAIN_TEXT"}, "attributeScores": analysis["attributeScores"]}
    assert (await perspective.post(PATH, body)).status == 200
    (label,) = await labels(admin)
    expected = {
        name: analysis["attributeScores"][name.upper()]["summaryScore"]["value"] for name in ("insult", "toxicity")
    }
    assert label["labels"] == expected


async def test_without_a_summary_the_highest_span_counts(perspective: Any, admin: Any) -> None:
    spans = [
        {"begin": 0, "end": 4, "score": {"value": 0}},
        {"begin": "4", "end": 9, "score": {"value": 1, "type": "PROBABILITY"}},
    ]
    body = {"comment": {"text": "Well, fool"}, "attribute_scores": {"INSULT": {"span_scores": spans}}}
    assert (await perspective.post(PATH, body)).status == 200
    assert (await labels(admin))[0]["labels"] == {"insult": True}


async def test_the_answer_says_only_what_there_is_to_say(perspective: Any) -> None:
    assert (await perspective.suggest("ok", 0)).body == {}
    assert (await perspective.suggest("ok", 0)).raw == b"{}\n"
    reply = await perspective.suggest(
        "What a lovely day it is, my friends.", 0, languages=["en-GB"], clientToken="t", sessionId="s"
    )
    assert reply.body == {"clientToken": "t", "requestedLanguages": ["en-GB"], "detectedLanguages": ["en"]}


async def test_corals_feedback_is_understood(perspective: Any, admin: Any) -> None:
    """As Coral 9.11.8 sends it (specs: coral, B3): no type, an integer, and JSON in a string as context."""
    for odd in ('{"url": "https://a.example/s?commentID=c", "Coral_comment_id": "c"}', '{"url": "https', ""):
        body = {
            "comment": {"text": "Jesteś głupcem."},
            "context": {"entries": [{"text": odd}]},
            "attributeScores": {"TOXICITY": {"summaryScore": {"value": 1}}},
            "languages": ["en"],
            "communityId": "Coral:https://a.example",
            "clientToken": "comment:6ac2",
        }
        assert (await perspective.post(PATH, body)).status == 200
    assert len(await labels(admin)) == 1


EMPTY = [
    ({}, "Missing attribute_scores"),
    (None, "Missing attribute_scores"),
    ({"TOXICITY": {}}, "neither a summary_score nor span_scores"),
    ({"TOXICITY": None}, "neither a summary_score nor span_scores"),
    ({"TOXICITY": {"spanScores": []}}, "neither a summary_score nor span_scores"),
    ({"TOXICITY": {"summaryScore": {}}}, "needs a value"),
    ({"TOXICITY": {"summaryScore": {"value": None}}}, "needs a value"),
    ({"TOXICITY": {"summaryScore": {"value": 1.01}}}, "needs a value between 0 and 1"),
    ({"TOXICITY": {"summaryScore": {"value": -0.01}}}, "needs a value between 0 and 1"),
    ({"TOXICITY": {"summaryScore": {"value": 1, "type": "RAW"}}}, "Requested score type RAW is not supported by"),
    ({"TOXICITY": {"spanScores": [{"end": 1, "score": {"value": 1}}]}}, "needs begin and end"),
    ({"TOXICITY": {"spanScores": [{"begin": 0, "score": {"value": 1}}]}}, "needs begin and end"),
    ({"TOXICITY": {"spanScores": [{"begin": 3, "end": 2, "score": {"value": 1}}]}}, "needs begin and end"),
    ({"TOXICITY": {"spanScores": [{"begin": 0, "end": 99, "score": {"value": 1}}]}}, "needs begin and end"),
    ({"TOXICITY": {"spanScores": [{"begin": 0, "end": 1}]}}, "has no score"),
    ({"TASTE": {"summaryScore": {"value": 1}}}, "Unknown requested attribute: TASTE"),
]


async def test_what_says_nothing_is_refused(perspective: Any, admin: Any, refusal: Any) -> None:
    for scores, message in EMPTY:
        reply = await perspective.post(PATH, {"comment": {"text": "A text."}, "attributeScores": scores})
        assert message in refusal(reply, 400, kind="INVALID_REQUEST")["message"]
        assert await labels(admin) == []


async def test_the_comment_is_checked_as_in_an_analysis(perspective: Any, admin: Any, refusal: Any, wish: Any) -> None:
    refusal(await perspective.suggest("", 1), 400, kind="COMMENT_EMPTY")
    refusal(await perspective.suggest(" \n", 1), 400, kind="COMMENT_EMPTY")
    refusal(await perspective.suggest("a" * 20_481, 1), 400, kind="COMMENT_TOO_LONG")
    html = {
        "comment": {"text": "<p>You <b>fool</b>.</p>", "type": "HTML"},
        "attributeScores": {"TOXICITY": {"summaryScore": {"value": 1}}},
    }
    refusal(await perspective.post(PATH, html), 400, kind="INVALID_REQUEST")
    await wish(accept_html=True)
    assert (await perspective.post(PATH, html)).status == 200
    assert [label["text"].strip() for label in await labels(admin)] == ["You fool."]


async def test_a_name_of_a_community_has_an_end(perspective: Any, refusal: Any) -> None:
    assert (await perspective.suggest("A text.", 1, communityId="c" * 256)).status == 200
    refusal(await perspective.suggest("A text.", 1, communityId="c" * 257), 400, kind="INVALID_REQUEST")


async def test_there_is_no_do_not_store_on_what_is_sent_to_be_stored(perspective: Any, refusal: Any) -> None:
    error = refusal(await perspective.suggest("A text.", 1, doNotStore=True), 400)
    assert error["message"] == 'Invalid JSON payload received. Unknown name "doNotStore": Cannot find field.'


async def test_without_redis_nothing_is_acknowledged(
    own_server: Any, tmp_path: Path, run: Any, key_for: Any, perspective_of: Any, refusal: Any
) -> None:
    async with run(Settings(redis_url=own_server.url, data_dir=tmp_path, store_timeout_s=30)) as client:
        caller = perspective_of(await key_for(client))
        own_server.kill()
        reply = await caller.suggest("A text.", 1)
        refusal(reply, 503, "UNAVAILABLE")
        assert int(reply.headers["Retry-After"]) >= 1
