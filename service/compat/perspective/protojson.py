"""Parses JSON messages like Google's front end: names in two spellings, null for absent, numbers as strings.

msgspec alone decodes most bodies (bodies.at_once). Bodies that it rejects, or would decode differently, are parsed
here, with the front end's error messages.
"""

import math
import re
import types
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from service.compat.perspective.errors import Malformed, said_back
from service.compat.perspective.messages import Enum, ProtoMessage
from service.http import bodies
from service.values.errors import BadRequest

Kind = TypeVar("Kind", bound=ProtoMessage)
_Found = list[tuple[str, str]]
# The value, its path, and the faults found so far.
_Read = Callable[[Any, str, _Found], Any]

INVALID = "Invalid JSON payload received."
_NUMBER = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,4})?")
_INT32 = 2**31


def read(raw: bytes, kind: type[Kind]) -> Kind:
    """An empty body is an empty message. Raises Malformed."""
    found = bodies.at_once(raw, kind)
    return _slowly(raw, kind) if found is None else found


def _slowly(raw: bytes, kind: type[Kind]) -> Kind:
    try:
        value = bodies.parse(bodies.decoded(raw)) if raw.strip() else {}
    except BadRequest as error:
        said = str(error).removeprefix("not valid JSON: ")
        raise Malformed([("", f"{INVALID} {said[:1].upper()}{said[1:]}")]) from error
    if not isinstance(value, dict):
        raise Malformed([("", f'{INVALID} Unknown name "": Root element must be a message.')])
    wrong: _Found = []
    message: Kind = _message(kind)(value, "", wrong)
    if wrong:
        raise Malformed(wrong)
    return message


@cache
def _message(kind: type[ProtoMessage]) -> _Read:
    readers: dict[str, tuple[str, _Read]] = {}
    for field in msgspec.structs.fields(kind):
        reader = _reader(get_type_hints(kind, include_extras=True)[field.name])
        readers[field.name] = readers[field.encode_name] = field.name, reader

    def read_message(value: Any, at: str, wrong: _Found) -> Any:  # noqa: ANN401 - any JSON
        if not isinstance(value, dict):
            return _refused(at, kind.__name__, wrong)
        given: dict[str, Any] = {}
        for name, inner in value.items():
            field, reader = readers.get(name, ("", None))
            where = f"{at}.{field}" if at else field
            if reader is None:
                place = f" at '{at}'" if at else ""
                wrong.append((at, f'{INVALID} Unknown name "{said_back(name)}"{place}: Cannot find field.'))
            elif field in given:
                wrong.append((where, f"{INVALID} Field '{where}' stands twice."))
            elif inner is not None:
                given[field] = reader(inner, where, wrong)
        return kind(**given)

    return read_message


def _reader(hint: Any) -> _Read:  # noqa: ANN401 - a type
    """The parser for a field of type `X | None`."""
    if hint == Enum | None:
        return _enum
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(each for each in get_args(hint) if each is not type(None))
    if get_origin(hint) is list:
        return _list(_reader(get_args(hint)[0]))
    if get_origin(hint) is dict:
        return _map(_message(get_args(hint)[1]))
    return _SCALARS[hint] if hint in _SCALARS else _message(hint)


def _list(each: _Read) -> _Read:
    def read_list(value: Any, at: str, wrong: _Found) -> Any:  # noqa: ANN401 - decoded JSON
        # A single value stands for a list of one.
        values = value if isinstance(value, list) else [value]
        return [each(inner, f"{at}[{place}]", wrong) for place, inner in enumerate(values)]

    return read_list


def _map(each: _Read) -> _Read:
    def read_map(value: Any, at: str, wrong: _Found) -> Any:  # noqa: ANN401 - decoded JSON
        if not isinstance(value, dict):
            return _refused(at, "map", wrong)
        entries = enumerate(value.items())
        return {
            name: each({} if inner is None else inner, f"{at}[{place}].value", wrong)
            for place, (name, inner) in entries
        }

    return read_map


def _refused(at: str, kind: str, wrong: _Found) -> None:
    # Google quotes the value too; here it may be a reader's text.
    wrong.append((at, f"Invalid value at '{at}' ({kind})"))


def _text(value: Any, at: str, wrong: _Found) -> Any:  # noqa: ANN401 - decoded JSON
    return value if isinstance(value, str) else _refused(at, "TYPE_STRING", wrong)


def _flag(value: Any, at: str, wrong: _Found) -> Any:  # noqa: ANN401 - decoded JSON
    return value if isinstance(value, bool) else _refused(at, "TYPE_BOOL", wrong)


def _number(value: Any, at: str, wrong: _Found) -> Any:  # noqa: ANN401 - decoded JSON
    number = _finite(value)
    return _refused(at, "TYPE_FLOAT", wrong) if number is None else number


def _whole(value: Any, at: str, wrong: _Found) -> Any:  # noqa: ANN401 - decoded JSON
    number = _finite(value)
    if number is None or not number.is_integer() or not -_INT32 <= number < _INT32:
        return _refused(at, "TYPE_INT32", wrong)
    return int(number)


def _enum(value: Any, at: str, wrong: _Found) -> Any:  # noqa: ANN401 - decoded JSON
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    return _refused(at, "TYPE_ENUM", wrong)


def _finite(value: Any) -> float | None:  # noqa: ANN401 - decoded JSON
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


_SCALARS: dict[Any, _Read] = {str: _text, bool: _flag, float: _number, int: _whole}
