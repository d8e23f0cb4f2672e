"""A span for each request. In the application only while OpenTelemetry is on."""

from aiohttp import hdrs, web

from service import tracing
from service.http.handling import Handler
from service.http.stream import STREAM
from service.tracing import Value

# Asked every few seconds by machines that are not traced themselves.
UNTRACED = frozenset({"/livez", "/readyz", "/metrics"})
BROKEN = 500


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Outermost. Its attributes are those of OpenTelemetry's conventions; no path, as it may hold an author's id."""
    tracer, resource = tracing.active, request.match_info.route.resource
    route = None if resource is None else resource.canonical
    # A stream lasts for hours, and looks into Redis all the time.
    if tracer is None or route in UNTRACED or STREAM in request.headers.get(hdrs.ACCEPT, ""):
        return await handler(request)
    about: dict[str, Value] = {"http.request.method": request.method if request.method in hdrs.METH_ALL else "_OTHER"}
    if route is not None:
        about["http.route"] = route
    with tracer.request(about, request.headers) as span:
        response = await _answer(request, handler)
        span.note("http.response.status_code", response.status)
        if response.status >= BROKEN:
            span.failed(str(response.status))
    if isinstance(response, web.HTTPException):
        raise response
    return response


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A redirection, which is raised, is an answer, not an error."""
    try:
        return await handler(request)
    except web.HTTPException as answer:
        return answer
