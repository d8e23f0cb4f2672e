"""Sends one POST to a receiver and reports the outcome."""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

import aiohttp
from aiohttp import ClientResponse, ClientSession, ClientTimeout, TCPConnector
from aiohttp.abc import AbstractResolver
from msgspec import Struct
from yarl import URL

from service import tracing
from service.webhooks import guard
from service.webhooks.signature import sign

MAX_RESPONSE_BYTES = 65_536
MAX_BODY_S = 2.0
MAX_REST_S = 86_400.0
_OK = range(200, 300)
_GONE = 410
_MAY_SAY_WHEN = (429, 503)

# delivered: 2xx. gone: 410, the receiver wants no more webhooks. failed: anything else.
Result = Literal["delivered", "gone", "failed"]


class DeliveryOutcome(Struct, frozen=True):
    """`because`: the status, or a code for what went wrong. `rest_s`: the pause that the receiver asked for, if any."""

    result: Result
    because: str
    seconds: float
    rest_s: float | None = None


class WebhookSender:
    """Keeps connections open, and refuses addresses that webhooks must not go to."""

    def __init__(self, session: ClientSession, *, allow_private: bool, proxy: str | None) -> None:
        self._session = session
        self._allow_private = allow_private
        self._proxy = proxy

    async def post(self, url: str, message_id: str, body: bytes, secrets: Sequence[str]) -> DeliveryOutcome:
        """Sign and send. Failures of the receiver are outcomes, not exceptions."""
        started = time.perf_counter()
        rest_s = None
        try:
            headers = _headers(message_id, int(time.time()), body, secrets)
            about = {
                "http.request.method": "POST",
                "server.address": URL(url).host or "",
                "steward.webhook.id": message_id,
            }
            with tracing.delivery("webhook", about, headers) as span:
                result, because, rest_s = await self._answer(url, body, headers)
                if result != "delivered":
                    span.failed(because)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            result, because = "failed", _cause(error)
        return DeliveryOutcome(result, because, time.perf_counter() - started, rest_s)

    async def _answer(self, url: str, body: bytes, headers: dict[str, str]) -> tuple[Result, str, float | None]:
        if guard.refusal(url, self._allow_private):
            return "failed", "url_refused", None
        async with self._session.post(
            url, data=body, headers=headers, allow_redirects=False, proxy=self._proxy
        ) as response:
            await _read_some(response)
            return _result(response.status), str(response.status), _rest_s(response)


@contextlib.asynccontextmanager
async def open_sender(
    *,
    timeout_s: float,
    connections: int,
    allow_private: bool,
    proxy: str | None = None,
    resolver: AbstractResolver | None = None,
) -> AsyncIterator[WebhookSender]:
    """`resolver`: for tests. The default resolves only to addresses that it has checked."""
    if resolver is None and proxy is None:
        resolver = guard.CheckedResolver(allow_private)
    # An egress proxy resolves names itself, so it must also refuse addresses (docs/webhooks.md).
    connector = TCPConnector(
        resolver=resolver, use_dns_cache=False, limit=connections, limit_per_host=0, keepalive_timeout=30
    )
    session = ClientSession(
        connector=connector,
        timeout=ClientTimeout(total=timeout_s),
        trust_env=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        headers={"User-Agent": "steward-webhooks/1"},
    )
    async with session:
        yield WebhookSender(session, allow_private=allow_private, proxy=proxy)
    # TLS connections close one iteration of the event loop later.
    await asyncio.sleep(0)


def _headers(message_id: str, timestamp: int, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secrets, message_id, timestamp, body),
    }


def _cause(error: Exception) -> str:
    """The code for an error. A ValueError means that the answer could not be parsed."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "address_refused" if isinstance(error.os_error, guard.AddressRefused) else "name_not_found"
    return next((word for kind, word in _CAUSES if isinstance(error, kind)), "broken_answer")


_CAUSES: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, "timeout"),
    (aiohttp.ClientConnectorCertificateError, "certificate_refused"),
    (aiohttp.ClientConnectorError, "no_connection"),
)


def _result(status: int) -> Result:
    return "delivered" if status in _OK else "gone" if status == _GONE else "failed"


async def _read_some(response: ClientResponse) -> None:
    """Read the body, so that the connection can be reused. If the body is too long, close the connection instead."""
    left = MAX_RESPONSE_BYTES
    with contextlib.suppress(aiohttp.ClientError, OSError):
        async with asyncio.timeout(MAX_BODY_S):
            while left > 0 and not response.content.at_eof():
                left -= len(await response.content.read(left))
    if not response.content.at_eof():
        response.close()


def _rest_s(response: ClientResponse) -> float | None:
    if response.status not in _MAY_SAY_WHEN:
        return None
    return retry_after_s(response.headers.get("Retry-After", ""), datetime.now(UTC))


def retry_after_s(header: str, now: datetime) -> float | None:
    """Seconds from a Retry-After header (RFC 9110, 10.2.3), at most a day; None if it cannot be parsed."""
    if header.isascii() and header.strip().isdecimal():
        return min(float(header), MAX_REST_S)
    try:
        at = parsedate_to_datetime(header)
        rest_s = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now.timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(rest_s, 0.0), MAX_REST_S) if math.isfinite(rest_s) else None
