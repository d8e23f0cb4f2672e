"""One process that serves: the application on a port, until it is told to stop."""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import AsyncIterator, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from aiohttp import http, web

from service.http import shortcut, unreadable
from service.http.connections import Connections
from service.process.app import build_app, build_metrics_app
from service.settings import Settings
from service.store import Store
from service.values import access
from service.values.access import FIRST_SITE
from service.values.accounts import Account, Role, Ticket
from service.values.errors import SettingsError, StoreUnavailable

DRAIN_S = 10.0
BACKLOG = 1024
LOOK_S = 1.0
# Requests in flight hold thousands of objects that reference counts will free. By default (700, 10, 10) Python looks
# for cycles among them all the time.
COLLECT_AFTER = (50_000, 20, 100)


class MaskedFormatter(logging.Formatter):
    """Masks API keys in all log lines."""

    def format(self, record: logging.LogRecord) -> str:
        return access.masked(super().format(record))


def configure_logging(level: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(MaskedFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def require_compiled_parser(settings: Settings) -> None:
    """The pure-Python parser is lenient where request smuggling needs it to be. Raises SettingsError."""
    if http.HttpRequestParser.__module__.endswith("_http_parser") or settings.allow_py_parser:
        return
    raise SettingsError("aiohttp's compiled HTTP parser is missing; reinstall aiohttp or set STEWARD_ALLOW_PY_PARSER")


@contextlib.asynccontextmanager
async def serving(settings: Settings, listening: socket.socket) -> AsyncIterator[web.Application]:
    """The application, answering on a bound socket; leaving drains what is in flight."""
    require_compiled_parser(settings)
    gc.set_threshold(*COLLECT_AFTER)
    app = build_app(settings)
    options = _options(settings)
    runner = web.AppRunner(app, shutdown_timeout=DRAIN_S, **options)
    try:
        await runner.setup()
        shortcut.install_fast_path(runner)
        # Objects that exist now live until the end, so garbage collections need not examine them.
        gc.freeze()
        await unreadable.Site(runner, listening, BACKLOG, Connections(settings), **options).start()
        yield app
    finally:
        gc.unfreeze()
        await runner.cleanup()


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


FIRST_ADMIN = "admin"
LINK_LASTS = timedelta(hours=1)


async def welcome(address: str, store: Store, settings: Settings) -> None:
    """Say where the service is, as soon as Redis is there, and on its very first start which key opens it."""
    key = await _first_key(address, store, is_audited=settings.audit_new_sites)
    also = f", demo: {address}/demo" if settings.demo else ""
    click.echo(f"steward: ready on {address} (documentation: {address}/docs, console: {address}/console{also})")
    if key is not None:
        ticket = await _first_ticket(store)
        click.echo(_FIRST_START.format(address=address, key=key, site=FIRST_SITE, ticket=ticket))


async def _first_ticket(store: Store) -> str:
    """A sign-in link, valid once, for the first administrator."""
    account = Account(FIRST_ADMIN, {FIRST_SITE: Role.ADMIN}, datetime.now(UTC))
    await store.accounts.put(account)  # where there is one already, it stays as it is
    return await store.accounts.issue(Ticket("link", FIRST_ADMIN), LINK_LASTS)


async def _first_key(address: str, store: Store, *, is_audited: bool) -> str | None:
    reason = ""
    while True:
        try:
            await store.check()
            return await store.access.first_key(FIRST_SITE, is_audited=is_audited)
        except StoreUnavailable as error:
            if str(error) != reason:
                reason = str(error)
                click.echo(f"steward: listening on {address}, not ready: {reason}")
            await asyncio.sleep(LOOK_S)


_FIRST_START = """
This is the first start. The key below holds every scope for the site '{site}'; it is shown only now.

  export STEWARD_KEY={key}

Try it:

  curl -s {address}/v1/comments -H "Authorization: Bearer {key}" \\
    -H "Content-Type: application/json" -d '{{"text": "What a thoughtful article, thank you."}}'

Sign in at the console, once and within an hour, by this link:

  {address}/console/sign-in/link?ticket={ticket}
"""


def url(listening: socket.socket) -> str:
    """Where a bound socket is reached."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def bound(host: str, port: int, *, shared: bool) -> socket.socket:
    """A socket on the address; `shared`: other processes may listen on the same port beside us."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
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
