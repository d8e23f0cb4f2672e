"""The parameter `fields`: selects parts of an answer (Google's partial responses)."""

import re
from typing import Any

from service.compat.perspective.errors import InvalidRequest, said_back

_TOKEN = re.compile(r"[A-Za-z0-9_@-]+|[*,/.()]")
MOST_NESTED = 10

# A mask: the selection below each name, None for everything.
_Mask = dict[str, "Any"]

_SCORE = {"value": None, "type": None}
_SCORES = {"summaryScore": _SCORE, "spanScores": {"begin": None, "end": None, "score": _SCORE}}
# The fields that answers may have; "*" stands for names chosen by the caller.
_SHAPE: dict[str, Any] = {
    "attributeScores": {"*": _SCORES},
    **dict.fromkeys(("languages", "detectedLanguages", "requestedLanguages", "clientToken")),
}


def selected(answer: dict[str, Any], mask: str) -> dict[str, Any]:
    found: dict[str, Any] = _only(answer, read(mask))
    return found


def read(mask: str) -> _Mask:
    """Raises InvalidRequest if the mask cannot be parsed or names an unknown field."""
    tokens = _TOKEN.findall(mask)
    if "".join(tokens) != re.sub(r"\s", "", mask):
        raise _refused(mask)
    wanted, rest = _list(tokens, mask, 0)
    if rest:
        raise _refused(mask)
    _check(wanted, _SHAPE)
    return wanted


def _refused(what: str) -> InvalidRequest:
    return InvalidRequest(f"Invalid field selection {said_back(what)}")


def _list(tokens: list[str], mask: str, depth: int) -> tuple[_Mask, list[str]]:
    """Parse selections separated by commas. Also returns the rest."""
    found: _Mask = {}
    while True:
        tokens = _path(tokens, found, mask, depth)
        if not tokens or tokens[0] != ",":
            return found, tokens
        tokens = tokens[1:]


def _path(tokens: list[str], into: _Mask, mask: str, depth: int) -> list[str]:
    """Parse one selection: names separated by slashes or full stops, with an optional list in brackets at the end."""
    if depth > MOST_NESTED or not tokens or not (tokens[0] == "*" or tokens[0][0].isalnum() or tokens[0][0] == "_"):
        raise _refused(mask)
    name, rest = _camel(tokens[0]), tokens[1:]
    below: _Mask = {}
    if rest and rest[0] in {"/", "."}:
        rest = _path(rest[1:], below, mask, depth + 1)
    elif rest and rest[0] == "(":
        below, rest = _list(rest[1:], mask, depth + 1)
        if not rest or rest[0] != ")":
            raise _refused(mask)
        rest = rest[1:]
    into[name] = _joined(into[name], below or None) if name in into else below or None
    return rest


def _camel(name: str) -> str:
    if name != name.lower():  # an attribute, or a name already in camel case
        return name
    head, *rest = name.split("_")
    return head + "".join(map(str.capitalize, rest))


def _joined(one: _Mask | None, other: _Mask | None) -> _Mask | None:
    if one is None or other is None:
        return None
    return one | {name: _joined(one[name], below) if name in one else below for name, below in other.items()}


def _check(mask: _Mask, shape: dict[str, Any]) -> None:
    for name, below in mask.items():
        if name not in shape and name != "*" and "*" not in shape:
            raise _refused(name)
        inner = [shape.get(name, shape.get("*"))] if name != "*" else list(shape.values())
        if below is not None and not any(isinstance(each, dict) for each in inner):
            raise _refused("/".join([name, *below]))
        if below is not None and name != "*" and isinstance(inner[0], dict):
            _check(below, inner[0])


def _only(value: Any, mask: _Mask | None) -> Any:  # noqa: ANN401 - JSON
    if mask is None:
        return value
    if isinstance(value, list):
        return [_only(each, mask) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _only(inner, mask.get(name, mask.get("*")))
        for name, inner in value.items()
        if name in mask or "*" in mask
    }
