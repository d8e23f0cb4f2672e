"""What is kept of an analyzed comment, and where a key may not go (specs: perspective 3 and 11, security 1)."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

import classifier
from service import app_keys as keys
from service.process.serving import bound, serving
from service.settings import Settings

PATH = "/v1alpha1/comments:analyze"
CANARY = "canary-4711"
DOUBTFUL = {"toxicity": {"review_at": 0}}


async def queued(admin: Any) -> list[Any]:
    items: list[Any] = (await admin.get("/v1/review/items?state=queued")).body["items"]
    return items


async def test_nothing_is_queued_unless_the_site_wants_it(perspective: Any, admin: Any, wish: Any) -> None:
    await wish(DOUBTFUL)
    await perspective.analyze("A doubtful text.")
    assert await queued(admin) == []


async def test_a_doubtful_comment_is_queued_once_where_the_site_wants_it(
    perspective: Any, admin: Any, wish: Any
) -> None:
    await wish(DOUBTFUL, queue_doubtful=True)
    more = {"clientToken": "t-1", "sessionId": "s-1", "communityId": "north", "languages": ["en"]}
    context = {"articleAndParentComment": {"parentComment": {"text": "What it answers."}}}
    for _ in range(3):
        reply = await perspective.analyze("A doubtful text.", context=context, **more)
        assert reply.status == 200
    (item,) = await queued(admin)
    assert item["id"].startswith("perspective-")
    comment = (await admin.get(f"/v1/comments/{item['id']}")).body
    assert comment["status"] == "pending"
    (claimed,) = (await admin.post("/v1/review/claim", {"count": 1})).body["items"]
    assert (claimed["text"], claimed["parent"]["text"]) == ("A doubtful text.", "What it answers.")
    assert claimed["metadata"] == {"client_token": "t-1", "session_id": "s-1", "community_id": "north"}
    await perspective.analyze("A doubtful text.", clientToken="t-2")
    assert len(await queued(admin)) == 1, "another token, another comment; the first is claimed"


@pytest.fixture
def assessed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that the model assesses, as often as it does."""
    texts: list[str] = []
    assess, score_many = classifier.Model.assess, classifier.Model.score_many

    def counted(model: classifier.Model, text: str, language: str = "en") -> classifier.Assessment:
        texts.append(text)
        return assess(model, text, language)

    def counted_many(model: classifier.Model, many: Sequence[str], language: str = "en") -> Any:
        texts.extend(many)
        return score_many(model, many, language)

    monkeypatch.setattr(classifier.Model, "assess", counted)
    monkeypatch.setattr(classifier.Model, "score_many", counted_many)
    return texts


async def test_a_text_that_is_queued_is_scored_once(
    perspective: Any, admin: Any, wish: Any, assessed: list[str]
) -> None:
    await wish(DOUBTFUL, queue_doubtful=True)
    reply = await perspective.analyze("A doubtful text in English.")
    assert reply.status == 200
    assert assessed == ["A doubtful text in English."]
    (item,) = await queued(admin)
    kept = (await admin.get(f"/v1/comments/{item['id']}")).body
    scores = reply.body["attributeScores"]["TOXICITY"]["summaryScore"]["value"]
    assert kept["scores"]["toxicity"] == scores


async def test_a_text_that_is_queued_is_scored_once_with_its_sentences(
    perspective: Any, wish: Any, assessed: list[str]
) -> None:
    await wish(DOUBTFUL, queue_doubtful=True)
    for count in (1, 2, 12):
        parts = [f"Sentence number {number}." for number in range(count)]
        await perspective.analyze(" ".join(parts), spanAnnotations=True)
        expected = {" ".join(parts), *parts}
        assert sorted(assessed) == sorted(expected)
        assessed.clear()


async def test_what_is_sure_or_must_not_be_stored_is_not_queued(perspective: Any, admin: Any, wish: Any) -> None:
    await wish(DOUBTFUL, queue_doubtful=True)
    await perspective.analyze("A doubtful text.", doNotStore=True)
    for sure in ({"toxicity": {}}, {"toxicity": {"reject_at": 0}}):
        await wish(sure, queue_doubtful=True)
        await perspective.analyze("A sure text.")
    assert await queued(admin) == []


async def test_tokens_of_any_size_and_kind_do_not_stand_in_the_way(perspective: Any, admin: Any, wish: Any) -> None:
    await wish(DOUBTFUL, queue_doubtful=True, accept_html=True)
    await perspective.analyze("A text.", clientToken="\u2603\n" * 50_000, sessionId="é" * 4000)
    body = {"comment": {"text": "<p>Another.</p>", "type": "HTML"}, "requestedAttributes": {"TOXICITY": {}}}
    await perspective.post(PATH, body | {"context": {"articleAndParentComment": {"parentComment": {"text": " "}}}})
    assert len(await queued(admin)) == 2


async def test_scores_are_answered_although_the_queue_cannot_be_reached(
    own_server: Any, tmp_path: Path, run: Any, key_for: Any, perspective_of: Any
) -> None:
    async with run(Settings(redis_url=own_server.url, data_dir=tmp_path, store_timeout_s=30)) as client:
        admin = await key_for(client)
        body = {"thresholds": DOUBTFUL, "protocols": {"perspective": {"queue_doubtful": True}}}
        assert (await admin("PUT", "/v1/policies/default", body)).status == 200
        own_server.kill()
        reply = await perspective_of(admin).analyze("A doubtful text.")
        assert (reply.status, list(reply.body["attributeScores"])) == (200, ["TOXICITY"])
        counted = (await admin.get("/metrics")).raw.decode()
        assert 'steward_requests_total{operation="perspective_queue",outcome="store_unavailable"} ' in counted


def kept(folder: Path, dump: bytes) -> bytes:
    return dump + b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def everything_in(server: Any) -> bytes:
    with Redis(unix_socket_path=str(server.socket)) as client:
        return b"".join(key + (client.dump(key) or b"") for key in client.scan_iter(count=1000))


async def test_what_must_not_be_stored_is_in_no_store_log_or_counter(
    perspective: Any, admin: Any, wish: Any, redis_server: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await wish(DOUBTFUL, queue_doubtful=True)
    more = {"doNotStore": True, "clientToken": CANARY, "sessionId": CANARY, "communityId": CANARY}
    context = {"entries": [{"text": CANARY}]}
    for text in (f"You {CANARY}.", f"Wow {CANARY}! " * 2000):
        await perspective.analyze(text, context=context, spanAnnotations=True, **more)
    await perspective.analyze(f"A text. {CANARY}", "TASTE", **more)
    await perspective.post(PATH, {"comment": {"text": CANARY}, "doNotStore": True, CANARY: CANARY})
    assert CANARY.encode() not in kept(tmp_path, everything_in(redis_server))
    assert CANARY not in "\n".join(record.getMessage() + str(record.args) for record in caplog.records)
    assert CANARY.encode() not in (await admin.get("/metrics")).raw
    await perspective.analyze(f"You {CANARY}.")
    assert CANARY.encode() in everything_in(redis_server), "the search would find it"


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """Whatever any logger says, with its traceback, but for the client of these tests."""

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(self.format(record) + repr(record.args))

    said: list[str] = []
    handler, root = Keeping(), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield said
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.fixture
async def served(settings: Settings) -> AsyncIterator[tuple[int, str]]:
    """The service as `steward serve` runs it: its port, and a key."""
    listening = bound("127.0.0.1", 0, shared=False)
    async with serving(settings, listening) as app:
        key = await app[keys.STORE].access.first_key("daily")
        await app[keys.DIRECTORY].refresh()
        assert key is not None
        yield listening.getsockname()[1], key


async def answered(port: int, raw: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    async with asyncio.timeout(60):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_key_in_a_query_is_in_no_answer_log_line_or_counter(served: tuple[int, str], lines: list[str]) -> None:
    port, right = served
    targets = (
        *(("POST", path) for path in (PATH, "/v1alpha1/comments:suggestscore", "/batch", f"/prefix{PATH}")),
        *(("GET", path) for path in ("/$discovery/rest", PATH, "/v1alpha1/nowhere")),
        ("OPTIONS", PATH),
    )
    fine = {"comment": {"text": "a"}, "requestedAttributes": {"TOXICITY": {}}, "languages": ["en"]}
    said = b""
    for key in (f"AIzaSy{CANARY}", right):
        for method, path in targets:
            for body in (json.dumps(fine).encode(), b"{}", b"[]", b'{"foo": 1}', b"{"):
                for more in ("", "&alt=proto", "&fields=%3F"):
                    head = f"{method} {path}?key={key}{more} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                    raw = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
                    answer = await answered(port, raw)
                    assert b"Referrer-Policy: no-referrer" in answer
                    said += answer
    said += await answered(port, b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    said += "\n".join(lines).encode()
    assert CANARY.encode() not in said
    assert right[18:61].encode() not in said
    assert b'"code": 400' in said


async def test_a_request_that_cannot_be_parsed_does_not_leak_its_key(served: tuple[int, str], lines: list[str]) -> None:
    """What the HTTP parser refuses never reaches a handler of ours, and its errors quote what it refused."""
    target = f"{PATH}?key=AIzaSy{CANARY}".encode()
    rest = b" HTTP/1.1\r\nHost: a\r\n"
    for raw in (
        b"POST " + target + b"\x01" + rest + b"\r\n",
        b"POST " + target + b" HTTP/9.9\r\nHost: a\r\n\r\n",
        b"P@ST " + target + rest + b"\r\n",
        b"POST " + target + rest + b"X y: " + CANARY.encode() + b"\r\n\r\n",
        b"POST " + target + rest + b"Content-Length: " + CANARY.encode() + b"\r\n\r\n",
    ):
        answer = await answered(served[0], raw)
        assert answer.startswith((b"HTTP/1.0 400 ", b"HTTP/1.1 400 ")), raw
        assert b"Content-Type: application/problem+json\r\n" in answer
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "not_http"
        assert CANARY.encode() not in answer, raw
    assert CANARY not in "\n".join(lines)
