"""The network learns word order, and the kernel computes the same as the training code."""

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.kernel import ARRAYS, DIM, LABELS, Weights
from classifier.reference import Reference
from training.features import count, document_frequency, inverse_document_frequency, matrix
from training.network import ForwardPass, TextBatch, TrainingTargets, WordOrder, fresh
from training.quantize import quantized_columns
from training.sequences import sequences

BITS = 12
TEXTS = [
    "You are an idiot, and everybody knows it!!",
    "",
    "no",
    "the minister of the garden \U0001f600 \U0001f600",
    "\u0437\u0430\u0432\u0442\u0440\u0430 looooong words words words",
]


def _targets(labels: NDArray[np.float32]) -> TrainingTargets:
    return TrainingTargets.of(labels, np.ones(len(labels), np.float32), np.zeros(len(labels), int))


def test_the_slopes_are_those_of_the_loss() -> None:
    """Against differences in double precision, at every layer and every word vector."""
    random = np.random.default_rng(1)
    read = sequences(TEXTS, BITS)
    vectors = random.normal(size=(1 << BITS, DIM))
    layers = {name: layer.astype(np.float64) for name, layer in fresh(LABELS, 2, random).items()}
    batch, weights = TextBatch.of(read, np.arange(len(TEXTS))), random.normal(size=(len(TEXTS), LABELS))
    x = batch.look_up(vectors)

    def loss() -> float:
        return float((ForwardPass(layers, batch, x).logits * weights).sum())

    gradients, of_x = ForwardPass(layers, batch, x).gradients(layers, weights)
    for array, slope in [*((layers[name], slope) for name, slope in gradients.items()), (x, of_x)]:
        for at in random.choice(array.size, min(array.size, 12), replace=False):
            place = np.unravel_index(at, array.shape)
            assert _difference(loss, array, place) == pytest.approx(slope[place], abs=1e-5)


def _difference(loss: object, array: NDArray[np.float64], place: tuple[np.intp, ...]) -> float:
    kept, step = array[place], 1e-6
    found = []
    for moved in (kept + step, kept - step):
        array[place] = moved
        found.append(loss())  # type: ignore[operator]
    array[place] = kept
    return (found[0] - found[1]) / (2 * step)


def test_order_is_learnt_which_no_bag_of_words_knows() -> None:
    random = np.random.default_rng(2)
    names = [f"name{n}" for n in range(40)]
    pairs = [random.choice(names, 2, replace=False) for _ in range(3000)]
    texts = [f"{one} bites {other}" if n % 2 else f"{one} pets {other}" for n, (one, other) in enumerate(pairs)]
    # The dog is bitten, or the dog bites: the same words.
    texts += [f"dog bites {one}" if n % 2 else f"{one} bites dog" for n, (one, _) in enumerate(pairs)]
    answers = np.array([0.0] * 3000 + [float(n % 2) for n in range(3000)], np.float32)
    labels = np.tile(answers[:, None], LABELS)
    read = sequences(texts, BITS)
    is_new = random.random(len(texts)) < 0.2
    network = WordOrder(epochs=6).fit(read, _targets(labels), np.flatnonzero(~is_new))
    found = network.decision_function(read, np.flatnonzero(is_new))[:, 0] > 0
    assert (found == (answers[is_new] > 0.5)).mean() > 0.97


def test_an_unknown_label_teaches_nothing() -> None:
    read = sequences([f"word{n % 7} and more" for n in range(300)], BITS)
    labels = np.zeros((300, LABELS), np.float32)
    labels[:, 1] = np.nan
    other = labels.copy()
    other[:, 0] = 1
    one, two = (WordOrder(epochs=3).fit(read, _targets(each)) for each in (labels, other))
    for network in (one, two):
        assert network.layers_["output_bias"][1] == -3, "where it began"
    assert one.decision_function(read)[0, 0] < -3 < two.decision_function(read)[0, 0]


def test_vectors_begin_where_they_are_put_and_only_those_of_the_texts_move() -> None:
    random = np.random.default_rng(5)
    begin = random.normal(size=(1 << BITS, DIM)).astype(np.float32)
    kept, read = begin.copy(), sequences(TEXTS, BITS)
    labels = (random.random((len(TEXTS), LABELS)) > 0.5).astype(np.float32)
    network = WordOrder(epochs=2).fit(read, _targets(labels), vectors=begin)
    np.testing.assert_array_equal(begin, kept)
    is_used = np.isin(np.arange(1 << BITS), read.table.indices)
    np.testing.assert_array_equal(network.vectors_[~is_used], begin[~is_used])
    moved = np.abs(network.vectors_ - begin)[is_used]
    assert moved.max() > 0.01
    assert moved.max() < 1, "steps are shorter than the vectors"


def test_training_and_kernel_and_reference_give_the_same_logits() -> None:
    """The bag and the network together, as written and as read, to the precision of the rounded numbers."""
    random = np.random.default_rng(3)
    labels = (random.random((len(TEXTS), LABELS)) > 0.5).astype(np.float32)
    read = sequences(TEXTS, BITS)
    network = WordOrder(epochs=20).fit(read, _targets(labels))
    counted = count(TEXTS, BITS, 1)
    idf = inverse_document_frequency(document_frequency(counted), len(TEXTS), 1)
    rounded, steps = quantized_columns(random.normal(size=(1 << BITS, LABELS)))
    vectors, vector_steps = quantized_columns(network.vectors_)
    network.vectors_ = (vectors * vector_steps).astype(np.float32)
    arrays = {
        "rows": np.column_stack([idf, rounded.view(np.uint8)]),
        "steps": steps,
        "bias": network.layers_["output_bias"].astype(np.float64),
        "slope": np.ones((1, LABELS)),
        "intercept": np.zeros((1, LABELS)),
        "vectors": vectors,
        "vector_steps": vector_steps.astype(np.float32),
    } | {name: network.layers_[name] for name in ARRAYS if name in network.layers_}
    logits = matrix(counted, idf) @ (rounded * steps) + network.decision_function(read)
    trained = 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(Weights(arrays).score_many(TEXTS), trained, atol=1e-5)
    np.testing.assert_allclose(Reference(arrays).predict_proba(TEXTS), Weights(arrays).score_many(TEXTS), atol=1e-6)


def test_rounding_is_right_on_average() -> None:
    random = np.random.default_rng(4)
    table = random.normal(scale=0.001, size=(100_000, 2))
    table[:3] = 4.0
    rounded, steps = quantized_columns(table)
    assert rounded.dtype == np.int8
    np.testing.assert_allclose((rounded * steps)[3:].sum(axis=0), table[3:].sum(axis=0), atol=400 * steps.max())
    assert (quantized_columns(np.zeros((5, 2)))[0] == 0).all()
