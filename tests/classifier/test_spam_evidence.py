"""A single word is never sufficient evidence of spam."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.spam_evidence import _WORDS, evidence, is_evident


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Cheap viagra without prescription at http://pills.example", {"pharma", "link"}),
        ("I earn money working from home, WhatsApp +1 555 010 2030", {"jobs", "contact"}),
        ("Subscribe to my channel, link in bio", {"promotion"}),
        ("All shoes 50% off, order at https://shoes.example", {"promotion", "link"}),
        ("My trader recovered my stolen funds, telegram @rescue", {"crypto", "recovery", "contact"}),
        ("CLICK HERE NOW >>> WIN BIG <<< !!! $$$", {"promotion", "shape"}),
        ("\U0001d5dd\U0001d5fc\U0001d5f6\U0001d5fb casino now", {"gambling", "shape"}),
    ],
)
def test_kinds_are_told_apart(text: str, kinds: set[str]) -> None:
    assert evidence(text) == kinds
    assert is_evident(text, 0.96) == (len(kinds) > 1)


@pytest.mark.parametrize(
    "text",
    [
        "I subscribe to the view that rivers have rights.",
        "The casino in our town closed years ago.",
        "Check the minutes, the vote was in May.",
        "WhatsApp was down again.",
        "My loan was refused twice.",
        "Bitcoin fell by a tenth.",
        "See https://www.example.org/minutes for the vote.",
    ],
)
def test_one_word_is_never_enough(text: str) -> None:
    assert len(evidence(text)) <= 1
    assert not is_evident(text, 0.998)


@pytest.mark.parametrize("kind", _WORDS)
def test_each_phrase_is_found_where_people_write_it(kind: str) -> None:
    for phrase in (each.strip() for each in _WORDS[kind].replace("\n", "|").split("|")):
        for text in (f"so: {phrase}.", f"20{phrase}" if phrase.startswith("%") else f"({phrase})"):
            assert not phrase or kind in evidence(text), text


def test_a_score_that_leaves_no_doubt_is_enough_in_a_whole_sentence() -> None:
    assert is_evident("one two three four five six seven eight", 0.9995)
    assert not is_evident("one two three four five six seven", 0.9995)


@given(st.text(st.characters(exclude_categories=()), max_size=80))
def test_any_text_can_be_looked_at(text: str) -> None:
    assert isinstance(is_evident(text, 0.97), bool)
