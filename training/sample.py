"""Fetches the sample that a certificate is made from."""

from collections.abc import Iterator
from datetime import date, timedelta

import msgspec
from msgspec import Struct

from training.certify import DrawLine, SampleLine
from training.client import Service
from training.errors import ServiceRefused
from training.pull import NEXT, PAGE

_decode = msgspec.json.Decoder(SampleLine).decode


def fetch(service: Service, policy: str) -> Iterator[SampleLine]:
    """All lines, oldest first. Raises ServiceRefused."""
    cursor: str | None = None
    while True:
        response = service.get(f"{policy}/sample", after=cursor, limit=PAGE)
        lines = [_line(line) for line in response.content.splitlines() if line]
        if not lines:
            return
        yield from lines
        cursor = response.headers.get(NEXT) or lines[-1].cursor


def fetch_draws(service: Service, begins: date, ends: date) -> Iterator[DrawLine]:
    """The audits drawn on these days, both included. Raises ServiceRefused."""
    for number in range((ends - begins).days + 1):
        day, cursor = begins + timedelta(days=number), 0
        while True:
            page = _page(service.get("/v1/review/draws", day=day.isoformat(), cursor=cursor, limit=PAGE).content)
            yield from page.draws
            if page.next is None:
                break
            cursor = page.next


class _Page(Struct):
    draws: list[DrawLine]
    next: int | None


def _page(body: bytes) -> _Page:
    try:
        return msgspec.json.decode(body, type=_Page)
    except msgspec.DecodeError as error:
        raise ServiceRefused(f"GET /v1/review/draws: {error}; is this the service?") from error


def _line(line: bytes) -> SampleLine:
    try:
        return _decode(line)
    except msgspec.DecodeError as error:
        raise ServiceRefused(f"GET sample: a line is not a judged comment: {error}") from error
