"""A load generator that costs little beside what it measures: raw sockets, one request in flight on each."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import cast


@dataclass(slots=True)
class Measured:
    """Latencies in seconds, in the order in which the answers came; `wall_s` covers all of them."""

    wall_s: float
    latencies_s: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def per_second(self) -> float:
        return len(self.latencies_s) / self.wall_s

    def percentile_ms(self, percent: float) -> float:
        ordered = sorted(self.latencies_s)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000


class _Client(asyncio.Protocol):
    """Sends the next request as soon as the answer before is whole, or when its turn comes at a given rate."""

    def __init__(self, requests: "Requests", measured: Measured, done: asyncio.Future[None]) -> None:
        self._requests = requests
        self._measured = measured
        self._done = done
        self._received = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        self._measured.latencies_s.append(time.perf_counter() - self._sent_at)
        self._measured.failed += not head.startswith(b"HTTP/1.1 200")
        self._received = b""
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if not self._done.done():
            self._done.set_result(None)

    def _send(self) -> None:
        request = self._requests.take()
        if request is None:
            self._transport.close()
            return
        delay_s = self._requests.next_delay_s()
        if delay_s > 0:
            asyncio.get_running_loop().call_later(delay_s, self._write, request)
        else:
            self._write(request)

    def _write(self, request: bytes) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(request)


class Requests:
    """`count` requests, the same or numbered; `per_second` spaces them evenly (None: as fast as they are answered)."""

    def __init__(self, template: bytes, count: int, per_second: float | None = None) -> None:
        self._template = template
        self._left = count
        self._every_s = 1 / per_second if per_second else 0.0
        self._due_at: float | None = None

    def take(self) -> bytes | None:
        if self._left == 0:
            return None
        self._left -= 1
        return self._template.replace(b"@@@@@@@@", b"%08d" % self._left)

    def next_delay_s(self) -> float:
        if not self._every_s:
            return 0.0
        now = time.perf_counter()
        self._due_at = max(now, (self._due_at or now) + self._every_s)
        return self._due_at - now


def request(method: str, path: str, key: str, body: bytes) -> bytes:
    """An HTTP request; the eight characters @@@@@@@@ in it are numbered anew for each."""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def load(port: int, requests: Requests, connections: int) -> Measured:
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    measured, ends = Measured(0.0), []
    for _ in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        ends.append(done)
        await loop.create_connection(lambda done=done: _Client(requests, measured, done), "127.0.0.1", port)
    await asyncio.gather(*ends)
    measured.wall_s = time.perf_counter() - started
    return measured
