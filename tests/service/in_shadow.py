"""Puts a model in shadow over HTTP, sends comments, and waits for what is counted."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

PATH = "/v1/models/contrary/shadow"
HARSH, KIND = "you are a stupid idiot", "what a lovely morning this is"
THRESHOLDS = {"insult": {"review_at": 0.4, "reject_at": 0.5}}


async def policy(admin: Any, **more: Any) -> None:
    reply = await admin("PUT", "/v1/policies/default", {"thresholds": THRESHOLDS, **more})
    assert reply.status == 200, reply.body


async def start(admin: Any, share: float = 1.0) -> Any:
    reply = await admin("PUT", PATH, {"share": share})
    assert reply.status == 200, reply.body
    return reply.body


async def send(admin: Any, count: int, name: str = "c") -> None:
    for n in range(count):
        body = {"id": f"{name}-{n}", "text": f"{HARSH if n % 2 else KIND} {n}"}
        assert (await admin.post("/v1/comments", body)).status == 200


async def report(admin: Any) -> Any:
    reply = await admin.get(PATH)
    assert reply.status == 200, reply.body
    return reply.body


async def until(found: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await found():
            await asyncio.sleep(0.05)


async def counted(admin: Any, count: int, drawn: int = 0) -> Any:
    async def is_counted() -> bool:
        found = await report(admin)
        return bool(found["figures"]["comments"] >= count and found["audited"]["audits"]["drawn"] >= drawn)

    await until(is_counted)
    return (await report(admin))["figures"]


def pairs(figures: Any) -> dict[tuple[str, str], int]:
    return {(each["was"], each["would"]): each["comments"] for each in figures["pairs"]}


async def metric(admin: Any, outcome: str) -> float:
    lines = (await admin.get("/metrics")).raw.decode().splitlines()
    name = f'steward_shadow_total{{outcome="{outcome}"}} '
    return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))
