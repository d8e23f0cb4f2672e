"""What asks for a score in one turn of the event loop is scored in one go."""

import asyncio
from collections import deque
from functools import cached_property
from typing import NamedTuple

import classifier

# A millisecond or two; then whatever else is due has its turn.
AT_ONCE = 64


class _Asked(NamedTuple):
    model: classifier.Model
    text: str
    language: str
    answer: "asyncio.Future[classifier.Assessment]"


class Turn:
    """Scoring reads far more memory than a processor keeps close by, and so does answering requests.

    Taking turns with each request they would push each other out, which costs under load a sixth of all time.
    """

    def __init__(self) -> None:
        self._waiting: deque[_Asked] = deque()

    def assess(self, model: classifier.Model, text: str, language: str) -> "asyncio.Future[classifier.Assessment]":
        """What `model.assess` gives, at the end of this turn."""
        answer: asyncio.Future[classifier.Assessment] = self._loop.create_future()
        if not self._waiting:
            self._loop.call_soon(self._score)
        self._waiting.append(_Asked(model, text, language, answer))
        return answer

    def _score(self) -> None:
        for _ in range(min(AT_ONCE, len(self._waiting))):
            model, text, language, answer = self._waiting.popleft()
            if answer.done():  # its request was cancelled meanwhile
                continue
            try:
                found = model.assess(text, language=language)
            except Exception as error:  # noqa: BLE001 - whoever asked gets it, and nobody else
                answer.set_exception(error)
            else:
                answer.set_result(found)
        if self._waiting:
            self._loop.call_soon(self._score)

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        """Asked for once: before Python 3.12 each question is a system call."""
        return asyncio.get_running_loop()
