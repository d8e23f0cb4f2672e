"""Word lists: which texts are one entry."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.values.lists import ListEntry, is_shared, key_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Idiot", "idiot"),
        ("bad  word", " bad\tword\u00a0"),
        ("\uff42\uff41\uff44", "bad"),  # full width
        ("stra\u00dfe", "STRASSE"),
        ("caf\u00e9", "cafe\u0301"),
        ("\u1e9e", "ss"),
    ],
)
def test_texts_that_differ_only_in_form_have_one_key(one: str, other: str) -> None:
    assert key_of(one) == key_of(other)


@pytest.mark.parametrize(("one", "other"), [("caf\u00e9", "cafe"), ("bad word", "badword"), ("idiot", "idiots")])
def test_other_texts_have_others(one: str, other: str) -> None:
    assert key_of(one) != key_of(other)


@given(st.text())
def test_the_key_of_a_key_is_itself(text: str) -> None:
    assert key_of(key_of(text)) == key_of(text)


def test_the_name_says_whether_a_list_is_shared() -> None:
    assert is_shared("shared-slurs")
    assert not is_shared("house-words")


def test_an_entry_writes_only_what_it_says() -> None:
    assert msgspec.to_builtins(ListEntry("idiot", is_exception=True)) == {"text": "idiot", "exception": True}
