"""What a client writes into its headers, checked where it enters: aiohttp passes on bytes that are no text."""

import re

from aiohttp import web

# Cookies of ours hold nothing else, and those of others are none of our business.
_VALUE = re.compile(r"[\x21-\x7e]{1,4096}")


def cookie(request: web.Request, name: str) -> str:
    """The value of a cookie, empty for one that cannot be ours."""
    value = request.cookies.get(name, "")
    return value if _VALUE.fullmatch(value) else ""
