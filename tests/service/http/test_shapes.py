"""What is wrong with a body is told in words, and what was merely sent empty is no fault."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta, Struct
from msgspec.inspect import CollectionType, DictType, Metadata, StrType, StructType, UnionType, type_info

from service.http.bodies import shape
from service.http.shapes import without_empties
from service.process.app import OPERATIONS
from service.values.domain import WORDS, Comment, Instant, Verdict
from service.values.errors import BadRequest


class Inner(Struct, forbid_unknown_fields=True):
    name: str
    size: Annotated[int, Meta(ge=1, le=3)] = 1


Name = Annotated[str, Meta(pattern="^[a-z]+$", extra={WORDS: "must be small letters"})]


class Fork(Struct, tag_field="kind", tag="fork"):
    pass


class Spoon(Struct, tag_field="kind", tag="spoon"):
    pass


class Body(Struct, forbid_unknown_fields=True):
    number: Annotated[float, Meta(gt=0)] | None = None
    numbers: Annotated[list[int], Meta(min_length=1, max_length=2)] | None = None
    map: Annotated[dict[str, bool], Meta(max_length=1)] = {}
    at: Instant | None = None
    day: date | None = None
    verdict: Verdict | None = None
    kind: Literal["a", "b"] = "a"
    code: Annotated[str, Meta(pattern="^[a-z]+$", max_length=9, extra={WORDS: "must be small letters"})] | None = None
    inner: Inner | None = None
    choice: Fork | Spoon | None = None
    inners: list[Inner] = []
    named: dict[Name, Inner] = {}
    nested: list[dict[str, dict[Name, int]]] = []


@pytest.mark.parametrize(
    ("value", "pointer", "detail"),
    [
        ({"number": 0}, "/number", "must be more than 0"),
        ({"day": "31.12.2026"}, "/day", "must be a day such as 2026-11-23"),
        ({"day": 7}, "/day", "must be a day such as 2026-11-23 or null, not a whole number"),
        ({"number": "1"}, "/number", "must be a number or null, not text"),
        ({"numbers": [1, 2, 3]}, "/numbers", "must have at most 2 items"),
        ({"numbers": [1, "2"]}, "/numbers/1", "must be a whole number, not text"),
        ({"map": {"a": True, "b": True}}, "/map", "must have at most 1 entries"),
        ({"map": {"a": 1}}, "/map/a", "must be true or false, not a whole number"),
        (
            {"named": {"a": {"name": "x"}, "b": {"name": 1}, "c": 1}},
            "/named/b/name",
            "must be text, not a whole number",
        ),
        ({"named": {"a": {"name": "x"}, "b": {"nam": "x"}}}, "/named/b/nam", "unknown field; did you mean name?"),
        ({"named": {"a": {"name": "x"}, "b": {}}}, "/named/b/name", "required"),
        ({"named": {"a": {"name": "x", "size": 9}}}, "/named/a/size", "must be at most 3"),
        ({"named": {"a": {"name": "x"}, "B/~": {"name": "x"}}}, "/named/B~1~0", "must be small letters"),
        (
            {"nested": [{}, {"x": {"a": 1}, "y": {"b": "2"}, "z": {"c": "3"}}]},
            "/nested/1/y/b",
            "must be a whole number, not text",
        ),
        ({"nested": [{"x": {"a": 1, "B": 2}, "y": {"C": 3}}]}, "/nested/0/x/B", "must be small letters"),
        ({"at": "yesterday"}, "/at", "must be a date and time such as 2026-11-23T10:00:00Z"),
        ({"at": "2026-11-23T10:00:00"}, "/at", "must say its time zone, as in 2026-11-23T10:00:00Z"),
        ({"verdict": "delete"}, "/verdict", "must be one of approve, reject, escalate"),
        ({"kind": "c"}, "/kind", "must be one of a, b"),
        ({"choice": {"kind": {}}}, "/choice/kind", "must be text, not an object"),
        ({"choice": {"kind": []}}, "/choice/kind", "must be text, not a list"),
        ({"code": "A"}, "/code", "must be small letters"),
        ({"code": "a" * 10}, "/code", "must have at most 9 characters"),
        ({"inner": {"name": "a", "size": 4}}, "/inner/size", "must be at most 3"),
        ({"inner": {"size": 1}}, "/inner/name", "required"),
        ({"inners": [{"name": "a"}, {"name": "b", "more": 1}]}, "/inners/1/more", "unknown field"),
        ({"inners": [{"nam": "a"}]}, "/inners/0/nam", "unknown field; did you mean name?"),
        ([1], "", "must be an object, not a list"),
    ],
)
def test_what_is_wrong_is_told_in_words_with_its_place(value: Any, pointer: str, detail: str) -> None:
    with pytest.raises(BadRequest) as raised:
        shape(value, Body)
    (fault,) = raised.value.faults
    assert (fault.pointer, fault.detail) == (pointer, detail)


def test_the_wrong_entry_of_a_large_map_is_found_with_few_conversions() -> None:
    value = {"nested": [{"x": {letters(n): n if n != 77_777 else "no" for n in range(100_000)}}]}
    with pytest.raises(BadRequest) as raised:
        shape(value, Body)
    assert [fault.pointer for fault in raised.value.faults] == [f"/nested/0/x/{letters(77_777)}"]


def letters(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def test_every_pattern_of_the_api_has_words() -> None:
    kinds = {kind for row in OPERATIONS for kind in (row.body, row.query) if kind is not None}
    assert Comment in kinds
    lacking = [(kind.__name__, path) for kind in kinds for path in _without_words(type_info(kind), "")]
    assert lacking == []


def _without_words(described: Any, path: str, words: str = "", seen: frozenset[Any] = frozenset()) -> Iterator[str]:
    """`seen`: the structs that this one lies in, as a condition of a rule lies in another one."""
    if isinstance(described, Metadata):
        yield from _without_words(described.type, path, words or (described.extra or {}).get(WORDS, ""), seen)
    elif isinstance(described, UnionType):
        for each in described.types:
            yield from _without_words(each, path, words, seen)
    elif isinstance(described, StructType):
        for field in described.fields if described.cls not in seen else ():
            yield from _without_words(field.type, f"{path}/{field.encode_name}", "", seen | {described.cls})
    elif isinstance(described, DictType):
        yield from _without_words(described.key_type, path + "/", "", seen)
        yield from _without_words(described.value_type, path + "/*", "", seen)
    elif isinstance(described, CollectionType):
        yield from _without_words(described.item_type, path + "/*", "", seen)
    elif isinstance(described, StrType) and described.pattern and not words:
        yield path


@pytest.mark.parametrize("empty", [None, "", " ", [], {}])
def test_only_optional_fields_may_be_empty(empty: Any) -> None:
    kept = {"inner": {"name": empty}, "inners": [{"name": empty}]}
    pruned = {"inner": {"name": empty, "size": empty}, "inners": [{"name": empty, "size": empty}], "kind": empty}
    assert without_empties(pruned, Body) == kept


def test_an_empty_value_that_fits_is_kept() -> None:
    assert shape({"map": {}, "inners": []}, Body) == Body()
    assert msgspec.to_builtins(shape({"text": "a", "author": {"name": ""}}, Comment))["author"] == {"name": ""}
