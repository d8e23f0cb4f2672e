"""A stand-in for a running service, and a command that calls it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import click
from aiohttp import web
from aiohttp.test_utils import TestServer
from click.testing import CliRunner, Result


def run(command: click.Command, *arguments: str, said: str = "", **environment: str) -> Result:
    return CliRunner(env=environment).invoke(command, arguments, input=said, terminal_width=200)


@contextlib.asynccontextmanager
async def serving(routes: Sequence[web.RouteDef]) -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes(routes)
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("/"))


async def against(routes: Sequence[web.RouteDef], command: click.Command, *arguments: str, said: str = "") -> Result:
    async with serving(routes) as url:
        return await asyncio.to_thread(
            lambda: run(command, *arguments, said=said, STEWARD_URL=url, STEWARD_KEY="sk-1", COLUMNS="200")
        )


def answering(found: Any, status: int = 200) -> Any:
    async def answer(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer sk-1"
        kind = "application/json" if status < 400 else "application/problem+json"
        return web.json_response(found, status=status, content_type=kind)

    return answer


def listed(version: str, *, active: bool, judges: Any = None, auc: float = 0.95) -> Any:
    held_out = {"jigsaw": {"toxicity": {"texts": 5000, "positive": 1000, "roc_auc": auc}}}
    languages = judges or {"en": ["toxicity", "spam"], "de": ["toxicity"]}
    return {"version": version, "active": active, "languages": languages, "metrics": {"held_out": held_out}}
