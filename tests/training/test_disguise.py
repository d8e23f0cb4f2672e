"""Disguises are reproducible, change only the chosen words, and do hide them."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.disguise import KINDS, disguised

TEXT = "Only a stupid idiot would say that, don't you think? Idiots!"
HIDDEN = {"stupid", "idiot", "idiots"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_disguise(kind: str) -> None:
    assert disguised(TEXT, kind, random.Random(7)) == disguised(TEXT, kind, random.Random(7))  # noqa: S311 - the same disguises each time


@pytest.mark.parametrize("kind", KINDS)
def test_every_hidden_word_is_disguised_and_nothing_else(kind: str) -> None:
    before, between, behind = "Only a ", " would say that, don't you think? ", "!"
    for seed in range(50):
        found = disguised(TEXT, kind, random.Random(seed), HIDDEN)  # noqa: S311 - the same disguises each time
        assert found.startswith(before)
        assert between in found
        assert found.endswith(behind)
        hidden = [found[len(before) : found.index(between)], found[found.index(between) + len(between) :]]
        assert "stupid" not in hidden[0].split()
        assert "idiot" not in hidden[0].split()
        assert hidden[1] != "Idiots!"


@pytest.mark.parametrize("kind", KINDS)
@given(text=st.text(max_size=40), seed=st.integers(0, 9))
def test_any_text_can_be_disguised(kind: str, text: str, seed: int) -> None:
    found = disguised(text, kind, random.Random(seed))  # noqa: S311 - the same disguises each time
    assert len(found) >= len(text)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_to_hide_leaves_the_text(kind: str) -> None:
    assert disguised(TEXT, kind, random.Random(1), set()) == TEXT  # noqa: S311 - the same disguises each time
