"""One process that serves: the application on a port, until it is told to stop."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from aiohttp import http, web

from service import app_keys as keys
from service.http import shortcut, unreadable
from service.http.connections import Connections
from service.process.app import build_app, build_metrics_app
from service.process.garbage import collect_seldom
from service.process.telemetry import exporting
from service.settings import Settings
from service.values.errors import SettingsError

log = logging.getLogger(__name__)

DRAIN_S = 10.0
BACKLOG = 1024


def require_compiled_parser(settings: Settings) -> None:
    """The pure-Python parser is lenient where request smuggling needs it to be. Raises SettingsError."""
    if http.HttpRequestParser.__module__.endswith("_http_parser") or settings.allow_py_parser:
        return
    raise SettingsError("aiohttp's compiled HTTP parser is missing; reinstall aiohttp or set STEWARD_ALLOW_PY_PARSER")


@contextlib.asynccontextmanager
async def serving(settings: Settings, listening: socket.socket) -> AsyncIterator[web.Application]:
    """The application, answering on a bound socket; leaving drains what is in flight."""
    require_compiled_parser(settings)
    collect_seldom()
    with exporting(os.environ):
        async with _answering(settings, listening) as app:
            yield app


@contextlib.asynccontextmanager
async def _answering(settings: Settings, listening: socket.socket) -> AsyncIterator[web.Application]:
    app = build_app(settings)
    options = _options(settings)
    runner = web.AppRunner(app, shutdown_timeout=DRAIN_S, **options)
    try:
        await runner.setup()
        shortcut.install_fast_path(runner)
        # Objects that exist now live until the end, so garbage collections need not examine them.
        gc.freeze()
        await unreadable.Site(runner, listening, BACKLOG, Connections(settings), **options).start()
        model = app[keys.MODELS].current.version
        log.info("serving on %s with model %s (process %d)", url(listening), model, os.getpid())
        yield app
    finally:
        log.info("stopping: open requests have %g s to finish (process %d)", DRAIN_S, os.getpid())
        gc.unfreeze()
        await runner.cleanup()
        log.info("stopped: no request is open, and everything acknowledged is in Redis (process %d)", os.getpid())


def _options(settings: Settings) -> dict[str, Any]:
    """Of each connection."""
    return {
        "access_log": None,
        # aiohttp counts this from the connection, or the answer before, until the headers are complete: it bounds
        # slow headers as well as idle connections. http/bodies.py bounds slow bodies.
        "keepalive_timeout": settings.receipt_timeout_s,
        "auto_decompress": False,
    }


@contextlib.asynccontextmanager
async def serving_metrics(settings: Settings) -> AsyncIterator[None]:
    """/metrics on a port of its own, on the loopback unless the operator says otherwise. Raises SettingsError."""
    if settings.metrics_port is None:
        yield
        return
    options = _options(settings)
    runner = web.AppRunner(build_metrics_app(), **options)
    with bound(settings.metrics_host, settings.metrics_port, shared=False) as listening:
        await runner.setup()
        try:
            await unreadable.Site(runner, listening, BACKLOG, Connections(settings), **options).start()
            yield
        finally:
            await runner.cleanup()


def url(listening: socket.socket) -> str:
    """Where a bound socket is reached."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def bound(host: str, port: int, *, shared: bool) -> socket.socket:
    """A socket on the address; `shared`: other processes may listen on the same port beside us."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:  # a name that is no name of a host cannot be encoded
        raise SettingsError(f"cannot listen on {host}:{port}: {getattr(error, 'strerror', error)}") from error
    listening = socket.socket(family, kind, protocol)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listening.bind(address)
    except OSError as error:
        listening.close()
        raise SettingsError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return listening


STOPS = (signal.SIGTERM, signal.SIGINT)


async def until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` until it ends or SIGTERM or SIGINT comes; then what it opened is drained and closed."""
    task = asyncio.ensure_future(work)
    is_told = False

    def stop() -> None:
        nonlocal is_told
        # A second signal must not interrupt the draining. Blocked here, it can still arrive through another thread.
        if is_told:
            return
        is_told = True
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in STOPS:
        loop.add_signal_handler(number, stop)
    try:
        await task
    except asyncio.CancelledError:
        if not is_told:
            raise
    finally:
        if is_told:
            for number in STOPS:
                loop.remove_signal_handler(number)
                signal.signal(number, signal.SIG_IGN)


async def forever() -> None:
    """Until cancelled."""
    await asyncio.Event().wait()
