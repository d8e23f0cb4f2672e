"""Bodies are read quickly where that is the same, and strictly everywhere."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.api.score import ScoreRequest
from service.http import bodies
from service.values.domain import Comment
from service.values.errors import BadRequest

TEXTS = st.text(st.characters(codec=None), max_size=8) | st.sampled_from(
    ["", '"', "\\", '\\"', '":', '","text":"', "{[", "\ud83d", "\U0001f600", "en", "2026-11-23T10:00:00Z"]
)
NAMES = st.sampled_from(["text", "id", "author", "article", "name", "created_at", "language", "texts", "metadata"])


@st.composite
def strings(draw: Any, texts: st.SearchStrategy[str]) -> str:
    """One of the ways to write a text in JSON."""
    text = draw(texts)
    if draw(st.booleans()):
        return json.dumps(text)
    if draw(st.booleans()):
        return '"' + "".join(f"\\u{unit:04x}" for unit in _units(text)) + '"'
    return json.dumps(text, ensure_ascii=False).encode("utf-8", "replace").decode()


def _units(text: str) -> list[int]:
    raw = text.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(raw[at : at + 2]) for at in range(0, len(raw), 2)]


blanks = st.sampled_from(["", "", " ", "\n\t", "\r\n"])
scalars = strings(TEXTS) | st.sampled_from(["null", "true", "false", "1", "-0", "1e999", "NaN", "1.5", "01"])


@st.composite
def objects(draw: Any, values: st.SearchStrategy[str]) -> str:
    """Names may stand twice, and what they are given may be of any kind."""
    pairs = draw(st.lists(st.tuples(strings(NAMES | TEXTS), blanks, blanks, values), max_size=4))
    inner = ",".join(f"{before}{name}{behind}:{value}" for name, before, behind, value in pairs)
    return f"{{{inner}{draw(blanks)}}}"


documents = objects(st.recursive(scalars, lambda values: objects(values) | st.just("[]"), max_leaves=4))


def read_strictly(raw: bytes, kind: type) -> Any:
    return bodies.shape(bodies.parse(bodies.decoded(raw)), kind)


def check(raw: bytes, kind: type) -> None:
    quickly = bodies.at_once(raw, kind)
    if quickly is not None:
        assert quickly == read_strictly(raw, kind)


@settings(max_examples=800, deadline=None)
@given(document=documents, kind=st.sampled_from([Comment, ScoreRequest]))
def test_what_is_read_quickly_is_read_the_same_strictly(document: str, kind: type) -> None:
    check(document.encode("utf-8", "surrogatepass"), kind)


@settings(max_examples=300, deadline=None)
@given(text=strings(TEXTS.filter(bool)), more=documents, kind=st.sampled_from([Comment, ScoreRequest]))
def test_a_good_body_with_something_added_is_read_the_same(text: str, more: str, kind: type) -> None:
    inner = more[1:-1].strip()
    check(f'{{"text":{text}{"," + inner if inner else ""}}}'.encode("utf-8", "surrogatepass"), kind)


@pytest.mark.parametrize(
    "body",
    [
        {"text": "Nobody said so."},
        {"text": 'He said: "No", and {left}.'},
        {"text": "Gr\u00fc\u00dfe \U0001f600", "author": {"id": "u-1", "name": "A"}, "article": {"id": "a-1"}},
        {"id": "c-1", "text": "a\nb\tc / d", "created_at": "2026-11-23T10:00:00Z", "language": "en"},
    ],
)
def test_what_sites_send_is_read_quickly(body: dict[str, Any]) -> None:
    raw = json.dumps(body, ensure_ascii=False).encode()
    found = bodies.at_once(raw, Comment)
    assert found is not None
    assert found == read_strictly(raw, Comment)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"text":"a","text":"b"}',
        b'{"text":"a","te\\u0078t":"b"}',
        b'{"text" : "a" , "id":"c","id":"c"}',
        b'{"text":"a","author":{"name":"\\"","name":"b"}}',
        b'{"text":"\\u005c","author":{"name":"a","name":"b"}}',
        b'{"text":"a","author":{"trusted":true,"trusted":true}}',
        b'{"text":"a","author":null,"author":{}}',
    ],
)
def test_a_name_that_stands_twice_is_refused_however_it_is_written(raw: bytes) -> None:
    with pytest.raises(BadRequest, match="twice"):
        bodies.shaped(raw, Comment)


@pytest.mark.parametrize("depth", [19, 20, 100_000])
def test_metadata_that_is_too_deep_is_refused(depth: int) -> None:
    raw = b'{"text":"a","metadata":{"a":' + b"[" * depth + b"]" * depth + b"}}"
    with pytest.raises(BadRequest, match="deep"):
        bodies.shaped(raw, Comment)


@pytest.mark.parametrize(("raw", "told"), [(b"\xff", "byte 0, in line 1"), (b"a\nb\r\n\xc3", "byte 5, in line 3")])
def test_what_is_not_utf_8_is_told_with_its_line(raw: bytes, told: str) -> None:
    with pytest.raises(BadRequest, match=told):
        bodies.decoded(raw)
