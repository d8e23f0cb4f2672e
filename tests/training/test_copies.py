"""Copies of a text are found, and texts that only look alike are told apart."""

import pytest

from training import copies
from training.copies import clusters

LONG = "the mayor said on Monday that the new bridge opens next spring and that nobody has to pay for it"


@pytest.mark.parametrize(
    "copy",
    [
        LONG.upper(),
        f"  {LONG}!!! ",
        LONG.replace("Monday", "Tuesday"),
        LONG + " at all",
        LONG.replace("the new", "the"),
    ],
)
def test_a_copy_with_small_changes_is_one(copy: str) -> None:
    assert clusters(["something else", LONG, copy]) == [0, 1, 1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("you are an idiot", "you are no idiot"),
        ("I will kill you", "I will not kill you"),
        ("idiot", "idiots"),
        ("good", "bad"),
        (LONG, LONG[: len(LONG) // 2]),
        ("\U0001f642", "\U0001f595"),
    ],
)
def test_another_text_is_none(one: str, other: str) -> None:
    assert clusters([one, other]) == [0, 1]


def test_short_texts_are_copies_if_only_spaces_and_case_differ() -> None:
    assert clusters(["You idiot!", "YOU  IDIOT", "you idiots"]) == [0, 0, 2]


def test_a_chain_of_copies_is_one_group_under_its_first_text() -> None:
    words = LONG.split()
    chain = [" ".join(words[:10] + words[10 + n :]) for n in range(3)]
    assert clusters([*chain, *reversed(chain)]) == [0] * 6


def test_nothing_and_empty_texts_are_no_trouble() -> None:
    assert clusters([]) == []
    assert clusters(["", "", "..."])[:2] == [0, 0]


def test_texts_of_one_template_that_are_no_copies_are_not_all_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """They fall into the same bands: without a bound the time would grow with the square of their number."""
    compared = []
    monkeypatch.setattr(copies, "MOST_COMPARED", 4)
    monkeypatch.setattr(copies, "_are_alike", lambda *pair: compared.append(pair))
    texts = [f"{LONG} {' '.join(f'{number}{letter}' for letter in 'abcdefgh')}" for number in range(300)]
    assert clusters([*texts, texts[7]]) == [*range(300), 7]
    assert 0 < len(compared) <= 4 * copies.BANDS * len(texts)


def test_copies_between_many_texts_of_their_template_are_found() -> None:
    words = LONG.split()
    texts = [" ".join([*words, *(f"{number}{letter}" for letter in "abcdefgh")]) for number in range(200)]
    found = clusters([*texts, f"{texts[-1]} !", f"{texts[3]} at all"])
    assert found == [*range(200), 199, 3]
