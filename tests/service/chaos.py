"""Makes whatever a loop awaits fail once, place by place, and tells whether the loop goes on."""

import asyncio
import contextlib
import sys
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from itertools import product
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from service import background
from service.background import Loop
from service.values.errors import StoreUnavailable

SERVICE = f"{Path(background.__file__).parent}/"
# The store, and the loops' own pauses, are no work of theirs.
BELOW = (f"{SERVICE}store/", f"{SERVICE}background.py")
ERRORS = (LookupError("ours"), asyncio.CancelledError(), StoreUnavailable("away"))

_loop: ContextVar[str] = ContextVar("loop", default="")
Place = tuple[str, str]  # a loop, and where in it
ANYWHERE = ""
# A place where a loop was this many times is reached again.
OFTEN = 10


class Chaos:
    """Knows every place from which a loop awaits something, how often it came there, and what is to fail."""

    def __init__(self) -> None:
        self.begun: set[str] = set()
        self.came: Counter[Place] = Counter()
        self.seams: set[str] = set()
        self.armed: dict[Place, BaseException] = {}

    def fail(self, seam: str) -> None:
        if not (name := _loop.get()):
            return
        frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - who awaits
        while frame and (not frame.f_code.co_filename.startswith(SERVICE) or _is_below(frame.f_code.co_filename)):
            frame = frame.f_back
        if frame is None:
            return  # a pause between two rounds, which test_background.py looks at
        place = name, f"{frame.f_code.co_filename.removeprefix(SERVICE)}:{frame.f_lineno}"
        self.seams.add(seam)
        self.came[place] += 1
        self.came[name, ANYWHERE] += 1
        if error := self.armed.pop(place, None):
            raise error

    def wrapped(self, seam: str, kept: Callable[..., Any]) -> Callable[..., Any]:
        async def failing(*args: Any, **more: Any) -> Any:
            self.fail(seam)
            return await kept(*args, **more)

        return failing


def _is_below(path: str) -> bool:
    return path.startswith(BELOW) and not path.endswith("store/changes.py")


def watched(monkeypatch: pytest.MonkeyPatch, seams: dict[str, tuple[Any, str]]) -> Chaos:
    chaos = Chaos()
    for seam, (owner, name) in seams.items():
        monkeypatch.setattr(owner, name, chaos.wrapped(seam, getattr(owner, name)))
    run = Loop._run  # noqa: SLF001 - every loop, whoever starts it

    async def named(loop: Loop) -> None:
        _loop.set(loop.name)
        chaos.begun.add(loop.name)
        await run(loop)

    monkeypatch.setattr(Loop, "_run", named)
    monkeypatch.setattr(background, "FIRST_PAUSE_S", 0.005)
    monkeypatch.setattr(background, "LONGEST_PAUSE_S", 0.02)
    return chaos


async def comes_to(chaos: Chaos, place: Place, error: BaseException) -> bool:
    """Let a place fail. One that a loop comes to only after a failure is reached by failures elsewhere."""
    chaos.armed[place] = error
    others = [other for other in chaos.came if other[0] == place[0] and other not in (place, (place[0], ANYWHERE))]
    ways = [(None, error), *product(others, (StoreUnavailable("away"), LookupError()))]
    for other, failing in ways * 5:  # a busy machine may take long for each
        if other is not None:
            chaos.armed[other] = failing
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5 if others else 30):
                while place in chaos.armed:
                    await asyncio.sleep(0.002)
        if other is not None:
            chaos.armed.pop(other, None)
        if place not in chaos.armed:
            chaos.came[place[0], ANYWHERE] = 0
            return True
    del chaos.armed[place]
    return False


async def until(holds: Callable[[], Any], what: object) -> None:
    try:
        async with asyncio.timeout(60):
            while not holds():
                await asyncio.sleep(0.002)
    except TimeoutError:
        raise AssertionError(what) from None


async def fail_everywhere(chaos: Chaos, loops: set[str], seams: dict[str, tuple[Any, str]], failures: Any) -> None:
    """An error of each kind at every place that one of the loops awaits something."""
    for loop in loops:
        await until(lambda loop=loop: any(name == loop for name, _ in chaos.came), f"{loop} awaits nothing")
    seen, tried, missed = set[Place](), set[Place](), list[tuple[Place, str]]()
    while todo := chaos.came.keys() - seen:
        for place in sorted(todo):
            seen.add(place)
            if place[1] == ANYWHERE:
                continue
            for error in ERRORS:
                counted = failures(place[0])
                if not await comes_to(chaos, place, error):
                    # A busy machine brings a loop to places where it seldom is.
                    if chaos.came[place] >= OFTEN:
                        missed.append((place, repr(error)))
                    break
                tried.add(place)
                await until(lambda place=place: chaos.came[place[0], ANYWHERE] > 0, f"{place} after {error!r}")
                if not isinstance(error, StoreUnavailable):
                    await until(lambda place=place, n=counted: failures(place[0]) > n, f"{place}: {error!r} uncounted")
    assert {loop for loop, _ in tried} == loops
    assert chaos.begun == loops, "a loop is not tried"
    assert chaos.seams == seams.keys(), "no loop awaits the others any more: what it awaits instead is not looked at"
    assert not missed, f"these were reached often, and not again: {missed}"
