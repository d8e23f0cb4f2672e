"""A news story and the kind of thread that runs hot under it, written for this project."""

from importlib.resources import files
from typing import Any

import msgspec
from msgspec import Struct


class Thread(Struct, frozen=True):
    """`expected` in a comment is what its author had in mind: approve, review or reject."""

    article: dict[str, str]
    comments: list[dict[str, Any]]


def thread() -> Thread:
    return msgspec.json.decode(files(__name__).joinpath("thread.json").read_bytes(), type=Thread)
