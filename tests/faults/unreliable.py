"""A receiver of webhooks as bad as they come: fails, is slow, and goes away when it gets SIGUSR1, until SIGUSR2.

Prints its port; on SIGTERM it prints what it saw as one JSON object and ends.
"""

import argparse
import asyncio
import json
import random
import signal
from dataclasses import dataclass, field
from typing import Any

import uvloop
from aiohttp import web


@dataclass
class Seen:
    """`reordered`: came although a newer version of that comment had been taken. `beside`: came while another event of
    that comment was on its way.
    """

    requests: int = 0
    refused: int = 0
    slow: int = 0
    repeated: int = 0
    reordered: int = 0
    beside: int = 0
    accepted: dict[str, list[int]] = field(default_factory=dict)
    on_the_way: set[str] = field(default_factory=set)

    def summary(self) -> dict[str, Any]:
        counts = ("requests", "refused", "slow", "repeated", "reordered", "beside")
        return {**{name: getattr(self, name) for name in counts}, "accepted": self.accepted}


class Unreliable:
    def __init__(self, asked: argparse.Namespace) -> None:
        self._asked = asked
        self._chance = random.Random(asked.seed)
        self._runner: web.AppRunner | None = None
        self._port = 0
        self.seen = Seen()

    async def come(self) -> int:
        app = web.Application()
        app.router.add_post("/hook", self._hook)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True).start()
        self._port = self._runner.addresses[0][1]
        return self._port

    async def go(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
            self.seen.on_the_way.clear()

    async def _hook(self, request: web.Request) -> web.Response:
        data = json.loads(await request.read())["data"]
        comment, version = data["comment_id"], data["version"]
        seen = self.seen
        seen.requests += 1
        taken = seen.accepted.setdefault(comment, [])
        seen.reordered += bool(taken) and version < taken[-1]
        seen.beside += comment in seen.on_the_way
        seen.on_the_way.add(comment)
        try:
            if self._chance.random() < self._asked.slow:
                seen.slow += 1
                await asyncio.sleep(self._asked.slow_s)
            if self._chance.random() < self._asked.fail:
                seen.refused += 1
                return web.Response(status=500)
        finally:
            seen.on_the_way.discard(comment)
        if version in taken:
            seen.repeated += 1
        else:
            taken.append(version)
        return web.Response(status=204)


async def main(asked: argparse.Namespace) -> None:
    receiver, told = Unreliable(asked), asyncio.Queue[int]()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM):
        loop.add_signal_handler(number, told.put_nowait, number)
    print(await receiver.come(), flush=True)
    while (number := await told.get()) != signal.SIGTERM:
        await (receiver.go() if number == signal.SIGUSR1 else receiver.come())
    await receiver.go()
    print(json.dumps(receiver.seen.summary()), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fail", type=float, default=0.3)
    parser.add_argument("--slow", type=float, default=0.1)
    parser.add_argument("--slow-s", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    uvloop.run(main(parser.parse_args()))
