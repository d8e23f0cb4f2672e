"""The query string: its parameters, those that are not supported, and the API key.

A key in the query string is allowed here because Perspective's clients send it. Only `key_of` reads it; no log line,
error or answer contains it.
"""

from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import parse_qsl

from service.compat.perspective import fields
from service.compat.perspective.errors import InvalidRequest


def query_of(raw: str) -> Mapping[str, str]:
    """If a name is repeated, the first value counts."""
    return _often(raw) if len(raw) <= _LONGEST_KEPT else _parsed(raw)


# Cached: a site sends the same one with every request.
_LONGEST_KEPT = 400


def _parsed(raw: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, value in parse_qsl(raw, keep_blank_values=True, errors="replace"):
        found.setdefault(name, value)
    return found


_often = lru_cache(256)(_parsed)


def check(query: Mapping[str, str]) -> None:
    """Raises InvalidRequest for an unsupported answer format. Other unknown parameters are ignored."""
    if query.get("alt", query.get("$alt")) == "proto":
        raise InvalidRequest("alt=proto is not served: ask for JSON")
    if query.get("callback"):
        raise InvalidRequest("callback is not served: a script from elsewhere is not how to ask; see CORS")
    if mask := query.get("fields"):
        fields.read(mask)


def key_of(query: Mapping[str, str], headers: Mapping[str, str]) -> str:
    """The text of the key, empty if there is none."""
    text = query.get("key") or headers.get("X-Goog-Api-Key")
    if text:
        return text.strip()
    scheme, _, text = headers.get("Authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""
