"""Reading many texts at once."""

import threading
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.deep.encoder import Encoder
from classifier.deep.kernel import ARRAYS, LABELS, DeepWeights
from classifier.deep.reader import READ, DeepReader, count_networks, prefix
from classifier.deep.windows import tokens_of

PARTS = ("You are an idiot.", "", "Merci beaucoup!", "\U0001f9d5", "\ud800", "Nobody has read this before. " * 5)


@pytest.fixture(scope="module")
def weights(encoder: Encoder, arrays: dict[str, NDArray[Any]]) -> DeepWeights:
    return DeepWeights(arrays, encoder.codes, encoder.steps)


@pytest.mark.parametrize("count", [0, 32, 33, 70])
def test_many_texts_get_what_each_gets_alone(encoder: Encoder, weights: DeepWeights, count: int) -> None:
    reader = DeepReader(encoder, [weights])
    texts = [f"{PARTS[at % len(PARTS)]} {at}" for at in range(count)]
    found = reader.read_many(texts)
    assert found.shape == (count, READ)
    assert found.dtype == np.float32
    for text, row in zip(texts, found, strict=True):
        np.testing.assert_array_equal(row, reader.read(text))


@pytest.fixture(scope="module")
def networks(arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The arrays of a reader with two networks. The second one answers otherwise."""
    second = {**arrays, "output": arrays["output"][::-1].copy(), "said_bias": arrays["said_bias"] * -3}
    return arrays | {prefix(1) + name: array for name, array in second.items()}


def test_two_networks_are_added_up(encoder: Encoder, networks: dict[str, NDArray[Any]]) -> None:
    both = DeepReader.of(encoder, networks)
    first = DeepReader.of(encoder, {name: networks[name] for name in ARRAYS})
    second = DeepReader.of(encoder, {name: networks[prefix(1) + name] for name in ARRAYS})
    text = PARTS[0]
    alone = [reader.read(text) for reader in (first, second)]
    assert np.abs(alone[0] - alone[1]).max() > 1e-3
    np.testing.assert_allclose(both.read(text), sum(alone), rtol=1e-6)
    for share, *parts in zip(both.shares(text), first.shares(text), second.shares(text), strict=True):
        assert (share.start, share.end) == (parts[0].start, parts[0].end)
        np.testing.assert_allclose(share.logits, parts[0].logits + parts[1].logits, rtol=1e-5, atol=1e-6)


def test_a_part_is_as_bad_as_both_networks_find_it_together(
    encoder: Encoder, networks: dict[str, NDArray[Any]]
) -> None:
    """Not the worst part of one network added to another part that the other finds worst."""
    both = DeepReader.of(encoder, networks)
    sentence = "The council met again on a {} to talk about the new bridge over the river and its {} price."
    text = " ".join(sentence.format(*words) for words in (("Monday", "low"), ("Friday", "absurd"), ("Sunday", "old")))
    pieces, windows = (tokens := tokens_of(text, encoder.tokenizer)).pieces, tokens.windows
    assert len(windows) > 2
    single = [
        DeepWeights({name: networks[prefix(at) + name] for name in ARRAYS}, encoder.codes, encoder.steps).logits(
            pieces, windows
        )
        for at in range(2)
    ]
    together = (single[0] + single[1])[1:].max(axis=0)
    np.testing.assert_allclose(both.read(text)[LABELS:], together, rtol=1e-6)


def test_a_second_network_that_does_not_fit_is_refused(encoder: Encoder, networks: dict[str, NDArray[Any]]) -> None:
    assert count_networks(networks) == 2
    name = prefix(1) + "gain"
    with pytest.raises(ValueError, match="gain"):
        DeepReader.of(encoder, networks | {name: networks[name][:-1]})


def test_two_threads_read_many_texts(encoder: Encoder, weights: DeepWeights) -> None:
    """Each thread waits for another one at its first text: one alone would end in BrokenBarrierError."""
    both, own = threading.Barrier(2, timeout=30), threading.local()

    class Meeting(DeepReader):
        def read(self, text: str) -> NDArray[np.float32]:
            if not hasattr(own, "has_met"):
                both.wait()
                own.has_met = True
            return super().read(text)

    assert len(Meeting(encoder, [weights]).read_many(["You are an idiot."] * 64)) == 64


def test_an_error_of_one_text_reaches_the_caller(encoder: Encoder, weights: DeepWeights) -> None:
    class Failing(DeepReader):
        def read(self, text: str) -> NDArray[np.float32]:
            if text == "57":
                raise MemoryError("the kernel got no memory for this text")
            return super().read(text)

    with pytest.raises(MemoryError, match="no memory"):
        Failing(encoder, [weights]).read_many([str(at) for at in range(100)])
