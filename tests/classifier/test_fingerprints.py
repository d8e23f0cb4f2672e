"""_prints.c computes what a few lines of Python do."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import blake2b
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.fingerprints import MINIMA, MOST_CHARACTERS, Prints, odd_numbers, of_ascii, of_words

FACTORS, ADDED = odd_numbers("factor"), odd_numbers("added")
ASCII = st.text(st.characters(max_codepoint=127), max_size=600)
WORDS = st.lists(st.text(st.characters(exclude_characters=" "), min_size=1, max_size=12), max_size=60).map(" ".join)


def written(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode()


def minima(shingles: Sequence[int]) -> tuple[str, ...]:
    found = [
        min((shingle * factor + added) % 2**64 for shingle in shingles) >> 32
        for factor, added in zip(FACTORS, ADDED, strict=True)
    ]
    raw = [each.to_bytes(4, "little") for each in found]
    return tuple(written(b"".join(raw[at : at + MINIMA]) + b"\0")[:11] for at in range(0, len(raw), MINIMA))


def near(words: Sequence[str], length: int, *, only_telling: bool) -> tuple[str, ...]:
    length = min(length, len(words))
    shingles = []
    for start in range(len(words) - length + 1):
        shingle = 0
        for word in words[start : start + length]:
            shingle = (shingle * 0x9E3779B97F4A7C15 + crc32(word.encode("utf-8", "replace"))) % 2**64
        shingles.append((shingle, sum(map(len, words[start : start + length]))))
    telling = [shingle for shingle, letters in shingles if letters >= 13]
    return minima(telling if only_telling and len(telling) >= 3 else [shingle for shingle, _ in shingles])


def prints(joined: str, length: int, *, only_telling: bool) -> Prints:
    words = joined.split(" ") if joined else []
    return Prints(
        written(blake2b(joined.encode("utf-8", "replace"), digest_size=9).digest()),
        near(words, length, only_telling=only_telling) if words and length else (),
        sum(map(len, words)),
    )


@given(WORDS, st.integers(0, 8), st.booleans())
def test_words_have_the_prints_that_python_computes(words: str, length: int, only_telling: bool) -> None:
    assert of_words(words, length, only_telling=only_telling) == prints(words, length, only_telling=only_telling)


@given(ASCII, st.sampled_from((0, 2, 5)))
def test_ascii_is_read_as_words_in_small_letters_with_one_digit_for_all(text: str, length: int) -> None:
    words = re.findall(r"[a-z]|0+|[^a-z0]+", re.sub(r"[0-9]", "0", text.lower()))
    joined = "".join(each if each.isalpha() else "0" if each[0] == "0" else " " for each in words).strip()
    assert of_ascii(text, length) == prints(joined, length, only_telling=True)


@pytest.mark.parametrize("count", [0, 1, 127, 128, 129, 255, 256, 257, 4_095, 4_096, 4_097])
def test_a_text_of_any_length(count: int) -> None:
    for unit in ("a", "ab ", "\u0436 "):
        words = (unit * count)[:count].strip()
        assert of_words(words, 2, only_telling=True) == prints(words, 2, only_telling=True)


def test_of_ascii_only_the_beginning_counts() -> None:
    text = "some words " * MOST_CHARACTERS
    assert of_ascii(text, 2) == of_ascii(text[:MOST_CHARACTERS], 2)
    assert of_ascii(text, 2) != of_ascii(text[: MOST_CHARACTERS - 2], 2)
