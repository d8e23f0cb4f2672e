"""The kernel computes the same as its reference, on every processor."""

import resource
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.deep.encoder import Encoder
from classifier.deep.kernel import BEST, DeepWeights
from training.deep.integers import logits
from training.deep.published import unpacked

Arrays = dict[str, NDArray[Any]]


@pytest.fixture(scope="module")
def ways(encoder: Encoder, arrays: Arrays) -> list[DeepWeights]:
    return [DeepWeights(arrays, encoder.codes, encoder.steps, way) for way in range(BEST + 1)]


# Around the ends of a block (96 pieces), where the kernel looks from one into the next.
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 17, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100, 101, 191, 192, 193, 400])
def test_the_kernel_computes_what_the_reference_says(
    encoder: Encoder, arrays: Arrays, ways: list[DeepWeights], size: int
) -> None:
    pieces = np.random.default_rng(size).integers(0, encoder.tokenizer.size, size)
    windows = [(0, size), (size // 2, size), (0, 1)]
    expected = logits(arrays, unpacked(encoder.codes[pieces], encoder.steps[pieces]).astype(np.float64), windows)
    found = [way.logits(pieces.tolist(), windows) for way in ways]
    # A number that lies between two bytes may fall to either, which moves logits of several units by a few hundredths.
    np.testing.assert_allclose(found[0], expected, rtol=0, atol=0.15)
    assert np.abs(found[0] - expected).mean() < 0.03
    assert np.abs(expected).max() > 1
    assert all(np.array_equal(found[0], each) for each in found[1:])


def test_a_part_is_judged_as_it_is_in_any_text_around_it(encoder: Encoder, ways: list[DeepWeights]) -> None:
    pieces = np.random.default_rng(1).integers(0, encoder.tokenizer.size, 300).tolist()
    far = ways[-1].logits(pieces, [(100, 120)])
    near = ways[-1].logits(pieces[90:130], [(10, 30)])
    np.testing.assert_array_equal(far, near)


def test_what_is_no_piece_is_refused(encoder: Encoder, ways: list[DeepWeights]) -> None:
    for piece in (-1, encoder.tokenizer.size):
        with pytest.raises(ValueError, match="vocabulary"):
            ways[0].logits([piece], [(0, 1)])


def test_arrays_that_do_not_fit_are_refused(encoder: Encoder, arrays: Arrays) -> None:
    with pytest.raises(ValueError, match="gain is"):
        DeepWeights({**arrays, "gain": arrays["gain"][:-1]}, encoder.codes, encoder.steps)
    with pytest.raises(ValueError, match="codes is"):
        DeepWeights(arrays, encoder.codes[:-1], encoder.steps)


@pytest.mark.parametrize(("name", "weight"), [("project", 64), ("second", -64), ("d3", 127), ("hidden_mean", -128)])
def test_weights_that_are_too_large_for_some_processors_are_refused(
    encoder: Encoder, arrays: Arrays, name: str, weight: int
) -> None:
    large = arrays[name].copy()
    large[-1, -1, -1, -1] = weight
    with pytest.raises(ValueError, match=f"{name} holds .*{weight}"):
        DeepWeights({**arrays, name: large}, encoder.codes, encoder.steps)


def test_a_text_without_its_last_word_is_what_stands_before_it(encoder: Encoder, ways: list[DeepWeights]) -> None:
    pieces = np.random.default_rng(3).integers(0, encoder.tokenizer.size, 130).tolist()
    words = [(at, at + 2) for at in range(0, 130, 2)]
    for way in ways:
        without = way.without(pieces, words)
        np.testing.assert_array_equal(without[-1], way.logits(pieces, [(0, 128)])[0])
        np.testing.assert_array_equal(without[0], way.logits(pieces, [(2, 130)])[0])
        whole = way.without(pieces, [(0, 0), *words])
        np.testing.assert_array_equal(whole[0], way.logits(pieces, [(0, 130)])[0])
        np.testing.assert_array_equal(whole[1:], without)
    assert not ways[0].without([5], [(0, 1)]).any()


def test_many_windows_get_what_each_gets_alone(encoder: Encoder, ways: list[DeepWeights]) -> None:
    pieces = np.random.default_rng(4).integers(0, encoder.tokenizer.size, 200).tolist()
    windows = [(at, at + 9) for at in range(0, 180, 7)]
    together = ways[-1].logits(pieces, windows)
    alone = np.concatenate([ways[-1].logits(pieces, [window]) for window in windows])
    np.testing.assert_array_equal(together, alone)


def test_what_was_read_before_changes_nothing(encoder: Encoder, arrays: Arrays, ways: list[DeepWeights]) -> None:
    """The kernel remembers what it made of the pieces that occur most, and forgets them for others."""
    random = np.random.default_rng(5)
    text = random.integers(0, encoder.tokenizer.size, 150).tolist()
    windows = [(0, 150), (40, 60)]
    for at, way in enumerate(ways):
        fresh = DeepWeights(arrays, encoder.codes, encoder.steps, at)
        first = fresh.logits(text, windows)
        np.testing.assert_array_equal(fresh.logits(text, windows), first)
        for _ in range(20):
            fresh.logits(random.integers(0, encoder.tokenizer.size, 300).tolist(), [(0, 300)])
            fresh.logits([*text[75:], *text[75:]], [(0, 150)])
        assert fresh.remembered > 300
        np.testing.assert_array_equal(fresh.logits(text, windows), first)
        np.testing.assert_array_equal(way.logits(text, windows), first)


def test_a_piece_whose_products_are_too_large_is_not_remembered(encoder: Encoder, arrays: Arrays) -> None:
    reader = DeepWeights(arrays, encoder.codes, encoder.steps)
    pieces = np.random.default_rng(7).integers(0, encoder.tokenizer.size, 200).tolist()
    counts = [0]
    for piece in pieces:
        reader.logits([piece], [(0, 1)])
        counts.append(reader.remembered)
    fits = np.diff(counts) == 1
    assert set(np.diff(counts)) == {0, 1}
    assert 0.8 < fits.mean() < 1
    whole, fresh = reader.logits(pieces, [(0, 200)]), DeepWeights(arrays, encoder.codes, encoder.steps)
    np.testing.assert_array_equal(whole, fresh.logits(pieces, [(0, 200)]))


def test_threads_that_read_at_once_get_what_each_gets_alone(encoder: Encoder, arrays: Arrays) -> None:
    random = np.random.default_rng(6)
    # Common pieces and rare ones, so that the threads find some, add some and drop some at the same time.
    texts = [
        (random.integers(0, encoder.tokenizer.size, 40) ** 3 // encoder.tokenizer.size**2).tolist() for _ in range(300)
    ]
    alone = [DeepWeights(arrays, encoder.codes, encoder.steps).logits(text, [(0, 40)]) for text in texts[:20]]
    shared = DeepWeights(arrays, encoder.codes, encoder.steps)
    with ThreadPoolExecutor(4) as threads:
        found = [*threads.map(lambda text: shared.logits(text, [(0, 40)]), texts)]
    assert shared.remembered > 300
    again = [shared.logits(text, [(0, 40)]) for text in texts]
    np.testing.assert_array_equal(found[:20], alone)
    np.testing.assert_array_equal(found, again)


def test_what_a_reader_remembers_ends_with_it(encoder: Encoder, arrays: Arrays) -> None:
    def read() -> None:
        DeepWeights(arrays, encoder.codes, encoder.steps).logits(range(1_000), [(0, 1_000)])

    def in_memory() -> float:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6

    read()
    before = in_memory()
    for _ in range(20):
        read()
    assert in_memory() - before < 40, "one remembers 4 MB"
