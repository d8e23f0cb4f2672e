"""The normalization of chunks for the deep reader."""

import pytest
from growth import assert_linear
from hypothesis import example, given, settings
from hypothesis import strategies as st

from classifier.deep.chunk_normalizer import ChunkNormalizer
from classifier.deep.encoder import Encoder

LATIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,!?'\"-:/@&;()[]"


@pytest.fixture(scope="module")
def reading() -> ChunkNormalizer:
    return ChunkNormalizer(LATIN + "\u00e9")


@pytest.mark.parametrize(
    ("chunk", "read"),
    [
        ("word", "word"),
        ("caf\u00e9", "caf\u00e9"),
        ("cafe\u0301", "caf\u00e9"),  # one letter, however it was typed
        ("\u0159\u00ed\u010dn\u00ed", "ricni"),  # letters that the vocabulary does not have
        ("\U0001f412", " monkey "),
        ("\U0001f9d5\U0001f3fd", " woman in headscarf "),
        ("\U0001f1eb\U0001f1f7", "FR"),
        ("Rock&amp;Roll", "Rock&Roll"),
        ("it&#39;s", "it's"),
        ("it\u2019s", "it's"),
        ("https://example.org/a/b?c=d#e", "https://example.org"),
        ("[here](https://example.org/a)", "[here](https://example.org)"),
        ("SHOUTED", "shouted"),
        ("U", "U"),
        ("sooooooo", "sooo"),
        ("\uff46\uff55\uff43\uff4b", "fuck"),
        ("s\u200bplit", "split"),
        ("\ud800", ""),
    ],
)
def test_a_chunk_is_read_in_letters_that_the_vocabulary_has(reading: ChunkNormalizer, chunk: str, read: str) -> None:
    assert reading(chunk) == read


@example(chunk="&#" + "1" * 5_000 + ";")
@settings(max_examples=500, deadline=None)
@given(chunk=st.text(st.characters(exclude_categories=()), max_size=60))
def test_any_chunk_can_be_read(reading: ChunkNormalizer, encoder: Encoder, chunk: str) -> None:
    assert isinstance(reading(chunk), str)
    assert all(0 <= piece < encoder.tokenizer.size for piece in encoder.tokenizer.of_chunk(chunk))


@pytest.mark.parametrize(
    "unit", ["a", "&amp;", "&", "&#", "http://", "://a/", "\U0001f412", "e\u0301", "\ufdfa", "A", "ab"]
)
def test_time_is_linear_in_the_length_of_a_chunk(reading: ChunkNormalizer, unit: str) -> None:
    assert_linear(reading, lambda size: (unit * size)[:size], 320_000)
