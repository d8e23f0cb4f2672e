"""The network that knows the order of words (classifier/_network.h), and how it learns.

Word vectors by Adagrad (Duchi et al. 2011), which lets rare n-grams learn in large steps, from where `from_company`
puts them; the rest by Adam (Kingma and Ba 2015, arXiv 1412.6980).
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

# Tokens; a text with fewer is told apart.
FEW = 6
# Shares of pooled numbers and of hidden units that are left out at random in training (Srivastava et al. 2014).
POOLED_DROPPED, HIDDEN_DROPPED = 0.3, 0.2
# Tokens hidden in training, so that no text is known by one of its words.
TOKENS_DROPPED = 0.1
LEAST_RATE = 0.05
# Adagrad's first step is as long as its rate: one that is longer than the vectors would undo where they began.
RATE_FROM_CHANCE, RATE_FROM_COMPANY = 0.3, 0.1
FEWEST_STEPS, SMALLEST_BATCH = 64, 32

Floats = NDArray[np.float32]
Layers = dict[str, Floats]


@dataclass(frozen=True, slots=True)
class Lesson:
    """What each text of a `Sequences` is to be learnt as.

    `labels`: (n, labels) in [0, 1]. `weights`: (n, labels), 0 where a label is unknown. `groups`: (n,), from 0 on; as
    in MaskedLogistic each but the first has intercepts of its own, which are left out of the model.
    """

    labels: Floats
    weights: Floats
    groups: NDArray[np.intp]

    @classmethod
    def of(cls, labels: Floats, weights: Floats, groups: NDArray[np.intp]) -> "Lesson":
        """`labels` NaN where unknown; `weights`: (n,)."""
        known = np.isfinite(labels)
        return cls(np.where(known, labels, np.float32(0)), known * weights[:, None], groups)

    def slopes(self, texts: NDArray[np.intp], logits: Floats) -> Floats:
        """Of the mean loss of these texts in their logits."""
        found: Floats = (expit(logits) - self.labels[texts]) * self.weights[texts] / len(texts)
        return found.astype(np.float32)


class WordOrder(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """One network for all labels. `rate`: of Adam; `vector_rate`: of Adagrad; both fall to LEAST_RATE of that.

    `vector_rate` None: RATE_FROM_COMPANY where the vectors begin as given, RATE_FROM_CHANCE where they do not.
    `batch`: texts of a step, less where there are few, so that an epoch has at least FEWEST_STEPS.
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
        read: Sequences,
        lesson: Lesson,
        rows: NDArray[np.intp] | None = None,
        vectors: Floats | None = None,
    ) -> "WordOrder":
        """`rows`: the texts to learn from; all when None. `vectors`: where to begin, (2**bits, DIM); not changed."""
        random = np.random.default_rng(self.seed)
        rows = np.arange(len(read)) if rows is None else rows
        rows = rows[(read.lengths[rows] > 0) & lesson.weights[rows].any(axis=1)]
        begin = random.normal(scale=0.3, size=(read.table.shape[1], DIM)) if vectors is None else vectors
        self.vectors_ = begin.astype(np.float32)
        vector_rate = self.vector_rate or (RATE_FROM_CHANCE if vectors is None else RATE_FROM_COMPANY)
        self.layers_ = fresh(lesson.labels.shape[1], int(lesson.groups.max(initial=0)) + 1, random)
        adam, squares = _Adam(self.layers_), np.full(self.vectors_.shape, 1e-10, np.float32)
        size = int(np.clip(len(rows) // FEWEST_STEPS, SMALLEST_BATCH, self.batch))
        total = self.epochs * -(-len(rows) // size)
        for step, texts in enumerate(self._batches(rows, size, random)):
            fall = max(LEAST_RATE, 1 - step / total)
            batch = Batch.of(read, texts)
            kept = (random.random((len(batch.text_of), 1)) >= TOKENS_DROPPED).astype(np.float32)
            slopes, of_words = self._slopes(batch, lesson, texts, kept, random)
            adam.step(self.layers_, slopes, self.rate * fall)
            batch.learn(self.vectors_, squares, of_words, vector_rate * fall)
        return self

    def _slopes(
        self,
        batch: "Batch",
        lesson: Lesson,
        texts: NDArray[np.intp],
        kept: Floats,
        random: np.random.Generator,
    ) -> tuple[Layers, Floats]:
        """Of the loss in the layers and in the word vectors; `kept`: (tokens, 1), 0 where a token is hidden."""
        noise = (
            _dropout(random, (len(texts), POOLED), POOLED_DROPPED),
            _dropout(random, (len(texts), HIDDEN), HIDDEN_DROPPED),
        )
        groups = lesson.groups[texts]
        passed = Pass(self.layers_, batch, batch.look_up(self.vectors_) * kept, noise)
        of_logits = lesson.slopes(texts, passed.logits + self.own_of(groups))
        slopes, of_words = passed.slopes(self.layers_, of_logits)
        slopes["own"] = np.zeros_like(self.layers_["own"])
        np.add.at(slopes["own"], groups, of_logits)
        return slopes, of_words * kept

    def _batches(self, rows: NDArray[np.intp], size: int, random: np.random.Generator) -> Iterator[NDArray[np.intp]]:
        for _ in range(self.epochs):
            ordered = random.permutation(rows)
            yield from (ordered[at : at + size] for at in range(0, len(ordered), size))

    def own_of(self, groups: NDArray[np.intp]) -> Floats:
        """What is added to the logits of texts of these groups, (n, labels)."""
        found: Floats = np.where(groups[:, None] > 0, self.layers_["own"][groups], 0)
        return found

    def decision_function(self, read: Sequences, rows: NDArray[np.intp] | None = None) -> NDArray[np.float64]:
        """Logits, (n, labels)."""
        rows = np.arange(len(read)) if rows is None else rows
        parts = [np.zeros((0, self.layers_["output"].shape[1]))]
        for at in range(0, len(rows), self.batch):
            batch = Batch.of(read, rows[at : at + self.batch])
            parts.append(Pass(self.layers_, batch, batch.look_up(self.vectors_)).logits.astype(np.float64))
        return np.concatenate(parts)


@dataclass(frozen=True, slots=True)
class Batch:
    """Some texts, their tokens one behind the other.

    `lengths`: (texts,). `text_of`: (tokens,). `which`: (tokens,) numbers of the distinct tokens, each a row of
    `parts`: (distinct tokens, the rows of vectors that they are made of); `rows`: which these are.
    """

    lengths: NDArray[np.int64]
    text_of: NDArray[np.intp]
    which: NDArray[np.intp]
    parts: "sparse.csr_matrix"
    rows: NDArray[np.intp]

    @classmethod
    def of(cls, read: Sequences, texts: NDArray[np.intp]) -> "Batch":
        lengths = read.lengths[texts]
        tokens = [read.tokens[read.starts[text] : read.starts[text + 1]] for text in texts]
        distinct, which = np.unique(np.concatenate(tokens), return_inverse=True)
        taken = read.table[distinct]
        rows, columns = np.unique(taken.indices, return_inverse=True)
        parts = sparse.csr_matrix((taken.data, columns.astype(np.int32), taken.indptr), (len(distinct), len(rows)))
        return cls(lengths, np.repeat(np.arange(len(texts)), lengths), which, parts, rows)

    def look_up(self, vectors: Floats) -> Floats:
        """(tokens, DIM)."""
        found: Floats = (self.parts @ vectors[self.rows])[self.which]
        return found

    def learn(self, vectors: Floats, squares: Floats, slopes: Floats, rate: float) -> None:
        """One step of Adagrad, on the vectors that the batch used."""
        size = len(self.which)
        places = sparse.csr_matrix(
            (np.ones(size, np.float32), self.which, np.arange(size + 1)), (size, self.parts.shape[0])
        )
        step = self.parts.T @ (places.T @ slopes)
        grown = squares[self.rows] + step * step
        squares[self.rows] = grown
        vectors[self.rows] -= np.float32(rate) * step / np.sqrt(grown)

    def largest(self, of_tokens: Floats) -> Floats:
        """By text; 0 for an empty one, and no less than 0 for any."""
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


class Pass:
    """One way through the layers, and back again. `logits`: (texts, labels)."""

    def __init__(self, layers: Layers, batch: Batch, x: Floats, noise: tuple[Floats, Floats] | None = None) -> None:
        self._batch, self._x = batch, x
        self._noise = noise or (np.ones(1, np.float32), np.ones(1, np.float32))
        # Is there a token of the same text before, and behind?
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

    def slopes(self, layers: Layers, of_logits: Floats) -> tuple[Layers, Floats]:
        """Of the loss in each layer and in each token's vector, from those in the logits."""
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
        # Most texts have none of the labels; to begin there saves the first steps.
        "output_bias": np.full(labels, -3, np.float32),
        "own": np.zeros((groups, labels), np.float32),
    }


def _dropout(random: np.random.Generator, shape: tuple[int, int], share: float) -> Floats:
    kept: Floats = ((random.random(shape) >= share) / (1 - share)).astype(np.float32)
    return kept


class _Adam:
    DECAY, SQUARE_DECAY, TINY, LONGEST = 0.9, 0.999, 1e-8, 1.0

    def __init__(self, layers: Layers) -> None:
        self._means = {name: np.zeros_like(layer) for name, layer in layers.items()}
        self._squares = {name: np.zeros_like(layer) for name, layer in layers.items()}
        self._steps = 0

    def step(self, layers: Layers, slopes: Layers, rate: float) -> None:
        """Changes `layers`. Slopes longer than LONGEST together are shortened: one odd batch must not undo much."""
        self._steps += 1
        length = np.sqrt(sum(float((slope * slope).sum()) for slope in slopes.values()))
        shrink = np.float32(min(1.0, self.LONGEST / max(length, self.TINY)))
        for name, layer in layers.items():
            slope = slopes[name] * shrink
            self._means[name] += (1 - self.DECAY) * (slope - self._means[name])
            self._squares[name] += (1 - self.SQUARE_DECAY) * (slope * slope - self._squares[name])
            mean = self._means[name] / (1 - self.DECAY**self._steps)
            square = self._squares[name] / (1 - self.SQUARE_DECAY**self._steps)
            np.subtract(layer, rate * mean / (np.sqrt(square) + self.TINY), out=layer, casting="same_kind")
