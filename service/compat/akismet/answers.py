"""Answers like Akismet's: a bare word and some headers. Refusals have status 200 too, as clients expect."""

import csv
import io
from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web

from service.values import errors
from service.values.errors import ServiceError

THANKS = "Thanks for making the web a better place."


def word(text: str, headers: Mapping[str, str] | None = None, status: int = 200) -> web.Response:
    """Clients compare the whole body, so it holds only the word."""
    return web.Response(text=text, status=status, content_type="text/plain", charset="utf-8", headers=headers)


def invalid(why: str) -> web.Response:
    """`why` must not quote the request. Clients take this header for failure, so no other answer has it."""
    return word("invalid", {"X-akismet-debug-help": why})


def json(value: Any) -> web.Response:  # noqa: ANN401 - any JSON
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


def table(first_line: str, rows: list[list[str]]) -> web.Response:
    text = io.StringIO()
    written = csv.writer(text, lineterminator="\n")
    written.writerows([[first_line], *([_safe(cell) for cell in row] for row in rows)])
    return web.Response(text=text.getvalue(), content_type="text/csv", charset="utf-8")


def render(_: web.Request, error: ServiceError | None) -> web.Response:
    """Clients understand only `invalid`. A temporary error looks like a failed request, which they send again."""
    if error is None:
        return word("the error is ours", status=500)
    if isinstance(error, errors.Retryable):
        status = 429 if isinstance(error, errors.RateLimited) else 503
        return word(str(error), {"Retry-After": str(error.retry_after_s)}, status)
    if isinstance(error, errors.ModelUnusable):
        return word("no model is loaded", {"Retry-After": "1"}, 503)
    if isinstance(error, errors.TooSlow):
        return word(str(error), status=408)
    if isinstance(error, errors.Unauthenticated):
        return invalid(
            "no key came with the request, or none that is known here; docs/akismet.md says where it may stand"
        )
    return invalid(str(error).encode("ascii", "replace").decode())


def _safe(cell: str) -> str:
    """Prevent formulas from running when the file is opened in a spreadsheet (security.md section 2)."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
