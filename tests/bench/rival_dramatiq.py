"""Jobs of dramatiq that do nothing. `python rival_dramatiq.py SOCKET JOBS` queues them; `dramatiq rival_dramatiq`
takes them.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import dramatiq
from dramatiq.brokers.redis import RedisBroker

AT_ONCE = 50
SOCKET = os.environ.get("SOCKET") or sys.argv[1]

dramatiq.set_broker(RedisBroker(url=f"unix://{SOCKET}"))


@dramatiq.actor
def nothing(number: int) -> int:
    return number


if __name__ == "__main__":
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for _ in threads.map(nothing.send, range(int(sys.argv[2]))):
            pass
