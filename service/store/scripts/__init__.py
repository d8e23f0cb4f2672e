"""The Lua scripts, one per operation, each with the shared prelude before it."""

import hashlib
from functools import cache
from importlib.resources import files
from typing import NamedTuple


class Script(NamedTuple):
    name: str
    source: str
    sha: str


@cache
def script(name: str) -> Script:
    folder = files(__name__)
    source = folder.joinpath("prelude.lua").read_text() + folder.joinpath(f"{name}.lua").read_text()
    # Redis names a script by its SHA-1; nothing is secured by it.
    return Script(name, source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())
