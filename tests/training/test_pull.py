"""Pulling labels from a service into the archive, including all failures on the way."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from training import archive, pull
from training.client import connected
from training.errors import DataUnusable, ServiceRefused

KEY = "sk-of-this-test"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Service:
    """GET /v1/labels as specs/api.md has it; `most` bounds a page, whatever is asked for."""

    labels: int
    most: int = 10
    asked: list[str | None] = field(default_factory=list)
    # Asked before a page is answered: the test makes trouble here.
    before: Callable[[int], Awaitable[web.StreamResponse | None]] | None = None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        after = request.query.get("after")
        self.asked.append(after)
        trouble = await self.before(len(self.asked)) if self.before else None
        if trouble is not None:
            return trouble
        first = int(after.split("-")[0]) + 1 if after else 1
        size = min(int(request.query["limit"]), self.most)
        numbers = range(first, min(first + size, self.labels + 1))
        lines = "".join(json.dumps(line(number)) + "\n" for number in numbers)
        last = f"{numbers[-1]}-0" if numbers else after or ""
        return web.Response(
            text=lines, content_type="application/x-ndjson", headers={"Steward-Next-Cursor": last} if last else {}
        )


def line(number: int) -> dict[str, object]:
    """As the service writes it, with a name that this version does not know."""
    return {
        "cursor": f"{number}-0",
        "id": f"c-{number}",
        "revision": 1,
        "text": f"comment {number}\u2028with a separator",
        "labels": {"spam": number % 2 == 0},
        "decision": "reject",
        "reason": "",
        "source": "human",
        "actor": "mod-1",
        "weight": 1.0,
        "at": "2026-11-23T12:00:00.123Z",
        "from_a_later_version": [],
    }


@contextlib.asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/v1/labels", handler)
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("/"))


async def pulled(url: str, folder: Path, advance: Callable[[int], None] = lambda _: None) -> int:
    def work() -> int:
        with connected(url, KEY) as service:
            return pull.pull(service, folder, advance)

    return await asyncio.to_thread(work)


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.iterdir()}


async def test_all_pages_come(tmp_path: Path) -> None:
    service, told = Service(25), list[int]()
    async with serving(service.answer) as url:
        assert await pulled(url, tmp_path, told.append) == 25
    assert service.asked == [None, "10-0", "20-0", "25-0"]
    assert told == [10, 10, 5]
    assert archive.read(tmp_path).groups == [f"c-{number}" for number in range(1, 26)]


async def test_a_second_pull_adds_nothing_and_a_third_what_is_new(tmp_path: Path) -> None:
    service = Service(12)
    async with serving(service.answer) as url:
        await pulled(url, tmp_path)
        before = contents(tmp_path)
        assert await pulled(url, tmp_path) == 0
        assert contents(tmp_path) == before
        service.labels = 15
        assert await pulled(url, tmp_path) == 3
    assert service.asked[-2] == "12-0"
    assert len(archive.read(tmp_path)) == 15


async def test_an_empty_service_leaves_no_trace(tmp_path: Path) -> None:
    async with serving(Service(0).answer) as url:
        assert await pulled(url, tmp_path / "labels") == 0
    assert not (tmp_path / "labels").exists()


async def test_a_pull_goes_on_at_the_cursor_of_the_header(tmp_path: Path) -> None:
    """It lies behind the last line where texts were erased."""
    asked = list[str | None]()

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.query.get("after"))
        lines = json.dumps(line(3)) if len(asked) == 1 else ""
        return web.Response(text=lines, headers={"Steward-Next-Cursor": "9-0"})

    async with serving(answer) as url:
        assert await pulled(url, tmp_path) == 1
    assert asked == [None, "9-0"]


async def test_a_pull_goes_on_where_the_service_failed(tmp_path: Path) -> None:
    async def third_fails(request: int) -> web.Response | None:
        return web.Response(status=503) if request == 3 else None

    service = Service(25, before=third_fails)
    async with serving(service.answer) as url:
        with pytest.raises(ServiceRefused, match="503"):
            await pulled(url, tmp_path)
        assert len(archive.read(tmp_path)) == 20
        assert await pulled(url, tmp_path) == 5
    assert archive.read(tmp_path).groups == [f"c-{number}" for number in range(1, 26)]


async def test_a_pull_that_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    killed = asyncio.Event()
    has_asked = asyncio.Event()

    async def third_hangs(request: int) -> None:
        if request == 3:
            has_asked.set()
            await killed.wait()

    service = Service(25, before=third_hangs)
    async with serving(service.answer) as url:
        command = "from training.commands.labels import labels; labels()"
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", command, "pull", "--url", url, "--key", KEY, "--to", str(tmp_path)
        )
        async with asyncio.timeout(60):
            await has_asked.wait()
        process.kill()
        await process.wait()
        killed.set()
        assert len(archive.read(tmp_path)) == 20
        assert await pulled(url, tmp_path) == 5
    assert service.asked[3] == "20-0"
    assert archive.read(tmp_path).groups == [f"c-{number}" for number in range(1, 26)]


async def test_pulls_killed_between_pages_bring_each_label_exactly_once(tmp_path: Path) -> None:
    """Killed while the page that was asked for is on its way or being written."""
    kill = asyncio.Event()

    async def fourth_kills(request: int) -> None:
        if request % 4 == 0:
            kill.set()

    service = Service(40, most=2, before=fourth_kills)
    command = "from training.commands.labels import labels; labels()"
    async with serving(service.answer) as url:
        for _ in range(4):
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", command, "pull", "--url", url, "--key", KEY, "--to", str(tmp_path)
            )
            async with asyncio.timeout(60):
                await kill.wait()
            process.kill()
            assert await process.wait() != 0
            kill.clear()
        await pulled(url, tmp_path)
    assert kept(tmp_path) == [f"c-{number}" for number in range(1, 41)]


def kept(folder: Path) -> list[str]:
    """The id of every line in the archive, as they came."""
    parts = sorted(folder.glob("labels-*.parquet"))
    return [row["id"] for part in parts for row in pyarrow.parquet.read_table(part).to_pylist()]


async def test_a_label_that_was_taken_back_between_two_pulls_is_left_out(tmp_path: Path) -> None:
    """Its line comes later and is archived, but is no new label."""
    lines = [line(1), line(2), line(1) | {"cursor": "3-0", "text": "", "decision": "", "labels": {}, "retracts": "1-0"}]

    async def answer(request: web.Request) -> web.Response:
        after = request.query.get("after", "0-0")
        more = [each for each in lines if str(each["cursor"]) > after][:2]
        last = str(more[-1]["cursor"]) if more else after
        return web.Response(text="\n".join(map(json.dumps, more)), headers={"Steward-Next-Cursor": last})

    async with serving(answer) as url:
        assert await pulled(url, tmp_path) == 2
        assert await pulled(url, tmp_path) == 0
    assert archive.read(tmp_path).groups == ["c-2"]
    assert kept(tmp_path) == ["c-1", "c-2", "c-1"]


async def test_of_two_pulls_at_once_one_gives_up_and_nothing_is_lost(tmp_path: Path) -> None:
    """The slow one holds an older page when the quick one is through."""
    quick = Service(25)

    async def other_pull(request: int) -> None:
        if request == 2:
            async with serving(quick.answer) as url:
                assert await pulled(url, tmp_path) == 15

    slow = Service(12, before=other_pull)
    async with serving(slow.answer) as url:
        with pytest.raises(DataUnusable, match="another pull wrote it meanwhile"):
            await pulled(url, tmp_path)
    assert archive.read(tmp_path).groups == [f"c-{number}" for number in range(1, 26)]
    assert archive.next_cursor(tmp_path) == "25-0"
    assert {path.suffix for path in contents(tmp_path)} == {".parquet"}


async def refusal(handler: Handler, folder: Path) -> str:
    async with serving(handler) as url:
        with pytest.raises(ServiceRefused) as caught:
            await pulled(url, folder)
    assert "\n" not in str(caught.value)
    assert contents(folder) == {}
    return str(caught.value)


async def test_a_problem_is_one_line(tmp_path: Path) -> None:
    problem = {"type": "about:blank", "title": "Forbidden", "status": 403, "detail": "the key lacks the scope admin"}

    async def answer(_: web.Request) -> web.Response:
        return web.json_response(problem, status=403, content_type="application/problem+json")

    assert await refusal(answer, tmp_path) == "GET /v1/labels: 403: the key lacks the scope admin"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<html>welcome</html>", "a line is not a label"),
        (json.dumps(line(1) | {"at": "noon"}), "`$.at`"),
        (json.dumps(line(1))[:40], "a line is not a label"),
    ],
)
async def test_what_is_no_label_is_refused_and_not_kept(tmp_path: Path, body: str, said: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=body)

    assert said in await refusal(answer, tmp_path)


async def test_a_redirect_is_no_empty_answer(tmp_path: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/login"})

    assert await refusal(answer, tmp_path) == "GET /v1/labels: 302: Found"


async def test_a_connection_that_breaks_off_is_one_line(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(json.dumps(line(1)).encode())
        assert request.transport is not None
        request.transport.abort()
        return response

    assert "no service answers at" in await refusal(answer, tmp_path)


async def test_no_service_is_one_line(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{unused_port()}"
    with pytest.raises(ServiceRefused, match=f"^no service answers at {url}: .*refused"):
        await pulled(url, tmp_path)


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://127.0.0.1", "http://[", "http://127.0.0.1:port"])
async def test_what_is_no_address_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ServiceRefused, match=r"no service answers at|is not the address of a service"):
        await pulled(url, tmp_path)


@pytest.mark.parametrize("key", ["ключ", "secret\n", "\0secret"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(ServiceRefused) as caught, connected("http://127.0.0.1", key):
        pass
    assert key.strip() not in str(caught.value)
