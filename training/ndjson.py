"""Lines of JSON objects, read as the service reads a body: lone surrogates become U+FFFD, duplicate keys are errors."""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from training.errors import DataUnusable
from training.text_files import FileOptions, encoding_of, lines_of

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode
# Python's readers and writers of JSON recurse, and fail at about 1,000.
DEEPEST = 500
_STRING, _BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"'), re.compile(r"[\[\]{}]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# With an escaped backslash, a quote behind a backslash may end a text.
_ESCAPED_BACKSLASH = "\\\\"
_KINDS = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}


def objects(path: Path, options: FileOptions) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each object with its line number. Raises DataUnusable naming the line."""
    left_out = 0
    for number, line in enumerate(lines_of(path, encoding_of(path, options)), 1):
        if line.isspace():
            continue
        try:
            yield number, _object(line)
        except _NotAnObject as error:
            if not options.lenient:
                raise DataUnusable(f"{path}: line {number}: {error}") from error
            left_out += 1
    if left_out:
        options.warn(f"{path}: skipped lines that cannot be read: {left_out}")


def text_of(row: dict[str, Any], name: str, place: str) -> str:
    """A null is an empty text, as in Parquet. Raises DataUnusable, whose message begins with `place`."""
    value = row.get(name)
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    raise DataUnusable(f"{place}: '{name}' is {_KINDS.get(type(value), 'no text')}, not text")


class _NotAnObject(ValueError):
    pass


def _object(line: str) -> dict[str, Any]:
    if line.count("[") + line.count("{") > DEEPEST and _is_deep(line):
        raise _NotAnObject("nested too deeply")
    try:
        found = _decode(line)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return _slowly(line)
    return found if _is_complete(found, line) else _slowly(line)


def _is_complete(found: dict[str, Any], line: str) -> bool:
    """Whether msgspec has surely read all of the line.

    Of a duplicate key it keeps the last value, so quotes are missing; a number that is too large becomes null.
    """
    if _ESCAPED_BACKSLASH in line:
        return False
    written = _encode(found)
    quotes = written.count(b'"') - written.count(b'\\"')
    return line.count('"') - line.count('\\"') == quotes and line.count("null") == written.count(b"null")


def _is_deep(line: str) -> bool:
    """What is deeper than DEEPEST; brackets in strings do not count."""
    depth = 0
    for bracket in _BRACKETS.findall(_STRING.sub("", line)):
        depth += 1 if bracket in "[{" else -1
        if depth > DEEPEST:
            return True
    return False


def _slowly(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line, object_pairs_hook=_once, parse_constant=_constant, parse_float=_float)
    except _NotAnObject:
        raise
    except json.JSONDecodeError as error:
        if line.lstrip().startswith("[") or line.strip() == "{":
            raise _NotAnObject("not a complete JSON object; write one on each line, as `jq -c` does") from error
        raise _NotAnObject(f"not JSON: {error.msg} at character {error.colno}") from error
    except ValueError as error:  # Python reads at most 4,300 digits
        raise _NotAnObject(_TOO_LARGE) from error
    if not isinstance(value, dict):
        raise _NotAnObject("not a JSON object; write one on each line, as `jq -c '.[]'` does")
    found: dict[str, Any] = _well_formed(value)
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _NotAnObject("an object has a duplicate key")
    return found


def _constant(name: str) -> None:
    """Accepts NaN, which some libraries write for a missing value."""
    if name != "NaN":
        _refuse(name)


_TOO_LARGE = "a number is too large"


def _float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise _NotAnObject(_TOO_LARGE)
    return value


def _refuse(name: str) -> NoReturn:
    raise _NotAnObject(f"{name} is not a JSON number")


def _well_formed(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_well_formed(name): _well_formed(inner) for name, inner in value.items()}
    return [_well_formed(inner) for inner in value] if isinstance(value, list) else value
