"""The baseline: an aiohttp handler that parses and answers JSON and does nothing else, served as the service is."""

import asyncio
import json
import sys

import uvloop
from aiohttp import web


async def main(answer_bytes: int, port: int) -> None:
    answer = {"answer": "x" * max(0, answer_bytes - 14)}

    async def noop(request: web.Request) -> web.Response:
        json.loads(await request.read())
        body = json.dumps(answer).encode()
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_post("/noop", noop)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, backlog=1024, reuse_port=True)
    await site.start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
