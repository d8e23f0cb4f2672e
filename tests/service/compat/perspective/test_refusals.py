"""What is wrong, in the words that clients match on, and in Perspective's order (specs: perspective, section 6)."""

import json
from typing import Any

import pytest

from service.compat.perspective import answers, errors
from service.values import errors as service_errors
from service.values.errors import ServiceError

PATH = "/v1alpha1/comments:analyze"
SUGGEST = "/v1alpha1/comments:suggestscore"
FINE = {"comment": {"text": "Good morning."}, "requestedAttributes": {"TOXICITY": {}}}
INVALID = "Invalid JSON payload received."


async def test_an_empty_text_is_told(perspective: Any, refusal: Any) -> None:
    for comment in ({"text": ""}, {"text": "  \n\t\u2003"}, {"text": None}, {}, None, {"type": "PLAIN_TEXT"}):
        reply = await perspective.post(PATH, FINE | {"comment": comment})
        assert refusal(reply, 400, kind="COMMENT_EMPTY")["message"] == "Comment must be non-empty."
    for body in (b"", b" ", b"{}"):
        refusal(await perspective.post(PATH, body), 400, kind="COMMENT_EMPTY")


async def test_no_attributes_are_told(perspective: Any, refusal: Any) -> None:
    for given in ({}, None):
        reply = await perspective.post(PATH, FINE | {"requestedAttributes": given})
        error = refusal(reply, 400, kind="NO_REQUESTED_ATTRIBUTES")
        assert error["message"] == "Missing requested_attributes"


SCORE_TYPES = [
    ("STD_DEV_SCORE", None),
    ("PERCENTILE", None),
    ("RAW", None),
    ("NONSENSE", None),
    (4, "RAW"),
    (99, "99"),
]


async def test_only_probabilities_are_served(perspective: Any, refusal: Any) -> None:
    for asked, said in SCORE_TYPES:
        requested = {"TOXICITY": {}, "INSULT": {"scoreType": asked}}
        error = refusal(
            await perspective.post(PATH, FINE | {"requestedAttributes": requested}), 400, kind="INVALID_REQUEST"
        )
        assert error["message"] == f"Requested score type {said or asked} is not supported by attribute INSULT"


async def test_html_is_refused_unless_a_site_accepts_it(perspective: Any, refusal: Any, wish: Any) -> None:
    body = FINE | {"comment": {"text": "<p>You stupid idiot.</p>", "type": "HTML"}}
    error = refusal(await perspective.post(PATH, body), 400, kind="INVALID_REQUEST")
    assert error["message"] == "Currently, only 'PLAIN_TEXT' comments are supported"
    await wish(accept_html=True)
    reply = await perspective.post(PATH, body | {"spanAnnotations": True})
    (span,) = reply.body["attributeScores"]["TOXICITY"]["spanScores"]
    assert (span["begin"], span["end"]) == (3, 20), "spans speak of what was sent"
    refusal(await perspective.post(PATH, FINE | {"comment": {"text": "<p> </p>", "type": "HTML"}}), 400)


async def test_html_that_is_accepted_is_judged_between_its_tags(perspective: Any, wish: Any) -> None:
    await wish(accept_html=True)
    plain = await perspective.post(PATH, FINE | {"comment": {"text": "You stupid idiot & liar."}})
    marked = {"text": "<div>You <b>stu</b>pid idiot &amp; liar.</div>", "type": "HTML"}
    reply = await perspective.post(PATH, FINE | {"comment": marked, "languages": ["en"]})
    kind = await perspective.post(PATH, FINE | {"comment": {"text": "<div>You kind reader.</div>", "type": "HTML"}})
    values = [each.body["attributeScores"]["TOXICITY"]["summaryScore"]["value"] for each in (plain, reply, kind)]
    assert values[1] == pytest.approx(values[0], abs=0.05)
    assert values[1] > values[2] + 0.05


async def test_a_type_of_text_that_is_none_is_told(perspective: Any, refusal: Any) -> None:
    for kind in ("MARKDOWN", "html", 7):
        reply = await perspective.post(PATH, FINE | {"comment": {"text": "a", "type": kind}})
        assert refusal(reply, 400, kind="INVALID_REQUEST")["message"] == "Unknown text type"
    for kind in ("PLAIN_TEXT", "TEXT_TYPE_UNSPECIFIED", 0, 1):
        assert (await perspective.post(PATH, FINE | {"comment": {"text": "a", "type": kind}})).status == 200


async def test_both_kinds_of_context_are_told(perspective: Any, refusal: Any) -> None:
    both = {"entries": [{"text": "a"}], "articleAndParentComment": {"article": {"text": "b"}}}
    expected = "Context can have either entries or article_and_parent_comment, but both fields were populated."
    for path in (PATH, SUGGEST):
        body = {"comment": {"text": "a"}, "context": both}
        named = {"requestedAttributes": {"TOXICITY": {}}} if path == PATH else {"attributeScores": {}}
        assert refusal(await perspective.post(path, body | named), 400, kind="INVALID_REQUEST")["message"] == expected


UNREADABLE = [
    ({"foo": 1}, f'{INVALID} Unknown name "foo": Cannot find field.', None),
    ({"comment": {"foo": 1}}, f"{INVALID} Unknown name \"foo\" at 'comment': Cannot find field.", "comment"),
    (
        {"requestedAttributes": {"INSULT": {}, "TOXICITY": {"foo": 1}}},
        f"{INVALID} Unknown name \"foo\" at 'requested_attributes[1].value': Cannot find field.",
        "requested_attributes[1].value",
    ),
    ({"comment": {"text": 1}}, "Invalid value at 'comment.text' (TYPE_STRING)", "comment.text"),
    ({"comment": []}, "Invalid value at 'comment' (TextEntry)", "comment"),
    ({"comment": {"text": "a", "type": 1.5}}, "Invalid value at 'comment.type' (TYPE_ENUM)", "comment.type"),
    ({"languages": [1]}, "Invalid value at 'languages[0]' (TYPE_STRING)", "languages[0]"),
    ({"languages": [None]}, "Invalid value at 'languages[0]' (TYPE_STRING)", "languages[0]"),
    ({"doNotStore": "yes"}, "Invalid value at 'do_not_store' (TYPE_BOOL)", "do_not_store"),
    ({"spanAnnotations": 1}, "Invalid value at 'span_annotations' (TYPE_BOOL)", "span_annotations"),
    ({"requestedAttributes": []}, "Invalid value at 'requested_attributes' (map)", "requested_attributes"),
    ({"context": {"entries": ["a"]}}, "Invalid value at 'context.entries[0]' (TextEntry)", "context.entries[0]"),
    *(
        (
            {"requestedAttributes": {"TOXICITY": {"scoreThreshold": number}}},
            "Invalid value at 'requested_attributes[0].value.score_threshold' (TYPE_FLOAT)",
            "requested_attributes[0].value.score_threshold",
        )
        for number in ("high", "NaN", "1e999", True, [], "")
    ),
]


async def test_what_the_front_end_cannot_read_is_named(perspective: Any, refusal: Any) -> None:
    for given, message, field in UNREADABLE:
        error = refusal(await perspective.post(PATH, FINE | given), 400)
        assert error["message"] == message
        violation = {"field": field, "description": message} if field else {"description": message}
        assert error["details"] == [
            {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}
        ]


async def test_all_that_cannot_be_read_is_named_at_once_up_to_a_bound(perspective: Any, refusal: Any) -> None:
    error = refusal(await perspective.post(PATH, FINE | {"foo": 1, "bar": 2, "doNotStore": 3}), 400)
    assert len(error["details"][0]["fieldViolations"]) == 3
    assert len(error["message"].split("\n")) == 3
    error = refusal(await perspective.post(PATH, {f"f{n}": n for n in range(1000)}), 400)
    assert len(error["details"][0]["fieldViolations"]) == 20


BROKEN = [
    b"{",
    b'{"comment"',
    b"\xff\xfe",
    b'{"comment": {"text": "a", "text": "b"}}',
    b'{"clientToken": "a", "client_token": "b"}',
    b'{"requestedAttributes": {"TOXICITY": {}, "TOXICITY": {}}}',
    b'{"comment": NaN}',
    b'{"comment": 1e999}',
    b"[" * 50_000,
    b'{"a":' * 30 + b"1" + b"}" * 30,
    b"[]",
    b"null",
    b'"text"',
    b"1",
]


async def test_broken_json_is_told_and_not_quoted(perspective: Any, refusal: Any) -> None:
    for body in BROKEN:
        assert refusal(await perspective.post(PATH, body), 400)["message"].startswith(INVALID)


async def test_a_body_is_not_quoted_back(perspective: Any) -> None:
    for body in (b'{"comment": {"text": "canary-4711', b'{"comment": "canary-4711"}', b'{"doNotStore": "canary-4711"}'):
        assert b"canary" not in (await perspective.post(PATH, body)).raw


async def test_the_content_type_does_not_matter(perspective: Any) -> None:
    for kind in (
        "application/json",
        "application/json; charset=UTF-8",
        "text/plain",
        "application/x-www-form-urlencoded",
    ):
        reply = await perspective.send(
            "POST", PATH, {"key": perspective.key}, data=json.dumps(FINE), headers={"Content-Type": kind}
        )
        assert reply.status == 200, kind
    reply = await perspective.send(
        "POST", PATH, {"key": perspective.key}, data=json.dumps(FINE).encode(), skip_auto_headers=["Content-Type"]
    )
    assert reply.status == 200


async def test_a_body_over_the_limit_is_told(perspective: Any, refusal: Any) -> None:
    error = refusal(await perspective.post(PATH, b" " * (8 * 1024 * 1024 + 1)), 400)
    assert error["message"] == "Request payload size exceeds the limit: 8388608 bytes."


async def test_a_compressed_body_is_refused(perspective: Any, refusal: Any) -> None:
    headers = {"Content-Encoding": "gzip"}
    refusal(await perspective.send("POST", PATH, {"key": perspective.key}, data=b"\x1f\x8b", headers=headers), 400)


UNKNOWN_PATHS = [
    "/v1alpha1",
    "/v1alpha1/",
    "/v1alpha1/comments",
    "/v1alpha1/comments:delete",
    "/a/v1alpha1/x",
]


async def test_an_unknown_path_is_404_in_googles_envelope(perspective: Any, refusal: Any) -> None:
    for path in UNKNOWN_PATHS:
        for method in ("GET", "POST", "DELETE"):
            refusal(await perspective.send(method, path, {"key": perspective.key}), 404, "NOT_FOUND")


async def test_the_native_paths_beside_are_told_apart_by_whole_segments(perspective: Any, problem: Any) -> None:
    for path in ("/v1alpha", "/v1alpha12/comments:analyze", "/v1/comments:analyze"):
        problem(await perspective.send("POST", path, json={}), 404)


async def test_another_method_is_405_and_names_those_allowed(perspective: Any, refusal: Any) -> None:
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        for path in (PATH, SUGGEST, "/batch"):
            reply = await perspective.send(method, path, {"key": perspective.key})
            refusal(reply, 405, "UNIMPLEMENTED")
            assert reply.headers["Allow"] == "POST, OPTIONS"


async def test_parameters_that_do_nothing_are_ignored(perspective: Any) -> None:
    bare = await perspective.post(PATH, FINE)
    query = {
        **dict.fromkeys(("access_token", "oauth_token", "quotaUser", "uploadType", "upload_protocol"), "x"),
        "alt": "json",
        "$.xgafv": "2",
        "callback": "",
        "unheard_of": "1",
    }
    assert (await perspective.post(PATH, FINE, **query)).raw == bare.raw
    assert (await perspective.post(PATH, FINE, alt="media")).raw == bare.raw


async def test_other_forms_of_answer_are_refused(perspective: Any, refusal: Any) -> None:
    for query in ({"alt": "proto"}, {"$alt": "proto"}, {"callback": "evil"}):
        reply = await perspective.post(PATH, FINE, **query)
        refusal(reply, 400, kind="INVALID_REQUEST")
        assert b"evil" not in reply.raw


async def test_answers_are_indented_unless_the_request_says_not_to(perspective: Any) -> None:
    pretty = await perspective.post(PATH, FINE)
    assert pretty.raw == json.dumps(pretty.body, indent=2).encode() + b"\n"
    short = await perspective.post(PATH, FINE, prettyPrint="false")
    assert short.raw == json.dumps(short.body, separators=(",", ":")).encode()
    assert short.body == pretty.body
    error = await perspective.post(PATH, {}, prettyPrint="false")
    assert b"\n" not in error.raw


MASKS = [
    ("languages", {"languages": ["en"]}),
    ("languages,clientToken", {"languages": ["en"], "clientToken": "t"}),
    (
        "attributeScores/TOXICITY/summaryScore/type",
        {"attributeScores": {"TOXICITY": {"summaryScore": {"type": "PROBABILITY"}}}},
    ),
    (
        "attributeScores.INSULT.spanScores(begin,end)",
        {"attributeScores": {"INSULT": {"spanScores": [{"begin": 0, "end": 13}]}}},
    ),
    (
        "attributeScores(*/spanScores/score/type),client_token",
        {
            "attributeScores": {
                name: {"spanScores": [{"score": {"type": "PROBABILITY"}}]} for name in ("TOXICITY", "INSULT")
            },
            "clientToken": "t",
        },
    ),
    ("attribute_scores/THREAT", {"attributeScores": {}}),
    (
        "languages,attributeScores/TOXICITY/summaryScore/type,attributeScores/TOXICITY/spanScores/end",
        {
            "attributeScores": {"TOXICITY": {"spanScores": [{"end": 13}], "summaryScore": {"type": "PROBABILITY"}}},
            "languages": ["en"],
        },
    ),
]


async def test_a_client_can_ask_for_parts_of_an_answer(perspective: Any) -> None:
    for mask, expected in MASKS:
        body = {
            "comment": {"text": "Good morning."},
            "requestedAttributes": {"TOXICITY": {}, "INSULT": {}},
            "clientToken": "t",
            "languages": ["en"],
        }
        assert (await perspective.post(PATH, body, fields=mask)).body == expected
        whole = await perspective.post(PATH, body)
        assert (await perspective.post(PATH, body, fields="*")).raw == whole.raw


BAD_MASKS = [
    "foo",
    "languages/x",
    "attributeScores/A/foo",
    "a(",
    "(",
    ")",
    ",",
    "languages,",
    "a b$",
    "(" * 90,
    "*/" * 90,
]


async def test_a_mask_that_cannot_be_is_refused_before_anything_is_kept(
    perspective: Any, admin: Any, refusal: Any
) -> None:
    for mask in BAD_MASKS:
        body = {"comment": {"text": "a"}, "attributeScores": {"TOXICITY": {"summaryScore": {"value": 1}}}}
        error = refusal(await perspective.post(SUGGEST, body, fields=mask), 400, kind="INVALID_REQUEST")
        assert error["message"].startswith("Invalid field selection")
        assert (await admin.get("/v1/labels")).raw == b""


CANARY = "canary-4711"


def _all(kind: type[ServiceError]) -> Any:
    for each in kind.__subclasses__():
        yield each
        yield from _all(each)


def test_no_error_of_the_service_lacks_an_answer_in_this_protocol() -> None:
    for kind in _all(ServiceError):
        if kind.__module__ in (service_errors.__name__, errors.__name__):
            status = next(answers.STATUS[each] for each in kind.__mro__ if each in answers.STATUS)
            assert status[0] >= 400, kind


async def test_an_error_nobody_foresaw_is_500_in_the_same_envelope(
    perspective: Any, refusal: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError(CANARY)

    monkeypatch.setattr("service.compat.perspective.analyze.judged", fail)
    reply = await perspective.analyze(CANARY)
    assert refusal(reply, 500, "INTERNAL")["message"] == "Internal error encountered."
    assert b"canary" not in reply.raw
    assert "canary" not in caplog.text
    assert "ZeroDivisionError" in caplog.text
