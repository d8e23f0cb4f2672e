"""Who may ask, how often, and what is told first of several faults (specs: perspective, sections 1 and 6)."""

import asyncio
from typing import Any

PATH = "/v1alpha1/comments:analyze"
SUGGEST = "/v1alpha1/comments:suggestscore"
FINE = {"comment": {"text": "Good morning."}, "requestedAttributes": {"TOXICITY": {}}}
INVALID = "Invalid JSON payload received."

BAD_KEY = {
    "code": 400,
    "message": "API key not valid. Please pass a valid API key.",
    "status": "INVALID_ARGUMENT",
    "details": [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "API_KEY_INVALID",
            "domain": "googleapis.com",
            "metadata": {"service": "commentanalyzer.googleapis.com"},
        }
    ],
}
NO_KEY = {
    "code": 403,
    "message": "Method doesn't allow unregistered callers (callers without established identity). "
    "Please use API Key or other form of API consumer identity to call this API.",
    "status": "PERMISSION_DENIED",
}


METHODS = [PATH, SUGGEST]


async def test_a_wrong_key_is_400_and_none_403(perspective: Any) -> None:
    for path in METHODS:
        wrong = perspective.key[:-1] + ("a" if perspective.key[-1] != "a" else "b")
        for key in (wrong, "AIzaSyCanary", "x" * 3000):
            reply = await perspective.send("POST", path, {"key": key}, json=FINE if path == PATH else {})
            assert (reply.status, reply.body["error"]) == (400, BAD_KEY)
            reply = await perspective.send("POST", path, json={}, headers={"X-Goog-Api-Key": key})
            assert (reply.status, reply.body["error"]) == (400, BAD_KEY)
        for query in ({}, {"key": ""}):
            reply = await perspective.send("POST", path, query, json={})
            assert (reply.status, reply.body["error"]) == (403, NO_KEY)


async def test_a_key_may_be_in_the_query_or_in_either_header(perspective: Any) -> None:
    key = perspective.key
    for query, headers in (
        ({"key": key}, {}),
        ({}, {"X-Goog-Api-Key": key}),
        ({}, {"Authorization": f"Bearer {key}"}),
        ({"key": key}, {"Authorization": "Basic abc"}),
    ):
        assert (await perspective.send("POST", PATH, query, json=FINE, headers=headers)).status == 200


async def test_a_key_opens_only_what_its_scope_says(
    client: Any, key_for: Any, perspective_of: Any, refusal: Any
) -> None:
    scorer, site = [perspective_of(await key_for(client, scope)) for scope in ("score", "comments")]
    assert (await scorer.analyze("Good morning.")).status == 200
    assert (await site.suggest("Good morning.", 0)).status == 200
    error = refusal(await site.analyze("Good morning."), 403, "PERMISSION_DENIED")
    assert error["message"].endswith("CommentAnalyzerService.AnalyzeComment are blocked.")
    assert error["details"][0]["reason"] == "API_KEY_SERVICE_BLOCKED"
    error = refusal(await scorer.suggest("Good morning.", 0), 403, "PERMISSION_DENIED")
    assert error["message"].endswith("CommentAnalyzerService.SuggestCommentScore are blocked.")


async def test_too_many_requests_are_429_with_googles_details(
    client: Any, key_for: Any, perspective_of: Any, refusal: Any
) -> None:
    caller = perspective_of(await key_for(client, "score", rate_per_s=2))
    replies = await asyncio.gather(*(caller.analyze("Good morning.") for _ in range(6)))
    over = [reply for reply in replies if reply.status != 200]
    assert 3 <= len(over) <= 4
    error = refusal(over[0], 429, "RESOURCE_EXHAUSTED")
    assert int(over[0].headers["Retry-After"]) >= 1
    info, help_ = error["details"]
    consumer = info["metadata"]["consumer"]
    assert consumer.removeprefix("project_number:").isdecimal()
    noun = "Analysis requests (AnalyzeComment)"
    assert error["message"] == (
        f"Quota exceeded for quota metric '{noun}' and limit '{noun} per minute' "
        f"of service 'commentanalyzer.googleapis.com' for consumer '{consumer}'."
    )
    assert (info["@type"], info["reason"]) == ("type.googleapis.com/google.rpc.ErrorInfo", "RATE_LIMIT_EXCEEDED")
    assert info["metadata"] == {
        "quota_limit_value": "120",
        "quota_limit": "AnalyzeRequestsPerMinutePerProject",
        "consumer": consumer,
        "service": "commentanalyzer.googleapis.com",
        "quota_location": "global",
        "quota_metric": "CommentAnalyzerService/analyze_requests",
    }
    assert help_["@type"] == "type.googleapis.com/google.rpc.Help"
    assert help_["links"][0].keys() == {"description", "url"}


async def test_many_attributes_are_one_request(client: Any, key_for: Any, perspective_of: Any) -> None:
    caller = perspective_of(await key_for(client, "score", rate_per_s=2))
    names = ("TOXICITY", "INSULT", "THREAT", "SPAM", "PROFANITY")
    assert [(await caller.analyze("Good morning.", *names)).status for _ in range(2)] == [200, 200]


async def test_what_is_wrong_first_is_told_first(client: Any, key_for: Any, perspective_of: Any) -> None:
    """Each body has one fault less than the one before."""
    caller = perspective_of(await key_for(client, "score", rate_per_s=1))
    everything = {"comment": {"text": ""}, "foo": 1}
    assert "foo" in (await caller.send("POST", PATH, json=everything)).body["error"]["message"], "before the key"
    assert (await caller.send("POST", PATH, {"key": "wrong"}, json={})).body["error"] == BAD_KEY
    assert (await caller.analyze("Good morning.")).status == 200
    assert (await caller.analyze("")).status == 429, "the quota comes before the text"
    free = perspective_of(await key_for(client, "score"))
    long, raw = "é" * 20_000, {"scoreType": "RAW"}
    steps = [
        ({"text": " ", "type": "HTML"}, {}, "Comment must be non-empty."),
        ({"text": long, "type": "HTML"}, {}, "Comment text too long."),
        ({"text": "Är ni där?", "type": "HTML"}, {}, "Currently, only 'PLAIN_TEXT' comments are supported"),
        ({"text": "Är ni där?"}, {}, "Missing requested_attributes"),
        ({"text": "Är ni där?"}, {"TOXICITY": raw, "TASTE": raw}, "Unknown requested attribute: TASTE"),
        (
            {"text": "Är ni där?"},
            {"INSULT": {}, "TOXICITY": raw},
            "Requested score type RAW is not supported by attribute TOXICITY",
        ),
        ({"text": "Är ni där?"}, {"INSULT": {}}, "Attribute INSULT does not support request languages: sv"),
    ]
    for comment, requested, message in steps:
        body = {"comment": comment, "requestedAttributes": requested, "languages": ["sv"]}
        assert (await free.post(PATH, body)).body["error"]["message"] == message


async def test_a_large_body_is_not_read_for_somebody_without_a_key(perspective: Any) -> None:
    body = b"x" * 100_000
    reply = await perspective.send("POST", PATH, {"key": "wrong"}, data=body)
    assert reply.body["error"] == BAD_KEY, "and not that it is no JSON"
    assert (await perspective.send("POST", PATH, data=body)).body["error"] == NO_KEY
    assert (await perspective.post(PATH, body)).body["error"]["message"].startswith(INVALID)
