"""Reading many texts at once."""

import threading
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.deep.encoder import Encoder
from classifier.deep.kernel import DeepWeights
from classifier.deep.reader import READ, DeepReader

PARTS = ("You are an idiot.", "", "Merci beaucoup!", "\U0001f9d5", "\ud800", "Nobody has read this before. " * 5)


@pytest.fixture(scope="module")
def weights(encoder: Encoder, arrays: dict[str, NDArray[Any]]) -> DeepWeights:
    return DeepWeights(arrays, encoder.codes, encoder.steps)


@pytest.mark.parametrize("count", [0, 32, 33, 70])
def test_many_texts_get_what_each_gets_alone(encoder: Encoder, weights: DeepWeights, count: int) -> None:
    reader = DeepReader(encoder, weights)
    texts = [f"{PARTS[at % len(PARTS)]} {at}" for at in range(count)]
    found = reader.read_many(texts)
    assert found.shape == (count, READ)
    assert found.dtype == np.float32
    for text, row in zip(texts, found, strict=True):
        np.testing.assert_array_equal(row, reader.read(text))


def test_two_threads_read_many_texts(encoder: Encoder, weights: DeepWeights) -> None:
    """Each thread waits for another one at its first text: one alone would end in BrokenBarrierError."""
    both, own = threading.Barrier(2, timeout=30), threading.local()

    class Meeting(DeepReader):
        def read(self, text: str) -> NDArray[np.float32]:
            if not hasattr(own, "has_met"):
                both.wait()
                own.has_met = True
            return super().read(text)

    assert len(Meeting(encoder, weights).read_many(["You are an idiot."] * 64)) == 64


def test_an_error_of_one_text_reaches_the_caller(encoder: Encoder, weights: DeepWeights) -> None:
    class Failing(DeepReader):
        def read(self, text: str) -> NDArray[np.float32]:
            if text == "57":
                raise MemoryError("the kernel got no memory for this text")
            return super().read(text)

    with pytest.raises(MemoryError, match="no memory"):
        Failing(encoder, weights).read_many([str(at) for at in range(100)])
