"""OpenTelemetry, on only if OTEL_* variables ask for it (docs/telemetry.md).

A fault in these variables, or a missing package, is one line in the log: the service runs without it.
"""

import contextlib
import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Literal
from urllib.parse import urlsplit

from service import tracing
from service.values.networks import has_host

log = logging.getLogger(__name__)

Signal = Literal["traces", "metrics"]

PROTOCOL = "http/protobuf"
# A receiver that is away delays the end of the process by no more.
FLUSH_S = 3.0
LAST_THREAD = "telemetry-end"

_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_OF_HTTP = re.compile(r"https?://[^\s/]+")


class _Unusable(Exception):
    """A variable that Steward cannot follow; the message names it."""


@contextlib.contextmanager
def exporting(environ: Mapping[str, str]) -> Iterator[None]:
    """Send traces and metrics for as long as the process serves, if `environ` asks for it."""
    stop = _started(environ)
    try:
        yield
    finally:
        if stop is not None:
            tracing.active = None
            # What waits is sent now, but the process does not wait long for a receiver that is away.
            last = threading.Thread(target=stop, name=LAST_THREAD, daemon=True)
            last.start()
            last.join(FLUSH_S)


def wanted(environ: Mapping[str, str]) -> dict[Signal, str]:
    """What to send and to where, as OpenTelemetry's specification reads the variables. Raises `_Unusable`."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return {}
    found = {name: _endpoint(environ, name) for name in SIGNALS}
    return {name: url for name, url in found.items() if url is not None}


SIGNALS: tuple[Signal, ...] = ("traces", "metrics")


def _endpoint(environ: Mapping[str, str], signal: Signal) -> str | None:
    """None: not wanted."""
    name = signal.upper()
    exporter = environ.get(f"OTEL_{name}_EXPORTER", "").strip().lower()
    of_signal = f"OTEL_EXPORTER_OTLP_{name}_ENDPOINT"
    variable = of_signal if environ.get(of_signal) else _ENDPOINT
    given = environ.get(variable, "").strip()
    if exporter == "none" or not (given or exporter):
        return None
    if exporter not in ("", "otlp"):
        raise _Unusable(f"OTEL_{name}_EXPORTER is {exporter}; Steward knows otlp and none")
    protocol = environ.get(f"OTEL_EXPORTER_OTLP_{name}_PROTOCOL") or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    if protocol and protocol != PROTOCOL:
        raise _Unusable(f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol}; Steward speaks {PROTOCOL}, mostly on port 4318")
    if given:
        _check_address(variable, given)
    return given or "http://localhost:4318"


def _check_address(variable: str, given: str) -> None:
    if not _OF_HTTP.match(given):
        raise _Unusable(f"{variable} must begin with http:// or https://")
    if not has_host(given):
        raise _Unusable(f"{variable} has no valid host and port")


def _started(environ: Mapping[str, str]) -> Callable[[], None] | None:
    """Begin, and return what ends it. None: not wanted, or not possible, and the log says why."""
    try:
        signals = wanted(environ)
        if not signals:
            return None
        from service.process.otlp import Exporters  # noqa: PLC0415 - an extra, and slow to import

        exporters = Exporters(signals.keys())
    except _Unusable as error:
        log.warning("OpenTelemetry is off: %s", error)
        return None
    except ModuleNotFoundError as error:
        log.warning(
            "OpenTelemetry is off: OTEL_* variables ask for it, but the package %s is missing; "
            "pip install 'comment-steward[otel]'",
            error.name,
        )
        return None
    except ValueError as error:  # from OpenTelemetry itself, for a value of a variable
        log.warning("OpenTelemetry is off: %s", error)
        return None
    tracing.active = exporters.tracer
    said = ", ".join(f"{name} to {urlsplit(url).hostname}" for name, url in signals.items())
    log.info("OpenTelemetry: sending %s", said)
    return exporters.stop
