"""The nouns: what they accept and how they are written down."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.values.domain import Comment, Id, Lease

# Nanoids, handles, paths, other scripts, joiners within words, and what spreadsheets would run.
FOREIGN_IDS = [
    *(
        "-V1StGXR8_Z5jdHi6B-myT",
        "@olena@example.social",
        "/politics/mayor",
        "é",
        "日本 語",
        "a b",
        "x" * 256,
        "ї" * 256,
    ),
    *("می\u200cدست", "👩\u200d👧", "~", "...", "a/../b", "%2F", "a\\b", "=1+1", "https://example.org/?p=1&q=2#c-3"),
]


@given(st.integers(1, 2**53), st.integers(1, 2**31))
def test_a_lease_survives_being_written_down(token: int, revision: int) -> None:
    lease = Lease(token, revision)
    assert Lease.parse(str(lease)) == lease


@given(st.text())
def test_any_text_may_be_read_as_a_lease(text: str) -> None:
    found = Lease.parse(text)
    assert found is None or isinstance(found, Lease)


@pytest.mark.parametrize("text", ["", ".", "1", "1.", ".1", "g.1", "1.1.1", "1 .x"])
def test_what_is_not_a_lease_is_none(text: str) -> None:
    assert Lease.parse(text) is None


@pytest.mark.parametrize("text", ["c-4711", "0", "_", "a/b?c#d%20", "x{y}z", "a:b~c", *FOREIGN_IDS])
def test_whatever_other_software_calls_a_comment_is_an_id(text: str) -> None:
    assert msgspec.convert(text, Id) == text


@given(st.text(st.characters(categories=["L", "M", "N", "P", "S"], codec="utf-8"), min_size=1, max_size=256))
def test_letters_digits_and_signs_of_any_script_are_an_id(text: str) -> None:
    if text not in {".", ".."}:
        assert msgspec.convert(text, Id) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        " a",
        "a ",
        "\u00a0a",
        "a\n",
        "a\nb",
        "a\x00",
        "a\x7f",
        "\x85",
        "a" * 257,
        "a\u2028b",
        "a\u202eb",
        "\ud800",
    ],
)
def test_what_could_confuse_a_path_or_a_log_line_is_no_id(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text, Id)


@pytest.mark.parametrize(
    "more",
    [
        {"language": "en\n"},
        {"language": "e n"},
        {"callback_url": "javascript:alert(1)"},
        {"created_at": 1},
        {"author": {"id": "a\n"}},
        {"unknown": 1},
    ],
)
def test_a_comment_with_a_malformed_part_is_refused(more: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"text": "hello", **more}, Comment)
