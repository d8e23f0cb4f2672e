"""The vocabulary comes from training rows only, and is reproducible."""

from dataclasses import replace

import numpy as np
import pytest

from classifier import LABELS
from classifier.words import MOST_BYTES, Words, packed, parsed
from training.examples import TEST, Examples
from training.vocabulary import words


def examples(rows: list[tuple[str, float, int]]) -> Examples:
    """Text, toxicity, fold."""
    labels = np.full((len(rows), len(LABELS)), np.nan, np.float32)
    labels[:, 0] = [toxicity for _, toxicity, _ in rows]
    return Examples(
        [text for text, _, _ in rows],
        labels,
        np.ones(len(rows), np.float32),
        [str(at) for at in range(len(rows))],
        np.array([fold for *_, fold in rows], np.int8),
        ["own"] * len(rows),
    )


def some(copies: int = 20) -> list[tuple[str, float, int]]:
    rows = [("You are an IDIOT, my friend", 1.0, 3), ("You are a friend, and the weather's fine", 0.0, 4)]
    return [*rows * copies, *[("You are my friend, the weather is fine", 0.0, 5)] * 4 * copies]


def test_a_word_of_harmful_texts_is_harmful_and_the_others_are_plain() -> None:
    found = words(examples(some()))
    assert found.harmful == ("idiot",)
    assert {"friend", "weather", "an", "weather's"} <= set(found.plain)
    assert found.plain[:4] == ("are", "friend", "you", "fine"), "the most common first, then by the alphabet"


def test_words_of_languages_whose_disguises_are_not_read_are_not_known() -> None:
    found = examples(some())
    assert words(replace(found, languages=["tr"] * len(found))) == Words((), ())
    assert words(replace(found, languages=["de"] * len(found))) == words(found)


def test_a_rare_word_is_not_known() -> None:
    assert "idiot" not in words(examples(some(2))).harmful


def test_a_word_that_a_lexicon_lists_is_known_however_rare() -> None:
    assert "numpty" in words(examples([*some(), ("Numpty", 1.0, 2)])).harmful


@pytest.mark.parametrize("fold", [1, TEST])
def test_held_out_texts_teach_no_word(fold: int) -> None:
    rows = [*some(), *[("you numpty", 1.0, fold)] * 30]
    assert words(examples(rows)) == words(examples(some()))


def test_the_same_examples_give_the_same_words() -> None:
    rows = some()
    assert words(examples(rows)) == words(examples(rows[::-1]))


def test_what_is_packed_is_parsed() -> None:
    found = words(examples(some()))
    assert parsed(packed(found)) == found
    assert parsed(packed(Words())) == Words()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"idiot\n",
        b"idiot\n\n\nyou\n",
        b"idiot\n\nyou",
        b"Idiot\n\nyou\n",
        b"idiot\r\n\r\nyou\r\n",
        b"idiot\n\nidiot\n",
        b"id iot\n\n",
        b"x\n\n",
        b"'idiot\n\n",
        b"a" * 25 + b"\n\n",
        "idi\u00f6t\n\n".encode(),
        b"idiot\x0bfool\n\n",
        b"\n" + b"a" * MOST_BYTES,
    ],
)
def test_anything_else_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parsed(raw)
