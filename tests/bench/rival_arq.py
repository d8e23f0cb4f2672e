"""Jobs of arq that do nothing. `python rival_arq.py SOCKET JOBS` queues them; `arq rival_arq.Work` takes them.

Set to be fast: uvloop, no results kept, next to no pause between two looks at the queue (arq's own is half a second).
"""

import asyncio
import os
import sys
from typing import Any, ClassVar

import uvloop
from arq import create_pool
from arq.connections import RedisSettings

AT_ONCE = 50


async def nothing(_: dict[str, Any], number: int) -> int:
    return number


class Work:
    functions: ClassVar = [nothing]
    redis_settings = RedisSettings(unix_socket_path=os.environ.get("SOCKET"))
    max_jobs = int(os.environ.get("CONSUMERS", "50"))
    poll_delay = 0.005
    keep_result = 0
    log_results = False


async def _fill(socket: str, jobs: int) -> None:
    pool, numbers = await create_pool(RedisSettings(unix_socket_path=socket)), iter(range(jobs))

    async def enqueue() -> None:
        for number in numbers:
            await pool.enqueue_job("nothing", number)

    await asyncio.gather(*(enqueue() for _ in range(AT_ONCE)))
    await pool.aclose()


if __name__ == "__main__":
    uvloop.run(_fill(sys.argv[1], int(sys.argv[2])))
else:
    uvloop.install()
