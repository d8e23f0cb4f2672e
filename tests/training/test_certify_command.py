"""`steward certify` against a service: it opens no answer in vain, and opens none twice."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from click.testing import CliRunner, Result

from training.commands.certify import certify

KEY = "sk-of-this-test"
NOW = datetime.now(UTC)


class Service:
    """As much of the API as the command asks for. `wrong`: every so many answers one contradicts an approval."""

    def __init__(self, answers: int, wrong: int = 0, targets: Any = None, lost: int = 0) -> None:
        self.answers, self.wrong, self.lost, self.targets = answers, wrong, lost, targets
        self.put: list[dict[str, Any]] = []

    def about(self) -> dict[str, Any]:
        return {
            "site": "daily",
            "policy": "default@2",
            "decides": "d" * 64,
            "model": "a" * 64,
            "model_version": "m",
            "targets": self.targets,
            "lowest": -80,
            "highest": 80,
            "boldest_approve": 20,
            "boldest_reject": [20] * 161,
            "reviewed": 10,
            "answered": 10,
        }

    def lines(self) -> list[dict[str, Any]]:
        return [
            {
                "cursor": f"{number}-0",
                "id": f"c-{number}",
                "revision": 1,
                "at": (self.first(number) + timedelta(minutes=number)).isoformat(),
                "verdict": "reject" if self.wrong and number % self.wrong == 0 else "approve",
                "decision": "approve",
                "inclusion": 0.05,
                "language": "en",
                "approve_level": number % 20,
                "risk": -10.0 + number % 7,
            }
            for number in range(self.answers)
        ]

    @staticmethod
    def first(number: int) -> datetime:
        """The first 600 answers came thirty days ago, the others less than a day ago."""
        return NOW - (timedelta(days=30) if number < 600 else timedelta(hours=22))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        name = request.path.rpartition("/")[2]
        if name == "certifiable":
            return web.json_response(self.about())
        if name == "sample":
            lines = [] if request.query.get("after") else self.lines()
            body = "".join(json.dumps(line) + "\n" for line in lines)
            return web.Response(text=body, content_type="application/x-ndjson", headers={"Steward-Next-Cursor": "end"})
        if name == "draws":
            return web.json_response({"draws": self._draws(request.query["day"]), "next": None})
        self.put.append(await request.json())
        return web.json_response({"name": "default", "version": 3})

    def _draws(self, day: str) -> list[dict[str, Any]]:
        at = NOW - timedelta(days=30) + timedelta(minutes=self.answers + 10)
        if f"{at:%Y-%m-%d}" != day:
            return []
        lost = {"decision": "approve", "inclusion": 0.05, "model": "m", "state": "lost", "language": "en"}
        return [{"comment": f"l-{n}", "revision": 1, "at": at.isoformat(), **lost} for n in range(self.lost)]


@contextlib.asynccontextmanager
async def serving(service: Service) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", service.answer)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


async def run(service: Service, folder: Path, *options: str) -> Result:
    async with serving(service) as url:
        arguments = ["--url", url, "--key", KEY, "--to", str(folder), *options]
        return await asyncio.to_thread(CliRunner().invoke, certify, arguments)


TARGET = ("--max-wrong-approve", "0.05", "--confidence", "0.95")


def certificates(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in folder.glob("c-*.json")]


def opened(folder: Path) -> int:
    """How often answers were opened."""
    path = folder / "opened.jsonl"
    return len(path.read_text().splitlines()) if path.exists() else 0


async def test_a_certificate_is_written_and_put_into_force(tmp_path: Path) -> None:
    service = Service(600)
    result = await run(service, tmp_path, *TARGET, "--put")
    assert result.exit_code == 0, result.output
    (written,) = certificates(tmp_path)
    assert service.put == [written]
    assert written["strata"][0]["approve_level"] is not None
    assert "default@3 decides by it" in result.output
    assert written["opened"] == 1
    assert "by language: en; comments in other languages go to people" in result.output


async def test_a_mixture_is_one_promise_for_all_languages(tmp_path: Path) -> None:
    result = await run(Service(600), tmp_path, *TARGET, "--mixture")
    assert result.exit_code == 0, result.output
    assert "by language" not in result.output
    assert [each["languages"] for each in certificates(tmp_path)[0]["strata"]] == [[]]


async def test_too_few_answers_are_not_opened(tmp_path: Path) -> None:
    result = await run(Service(40), tmp_path, *TARGET)
    assert result.exit_code == 1
    assert "more are needed" in result.output
    assert "no label was used" in result.output
    assert (certificates(tmp_path), opened(tmp_path)) == ([], 0)


async def test_answers_that_were_opened_are_not_used_again(tmp_path: Path) -> None:
    assert (await run(Service(600), tmp_path, *TARGET)).exit_code == 0
    again = await run(Service(600), tmp_path, *TARGET)
    assert again.exit_code == 1
    assert "no audit or review since" in again.output
    more = await run(Service(1_200), tmp_path, *TARGET, "--wait-hours", "0")
    assert more.exit_code == 0, more.output
    assert opened(tmp_path) == 2


async def test_a_target_that_fails_costs_its_answers_and_says_what_is_missing(tmp_path: Path) -> None:
    result = await run(Service(600, wrong=4), tmp_path, *TARGET)
    assert result.exit_code == 1
    assert "More audits will not help" in result.output
    assert (certificates(tmp_path), opened(tmp_path)) == ([], 1)


async def test_audits_without_an_answer_count_as_wrong(tmp_path: Path) -> None:
    """They were drawn after the last answer, which changes nothing."""
    result = await run(Service(600, lost=60), tmp_path, *TARGET)
    assert result.exit_code == 1
    assert "60 audits of this time have no answer" in result.output


async def test_without_targets_anywhere_it_asks_for_one(tmp_path: Path) -> None:
    result = await run(Service(600), tmp_path)
    assert result.exit_code == 2
    assert "the policy has no targets" in result.output


async def test_the_targets_of_the_policy_are_used(tmp_path: Path) -> None:
    result = await run(Service(600, targets={"max_wrong_approve": 0.1, "confidence": 0.9}), tmp_path)
    assert result.exit_code == 0, result.output
    assert "max_wrong_approve 0.1 " in result.output
