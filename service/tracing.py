"""Where the time of a request goes, for OpenTelemetry. Off unless service/process/telemetry.py turns it on.

What is traced asks `active` first: without OpenTelemetry that is None, and costs one comparison.
"""

from collections.abc import Callable, Mapping, MutableMapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

Value = str | int


class Span(Protocol):
    """A timed piece of work."""

    def note(self, name: str, value: Value) -> None: ...

    def failed(self, because: str) -> None:
        """`because`: a word of ours. An error's own message may quote a reader."""


class Tracer(Protocol):
    """No attribute holds what a user wrote."""

    def request(self, attributes: Mapping[str, Value], headers: Mapping[str, str]) -> AbstractContextManager[Span]:
        """A request from outside; `headers` may name the trace that it belongs to."""

    def step(self, name: str, attributes: Mapping[str, Value]) -> AbstractContextManager[Span | None]:
        """A part of the current request. Outside of requests nothing: loops would fill the traces with their looks."""

    def begun(self, name: str, attributes: Mapping[str, Value]) -> Callable[[], None]:
        """The same for what ends elsewhere. Returns what ends it."""

    def delivery(
        self, name: str, attributes: Mapping[str, Value], headers: MutableMapping[str, str]
    ) -> AbstractContextManager[Span]:
        """A request of ours, and a trace of its own; its id is added to `headers`."""

    def ids(self) -> tuple[str, str]:
        """The ids of the current trace and span in hexadecimal digits; empty outside of a trace."""


active: Tracer | None = None


class _NoSpan:
    def note(self, name: str, value: Value) -> None: ...

    def failed(self, because: str) -> None: ...


_NOTHING = nullcontext(_NoSpan())


def step(name: str, **attributes: Value) -> AbstractContextManager[Span | None]:
    """As `Tracer.step`, where the work is long enough to hide what a context manager costs."""
    return _NOTHING if active is None else active.step(name, attributes)


def delivery(
    name: str, attributes: Mapping[str, Value], headers: MutableMapping[str, str]
) -> AbstractContextManager[Span]:
    return _NOTHING if active is None else active.delivery(name, attributes, headers)
