"""Every row of openai-moderations.md section 4, in OpenAI's envelope."""

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from service import app_keys as keys
from service.compat.openai.errors import render
from service.settings import Settings
from service.values import errors
from service.values.access import label_of, mint
from service.values.errors import ServiceError

INVALID = "invalid_request_error"


async def test_a_wrong_key_is_told_so_and_not_repeated(scorer: Any, failed: Any) -> None:
    text, record = mint("daily", frozenset(), None, datetime.now(UTC))
    for sent in (text, f"sk-proj-{'abc123' * 8}", "short", "\xe9\xe9\xe9 caf\xe9" * 5):
        found = failed(await type(scorer)(scorer.client, sent).post("/v1/moderations", {"input": "hello"}), 401)
        assert (found["type"], found["param"], found["code"]) == (INVALID, None, "invalid_api_key")
        assert found["message"].startswith("Incorrect API key provided: ")
        assert "***" in found["message"]
        assert sent[8:] not in found["message"] or not sent[8:]
        assert sent not in found["message"]
        assert text[18:61] not in found["message"]
    assert (
        record.id
        in failed(await type(scorer)(scorer.client, text).post("/v1/moderations", {"input": "hello"}), 401)["message"]
    ), "which key it was"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic abc"}, {"Authorization": "Bearer "}])
async def test_no_key_is_told_so(scorer: Any, failed: Any, headers: Any) -> None:
    anybody = type(scorer)(scorer.client, None)
    found = failed(await anybody.post("/v1/moderations", {"input": "hello"}, headers=headers), 401)
    assert (found["type"], found["param"], found["code"]) == (INVALID, None, None)
    assert found["message"].startswith("You didn't provide an API key.")


async def test_a_key_without_the_scope_is_forbidden(client: Any, key_for: Any, failed: Any) -> None:
    reviewer = await key_for(client, "review", "comments")
    found = failed(await reviewer.post("/v1/moderations", {"input": "hello"}), 403)
    assert (found["type"], found["code"]) == (INVALID, "insufficient_permissions")


async def test_the_label_of_a_key_opens_nothing_here(client: Any, scorer: Any, failed: Any) -> None:
    failed(await type(scorer)(client, label_of(scorer.key)).post("/v1/moderations", {"input": "hello"}), 401)


@pytest.mark.parametrize("name", ["key", "api_key", "other"])
async def test_a_key_in_the_address_is_refused(scorer: Any, failed: Any, name: str) -> None:
    found = failed(await scorer.post(f"/v1/moderations?{name}={scorer.key}", {"input": "hello"}), 400)
    assert scorer.key not in str(found)


TOO_MANY_IMAGES = [{"type": "image_url", "image_url": {"url": "https://a.example/1.png"}}] * 2


AT_FAULT = [
    ({}, "input", "missing_required_parameter"),
    ({"input": None}, "input", "missing_required_parameter"),
    ({"model": "text-moderation-latest"}, "input", "missing_required_parameter"),
    ({"input": 1}, "input", "invalid_type"),
    ({"input": {"text": "a"}}, "input", "invalid_type"),
    ({"input": True}, "input", "invalid_type"),
    ({"input": []}, "input", "invalid_value"),
    ({"input": [1, 2, 3]}, "input", "invalid_type"),
    ({"input": [[1, 2, 3]]}, "input", "invalid_type"),
    ({"input": ["a", {"type": "text", "text": "a"}]}, "input", "invalid_type"),
    ({"input": [{"type": "text", "text": "a"}, "a"]}, "input", "invalid_type"),
    ({"input": ["a", None]}, "input", "invalid_type"),
    ({"input": ["a"] * 1001}, "input", "invalid_value"),
    ({"input": [{"type": "text"}]}, "input", "invalid_type"),
    ({"input": [{"type": "text", "text": 1}]}, "input", "invalid_type"),
    ({"input": [{"type": "audio", "text": "a"}]}, "input", "invalid_value"),
    ({"input": [{"type": ["text"], "text": "a"}]}, "input", "invalid_value"),
    ({"input": [{"text": "a"}]}, "input", "invalid_value"),
    ({"input": [{"type": "image_url", "image_url": "https://a.example/"}]}, "input", "invalid_type"),
    ({"input": [{"type": "image_url", "image_url": {"url": "https://a.example/"}}]}, "input", "invalid_value"),
    (
        {"input": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]},
        "input",
        "invalid_value",
    ),
    ({"input": TOO_MANY_IMAGES}, "input", "too_many_images"),
    ({"input": "a", "model": "gpt-4o"}, "model", "model_not_found"),
    ({"input": "a", "model": 1}, "model", "invalid_type"),
    ({"input": "a", "model": 0}, "model", "invalid_type"),
    ({"input": "a", "model": []}, "model", "invalid_type"),
    ({"input": "a", "model": False}, "model", "invalid_type"),
    ({"input": "a", "model": ["omni-moderation-latest"]}, "model", "invalid_type"),
]


async def test_a_body_at_fault_names_the_parameter(scorer: Any, failed: Any) -> None:
    for body, param, code in AT_FAULT:
        found = failed(await scorer.post("/v1/moderations", body), 400)
        assert (found["type"], found["param"], found["code"]) == (INVALID, param, code), body
        assert "gpt-4o" not in found["message"], "what was sent is not repeated"


async def test_too_many_images_are_told_in_the_words_of_the_original(scorer: Any, failed: Any) -> None:
    found = failed(await scorer.post("/v1/moderations", {"input": TOO_MANY_IMAGES}), 400)
    assert found["message"].startswith("Number of images (2) exceeds maximum of 1")


async def test_what_is_no_json_object_is_400(scorer: Any, failed: Any) -> None:
    doubled, nan = b'{"input": "a", "input": "b"}', b'{"input": NaN}'
    for raw in (b"", b"{", b"\xff{}", doubled, nan, b"[" * 50_000, b'"a"', b"null"):
        found = failed(await scorer.send("/v1/moderations", raw), 400)
        assert (found["type"], found["param"], found["code"]) == (INVALID, None, None), raw[:40]


async def test_another_content_type_is_400(scorer: Any, failed: Any) -> None:
    found = failed(await scorer.send("/v1/moderations", b"input=a", "application/x-www-form-urlencoded"), 400)
    assert found["type"] == INVALID


async def test_a_body_over_the_limit_is_400_for_the_input(scorer: Any, failed: Any) -> None:
    body = io.BytesIO(b'{"input": "%s"}' % (b"a" * 4 * 1024 * 1024))
    found = failed(await scorer.send("/v1/moderations", body), 400)
    assert (found["type"], found["param"]) == (INVALID, "input")


async def test_a_key_over_its_rate_is_429_and_told_when_to_come_back(client: Any, key_for: Any, failed: Any) -> None:
    slow = await key_for(client, "score", rate_per_s=0.01)
    first = await slow.post("/v1/moderations", {"input": "hello"})
    assert first.status == 200
    assert first.headers["x-ratelimit-limit-requests"] == "1"
    assert first.headers["x-ratelimit-remaining-requests"] == "0"
    assert 0 < int(first.headers["x-ratelimit-reset-requests"].removesuffix("ms")) <= 100_000
    reply = await slow.post("/v1/moderations", {"input": "hello"})
    found = failed(reply, 429)
    assert (found["type"], found["param"], found["code"]) == ("requests", None, "rate_limit_exceeded")
    assert 1 <= int(reply.headers["Retry-After"]) <= 100
    assert reply.headers["x-should-retry"] == "true"


@pytest.mark.parametrize("path", ["/v1/moderations", "/moderations"])
async def test_methods_and_addresses_that_are_none_get_the_envelope(scorer: Any, failed: Any, path: str) -> None:
    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS"):
        reply = await scorer(method, path)
        assert failed(reply, 405)["type"] == INVALID
        assert reply.headers["Allow"] == "POST"
    for below in ("/", "/x", "/x/y?key=1"):
        for method in ("GET", "POST"):
            assert failed(await scorer(method, path + below), 404)["type"] == INVALID


async def test_while_keys_were_never_seen_the_answer_is_503(
    own_server: Any, tmp_path: Any, run: Any, scorer: Any, failed: Any
) -> None:
    own_server.kill()
    async with run(Settings(redis_url=own_server.url, data_dir=tmp_path / "empty", store_timeout_s=30)) as client:
        reply = await type(scorer)(client, scorer.key).post("/v1/moderations", {"input": "hello"})
        assert failed(reply, 503)["type"] == "server_error"
        assert int(reply.headers["Retry-After"]) >= 1
        assert reply.headers["x-should-retry"] == "true"


async def test_without_a_model_the_answer_is_503(scorer: Any, failed: Any, app: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(app[keys.MODELS], "_current", None)
    reply = await scorer.post("/v1/moderations", {"input": "hello"})
    assert failed(reply, 503)["type"] == "server_error"
    assert int(reply.headers["Retry-After"]) >= 1


async def test_an_error_of_ours_names_its_line_in_the_log(
    scorer: Any, failed: Any, app: Any, monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError("canary-4711")

    monkeypatch.setattr(app[keys.MODERATION], "score", fail, raising=False)
    reply = await scorer.post("/v1/moderations", {"input": "hello"})
    found = failed(reply, 500)
    assert (found["type"], found["param"], found["code"]) == ("server_error", None, None)
    assert reply.headers["x-should-retry"] == "false"
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert reply.headers["x-request-id"].removeprefix("req_") in record.getMessage().replace("-", "")
    assert "canary-4711" not in str(found)


MADE: dict[type[ServiceError], ServiceError] = {
    errors.Conflict: errors.Conflict("reason", "detail", {}),
    errors.Unauthenticated: errors.Unauthenticated(),
    errors.Forbidden: errors.Forbidden(),
}


def all_kinds(kind: type[ServiceError]) -> set[type[ServiceError]]:
    return {kind, *(each for below in kind.__subclasses__() for each in all_kinds(below))}


async def test_every_error_has_its_envelope(app: Any) -> None:
    request = make_mocked_request("POST", "/v1/moderations", app=app)
    # Those of another protocol are told in its own words.
    own = [kind for kind in all_kinds(ServiceError) if not kind.__module__.startswith("service.compat.perspective")]
    for kind in own:
        response = render(request, MADE.get(kind) or kind("detail"))
        found = json.loads(response.body)["error"]
        assert found.keys() == {"message", "type", "param", "code"}, kind
        assert response.status != 409, "SDKs send it again"
        assert response.status in (400, 401, 403, 404, 408, 429, 503), kind
        assert ("Retry-After" in response.headers) is (response.status in (429, 503)), kind
