"""The server side of a connection. Input that is not HTTP is refused without quoting it: it may hold a key."""

import asyncio
import logging
import socket
from http import HTTPStatus
from typing import Any, cast

from aiohttp import web

from service.http import problems
from service.http.connections import Connections
from service.http.handling import log_unforeseen

log = logging.getLogger(__name__)


class QuietRequestHandler(web.RequestHandler):
    """Like aiohttp's handler, but errors do not quote the request, neither in the answer nor in the log.

    Counted in `connections`, which may refuse it.
    """

    def __init__(
        self,
        manager: web.Server,
        *,
        loop: asyncio.AbstractEventLoop,
        connections: Connections,
        **options: Any,  # noqa: ANN401 - aiohttp's own
    ) -> None:
        super().__init__(manager, loop=loop, **options)
        self._connections = connections
        self._counted_as: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._counted_as = self._connections.enter(cast("asyncio.Transport", transport))  # as every server's is
        if self._counted_as is not None:
            super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._counted_as is not None:
            self._connections.leave(self._counted_as)
            self._counted_as = None
            super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - the parser's words
    ) -> web.StreamResponse:
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR and isinstance(exc, Exception):
            log_unforeseen(exc)
        else:
            log.debug("refused with %d: %s", status, type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has already begun")
        response = problems.not_http(status)
        response.force_close()
        return response


class Site(web.BaseSite):
    """Serves a bound socket with `QuietRequestHandler`. `options`: passed to each connection."""

    def __init__(
        self,
        runner: web.AppRunner,
        listening: socket.socket,
        backlog: int,
        connections: Connections,
        **options: Any,  # noqa: ANN401 - passed on to aiohttp's constructor
    ) -> None:
        super().__init__(runner, backlog=backlog)
        self._listening = listening
        self._connections = connections
        self._options = options

    @property
    def name(self) -> str:
        return str(self._listening.getsockname())

    async def start(self) -> None:
        await super().start()
        loop, manager = asyncio.get_running_loop(), self._runner.server
        assert manager is not None, "the runner is set up"  # noqa: S101 - BaseSite has checked it
        self._server = await loop.create_server(
            lambda: QuietRequestHandler(manager, loop=loop, connections=self._connections, **self._options),
            sock=self._listening,
            backlog=self._backlog,
        )
