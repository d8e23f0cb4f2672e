"""The demonstration: a news article and a heated thread of comments, both written for this project."""

from importlib.resources import files
from typing import Any

import msgspec
from msgspec import Struct


class Thread(Struct, frozen=True):
    """`expected` in a comment is the decision that we wrote it for: approve, review or reject."""

    article: dict[str, str]
    comments: list[dict[str, Any]]


def load_thread() -> Thread:
    return msgspec.json.decode(files(__name__).joinpath("thread.json").read_bytes(), type=Thread)
