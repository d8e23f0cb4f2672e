"""The convolutional network over word sequences (classifier/_network.h), and its training.

The word vectors start from `cooccurrence_vectors` and are trained with Adagrad (Duchi et al. 2011), which gives rare
n-grams large steps; the other layers use Adam (Kingma and Ba 2015, arXiv 1412.6980).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin

from classifier.kernel import CHANNELS, DIM, HIDDEN, POOLED, TAPS
from training.sequences import Sequences

# A feature marks texts with fewer tokens than this.
FEW = 6
# Dropout rates of the pooled features and of the hidden units (Srivastava et al. 2014).
POOLED_DROPPED, HIDDEN_DROPPED = 0.3, 0.2
# Dropout rate of whole tokens, so that no text is recognized by a single word.
TOKENS_DROPPED = 0.1
LEAST_RATE = 0.05
# Adagrad's first step is as long as its rate: a step longer than the vectors would erase their initial values.
RATE_FROM_RANDOM, RATE_FROM_GIVEN = 0.3, 0.1
FEWEST_STEPS, SMALLEST_BATCH = 64, 32

Floats = NDArray[np.float32]
Layers = dict[str, Floats]


@dataclass(frozen=True, slots=True)
class TrainingTargets:
    """Training targets for the texts of a `Sequences`.

    `labels`: (n, labels) in [0, 1]. `weights`: (n, labels), 0 where a label is unknown. `groups`: (n,), from 0 on; as
    in MaskedLogistic each group except 0 has intercepts of its own, which are not part of the model.
    """

    labels: Floats
    weights: Floats
    groups: NDArray[np.intp]

    @classmethod
    def of(cls, labels: Floats, weights: Floats, groups: NDArray[np.intp]) -> "TrainingTargets":
        """`labels` NaN where unknown; `weights`: (n,)."""
        known = np.isfinite(labels)
        return cls(np.where(known, labels, np.float32(0)), known * weights[:, None], groups)

    def gradients(self, texts: NDArray[np.intp], logits: Floats) -> Floats:
        """The gradient of these texts' mean loss with respect to their logits."""
        found: Floats = (expit(logits) - self.labels[texts]) * self.weights[texts] / len(texts)
        return found.astype(np.float32)


class WordOrder(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """One network for all labels. `rate` is Adam's, `vector_rate` Adagrad's; both decay to LEAST_RATE of their start.

    `vector_rate` None: RATE_FROM_GIVEN if `fit` is given initial vectors, else RATE_FROM_RANDOM.
    `batch`: texts in a step; fewer for small data, so that an epoch has at least FEWEST_STEPS.
    After `fit`: `vectors_` (2**bits, DIM) and `layers_`, float32.
    """

    def __init__(
        self, epochs: int = 6, batch: int = 256, rate: float = 2e-3, vector_rate: float | None = None, seed: int = 0
    ) -> None:
        self.epochs = epochs
        self.batch = batch
        self.rate = rate
        self.vector_rate = vector_rate
        self.seed = seed

    def fit(
        self,
        data: Sequences,
        targets: TrainingTargets,
        rows: NDArray[np.intp] | None = None,
        vectors: Floats | None = None,
    ) -> "WordOrder":
        """`rows`: the texts to train on; None: all. `vectors`: initial word vectors, (2**bits, DIM); not modified."""
        random = np.random.default_rng(self.seed)
        rows = np.arange(len(data)) if rows is None else rows
        rows = rows[(data.lengths[rows] > 0) & targets.weights[rows].any(axis=1)]
        begin = random.normal(scale=0.3, size=(data.table.shape[1], DIM)) if vectors is None else vectors
        self.vectors_ = begin.astype(np.float32)
        vector_rate = self.vector_rate or (RATE_FROM_RANDOM if vectors is None else RATE_FROM_GIVEN)
        self.layers_ = fresh(targets.labels.shape[1], int(targets.groups.max(initial=0)) + 1, random)
        adam, squares = _Adam(self.layers_), np.full(self.vectors_.shape, 1e-10, np.float32)
        size = int(np.clip(len(rows) // FEWEST_STEPS, SMALLEST_BATCH, self.batch))
        total = self.epochs * -(-len(rows) // size)
        for step, texts in enumerate(self._batches(rows, size, random)):
            decay = max(LEAST_RATE, 1 - step / total)
            batch = TextBatch.of(data, texts)
            mask = (random.random((len(batch.text_of), 1)) >= TOKENS_DROPPED).astype(np.float32)
            gradients, of_words = self._gradients(batch, targets, texts, mask, random)
            adam.step(self.layers_, gradients, self.rate * decay)
            batch.learn(self.vectors_, squares, of_words, vector_rate * decay)
        return self

    def _gradients(
        self,
        batch: "TextBatch",
        targets: TrainingTargets,
        texts: NDArray[np.intp],
        mask: Floats,
        random: np.random.Generator,
    ) -> tuple[Layers, Floats]:
        """The gradients of the loss for the layers and the word vectors; `mask`: (tokens, 1), 0 for a dropped token."""
        noise = (
            _dropout(random, (len(texts), POOLED), POOLED_DROPPED),
            _dropout(random, (len(texts), HIDDEN), HIDDEN_DROPPED),
        )
        groups = targets.groups[texts]
        passed = ForwardPass(self.layers_, batch, batch.look_up(self.vectors_) * mask, noise)
        of_logits = targets.gradients(texts, passed.logits + self.group_intercepts(groups))
        gradients, of_words = passed.gradients(self.layers_, of_logits)
        gradients["group_intercepts"] = np.zeros_like(self.layers_["group_intercepts"])
        np.add.at(gradients["group_intercepts"], groups, of_logits)
        return gradients, of_words * mask

    def _batches(self, rows: NDArray[np.intp], size: int, random: np.random.Generator) -> Iterator[NDArray[np.intp]]:
        for _ in range(self.epochs):
            ordered = random.permutation(rows)
            yield from (ordered[at : at + size] for at in range(0, len(ordered), size))

    def group_intercepts(self, groups: NDArray[np.intp]) -> Floats:
        """The intercepts that these groups add to their texts' logits, (n, labels)."""
        found: Floats = np.where(groups[:, None] > 0, self.layers_["group_intercepts"][groups], 0)
        return found

    def decision_function(self, data: Sequences, rows: NDArray[np.intp] | None = None) -> NDArray[np.float64]:
        """Logits, (n, labels)."""
        rows = np.arange(len(data)) if rows is None else rows
        parts = [np.zeros((0, self.layers_["output"].shape[1]))]
        for at in range(0, len(rows), self.batch):
            batch = TextBatch.of(data, rows[at : at + self.batch])
            parts.append(ForwardPass(self.layers_, batch, batch.look_up(self.vectors_)).logits.astype(np.float64))
        return np.concatenate(parts)


@dataclass(frozen=True, slots=True)
class TextBatch:
    """Some texts with their tokens concatenated.

    `lengths`: (texts,). `text_of`: (tokens,), the text of each token. `which`: (tokens,), an index into the distinct
    tokens, which are the rows of `parts`: (distinct tokens, used vector rows). `rows`: the numbers of these rows.
    """

    lengths: NDArray[np.int64]
    text_of: NDArray[np.intp]
    which: NDArray[np.intp]
    parts: "sparse.csr_matrix"
    rows: NDArray[np.intp]

    @classmethod
    def of(cls, data: Sequences, texts: NDArray[np.intp]) -> "TextBatch":
        lengths = data.lengths[texts]
        tokens = [data.tokens[data.starts[text] : data.starts[text + 1]] for text in texts]
        distinct, which = np.unique(np.concatenate(tokens), return_inverse=True)
        taken = data.table[distinct]
        rows, columns = np.unique(taken.indices, return_inverse=True)
        parts = sparse.csr_matrix((taken.data, columns.astype(np.int32), taken.indptr), (len(distinct), len(rows)))
        return cls(lengths, np.repeat(np.arange(len(texts)), lengths), which, parts, rows)

    def look_up(self, vectors: Floats) -> Floats:
        """(tokens, DIM)."""
        found: Floats = (self.parts @ vectors[self.rows])[self.which]
        return found

    def learn(self, vectors: Floats, squares: Floats, gradients: Floats, rate: float) -> None:
        """One step of Adagrad on the vectors that the batch uses."""
        size = len(self.which)
        places = sparse.csr_matrix(
            (np.ones(size, np.float32), self.which, np.arange(size + 1)), (size, self.parts.shape[0])
        )
        step = self.parts.T @ (places.T @ gradients)
        grown = squares[self.rows] + step * step
        squares[self.rows] = grown
        vectors[self.rows] -= np.float32(rate) * step / np.sqrt(grown)

    def largest(self, of_tokens: Floats) -> Floats:
        """The maximum over each text's tokens, at least 0."""
        found = np.zeros((len(self.lengths), of_tokens.shape[1]), of_tokens.dtype)
        full = self.lengths > 0
        if full.any():
            found[full] = np.maximum.reduceat(of_tokens, self._starts[full], axis=0)
        return np.maximum(found, 0, out=found)

    def summed(self, of_tokens: Floats) -> Floats:
        found = np.zeros((len(self.lengths), of_tokens.shape[1]), of_tokens.dtype)
        full = self.lengths > 0
        if full.any():
            found[full] = np.add.reduceat(of_tokens, self._starts[full], axis=0)
        return found

    @property
    def _starts(self) -> NDArray[np.int64]:
        return np.cumsum(self.lengths) - self.lengths


class ForwardPass:
    """A forward pass, and the backward pass through it. `logits`: (texts, labels)."""

    def __init__(self, layers: Layers, batch: TextBatch, x: Floats, noise: tuple[Floats, Floats] | None = None) -> None:
        self._batch, self._x = batch, x
        self._noise = noise or (np.ones(1, np.float32), np.ones(1, np.float32))
        # 1 if two adjacent tokens belong to the same text.
        same = (batch.text_of[1:] == batch.text_of[:-1]).astype(np.float32)[:, None]
        self._same = same
        taps = [x @ layers["filters"][tap] for tap in range(TAPS)]
        self._on = layers["filter_bias"] + taps[1]
        self._on[1:] += taps[0][:-1] * same
        self._on[:-1] += taps[2][1:] * same
        np.maximum(self._on, 0, out=self._on)
        self._n = np.maximum(batch.lengths, 1).astype(np.float32)[:, None]
        self._largest = batch.largest(self._on)
        mean = batch.summed(self._on) / self._n
        words = batch.summed(x) / np.sqrt(self._n)
        lengths = batch.lengths[:, None]
        counts = np.concatenate([np.log1p(lengths) / 3, lengths < FEW], axis=1).astype(np.float32)
        self._pooled = np.concatenate([self._largest, mean, words, counts], axis=1) * self._noise[0]
        self._hidden = np.maximum(self._pooled @ layers["hidden"] + layers["hidden_bias"], 0) * self._noise[1]
        self.logits: Floats = self._hidden @ layers["output"] + layers["output_bias"]

    def gradients(self, layers: Layers, of_logits: Floats) -> tuple[Layers, Floats]:
        """The gradients for each layer and each token's vector, from the gradient for the logits."""
        of_hidden = of_logits @ layers["output"].T * self._noise[1] * (self._hidden > 0)
        of_pooled = of_hidden @ layers["hidden"].T * self._noise[0]
        of_largest, of_mean = of_pooled[:, :CHANNELS], of_pooled[:, CHANNELS : 2 * CHANNELS] / self._n
        text_of = self._batch.text_of
        of_on = (self._on == self._largest[text_of]) * of_largest[text_of]
        of_on += of_mean[text_of]
        of_on *= self._on > 0
        behind, before = np.zeros_like(of_on), np.zeros_like(of_on)
        behind[:-1] = of_on[1:] * self._same
        before[1:] = of_on[:-1] * self._same
        of_taps = (behind, of_on, before)
        of_words = (of_pooled[:, 2 * CHANNELS : 2 * CHANNELS + DIM] / np.sqrt(self._n))[text_of]
        for tap in range(TAPS):
            of_words += of_taps[tap] @ layers["filters"][tap].T
        found = {
            "filters": np.stack([self._x.T @ of_tap for of_tap in of_taps]),
            "filter_bias": of_on.sum(axis=0),
            "hidden": self._pooled.T @ of_hidden,
            "hidden_bias": of_hidden.sum(axis=0),
            "output": self._hidden.T @ of_logits,
            "output_bias": of_logits.sum(axis=0),
        }
        return found, of_words


def fresh(labels: int, groups: int, random: np.random.Generator) -> Layers:
    def spread(*shape: int, inputs: int) -> Floats:
        drawn: Floats = (random.normal(size=shape) / np.sqrt(inputs)).astype(np.float32)
        return drawn

    return {
        "filters": spread(TAPS, DIM, CHANNELS, inputs=TAPS * DIM),
        "filter_bias": np.zeros(CHANNELS, np.float32),
        "hidden": spread(POOLED, HIDDEN, inputs=POOLED),
        "hidden_bias": np.zeros(HIDDEN, np.float32),
        "output": spread(HIDDEN, labels, inputs=HIDDEN),
        # Most texts have none of the labels; starting there saves the first steps.
        "output_bias": np.full(labels, -3, np.float32),
        "group_intercepts": np.zeros((groups, labels), np.float32),
    }


def _dropout(random: np.random.Generator, shape: tuple[int, int], share: float) -> Floats:
    mask: Floats = ((random.random(shape) >= share) / (1 - share)).astype(np.float32)
    return mask


class _Adam:
    DECAY, SQUARE_DECAY, TINY, LONGEST = 0.9, 0.999, 1e-8, 1.0

    def __init__(self, layers: Layers) -> None:
        self._means = {name: np.zeros_like(layer) for name, layer in layers.items()}
        self._squares = {name: np.zeros_like(layer) for name, layer in layers.items()}
        self._steps = 0

    def step(self, layers: Layers, gradients: Layers, rate: float) -> None:
        """Updates `layers` in place. Clips the gradient to the norm LONGEST, so that one bad batch does little harm."""
        self._steps += 1
        length = np.sqrt(sum(float((slope * slope).sum()) for slope in gradients.values()))
        shrink = np.float32(min(1.0, self.LONGEST / max(length, self.TINY)))
        for name, layer in layers.items():
            slope = gradients[name] * shrink
            self._means[name] += (1 - self.DECAY) * (slope - self._means[name])
            self._squares[name] += (1 - self.SQUARE_DECAY) * (slope * slope - self._squares[name])
            mean = self._means[name] / (1 - self.DECAY**self._steps)
            square = self._squares[name] / (1 - self.SQUARE_DECAY**self._steps)
            np.subtract(layer, rate * mean / (np.sqrt(square) + self.TINY), out=layer, casting="same_kind")
