"""The nouns: what they accept and how they are written down."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import Comment, Id, Lease


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


@pytest.mark.parametrize("text", ["c-4711", "0", "_", "a/b?c#d%20", "a" * 128, "x{y}z", "a:b~c"])
def test_printable_ascii_is_an_id(text: str) -> None:
    assert msgspec.convert(text, Id) == text


@pytest.mark.parametrize("text", ["", ".", "..", "-x", " a", "a b", "a\n", "é", "a\x00", "a\x7f", "a" * 129])
def test_what_could_confuse_a_path_or_a_log_line_is_no_id(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text, Id)


@pytest.mark.parametrize(
    "more",
    [
        {"language": "en\n"},
        {"language": "e n"},
        {"callback_url": "javascript:alert(1)"},
        {"created_at": "2026-11-23T10:00:00"},
        {"author": {"id": "a\n"}},
        {"unknown": 1},
    ],
)
def test_a_comment_with_a_malformed_part_is_refused(more: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"text": "hello", **more}, Comment)
