"""The deep reader's network in PyTorch, for training; classifier/_deep.c runs the same network when serving.

It is the encoder of the Universal Sentence Encoder, multilingual, version 3 (Yang et al. 2019, arXiv 1907.04307): a
frozen table of word pieces, three branches of convolutions over 2, 3 or 5 pieces, and layer norms. The head has one
hidden layer over the pooled features and the encoder's own sentence embedding, and gives a logit for each attribute.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from classifier.deep.kernel import CHANNELS, EMBEDDED, FEATURES, HIDDEN, NARROW, ORDERS, POOLED, SENTENCE
from training.deep.published import MIDDLE

# Rows of zeros between two texts, so that no convolution spans two of them.
GAP = 2
TINY = 1e-12
LOWEST = -1e4


@dataclass(frozen=True, slots=True)
class PieceBatch:
    """Some texts with their pieces concatenated, with GAP empty rows before, between and after them.

    `pieces`: (rows,) piece numbers. `is_piece`: (rows, 1) float, 0 in the gaps. `text_of`: (rows,) the text of a row,
    `len(lengths)` in the gaps. `lengths`: (texts,).
    """

    pieces: Tensor
    is_piece: Tensor
    text_of: Tensor
    lengths: Tensor

    @classmethod
    def of(cls, texts: Sequence[NDArray[np.int32]]) -> "PieceBatch":
        lengths = np.array([len(text) for text in texts])
        ends = np.cumsum(lengths + GAP) + GAP
        rows = int(ends[-1]) if len(ends) else GAP
        pieces, text_of = np.zeros(rows, np.int64), np.full(rows, len(texts), np.int64)
        for at, (text, end) in enumerate(zip(texts, ends, strict=True)):
            start = int(end) - GAP - len(text)
            pieces[start : start + len(text)] = text
            text_of[start : start + len(text)] = at
        is_piece = torch.from_numpy((text_of < len(texts)).astype(np.float32)[:, None])
        return cls(torch.from_numpy(pieces), is_piece, torch.from_numpy(text_of), torch.from_numpy(lengths))

    def to(self, device: torch.device) -> "PieceBatch":
        return PieceBatch(*(each.to(device, non_blocking=True) for each in (
            self.pieces, self.is_piece, self.text_of, self.lengths)))  # fmt: skip


class Branch(nn.Module):
    """(rows, CHANNELS) of a batch. `order`: the window in pieces; an even one has one more piece after than before."""

    def __init__(self, order: int) -> None:
        super().__init__()
        self.order, self.before = order, (order - 1) // 2
        self.project = nn.Linear(EMBEDDED, CHANNELS)
        self.norm = nn.LayerNorm(CHANNELS, eps=TINY)
        self.first = nn.Linear(order * CHANNELS, CHANNELS)
        self.second = nn.Linear(order * CHANNELS, CHANNELS)

    def forward(self, embedded: Tensor, is_piece: Tensor) -> Tensor:
        x = self.norm(self.project(embedded)) * is_piece
        h = (functional.relu(self._convolved(x, self.first)) + x) * is_piece
        found: Tensor = functional.relu(self._convolved(h, self.second)) + h
        return found

    def _convolved(self, x: Tensor, layer: nn.Linear) -> Tensor:
        """(rows, CHANNELS): the layer applied to each row concatenated with its neighbors."""
        behind = self.order - 1 - self.before
        wide = functional.pad(x, (0, 0, self.before, behind))
        side_by_side = torch.cat([wide[at : at + len(x)] for at in range(self.order)], dim=1)
        found: Tensor = layer(side_by_side)
        return found


class EncoderNetwork(nn.Module):
    """(rows, FEATURES) of a batch."""

    def __init__(self) -> None:
        super().__init__()
        self.ordered_branches = [Branch(order) for order in ORDERS]
        self.branches = nn.ModuleList(self.ordered_branches)
        self.norm = nn.LayerNorm(FEATURES, eps=TINY)

    def forward(self, embedded: Tensor, is_piece: Tensor) -> Tensor:
        features: Tensor = self.norm(
            torch.cat([embedded, *(each(embedded, is_piece) for each in self.ordered_branches)], 1)
        )
        return features


class ClassificationHead(nn.Module):
    """(texts, attributes) logits from the sentence embedding, and the mean and maximum of a text's features."""

    def __init__(self, attributes: int, dropped: float) -> None:
        super().__init__()
        self.sentence = nn.Linear(FEATURES, SENTENCE)
        self.d0 = nn.Linear(SENTENCE, NARROW, bias=False)
        self.d1 = nn.Linear(NARROW, NARROW, bias=False)
        self.p1 = nn.Linear(SENTENCE, NARROW, bias=False)
        self.d2 = nn.Linear(NARROW, SENTENCE, bias=False)
        self.p3 = nn.Linear(NARROW, SENTENCE, bias=False)
        self.d3 = nn.Linear(SENTENCE, SENTENCE, bias=False)
        self.hidden = nn.Linear(SENTENCE + POOLED, HIDDEN)
        self.output = nn.Linear(HIDDEN, attributes)
        self.dropout = nn.Dropout(dropped)

    def forward(self, features: Tensor, batch: PieceBatch) -> Tensor:
        count = len(batch.lengths)
        summed = features.new_zeros(count + 1, FEATURES).index_add_(0, batch.text_of, features)[:count]
        lowest = features.new_full((count + 1, FEATURES), LOWEST)
        with warnings.catch_warnings():  # PyTorch warns that the name of this function may change
            warnings.simplefilter("ignore", UserWarning)
            largest = lowest.index_reduce_(0, batch.text_of, features, "amax")[:count]
        n = batch.lengths.clamp(min=1).to(summed.dtype)[:, None]
        pooled = torch.cat([self._sentence(summed / n, n), summed / n, largest], dim=1)
        logits: Tensor = self.output(self.dropout(functional.relu(self.hidden(self.dropout(pooled)))))
        return logits

    def _sentence(self, mean: Tensor, n: Tensor) -> Tensor:
        """The published encoder's sentence embedding without its normalization to length 1."""
        x = self.sentence(mean) * n.sqrt()
        y0 = functional.relu(self.d0(x))
        y1 = functional.relu(self.p1(x) + self.d1(y0))
        y2 = functional.relu(self.d2(y1))
        return torch.tanh(self.p3(y1) + self.d3(y2))


class DeepNetwork(nn.Module):
    """Logits (texts, attributes) of a batch. `codes`, `steps`: the frozen table (training/deep/published.py)."""

    def __init__(self, codes: Tensor, steps: Tensor, attributes: int, dropped: float = 0.1) -> None:
        super().__init__()
        self.codes: Tensor
        self.steps: Tensor
        self.register_buffer("codes", codes, persistent=False)
        self.register_buffer("steps", steps, persistent=False)
        self.encoder = EncoderNetwork()
        self.head = ClassificationHead(attributes, dropped)

    def forward(self, batch: PieceBatch) -> Tensor:
        found: Tensor = self.head(self.encoder(self._embedded(batch), batch.is_piece), batch)
        return found

    def _embedded(self, batch: PieceBatch) -> Tensor:
        codes = self.codes[batch.pieces]
        numbers = torch.stack([codes & 15, codes >> 4], dim=2).flatten(1).float() - MIDDLE
        return numbers * self.steps[batch.pieces][:, None] * batch.is_piece


def load_published_weights(weights: Mapping[str, NDArray[np.floating]], reader: DeepNetwork) -> None:
    """Load the published encoder's weights; the hidden layer and the output are initialized at random."""

    def put(layer: nn.Linear, kernel: str, bias: str | None = None) -> None:
        layer.weight.data.copy_(torch.from_numpy(np.ascontiguousarray(weights[kernel].T)))
        if bias:
            layer.bias.data.copy_(torch.from_numpy(weights[bias]))

    def put_norm(layer: nn.LayerNorm, gain: str, shift: str) -> None:
        layer.weight.data.copy_(torch.from_numpy(weights[gain]))
        layer.bias.data.copy_(torch.from_numpy(weights[shift]))

    for branch in reader.encoder.ordered_branches:
        n = branch.order
        put(branch.project, f"proj{n}", f"proj_b{n}")
        put_norm(branch.norm, f"ln_g{n}", f"ln_b{n}")
        put(branch.first, f"w1_{n}", f"b1_{n}")
        put(branch.second, f"w2_{n}", f"b2_{n}")
    put_norm(reader.encoder.norm, "ln_g", "ln_b")
    put(reader.head.sentence, "cnn_W", "cnn_b")
    for name in ("d0", "d1", "p1", "d2", "p3", "d3"):
        put(getattr(reader.head, name), name)
    nn.init.zeros_(reader.head.output.bias)
    nn.init.normal_(reader.head.output.weight, std=0.02)
