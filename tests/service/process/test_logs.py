"""The two forms of the log, and the lines that an operator looks for."""

import json
import logging
import sys
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

import pytest

from service.process.logs import JsonFormatter, TextFormatter
from service.redis.contact import Contact
from service.values import request_id


def record(message: str, *args: Any, error: bool = False) -> logging.LogRecord:
    info = sys.exc_info() if error else None
    return logging.LogRecord("service.x", logging.WARNING, __file__, 1, message, args, info)


def in_request(name: str, work: Callable[[], str]) -> str:
    """In a context of its own: tests that follow are in no request."""

    def begun() -> str:
        request_id.begin(name)
        return work()

    return copy_context().run(begun)


def test_a_line_of_json_holds_time_level_part_message_and_request() -> None:
    said = in_request("r-1", lambda: JsonFormatter().format(record("two\nlines of %s", "text")))
    assert "\n" not in said
    line = json.loads(said)
    assert line.pop("time").endswith("+00:00")
    assert line == {"level": "warning", "logger": "service.x", "message": "two\nlines of text", "request": "r-1"}


def test_a_line_of_json_holds_the_traceback_and_no_key() -> None:
    key = f"cmk_live_abcdefgh_{'s' * 43}_{'c' * 6}"
    try:
        int(key)
    except ValueError:
        line = json.loads(JsonFormatter().format(record("it failed", error=True)))
    assert "ValueError" in line["error"]
    assert "s" * 43 not in line["error"]


def test_a_line_of_text_names_its_request() -> None:
    said = in_request("r-2", lambda: TextFormatter().format(record("said")))
    assert said.endswith("WARNING service.x said [request r-2]")


def test_an_outage_of_redis_is_one_line_and_its_end_another(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    contact = Contact("redis.example.org:6379")
    for _ in range(3):
        contact.lost(ConnectionRefusedError())
    for _ in range(3):
        contact.found()
    lost, found = (each.getMessage() for each in caplog.records)
    assert lost.startswith("Redis at redis.example.org:6379: Redis cannot be reached: ConnectionRefusedError")
    assert found.startswith("Redis at redis.example.org:6379 answers again after ")
