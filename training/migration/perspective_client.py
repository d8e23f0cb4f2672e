"""Fetches scores from Perspective's API while it exists: rate-limited, one text at a time, and resumable."""

import hashlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec
import numpy as np
from msgspec import Struct

from training.errors import DataUnusable, ServiceRefused
from training.migration.perspective_scores import PerspectiveScores

ADDRESS = "https://commentanalyzer.googleapis.com/v1alpha1"
TIMEOUT_S = 30.0
MAX_TEXT_BYTES = 20_480  # Perspective's own limit
# Quotas are per minute; a client that is still refused after all of these pauses has no quota.
PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 64.0)
LONGEST_PAUSE_S = 300.0
_BUSY = frozenset({429, 500, 502, 503, 504})
_REFUSED = frozenset({401, 403, 404})
# Of each line of the answers file.
_BEGINNING = b'{"text_sha256":'


class PerspectiveAnswer(Struct, frozen=True, omit_defaults=True):
    """A line of the answers file. It holds only the SHA-256 of the text. `problem`: why there are no scores."""

    text_sha256: str
    scores: dict[str, float] = {}
    problem: str = ""


class _Busy(NamedTuple):
    """There was no answer, or one that asks to retry."""

    problem: str
    retry_after_s: float


class PerspectiveClient:
    """A rate-limited client; `clock` and `sleep` are in seconds."""

    def __init__(
        self,
        client: httpx.Client,
        attributes: Sequence[str],
        per_second: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self.attributes = attributes
        self._every_s = 1 / per_second
        self._clock = clock
        self._sleep = sleep
        self._next_at = clock()

    def answer(self, text: str, language: str | None) -> PerspectiveAnswer:
        """Raises ServiceRefused if no text would be answered: a wrong key, no quota, no connection."""
        digest = digest_of(text)
        if not text.strip() or len(text.encode(errors="replace")) > MAX_TEXT_BYTES:
            return PerspectiveAnswer(digest, problem="blank or too long")
        body: dict[str, Any] = {
            "comment": {"text": text},
            "requestedAttributes": {attribute: {} for attribute in self.attributes},
            "doNotStore": True,
        }
        if language:
            body["languages"] = [language]
        response = self._asked(body)
        if response.is_success:
            return PerspectiveAnswer(digest, _scores(response))
        return PerspectiveAnswer(digest, problem=_message(response))

    def _asked(self, body: dict[str, Any]) -> httpx.Response:
        for pause_s in (*PAUSES_S, None):
            self._wait_for_turn()
            found = self._tried(body)
            if isinstance(found, httpx.Response):
                return found
            if pause_s is None:
                raise ServiceRefused(
                    f"Perspective: {found.problem}; the answers so far are saved, so run it again later"
                )
            self._sleep(min(max(pause_s, found.retry_after_s), LONGEST_PAUSE_S))
        raise AssertionError("the last pause is None")

    def _tried(self, body: dict[str, Any]) -> "httpx.Response | _Busy":
        try:
            response = self._client.post("/comments:analyze", json=body)
        except httpx.TransportError as error:
            return _Busy(f"no answer ({type(error).__name__})", 0.0)
        if response.status_code in _REFUSED or response.is_redirect:
            raise ServiceRefused(f"Perspective: {response.status_code}: {_message(response)}")
        if response.status_code in _BUSY:
            return _Busy(f"{response.status_code}: {_message(response)}", _retry_after(response))
        return response

    def _wait_for_turn(self) -> None:
        now = self._clock()
        if now < self._next_at:
            self._sleep(self._next_at - now)
        self._next_at = max(now, self._next_at) + self._every_s


@contextmanager
def connected(address: str, key: str) -> Iterator[httpx.Client]:
    """The key is sent in a header, because URLs end up in logs."""
    if not key.isascii() or not key.isprintable() or not key:
        raise ServiceRefused("the key has characters that are not allowed in a key")
    try:
        client = httpx.Client(base_url=address.rstrip("/"), headers={"X-Goog-Api-Key": key}, timeout=TIMEOUT_S)
    except httpx.InvalidURL as error:
        raise ServiceRefused(f"{address} is not an address: {error}") from error
    with client:
        yield client


def fetch_answers(
    kept: PerspectiveScores, perspective: PerspectiveClient, file: Path, advance: Callable[[int], None] = lambda _: None
) -> None:
    """Fetch the texts that `file` has no answer for; each answer is written before the next request."""
    wanted = set(perspective.attributes)
    known = {answer.text_sha256 for answer in answers(file) if answer.problem or wanted <= answer.scores.keys()}
    advance(sum(digest_of(text) in known for text in kept.texts))
    try:
        with file.open("ab") as out:
            for text, language in zip(kept.texts, kept.languages, strict=True):
                if digest_of(text) in known:
                    continue
                answer = perspective.answer(text, language)
                out.write(msgspec.json.encode(answer) + b"\n")
                out.flush()
                known.add(answer.text_sha256)
                advance(1)
    except OSError as error:
        raise DataUnusable(f"{file}: {error.strerror}") from error


def answers(file: Path) -> list[PerspectiveAnswer]:
    """The answers so far. An incomplete last line is removed from the file, if it is one of answers."""
    if not file.exists():
        return []
    raw = file.read_bytes()
    whole = raw[: raw.rfind(b"\n") + 1]
    try:
        found = [msgspec.json.decode(line, type=PerspectiveAnswer) for line in whole.splitlines()]
    except msgspec.DecodeError as error:
        raise DataUnusable(f"{file}: not a file of Perspective's answers: {error}") from error
    if len(whole) < len(raw):
        if not (found or _BEGINNING.startswith(raw[: len(_BEGINNING)])):
            raise DataUnusable(f"{file}: not a file of Perspective's answers")
        with file.open("r+b") as out:
            out.truncate(len(whole))
    return found


def with_answers(kept: PerspectiveScores, file: Path, attributes: Sequence[str]) -> PerspectiveScores:
    """The texts with their scores from the file."""
    by_text = defaultdict[str, dict[str, float]](dict)
    for answer in answers(file):  # of a later run, which asked for more attributes, there is a second one
        by_text[answer.text_sha256] |= answer.scores
    rows = [by_text.get(digest_of(text), {}) for text in kept.texts]
    scores = {name: np.array([row.get(name, np.nan) for row in rows], float) for name in attributes}
    return PerspectiveScores(kept.texts, kept.languages, scores, kept.labels)


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _scores(response: httpx.Response) -> dict[str, float]:
    try:
        found = response.json()["attributeScores"]
        return {name: float(each["summaryScore"]["value"]) for name, each in found.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ServiceRefused("the answer does not come from Perspective; is this its address?") from error


def _message(response: httpx.Response) -> str:
    try:
        return str(response.json()["error"]["message"])[:300]
    except (ValueError, KeyError, TypeError):
        return response.reason_phrase


def _retry_after(response: httpx.Response) -> float:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else 0.0
