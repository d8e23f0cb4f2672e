"""The JSON Schema of a statement for the transparency database, and a check against it.

Only the keywords that the schema uses are known; tests/service/values/test_dsa.py compares with the library jsonschema,
which serving does not need.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

_TYPES: Mapping[str, type] = {"object": dict, "array": list, "string": str}


@cache
def schema() -> dict[str, Any]:
    raw = files("service.values").joinpath("statement.schema.json").read_bytes()
    found: dict[str, Any] = msgspec.json.decode(raw)
    return found


def categories() -> frozenset[str]:
    return frozenset(schema()["properties"]["category"]["enum"])


def problems(value: Any, rules: Mapping[str, Any], at: str = "") -> Iterator[str]:  # noqa: ANN401 - any JSON
    """What does not fit: where, and why."""
    if "type" in rules and not isinstance(value, _TYPES[rules["type"]]):
        yield f"{at or '/'}: must be of the type {rules['type']}"
        return
    if "enum" in rules and value not in rules["enum"]:
        yield f"{at or '/'}: not one of the listed values"
    if isinstance(value, str):
        yield from _of_text(value, rules, at)
    if isinstance(value, list):
        yield from _of_list(value, rules, at)
    if isinstance(value, dict):
        yield from _of_object(value, rules, at)
    for part in rules.get("allOf", ()):
        branch = "else" if any(problems(value, part["if"], at)) else "then"
        yield from problems(value, part[branch], at)


def _of_text(value: str, rules: Mapping[str, Any], at: str) -> Iterator[str]:
    if not rules.get("minLength", 0) <= len(value) <= rules.get("maxLength", len(value)):
        yield f"{at}: too short or too long"
    if "pattern" in rules and not re.search(rules["pattern"].replace("$", r"\Z"), value):
        yield f"{at}: does not match {rules['pattern']}"


def _of_list(value: list[Any], rules: Mapping[str, Any], at: str) -> Iterator[str]:
    if len(value) < rules.get("minItems", 0):
        yield f"{at}: too few items"
    if rules.get("uniqueItems") and len({msgspec.json.encode(each) for each in value}) < len(value):
        yield f"{at}: has duplicates"
    for number, each in enumerate(value):
        yield from problems(each, rules.get("items", {}), f"{at}/{number}")


def _of_object(value: dict[str, Any], rules: Mapping[str, Any], at: str) -> Iterator[str]:
    known: Mapping[str, Any] = rules.get("properties", {})
    for name in rules.get("required", ()):
        if name not in value:
            yield f"{at}/{name}: is missing"
    for name, each in value.items():
        if name in known:
            yield from problems(each, known[name], f"{at}/{name}")
        elif rules.get("additionalProperties") is False:
            yield f"{at}/{name}: is not known"
