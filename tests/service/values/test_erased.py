"""What was typed is found by the id or name of an author, and not by a part of another word."""

import pytest

from service.values.erased import holds_any, words_of


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Robin", "Robin"),
        ("comments of ROBIN!", "Robin"),
        ("smith, john", "John Smith"),
        ("(u-9)", "u-9"),
        ("ＲＯＢＩＮ", "Robin"),  # noqa: RUF001 - wide letters
        ("Straße", "STRASSE"),
        ("planned by Ann", "Ann"),
        ("找李明的评论", "李明"),
        ("Petrenko Іван", "іван  petrenko"),
    ],
)
def test_a_name_is_found(text: str, name: str) -> None:
    assert holds_any(text, [words_of("somebody else"), words_of(name)])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("planned", "Ann"),
        ("u-91", "u-9"),
        ("John", "John Smith"),
        ("Robinson and robins", "Robin"),
        ("anything", ""),
        ("anything", " "),
        ("", "Robin"),
    ],
)
def test_other_words_are_not_found(text: str, name: str) -> None:
    assert not holds_any(text, [words_of(name)])
