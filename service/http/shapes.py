"""Bodies that do not fit their type: ignores empty optional fields, and describes in words what is wrong."""

import difflib
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from msgspec.inspect import (
    CollectionType,
    DictType,
    EnumType,
    LiteralType,
    Metadata,
    StructType,
    UnionType,
    type_info,
)

from service.values.domain import LEFT_OUT, WORDS
from service.values.errors import Fault

# From msgspec's names of types to words for people.
_KINDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "null",
    "array": "a list",
    "object": "an object",
    # Of the field that tells the types of a union apart, msgspec gives Python's names.
    "list": "a list",
    "dict": "an object",
    "NoneType": "null",
    "datetime": "a date and time such as 2026-11-23T10:00:00Z",
    "date": "a day such as 2026-11-23",
}
_COUNTED = {"str": "characters", "array": "items", "object": "entries"}

# How msgspec writes an entry of a map.
_ENTRY = "[...]"
_FIELD = re.compile(r"^Object (missing required|contains unknown) field `(.*)`$", re.DOTALL)
_PLACE = re.compile(r" - at `(key` in `)?\$([^`]*)`$")
_COMPARED = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than"}
_OTHERS = {
    "Invalid RFC3339 encoded datetime": f"must be {_KINDS['datetime']}",
    "Invalid RFC3339 encoded date": f"must be {_KINDS['date']}",
    "Expected `datetime` with a timezone component": "must say its time zone, as in 2026-11-23T10:00:00Z",
}
_NO_FORM = "has a form that is not accepted"


def without_empties(value: Any, kind: Any) -> Any:  # noqa: ANN401 - any JSON, any type
    """`value` without empty optional fields: null, a blank text, [] or {}, and LEFT_OUT ones that cannot be read.

    Some languages encode an empty map as [], and forms send fields that were left blank as "".
    """
    return _pruned(value, _described(kind))


def fault_of(message: str, at: str, kind: Any, value: Any = None) -> Fault:  # noqa: ANN401 - any type, any JSON
    """Msgspec's "Expected `str`, got `int` - at `$.author.id`" in words, with the JSON Pointer "/author/id" below `at`.

    `kind`: the expected type, which holds the description of a pattern. `value`: what was converted, in which the entry
    of a map is found, as msgspec does not name it; None: the pointer leads to the map.
    """
    detail, path, is_key = _parted(message)
    steps, rest = _named(path, is_key, kind, value)
    lacking = _FIELD.match(detail)
    if lacking:
        place = _at(_described(kind), [*steps, *rest])
        said = "required" if lacking[1] == "missing required" else _unknown(lacking[2], place)
        return Fault(pointer(at, *steps, lacking[2]), said)
    return Fault(pointer(at, *steps), _in_words(detail, list(_at(_described(kind), [*steps, *rest], is_key=is_key))))


def _parted(message: str) -> tuple[str, str, bool]:
    """What is wrong, msgspec's path to it, and whether it is the name of an entry of the map there."""
    found = _PLACE.search(message)
    return (message[: found.start()], found[2], bool(found[1])) if found else (message, "", False)


def _named(path: str, is_key: bool, kind: Any, value: Any) -> tuple[list[str], list[str]]:  # noqa: ANN401 - as above
    """The steps to the fault as far as they are known, and those behind an entry that was not found."""
    parts = [*path.split(_ENTRY), *([""] if is_key else [])]
    steps, passed = _steps(parts[0]), parts[0]
    for number, part in enumerate(parts[1:], 1):
        entry = _wrong_entry(steps, passed, kind, value)
        if entry is None:
            return steps, [step for each in parts[number:] for step in ("", *_steps(each))]
        # Faults in other entries have the same path.
        value = _replaced(value, steps, {entry: _inside(value, [*steps, entry])})
        steps, passed = [*steps, entry, *_steps(part)], f"{passed}{_ENTRY}{part}"
    return steps, []


def _wrong_entry(steps: Sequence[str], path: str, kind: Any, value: Any) -> str | None:  # noqa: ANN401 - as above
    """The first wrong entry of the map at this place. `path`: msgspec's.

    Entries are converted in order, so the wrong one ends the shortest part of the map that is refused. Found by
    bisection, so that a map with many entries takes few conversions.
    """
    entries = _inside(value, steps)
    if not isinstance(entries, dict):
        return None
    names = list(entries)

    def is_refused(count: int) -> bool:
        try:
            msgspec.convert(_replaced(value, steps, {name: entries[name] for name in names[:count]}), kind)
        except msgspec.ValidationError as error:
            _, place, is_key = _parted(str(error))
            return place.startswith(f"{path}{_ENTRY}") or (is_key and place == path)
        return False

    last = bisect_left(range(len(names) + 1), 1, key=is_refused)
    return names[last - 1] if 0 < last <= len(names) else None


def _inside(value: Any, steps: Sequence[str]) -> Any:  # noqa: ANN401 - any JSON
    """None: there is no such place."""
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _replaced(value: Any, steps: Sequence[str], inner: Any) -> Any:  # noqa: ANN401 - any JSON
    """A copy of `value` with `inner` at this place, which exists; what is beside the way there is shared."""
    if not steps:
        return inner
    step, *rest = steps
    if isinstance(value, dict):
        return value | {step: _replaced(value[step], rest, inner)}
    at = int(step)
    return [*value[:at], _replaced(value[at], rest, inner), *value[at + 1 :]]


def _unknown(name: str, kinds: Iterable[Any]) -> str:
    """With the field that was probably meant."""
    known = [field.encode_name for each in kinds if isinstance(each, StructType) for field in each.fields]
    near = difflib.get_close_matches(name, known, n=1)
    return f"unknown field; did you mean {near[0]}?" if near else "unknown field"


def _steps(path: str) -> list[str]:
    return [step for step in re.split(r"[.\[\]]+", path) if step]


def pointer(at: str, *steps: str) -> str:
    """The JSON Pointer `at` extended by `steps` (RFC 6901)."""
    return at + "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


def _in_words(detail: str, kinds: Sequence[Any]) -> str:
    if detail.startswith("Expected `str` matching regex"):
        return next((words for each in kinds if (words := _words(each))), _NO_FORM)
    if detail.startswith("Invalid enum value"):
        chosen = [str(value) for each in kinds for value in _values(each)]
        return f"must be one of {', '.join(chosen)}" if chosen else _NO_FORM
    for pattern, told in _TOLD:
        if said := pattern.match(detail):
            return told(said)
    return _OTHERS.get(detail, detail)


def _kinds(names: str) -> str:
    return " or ".join(_KINDS.get(name, name) for name in names.split(" | "))


_TOLD: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (
        re.compile(r"^Expected `([^`]*)`, got `([^`]*)`$"),
        lambda said: f"must be {_kinds(said[1])}, not {_kinds(said[2])}",
    ),
    (
        re.compile(r"^Expected `(str|array|object)` of length (>=|<=) (\d+)$"),
        lambda said: (
            "must not be empty"
            if (said[2], said[3]) == (">=", "1")
            else f"must have {_COMPARED[said[2]]} {said[3]} {_COUNTED[said[1]]}"
        ),
    ),
    (
        re.compile(r"^Expected `array` of length (\d+), got (\d+)$"),
        lambda said: f"must have {said[1]} items, not {said[2]}",
    ),
    (
        re.compile(r"^Expected `(?:int|float)` (>=|<=|>|<) (\S+)$"),
        lambda said: f"must be {_COMPARED[said[1]]} {said[2].removesuffix('.0')}",
    ),
)


@cache
def _described(kind: Any) -> Any:  # noqa: ANN401 - of any type: what msgspec describes
    return type_info(kind)


def _pruned(value: Any, described: Any) -> Any:  # noqa: ANN401 - of any type: what msgspec describes
    for each in _choices(described):
        if isinstance(each, StructType) and isinstance(value, dict):
            fields = {field.encode_name: field for field in each.fields}
            return {
                name: _pruned(inner, fields[name].type) if name in fields else inner
                for name, inner in value.items()
                if not (name in fields and not fields[name].required and _is_empty(inner, fields[name].type))
            }
        if isinstance(each, DictType) and isinstance(value, dict):
            return {name: _pruned(inner, each.value_type) for name, inner in value.items()}
        if isinstance(each, CollectionType) and isinstance(value, list):
            return [_pruned(inner, each.item_type) for inner in value]
    return value


def _is_empty(value: Any, described: Any) -> bool:  # noqa: ANN401 - of any type: what msgspec describes
    """Whether `value` counts as empty. An empty list does not where a list is expected; the same holds for objects."""
    if isinstance(value, list):
        return not value and not any(isinstance(each, CollectionType) for each in _choices(described))
    if isinstance(value, dict):
        return not value and not any(isinstance(each, (DictType, StructType)) for each in _choices(described))
    if isinstance(value, str):
        return not value.strip() or (_is_left_out(described) and not _is_time(value))
    return value is None


def _is_left_out(described: Any) -> bool:  # noqa: ANN401 - of any type: what msgspec describes
    """Whether a field of this type is left out where its text cannot be read."""
    if isinstance(described, UnionType):
        return any(map(_is_left_out, described.types))
    return isinstance(described, Metadata) and bool((described.extra or {}).get(LEFT_OUT))


def _is_time(text: str) -> bool:
    try:
        msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        return False
    return True


def _at(described: Any, steps: Sequence[str], *, is_key: bool = False) -> Iterator[Any]:  # noqa: ANN401 - of any type: what msgspec describes
    """The types that a value at this path may have; with `is_key`, its name in the map there."""
    if not steps:
        yield described
        return
    step, *rest = steps
    for each in _choices(described):
        if isinstance(each, StructType):
            for field in each.fields:
                if field.encode_name == step:
                    yield from _at(field.type, rest, is_key=is_key)
        elif isinstance(each, DictType):
            yield from _at(each.key_type if is_key and not rest else each.value_type, rest, is_key=is_key)
        elif isinstance(each, CollectionType):
            yield from _at(each.item_type, rest, is_key=is_key)


def _choices(described: Any) -> Iterator[Any]:  # noqa: ANN401 - of any type: what msgspec describes
    """Each type of a union, without metadata."""
    if isinstance(described, UnionType):
        for each in described.types:
            yield from _choices(each)
    elif isinstance(described, Metadata):
        yield from _choices(described.type)
    else:
        yield described


def _words(described: Any) -> str:  # noqa: ANN401 - of any type: what msgspec describes
    if isinstance(described, UnionType):
        return next((words for each in described.types if (words := _words(each))), "")
    if isinstance(described, Metadata):
        return str((described.extra or {}).get(WORDS, "")) or _words(described.type)
    return ""


def _values(described: Any) -> Iterator[Any]:  # noqa: ANN401 - of any type: what msgspec describes
    for each in _choices(described):
        if isinstance(each, EnumType):
            yield from (member.value for member in each.cls)
        elif isinstance(each, LiteralType):
            yield from each.values
