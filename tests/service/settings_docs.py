"""Writes docs/settings.md and .env.example from the settings themselves: python tests/service/settings_docs.py"""

from pathlib import Path
from typing import Any

import msgspec

from service.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
FILES = {"docs/settings.md": "table", ".env.example": "environment"}


def table() -> str:
    lines = [
        "# Settings",
        "",
        "Steward reads its settings from the environment once, at start. It refuses to start, and names the variable,",
        "if a variable is unknown or has an invalid value.",
        "`python tests/service/settings_docs.py` generates this page from the code, and a test compares them.",
        "",
        "| variable | default | meaning |",
        "| --- | --- | --- |",
        *(f"| `{name}` | {default and f'`{default}`'} | {meaning} |" for name, default, meaning in _rows()),
        "",
        "Commands that call a running service read `STEWARD_URL` (default `http://127.0.0.1:8080`) and `STEWARD_KEY`.",
        "OpenTelemetry has variables of its own, `OTEL_*`: see [OpenTelemetry](telemetry.md).",
        "`steward train` and `steward evaluate` read `STEWARD_TRAIN_DATA` (default `../shared/data`).",
    ]
    return "\n".join(lines) + "\n"


def environment() -> str:
    blocks = [f"# {meaning}\n# {name}={default}" for name, default, meaning in _rows()]
    return (
        "# Copy to .env and uncomment what you change. docs/settings.md has the same content as a table.\n\n"
        + "\n\n".join(blocks)
        + "\n"
    )


def _rows() -> list[tuple[str, str, str]]:
    schema = msgspec.json.schema(Settings, schema_hook=lambda _: {"type": "string"})
    properties: dict[str, Any] = schema["$defs"]["Settings"]["properties"]
    return [(f"{PREFIX}{name.upper()}", _default(each), _meaning(each)) for name, each in properties.items()]


def _default(described: dict[str, Any]) -> str:
    value = described.get("default")
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _meaning(described: dict[str, Any]) -> str:
    kinds = [described, *described.get("anyOf", ())]
    return next(kind["description"] for kind in kinds if "description" in kind)


if __name__ == "__main__":
    for file, writer in FILES.items():
        (ROOT / file).write_text(globals()[writer]())
