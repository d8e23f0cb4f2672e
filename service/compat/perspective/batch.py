"""HTTP batching: up to a hundred calls in one multipart request, in the format of Google's clients."""

import asyncio
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import Message as Head
from email.parser import HeaderParser
from http import HTTPStatus
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from service.compat.perspective.analyze import ANALYZE
from service.compat.perspective.answers import HEADERS, Reply, bad, cors
from service.compat.perspective.calls import Method, MethodCall, body_of, called
from service.compat.perspective.errors import InvalidRequest
from service.compat.perspective.parameters import check, key_of, query_of
from service.compat.perspective.suggest import SUGGEST
from service.http.handling import log_unforeseen
from service.http.origin import own_origin
from service.values.errors import NotFound, ServiceError

MOST_PARTS = 100
# Concurrent calls share Redis's syncs. Between groups, the event loop serves other requests.
AT_ONCE = 10

_METHODS: Mapping[str, Method[Any]] = {"comments:analyze": ANALYZE, "comments:suggestscore": SUGGEST}
_LINE = re.compile(rb"([A-Z]{1,20} (?:https?://[^/ ]*)?/[^ ?#]*)(?:\?([^ #]*))?(?: HTTP/[0-9.]+)?\r?")
_PATH = re.compile(r"POST (?:https?://[^/]*)?(?:/.*)?/v1alpha1/+(comments:[a-z]+)")
_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")
_BOUNDARY = re.compile(r"[\x20-\x7e]{1,70}")


async def batch(request: web.Request) -> web.StreamResponse:
    """Answer each part separately, in order. A part that fails does not affect the others."""
    check(query_of(request.rel_url.raw_query_string))
    parts = _parts(await body_of(request), request.headers.get("Content-Type", ""))
    if not parts:
        raise InvalidRequest("Failed to parse batch request, error: 0 items.")
    if len(parts) > MOST_PARTS:
        raise InvalidRequest(f"The batch request holds {len(parts)} calls; at most {MOST_PARTS} are served.")
    replies: list[Reply] = []
    for start in range(0, len(parts), AT_ONCE):
        replies += await asyncio.gather(*(_answered(request, part) for part in parts[start : start + AT_ONCE]))
        await asyncio.sleep(0)
    boundary = f"batch_{secrets.token_urlsafe(24)}"
    body = b"".join(_written(part, reply, boundary) for part, reply in zip(parts, replies, strict=True))
    headers = {**HEADERS, **cors(request), "Content-Type": f"multipart/mixed; boundary={boundary}"}
    return web.Response(body=body + f"--{boundary}--\r\n".encode(), headers=headers)


@dataclass(frozen=True, slots=True)
class _Part:
    """`id`: the Content-ID as received, empty without one; `request`: the HTTP request inside."""

    id: str
    request: bytes


def _parts(raw: bytes, content_type: str) -> Sequence[_Part]:
    head = Head()
    head["Content-Type"] = content_type
    boundary = head.get_boundary()
    if head.get_content_maintype() != "multipart" or not boundary or not _BOUNDARY.fullmatch(boundary):
        raise InvalidRequest("Failed to parse batch request, error: the content type is not multipart with a boundary.")
    _, *found = (b"\n" + raw).split(b"\n--" + boundary.encode())
    # The last piece is the closing delimiter and perhaps an epilogue.
    return [_part(each) for each in found if not each.startswith(b"--")]


def _part(raw: bytes) -> _Part:
    head, request = _halves(raw.lstrip(b" \t\r\n"))
    return _Part(re.sub(r"[^\x20-\x7e]", "", str(_fields(head).get("Content-ID", ""))), request.lstrip(b"\r\n"))


def _halves(raw: bytes) -> tuple[bytes, bytes]:
    """Split at the first empty line."""
    end = _EMPTY_LINE.search(raw)
    return (raw[: end.start()], raw[end.end() :]) if end else (raw, b"")


def _fields(head: bytes) -> CIMultiDict[str]:
    return CIMultiDict((name, str(value)) for name, value in HeaderParser().parsestr(head.decode("latin-1")).items())


async def _answered(request: web.Request, part: _Part) -> Reply:
    query: Mapping[str, str] = {}
    try:
        path, query, call = _read(request, part)
        return await called(_with_key(call), _method(path))
    except ServiceError as error:
        return bad(error, query, own_origin(request))
    except Exception as error:  # noqa: BLE001 - one part must not take the others with it
        log_unforeseen(error)
        return bad(None, query, own_origin(request))


def _read(request: web.Request, part: _Part) -> tuple[str, Mapping[str, str], MethodCall]:
    """Method and path, the query, and the call. Raises InvalidRequest."""
    head, body = _halves(part.request)
    first, _, fields = head.partition(b"\n")
    line = _LINE.fullmatch(first)
    if line is None:
        raise InvalidRequest("Failed to parse batch request, error: a part is not an HTTP request.")
    query = query_of((line[2] or b"").decode("latin-1"))
    return line[1].decode("latin-1"), query, MethodCall(request, query, _fields(fields), body)


def _method(path: str) -> Method[Any]:
    """Raises NotFound."""
    found = _PATH.fullmatch(path.replace("%3A", ":").replace("%3a", ":"))
    method = _METHODS.get(found[1]) if found else None
    if method is None:
        raise NotFound("Method not found.")
    return method


def _with_key(call: MethodCall) -> MethodCall:
    """A part without a key uses that of the whole request."""
    if key_of(call.query, call.headers):
        return call
    text = key_of(query_of(call.request.rel_url.raw_query_string), call.request.headers)
    return MethodCall(call.request, {**call.query, "key": text}, call.headers, call.raw)


def _written(part: _Part, reply: Reply, boundary: str) -> bytes:
    named = f"Content-ID: {_response_id(part.id)}\r\n" if part.id else ""
    inner = {**HEADERS, **reply.headers, "Content-Length": str(len(reply.body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in inner.items())
    first = f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"
    head = f"--{boundary}\r\nContent-Type: application/http\r\n{named}\r\n{first}\r\n{lines}\r\n"
    return head.encode() + reply.body + b"\r\n"


def _response_id(received: str) -> str:
    return f"<response-{received[1:]}" if received.startswith("<") else f"response-{received}"
