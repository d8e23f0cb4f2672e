"""Lists and texts that are made to be slow take a time that is linear in the text, and the right terms are found."""

from collections.abc import Callable

import pytest
from growth import assert_linear

from service.rules.words import Term, Terms, WordFinder
from service.values.rules import MAX_LIST_ENTRIES, Match

LONG = 20_000


def repeated(unit: str) -> Callable[[int], str]:
    return lambda length: unit * (length // len(unit))


def finder(*terms: str, match: Match = Match.WORD) -> WordFinder:
    return WordFinder([Terms(tuple(Term(each, match) for each in terms))])


@pytest.mark.parametrize("match", list(Match))
def test_terms_inside_of_each_other_are_found_in_linear_time(match: Match) -> None:
    nested = finder(
        *("a" * length for length in range(1, 201)), *(" ".join("b" * n) for n in range(2, 90)), match=match
    )
    for unit in ("a", "a ", "b ", "a.a "):
        assert_linear(nested.find, repeated(unit), LONG)
    assert nested.find("aaa b b b")


def test_terms_that_are_equal_without_repeated_letters_are_found_in_linear_time() -> None:
    alike = finder(*(f"a{'s' * times}{'t' * more}" for times in range(1, 100) for more in range(1, 100)))
    assert_linear(alike.find, repeated("a.s.t "), LONG)
    assert alike.find("ast a.s.t")


@pytest.mark.parametrize(
    "unit", ["a.", "f u c k ", "a1b ", "fuuuck ", "\u0441a", "a!", "|1!", "x'", "a\u200b", "\u0e34"]
)
def test_a_text_full_of_disguises_is_read_in_linear_time(unit: str) -> None:
    words = finder("fuck", "zorblax", "white trash", "$$$")
    assert_linear(words.find, repeated(unit), LONG)


def test_a_full_list_of_equal_and_odd_terms_is_compiled() -> None:
    odd = ["fool", "FOOL", "fo\u00f6l", "\u200b", "-", "\ud800", "\U0001f346", "\u5317\u4eac", "x" * 200, "a b c d e f"]
    full = finder(*(odd * (MAX_LIST_ENTRIES // len(odd))))
    found = full.find("a fool, \U0001f346")
    assert {(each.start, each.end, each.term) for each in found[0]} == {
        *((2, 6, term) for term in ("fool", "FOOL", "fo\u00f6l")),
        (8, 9, "\U0001f346"),
    }
