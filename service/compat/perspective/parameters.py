"""The query string: what is in it, what is not served, and the key, wherever it is.

A key in a query string is allowed here because Perspective's clients send it. It goes no further than `key_of`: no log
line, error or answer holds it.
"""

from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import parse_qsl

from service.compat.perspective import fields
from service.compat.perspective.errors import InvalidRequest


def query_of(raw: str) -> Mapping[str, str]:
    """Of names that stand twice the first counts."""
    return _often(raw) if len(raw) <= _LONGEST_KEPT else _parsed(raw)


# A site sends the same one with every request.
_LONGEST_KEPT = 400


def _parsed(raw: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, value in parse_qsl(raw, keep_blank_values=True, errors="replace"):
        found.setdefault(name, value)
    return found


_often = lru_cache(256)(_parsed)


def check(query: Mapping[str, str]) -> None:
    """Raises InvalidRequest for a form of answer that is not served. What else is not known is ignored."""
    if query.get("alt", query.get("$alt")) == "proto":
        raise InvalidRequest("alt=proto is not served: ask for JSON")
    if query.get("callback"):
        raise InvalidRequest("callback is not served: a script from elsewhere is not how to ask; see CORS")
    if mask := query.get("fields"):
        fields.read(mask)


def key_of(query: Mapping[str, str], headers: Mapping[str, str]) -> str:
    """The text of the key, empty where there is none."""
    text = query.get("key") or headers.get("X-Goog-Api-Key")
    if text:
        return text.strip()
    scheme, _, text = headers.get("Authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""
