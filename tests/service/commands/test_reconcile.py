"""steward reconcile: ids in, as a site has them, and out come those that the service does not know."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from aiohttp.test_utils import TestServer, unused_port
from click.testing import CliRunner, Result

from service import app_keys as keys
from service.commands.reconcile import reconcile
from service.process.app import build_app
from service.settings import Settings
from service.values.access import Scope, mint

Run = Callable[..., Awaitable[Result]]


@pytest.fixture
async def run(settings: Settings) -> AsyncIterator[Run]:
    """Runs the command beside a service that knows c-1 in two revisions and c-2."""
    async with TestServer(build_app(settings), host="127.0.0.1") as server:
        text, record = mint("daily", frozenset({Scope.COMMENTS}), None, datetime.now(UTC))
        await server.app[keys.STORE].access.keep(record)
        await server.app[keys.DIRECTORY].refresh()
        url = str(server.make_url("/"))
        async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {text}"}, timeout=60) as client:
            for comment in ({"id": "c-1", "text": "a"}, {"id": "c-1", "text": "b"}, {"id": "c-2", "text": "c"}):
                (await client.post("/v1/comments", json=comment)).raise_for_status()

        async def run(given: str | bytes, *, file: str = "-", **environment: str) -> Result:
            runner = CliRunner(env={"STEWARD_URL": url, "STEWARD_KEY": text} | environment)
            return await asyncio.to_thread(runner.invoke, reconcile, [file], input=given)

        yield run


def found(result: Result) -> list[object]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("c-1\n\n c-7 \r\nc-2\nc-8", [{"id": "c-7"}, {"id": "c-8"}]),
        ('{"id": "c-1", "revision": 2}\n\n{"id": "c-1", "revision": 3, "text": "new"}', [{"id": "c-1", "revision": 3}]),
        ('text,revision,id\n"a,\nb",1,c-2\n,2,c-2\nx,,c-7\n', [{"id": "c-2", "revision": 2}, {"id": "c-7"}]),
        ("\ufeffid\nc-7\nc-1\n", [{"id": "c-7"}]),
        ("ID;Revision \nc-7;1\nc-1;1\n", [{"id": "c-7", "revision": 1}]),
        ("sep=|\nrevision|id\n1|c-7\n", [{"id": "c-7", "revision": 1}]),
        ("sep=\t\nid\trevision\nc-7\t1\n", [{"id": "c-7", "revision": 1}]),
        ("sep=;\n\n;;\nid;revision\nc-7;1\n", [{"id": "c-7", "revision": 1}]),
        (";;\nid;revision;\nc-7;1;\n", [{"id": "c-7", "revision": 1}]),
        (",,\nid,x,\nc-7,1,\n", [{"id": "c-7"}]),
        ("ID,id\nx,c-7\n", [{"id": "c-7"}]),
        ("id,Revision\nc-7,1\nc-1,3\nc-1,2\n", [{"id": "c-7", "revision": 1}, {"id": "c-1", "revision": 3}]),
        ("\n\nid|x\nc-7|1\nc-1|\n", [{"id": "c-7"}]),
        (' {"id": "c-7"}\n', [{"id": "c-7"}]),
        (f"id,text\nc-7,{'x' * 200_000}\n", [{"id": "c-7"}]),
        ('"c-1"\n"c-7"\n"c-""8"\n', [{"id": "c-7"}, {"id": 'c-"8'}]),
        ('id,text\nc-7,"one\ntwo, three\nfour"\n', [{"id": "c-7"}]),
        ("[c-7]\n", [{"id": "[c-7]"}]),
        ("a,b\nc-7\n", [{"id": "a,b"}, {"id": "c-7"}]),
        ("", []),
    ],
)
async def test_ids_lines_of_json_and_csv_are_understood(run: Run, given: str, expected: list[object]) -> None:
    assert found(await run(given)) == expected


async def test_a_long_list_is_asked_for_in_parts_and_counted(run: Run) -> None:
    result = await run("".join(f"x-{number}\n" for number in range(2500)) + "c-1\n")
    assert found(result) == [{"id": f"x-{number}"} for number in range(2500)]
    assert re.fullmatch(r"2500 of 2501 comments are unknown to http://\S+\n", result.stderr)


async def test_a_file_is_read_as_well(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_text("c-1\nc-7\n")
    assert found(await run("", file=str(path))) == [{"id": "c-7"}]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("c-1\ntwo\x00words\n", "Error: line 2: id must be printable characters"),
        ('{"id": "c-1"}\n{"id": 7}\n', "Error: line 2: "),
        ('{"id": "c-1"}\nc-2\n', "Error: line 2: not a JSON object"),
        ("id,revision\nc-1,new\n", "Error: line 2: revision must be a whole number"),
        ('id,text\nc-1,"open\nc-2,"a"\nc-3,b\n', "Error: line 2: a quote is not closed"),
        ('id,text\nc-1,a\nc-2,"open\nc-3,b\n', "Error: line 3: a quote is not closed"),
        (b"c-1\n\xff\n", "Error: the file cannot be read: "),
        ("sep=;\ncomment;x\nc-1;1\n", "Error: line 2: no column id"),
        ("ID,Id\nc-1,c-7\n", "Error: two columns are called id"),
        ("id,text,id\nc-1,a,c-7\n", "Error: two columns are called id"),
        ('\n\nid,text\nc-1,"open\nc-2,"a"\n', "Error: line 4: a quote is not closed"),
        (f"id,text\nc-1,{'x' * 1_100_000}\n", "Error: line 2: a cell has more than 1,048,576 characters"),
        (
            'id,text\n1,"open\n2,You are a fool\n3,TV is 50"\n4,ok\n',
            "Error: line 2: its quoted text contains lines that",
        ),
        ("text,id\nhello,c-1\nhello,you,c-2\n", "Error: line 3: more cells than the header"),
        ('[\n{"id": "c-1"},\n{"id": "c-2"}\n]', "Error: line 1: a JSON array"),
        ("comment_id,text\n1,hello\n", "Error: line 1: no column id"),
        ("x" * 200_000, "Error: line 1: id must have at most 256 characters"),
    ],
)
async def test_what_names_no_comment_is_said_with_its_line(run: Run, given: str | bytes, said: str) -> None:
    result = await run(given)
    assert result.exit_code == 1
    assert result.stderr.startswith(said)
    assert result.stderr.count("\n") == 1


async def test_a_service_that_refuses_or_is_not_there_is_one_line(run: Run) -> None:
    refused = await run("c-1", STEWARD_KEY="cmk_live_nobody")
    said = "Error: POST /v1/reconcile: 401: what came is not an API key: "
    assert (refused.exit_code, refused.stderr[: len(said)], refused.stderr.count("\n")) == (1, said, 1)
    away = await run("c-1", STEWARD_URL=f"http://127.0.0.1:{unused_port()}")
    assert away.exit_code == 1
    assert away.stderr.startswith("Error: no service answers at http://127.0.0.1")
    unsendable = await run("c-1", STEWARD_KEY="ключ")
    assert unsendable.stderr == "Error: the key holds characters that no key has\n"
