"""Wraps every handler: counts requests, and logs unexpected errors without quoting readers."""

import logging
import time
from collections.abc import Awaitable, Callable

import uuid_utils
from aiohttp import web

from service import metrics
from service.values.errors import ServiceError, without_message

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
# Renders an error in a protocol's own envelope; None stands for an internal error, which is in the log.
Render = Callable[[web.Request, ServiceError | None], web.StreamResponse]
# The id of the internal error in the log, for `render` to include.
INSTANCE = web.RequestKey("instance", str)


def counted(name: str, handle: Handler) -> Handler:
    """Record duration and result of `handle` in /metrics under `name`."""
    seconds = metrics.SECONDS.labels(name)
    answered = metrics.REQUESTS.labels(name, "ok")
    broken = metrics.REQUESTS.labels(name, "internal")

    async def counting(request: web.Request) -> web.StreamResponse:
        started = time.perf_counter()
        try:
            response = await handle(request)
        except ServiceError as error:
            metrics.REQUESTS.labels(name, error.code).inc()
            raise
        except Exception:
            broken.inc()
            raise
        finally:
            seconds.observe(time.perf_counter() - started)
        answered.inc()
        return response

    return counting


def speaking(render: Render, name: str, handle: Handler) -> Handler:
    """Like `counted`, and answer errors by `render`: for other services' protocols."""
    counting = counted(name, handle)

    async def answering(request: web.Request) -> web.StreamResponse:
        try:
            return await counting(request)
        except ServiceError as error:
            return render(request, error)
        except web.HTTPException:
            raise
        except Exception as error:  # noqa: BLE001 - the outermost handler of this protocol
            request[INSTANCE] = log_unforeseen(error)
            return render(request, None)

    return answering


def log_unforeseen(error: Exception) -> str:
    """Log an internal error. Returns the id of this occurrence, for the caller."""
    instance = str(uuid_utils.uuid7().urn)
    log.error("%s: %s", instance, type(error).__name__, exc_info=without_message(error))
    return instance
