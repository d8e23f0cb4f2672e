"""The log: one line for each event, as text for people or as JSON for a log collector."""

import logging
from datetime import UTC, datetime

import msgspec

from service import tracing
from service.settings import Settings
from service.values import access, request_id


class MaskedFormatter(logging.Formatter):
    """Masks API keys in all log lines."""

    def format(self, record: logging.LogRecord) -> str:
        return access.masked(super().format(record))


class TextFormatter(MaskedFormatter):
    """Time, level, part and message; then the request that it belongs to."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        said = super().formatMessage(record)
        asked = request_id.current()
        return f"{said} [request {asked}]" if asked else said


class JsonFormatter(MaskedFormatter):
    """One object on a line: time, level, logger, message, and where they exist request, trace, span and error."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if asked := request_id.current():
            line["request"] = asked
        if tracing.active is not None and any(ids := tracing.active.ids()):
            line["trace"], line["span"] = ids
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return access.masked(msgspec.json.encode(line).decode())


def configure_logging(settings: Settings) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if settings.log == "json" else TextFormatter())
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log a line for each request of ours
