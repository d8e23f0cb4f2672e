"""A load generator that costs little beside what it measures: raw sockets, one request in flight on each."""

import asyncio
import random
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol, cast


@dataclass(slots=True)
class Measured:
    """Latencies in seconds, in the order in which the answers came; `wall_s` covers all of them.

    `since`: what was due before, of the clock of time.perf_counter, warmed up and is not among them, but in `answered`.
    `cpu_us`: processor time for each request, of the service and of its Redis.
    """

    wall_s: float
    latencies_s: list[float] = field(default_factory=list)
    since: float = 0.0
    answered: int = 0
    failed: int = 0
    cpu_us: tuple[float, float] = (0.0, 0.0)

    @property
    def per_second(self) -> float:
        return len(self.latencies_s) / self.wall_s

    def percentile_ms(self, percent: float) -> float:
        return percentile(self.latencies_s, percent) * 1000


def percentile(values: list[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


class Requests:
    """`count` requests, the same or numbered.

    `text`: if it is in the template, each request has its words in another order, since the rules hold copies of one
    comment, which costs more than recording a new one.
    """

    def __init__(self, template: bytes, count: int, text: str = "") -> None:
        chance, words = random.Random(template), text.encode().split()  # noqa: S311 - the same texts each time
        self._template, self._text = template, text.encode()
        self._texts = [b" ".join(chance.sample(words, len(words))) for _ in range(count if words else 0)]
        self.left = count

    def take(self) -> bytes:
        self.left -= 1
        numbered = self._template.replace(b"@@@@@@@@", b"%08d" % self.left)
        return numbered.replace(self._text, self._texts[self.left]) if self._texts else numbered


def request(method: str, path: str, key: str, body: bytes) -> bytes:
    """An HTTP request; the eight characters @@@@@@@@ in it are numbered anew for each."""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def load(port: int, requests: Requests, connections: int) -> Measured:
    """As fast as they are answered: each connection asks again as soon as it has its answer."""
    return await _measured(port, connections, _AtOnce(requests))


async def paced(
    port: int, requests: Requests, connections: int, per_second: float, *, warm_up_s: float = 0.0
) -> Measured:
    """So many a second, whether or not those before are answered.

    A latency counts from the moment at which the request was due, so that one that found every connection busy is as
    late as its answer says. `warm_up_s`: while all connections are new, and processes wake, nothing is measured.
    """
    return await _measured(port, connections, _Paced(requests, per_second), warm_up_s)


class _Turns(Protocol):
    """Says which connection asks when."""

    def begin(self) -> None:
        """All connections are there."""

    def is_free(self, client: "_Client") -> None:
        """A connection has its answer, or has not asked yet."""


class _AtOnce:
    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    def begin(self) -> None:
        pass

    def is_free(self, client: "_Client") -> None:
        if self._requests.left:
            client.ask(self._requests.take(), time.perf_counter())
        else:
            client.close()


class _Paced:
    """The timers of an event loop are as fine as a millisecond: what became due since the last one is sent at once."""

    TICK_S = 0.001

    def __init__(self, requests: Requests, per_second: float) -> None:
        self._requests = requests
        self._total = requests.left
        self._per_second = per_second
        self._due = 0
        self._started_at = 0.0
        self._free: list[_Client] = []
        self._late: deque[float] = deque()

    def begin(self) -> None:
        self._started_at = time.perf_counter()
        self._tick()

    def _tick(self) -> None:
        now = time.perf_counter()
        due = min(self._total, int((now - self._started_at) * self._per_second))
        self._late.extend([now] * (due - self._due))
        self._due = due
        while self._late and self._free:
            self._free.pop().ask(self._requests.take(), self._late.popleft())
        if due < self._total:
            asyncio.get_running_loop().call_later(self.TICK_S, self._tick)
            return
        for client in self._free:
            client.close()

    def is_free(self, client: "_Client") -> None:
        if self._late:
            client.ask(self._requests.take(), self._late.popleft())
        elif self._due < self._total:
            self._free.append(client)
        else:
            client.close()


class _Client(asyncio.Protocol):
    def __init__(self, turns: _Turns, measured: Measured, done: "asyncio.Future[None]") -> None:
        self._turns = turns
        self._measured = measured
        self._done = done
        self._received = b""
        self._asked_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        received = self._received + data if self._received else data
        head = received.find(b"\r\n\r\n")
        at = received.find(b"Content-Length: ", 0, head) + 16
        if head < 0 or len(received) < head + 4 + int(received[at : received.index(b"\r", at)]):
            self._received = received
            return
        self._received = b""
        self._measured.answered += 1
        if self._asked_at >= self._measured.since:
            self._measured.latencies_s.append(time.perf_counter() - self._asked_at)
        self._measured.failed += not received.startswith(b"HTTP/1.1 200")
        self._turns.is_free(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if not self._done.done():
            self._done.set_result(None)

    def ask(self, request: bytes, due_at: float) -> None:
        self._asked_at = due_at
        self._transport.write(request)

    def close(self) -> None:
        self._transport.close()


async def _measured(port: int, connections: int, turns: _Turns, warm_up_s: float = 0.0) -> Measured:
    loop = asyncio.get_running_loop()
    measured, clients, ends = Measured(0.0), [], []
    for _ in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        client = _Client(turns, measured, done)
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)
        clients.append(client)
        ends.append(done)
    measured.since = started = time.perf_counter() + warm_up_s
    turns.begin()
    for client in clients:
        turns.is_free(client)
    await asyncio.gather(*ends)
    measured.wall_s = time.perf_counter() - started
    return measured
