"""The site that is told: checks each signature and writes down what came, in the order in which it came."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping

from aiohttp import web
from ledger import Told


class Receiver:
    def __init__(self) -> None:
        self.received: list[Told] = []
        self.repeated = 0
        self.forged = 0
        self.url = ""
        self.secret = ""
        self._ids: set[str] = set()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator["Receiver"]:
        app = web.Application()
        app.router.add_post("/hook", self._hook)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
            yield self
        finally:
            await runner.cleanup()

    async def _hook(self, request: web.Request) -> web.Response:
        body = await request.read()
        event_id = request.headers["webhook-id"]
        if not self._is_signed(event_id, request.headers, body):
            self.forged += 1
            return web.Response(status=401)
        event = json.loads(body)
        self.repeated += event_id in self._ids
        self._ids.add(event_id)
        self.received.append(Told(event["data"]["comment_id"], int(event["data"]["version"]), event["type"]))
        await asyncio.sleep(0)
        return web.Response()

    def _is_signed(self, event_id: str, headers: Mapping[str, str], body: bytes) -> bool:
        signed = f"{event_id}.{headers['webhook-timestamp']}.".encode() + body
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        expected = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        return expected in headers["webhook-signature"].split()
