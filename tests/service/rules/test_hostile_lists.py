"""Lists and texts that are made to be slow take a bounded time, and the right terms are still found."""

import time

import pytest

from service.rules.words import Term, Terms, WordFinder
from service.values.rules import MAX_LIST_ENTRIES, Match

LONG = 20_000
# Of processor time, for a text of LONG characters. Quadratic time would be minutes.
MOST_S = 5.0


def finder(*terms: str, match: Match = Match.WORD) -> WordFinder:
    return WordFinder([Terms(tuple(Term(each, match) for each in terms))])


@pytest.mark.parametrize("match", list(Match))
def test_terms_inside_of_each_other_are_found_in_bounded_time(match: Match) -> None:
    nested = finder(
        *("a" * length for length in range(1, 201)), *(" ".join("b" * n) for n in range(2, 90)), match=match
    )
    for text in ("a" * LONG, "a " * (LONG // 2), "b " * (LONG // 2), "a.a " * (LONG // 4)):
        started = time.thread_time()
        nested.find(text)
        assert time.thread_time() - started < MOST_S
    assert nested.find("aaa b b b")


def test_terms_that_are_equal_without_repeated_letters_are_found_in_bounded_time() -> None:
    alike = finder(*(f"a{'s' * times}{'t' * more}" for times in range(1, 100) for more in range(1, 100)))
    started = time.thread_time()
    alike.find("a.s.t " * (LONG // 6))
    assert time.thread_time() - started < MOST_S
    assert alike.find("ast a.s.t")


@pytest.mark.parametrize(
    "unit", ["a.", "f u c k ", "a1b ", "fuuuck ", "\u0441a", "a!", "|1!", "x'", "a\u200b", "\u0e34"]
)
def test_a_text_full_of_disguises_is_read_in_bounded_time(unit: str) -> None:
    words = finder("fuck", "zorblax", "white trash", "$$$")
    started = time.thread_time()
    words.find(unit * (LONG // len(unit)))
    assert time.thread_time() - started < MOST_S


def test_a_full_list_of_equal_and_odd_terms_is_compiled() -> None:
    odd = ["fool", "FOOL", "fo\u00f6l", "\u200b", "-", "\ud800", "\U0001f346", "\u5317\u4eac", "x" * 200, "a b c d e f"]
    full = finder(*(odd * (MAX_LIST_ENTRIES // len(odd))))
    found = full.find("a fool, \U0001f346")
    assert {(each.start, each.end, each.term) for each in found[0]} == {
        *((2, 6, term) for term in ("fool", "FOOL", "fo\u00f6l")),
        (8, 9, "\U0001f346"),
    }
