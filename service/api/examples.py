"""Examples for /openapi.json: requests with their real answers, which tests/service/api/test_examples.py writes."""

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec


@cache
def examples() -> dict[str, Any]:
    """By the name of the operation: `path`, `body` and `answer`, each where there is one."""
    found: dict[str, Any] = msgspec.json.decode(files(__package__).joinpath("examples.json").read_bytes())
    return found
