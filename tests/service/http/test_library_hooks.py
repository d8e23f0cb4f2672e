"""The private names of libraries that the service uses (ADR 27) are where it looks for them, and do what it needs."""

import asyncio
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from packaging.requirements import Requirement
from redis.asyncio import Redis

ROOT = Path(__file__).parents[3]


async def test_redis_py_keeps_the_stream_of_a_connection_in_writer(redis_server: Any) -> None:
    """service/redis/wire.py takes over its transport."""
    async with Redis.from_url(redis_server.url) as client:
        connection = client.connection_pool.make_connection()  # type: ignore[no-untyped-call]
        await connection.connect()
        transport = connection._writer.transport  # noqa: SLF001 - the hook itself
        assert isinstance(transport, asyncio.Transport)
        heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        class Listener(asyncio.Protocol):
            def data_received(self, data: bytes) -> None:
                heard.set_result(data)

        transport.set_protocol(Listener())
        transport.write(b"*1\r\n$4\r\nPING\r\n")
        assert await asyncio.wait_for(heard, 60) == b"+PONG\r\n"
        transport.abort()
        await connection.disconnect(nowait=True)


def test_aiohttp_reads_the_match_of_a_request_from_match_info() -> None:
    """service/http/shortcut.py sets it."""
    request = make_mocked_request("GET", "/")
    match = web.UrlMappingMatchInfo({}, web.RouteTableDef)  # type: ignore[arg-type] # only its identity counts
    request._match_info = match  # noqa: SLF001 - the hook itself
    assert request.match_info is match


@pytest.mark.parametrize("name", ["aiohttp", "redis"])
def test_a_new_minor_version_of_the_library_is_tried_before_it_is_allowed(name: str) -> None:
    """It may rename what is private."""
    allowed = map(Requirement, tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"])
    (found,) = (each.specifier for each in allowed if each.name == name)
    major, minor, *_ = version(name).split(".")
    assert version(name) in found
    assert f"{major}.{int(minor) + 1}" not in found


def test_the_service_uses_no_other_private_names() -> None:
    found = [path.name for path in sorted((ROOT / "service").rglob("*.py")) if "noqa: SLF001" in path.read_text()]
    assert found == ["shortcut.py", "wire.py"]
