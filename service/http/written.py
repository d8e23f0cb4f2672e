"""The usual answer, 200 with JSON, written in one piece."""

import time
from collections.abc import Mapping
from email.utils import formatdate

from aiohttp import ClientConnectionResetError, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import SERVER_SOFTWARE, HttpVersion11

from service.values import request_id

# The headers that security.md section 2 requires on every answer.
PROTECTION = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def is_plain(request: web.BaseRequest) -> bool:
    """Whether the answer needs no Connection header: the connection stays open."""
    return request.version == HttpVersion11 and request.keep_alive


_REQUEST_ID = request_id.HEADER.encode()


class Head:
    """The head of an answer up to the length of the body. Built once a second."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in {**headers, "Server": SERVER_SOFTWARE}.items())
        self._start = f"HTTP/1.1 200 OK\r\n{lines}"
        self._second = 0
        self._bytes = b""

    def now(self) -> bytes:
        second = int(time.time())
        if second != self._second:
            self._bytes = f"{self._start}Date: {formatdate(second, usegmt=True)}\r\nContent-Length: ".encode()
            self._second = second
        return self._bytes


JSON = Head({"Content-Type": "application/json", **PROTECTION})


class Written(web.StreamResponse):
    """200 and JSON for a request that `is_plain`: the bytes that web.Response would send, written at once."""

    def __init__(self, body: bytes, head: Head = JSON) -> None:
        super().__init__()
        self._bytes = body
        self._head = head
        self._asked: web.BaseRequest | None = None

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        self._asked = request
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        assert self._asked is not None, "prepared before it is written"  # noqa: S101 - aiohttp's order
        transport = self._asked.transport
        if transport is None or transport.is_closing():
            raise ClientConnectionResetError("the client has gone")
        named = b"%d\r\n%b: %b" % (len(self._bytes), _REQUEST_ID, request_id.current().encode())
        transport.write(b"%b%b\r\n\r\n%b" % (self._head.now(), named, self._bytes + data))

    @property
    def keep_alive(self) -> bool:
        return True
