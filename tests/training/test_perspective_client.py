"""The client of Perspective's API: rate-limited, one request for each text, resumable."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from training.errors import DataUnusable, ServiceRefused
from training.migration.perspective_client import (
    PAUSES_S,
    PerspectiveClient,
    answers,
    connected,
    digest_of,
    fetch_answers,
    with_answers,
)
from training.migration.perspective_scores import PerspectiveScores

KEY = "AIza-4711"
TEXTS = PerspectiveScores([f"text {number}" for number in range(5)], ["de", None, None, None, None], {})


class Google:
    """Speaks comments:analyze; `before` may answer a request (counted from 1) otherwise."""

    def __init__(self, before: Callable[[int], web.Response | None] = lambda _: None) -> None:
        self.asked: list[dict[str, Any]] = []
        self.headers: list[Any] = []
        self._before = before

    async def answer(self, request: web.Request) -> web.Response:
        assert not request.query, "a key in an address ends up in logs"
        self.headers.append(request.headers)
        self.asked.append(await request.json())
        said = self._before(len(self.asked))
        if said is not None:
            return said
        number = int(self.asked[-1]["comment"]["text"].split()[1])
        names = self.asked[-1]["requestedAttributes"]
        scores = {name: {"summaryScore": {"value": number / 10, "type": "PROBABILITY"}} for name in names}
        return web.json_response({"attributeScores": scores, "languages": ["en"]})


def error(status: int, message: str = "Quota exceeded", **headers: str) -> web.Response:
    return web.json_response({"error": {"code": status, "message": message}}, status=status, headers=headers)


@contextlib.asynccontextmanager
async def serving(google: Google) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/v1alpha1/comments:analyze", google.answer)
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("/v1alpha1"))


class Clock:
    """Time passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.now += seconds


async def asked(
    url: str, file: Path, clock: Clock, *, texts: PerspectiveScores = TEXTS, attributes: tuple[str, ...] = ("TOXICITY",)
) -> list[int]:
    told: list[int] = []

    def work() -> None:
        with connected(url, KEY) as client:
            fetch_answers(texts, PerspectiveClient(client, attributes, 1.0, clock, clock.sleep), file, told.append)

    await asyncio.to_thread(work)
    return told


async def test_every_text_is_asked_once_a_second_and_kept_without_its_words(tmp_path: Path) -> None:
    google, clock, file = Google(), Clock(), tmp_path / "answers.ndjson"
    async with serving(google) as url:
        await asked(url, file, clock, attributes=("TOXICITY", "THREAT"))
    assert [body["comment"]["text"] for body in google.asked] == TEXTS.texts
    assert google.asked[0] == {
        "comment": {"text": "text 0"},
        "requestedAttributes": {"TOXICITY": {}, "THREAT": {}},
        "doNotStore": True,
        "languages": ["de"],
    }
    assert "languages" not in google.asked[1]
    assert {headers["X-Goog-Api-Key"] for headers in google.headers} == {KEY}
    assert clock.slept == [1.0] * 4
    assert "text" not in file.read_text().replace("text_sha256", "")
    found = with_answers(TEXTS, file, ["TOXICITY", "THREAT"])
    assert list(found.scores["THREAT"]) == [0, 0.1, 0.2, 0.3, 0.4]


async def test_what_was_answered_is_not_asked_again(tmp_path: Path) -> None:
    def quota_ends(number: int) -> web.Response | None:
        return error(403, "API key not valid") if number == 4 else None

    file = tmp_path / "answers.ndjson"
    async with serving(Google(quota_ends)) as url:
        with pytest.raises(ServiceRefused, match="403: API key not valid"):
            await asked(url, file, Clock())
    file.write_bytes(file.read_bytes() + b'{"text_sha256": "cut o')  # as a kill would leave it
    google = Google()
    async with serving(google) as url:
        assert await asked(url, file, Clock()) == [3, 1, 1]
    assert [body["comment"]["text"] for body in google.asked] == ["text 3", "text 4"]
    assert [answer.text_sha256 for answer in answers(file)] == [digest_of(text) for text in TEXTS.texts]


async def test_the_same_text_twice_is_asked_once(tmp_path: Path) -> None:
    google = Google()
    twice = PerspectiveScores(["text 1", "text 1"], [None, None], {})
    async with serving(google) as url:
        await asked(url, tmp_path / "answers", Clock(), texts=twice)
    assert len(google.asked) == 1
    assert list(with_answers(twice, tmp_path / "answers", ["TOXICITY"]).scores["TOXICITY"]) == [0.1, 0.1]


async def test_who_is_told_to_slow_down_does_so_and_goes_on(tmp_path: Path) -> None:
    refusals = {2: error(429), 3: error(429, **{"Retry-After": "30"}), 4: error(503)}
    google, clock = Google(refusals.get), Clock()
    async with serving(google) as url:
        await asked(url, tmp_path / "answers", clock)
    assert [body["comment"]["text"] for body in google.asked[:5]] == ["text 0", *["text 1"] * 4]
    assert len(answers(tmp_path / "answers")) == 5
    assert clock.slept[:4] == [1.0, PAUSES_S[0], 30.0, PAUSES_S[2]]


async def test_a_quota_of_nothing_ends_it_and_keeps_what_came(tmp_path: Path) -> None:
    google = Google(lambda number: error(429) if number > 2 else None)
    async with serving(google) as url:
        with pytest.raises(ServiceRefused, match="429: Quota exceeded; the answers so far are saved"):
            await asked(url, tmp_path / "answers", Clock())
    assert len(google.asked) == 2 + 1 + len(PAUSES_S)
    assert len(answers(tmp_path / "answers")) == 2


async def test_a_text_that_perspective_will_not_judge_is_passed_over(tmp_path: Path) -> None:
    message = "Attribute TOXICITY does not support request languages: fi"
    google = Google(lambda number: error(400, message) if number == 2 else None)
    texts = PerspectiveScores([*TEXTS.texts, " ", "x" * 20_481], [None] * 7, {})
    async with serving(google) as url:
        await asked(url, tmp_path / "answers", Clock(), texts=texts)
    assert len(google.asked) == 5
    problems = [answer.problem for answer in answers(tmp_path / "answers")]
    assert problems == ["", message, "", "", "", "blank or too long", "blank or too long"]
    found = with_answers(texts, tmp_path / "answers", ["TOXICITY"]).scores["TOXICITY"]
    assert np.isnan(found).tolist() == [False, True, False, False, False, True, True]


@pytest.mark.parametrize(
    "said",
    [
        web.Response(text="<html>"),
        web.json_response({"scores": []}),
        web.json_response({"attributeScores": {"TOXICITY": {"summaryScore": {"value": "high"}}}}),
        web.Response(status=302, headers={"Location": "/"}),
        error(404, "no such method"),
    ],
    ids=["html", "other json", "no number", "redirect", "not found"],
)
async def test_whoever_else_answers_ends_it(tmp_path: Path, said: web.Response) -> None:
    async with serving(Google(lambda _: said)) as url:
        with pytest.raises(ServiceRefused) as caught:
            await asked(url, tmp_path / "answers", Clock())
    assert KEY not in str(caught.value)


async def test_where_nobody_answers_it_is_tried_for_minutes_and_then_said(tmp_path: Path) -> None:
    clock = Clock()
    with pytest.raises(ServiceRefused, match="no answer"):
        await asked(f"http://127.0.0.1:{unused_port()}", tmp_path / "answers", clock)
    assert clock.now > 100 + sum(PAUSES_S) - 1


async def test_a_text_is_asked_again_for_an_attribute_that_its_answer_lacks(tmp_path: Path) -> None:
    google, clock, file = Google(), Clock(), tmp_path / "answers.ndjson"
    async with serving(google) as url:
        await asked(url, file, clock)
        for _ in range(2):
            await asked(url, file, clock, attributes=("TOXICITY", "INSULT"))
    assert len(google.asked) == 2 * len(TEXTS.texts)
    found = with_answers(TEXTS, file, ["TOXICITY", "INSULT"])
    assert list(found.scores["INSULT"]) == list(found.scores["TOXICITY"]) == [0, 0.1, 0.2, 0.3, 0.4]


@pytest.mark.parametrize("content", [b"text\nhello\nno end", b"no end", b'{"text": "a"}'])
def test_a_file_of_something_else_is_refused_and_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "comments.csv"
    file.write_bytes(content)
    with pytest.raises(DataUnusable, match="not a file of Perspective's answers"):
        answers(file)
    assert file.read_bytes() == content


def test_a_file_that_holds_no_answers_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "answers"
    file.write_text(json.dumps({"text": "x"}) + "\n")
    with pytest.raises(DataUnusable, match="not a file of Perspective's answers"):
        answers(file)


@pytest.mark.parametrize("key", ["", "ключ", "secret\n"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(ServiceRefused) as caught, connected("http://127.0.0.1", key):
        pass
    assert not key.strip() or key.strip() not in str(caught.value)
