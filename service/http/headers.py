"""Checks header values: aiohttp passes on bytes that are not valid text."""

import re

from aiohttp import web

# Our own cookies hold only these characters; others are ignored.
_VALUE = re.compile(r"[\x21-\x7e]{1,4096}")


def cookie(request: web.Request, name: str) -> str:
    """The value of a cookie; empty if it is missing or cannot be ours."""
    value = request.cookies.get(name, "")
    return value if _VALUE.fullmatch(value) else ""
