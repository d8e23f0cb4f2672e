"""The asynchronous client."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import TracebackType
from typing import Self

import httpx

from comment_steward_client import calls
from comment_steward_client.calls import Answer, Call
from comment_steward_client.errors import Unreachable
from comment_steward_client.retrying import Retry
from comment_steward_client.values import Comment, Judged, Page, Problem, Scored

TIMEOUT_S = 10.0


class AsyncSteward:
    """One for an event loop: it keeps connections open.

    `url`: of the service. `key`: `cmk_live_…`. Raises Refused and Unreachable, after the tries of `retry`.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout_s: float = TIMEOUT_S,
        retry: Retry = Retry(),  # noqa: B008 - frozen
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self._http = httpx.AsyncClient(base_url=url, headers=headers, timeout=timeout_s, transport=transport)
        self._retry, self._sleep = retry, sleep

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def score(self, text: str, *, spans: bool = False, language: str | None = None) -> Scored:
        """Score a text and record nothing. Works while Steward's Redis is away. Needs the scope `score`."""
        return await self._send(calls.score(text, spans=spans, language=language))

    async def score_many(self, texts: Iterable[str], *, language: str | None = None) -> list[Scored]:
        """In the order of the texts, at most 1,000."""
        return await self._send(calls.score_many(texts, language=language))

    async def submit(self, comment: Comment) -> Judged:
        """Score, decide and record a comment. Needs the scope `comments`, as all that follows."""
        return await self._send(calls.submit(comment))

    async def submit_many(self, comments: Iterable[Comment]) -> list[Judged | Problem]:
        """In the order of the comments, at most 1,000; one that cannot be taken spoils no others."""
        return await self._send(calls.submit_many(comments))

    async def follow(self, comment_id: str, *, wait_s: float = 0) -> Judged:
        """Where a comment stands; with `wait_s` (at most 60), as soon as that is final."""
        return await self._send(calls.follow(comment_id, wait_s))

    async def report(self, comment_id: str, reader: str, reason: str = "") -> Judged:
        """A reader's flag. Each reader counts once."""
        return await self._send(calls.report(comment_id, reader, reason))

    async def appeal(self, comment_id: str, reason: str = "") -> Judged:
        """The author asks for another look."""
        return await self._send(calls.appeal(comment_id, reason))

    async def erase(self, comment_id: str) -> None:
        """Erase text, author and metadata of a comment."""
        await self._send(calls.erase(comment_id))

    async def teach(self, text: str, *, reject: bool, spam: bool = False, token: str) -> None:
        """Tell what your own moderators decided; the next model learns from it. `token`: names the comment, so that a
        later decision replaces an earlier one.
        """
        await self._send(calls.teach(text, reject=reject, spam=spam, token=token))

    async def reconcile(self, known: Mapping[str, int]) -> list[str]:
        """After a loss of Redis: those of your comments, by id with the last revision, that must be submitted again."""
        return await self._send(calls.reconcile(known))

    async def events(self, after: str | None = None, *, limit: int = 100) -> Page:
        """Changes after a place, for sites that cannot receive webhooks. Keep `next`, and go on there."""
        return await self._send(calls.events(after, limit))

    async def _send(self, call: Call[Answer]) -> Answer:
        tried = 0
        while True:
            tried += 1
            response, failure = await self._try(call)
            if not self._retry.goes_on(tried, response):
                break
            await self._sleep(self._retry.pause_s(tried, response))
        if response is None:
            raise Unreachable(str(failure)) from failure
        return calls.read(call, response)

    async def _try(self, call: Call[Answer]) -> tuple[httpx.Response | None, httpx.RequestError | None]:
        request = self._http.build_request(call.method, call.path, json=call.body, params=call.query)
        request.extensions["timeout"] = {
            name: None if limit is None else limit + call.wait_s
            for name, limit in request.extensions["timeout"].items()
        }
        try:
            return await self._http.send(request), None
        except httpx.RequestError as error:
            return None, error
