"""Trains the head of a network whose encoder stays as published, and so keeps what fine-tuning makes it forget.

The head learns from the published encoder's sentence embeddings. They never change, so each text is read once, which
takes minutes, and many passes over the embeddings take a few more.
"""

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from classifier import LABELS
from classifier.deep.kernel import HIDDEN, SENTENCE
from training.deep.fit import LEAST_RATE, LONGEST_STEP, MOST_PIECES, DeepTrainingSet, Progress, loss_of
from training.deep.network import DeepNetwork, PieceBatch, load_published_weights
from training.deep.published import Published
from training.errors import DataUnusable

# Pieces in one forward pass, and after how many texts the progress is stored.
TOGETHER, NOTED = 4_096, 20_000
EMBEDDINGS, READ_SO_FAR = "embeddings.npy", "embeddings.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadRecipe:
    """Hyperparameters of the head; see docs/experiments.md. `is_continued`: start from the head of the network."""

    epochs: float = 7.5
    batch: int = 256
    rate: float = 1e-3
    decay: float = 0.01
    dropped: float = 0.25
    is_continued: bool = False
    seed: int = 0


class _ReadSoFar(Struct, frozen=True):
    """How many texts of the training set with this digest have been read."""

    training_set: str
    texts: int


def published_network(source: Published) -> DeepNetwork:
    """The published encoder with a head whose logits are all 0."""
    codes, steps = torch.from_numpy(source.codes), torch.from_numpy(source.steps.astype(np.float32))
    network = DeepNetwork(codes, steps, len(LABELS), 0.0)
    load_published_weights(source.layers, network)
    for layer in (network.head.hidden, network.head.output):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    return network.eval()


def begin_with(network: DeepNetwork, weights: Mapping[str, NDArray[np.float32]]) -> None:
    """Copy the hidden layer and the output of these weights into a published network (see integers.weights_of)."""
    for name, layer in (("hidden", network.head.hidden), ("output", network.head.output)):
        layer.load_state_dict({part: torch.tensor(weights[f"head.{name}.{part}"]) for part in ("weight", "bias")})


def embed(
    network: DeepNetwork, training_set: DeepTrainingSet, folder: Path | None, progress: Progress
) -> NDArray[np.float16]:
    """(texts, SENTENCE) embeddings, of at most MOST_PIECES of each text.

    `folder`: where they are stored, so that an interrupted run can resume; None: in memory only. Raises DataUnusable if
    they have no room there.
    """
    lengths = np.array([min(len(text), MOST_PIECES) for text in training_set.pieces], np.intp)
    order = np.argsort(lengths, kind="stable")  # texts of similar lengths share a forward pass
    found, done = _open(folder, training_set)
    network.to("cuda" if torch.cuda.is_available() else "cpu")
    for start in range(done, len(order), NOTED):
        some = order[start : start + NOTED]
        found[some] = _embeddings(network, [training_set.pieces[text][:MOST_PIECES] for text in some])
        if folder:
            found.flush()  # type: ignore[attr-defined]  # a memory map
            _note(folder, _ReadSoFar(training_set.digest, start + len(some)))
        progress(f"read {start + len(some):,} of {len(order):,} texts with the published encoder")
    network.cpu()
    return found


def remove_embeddings(folder: Path) -> None:
    """They take 0.6 GB for all data sets."""
    for name in (READ_SO_FAR, EMBEDDINGS):
        (folder / name).unlink(missing_ok=True)


def train_head(
    network: DeepNetwork,
    embeddings: NDArray[np.float16],
    training_set: DeepTrainingSet,
    recipe: HeadRecipe,
    progress: Progress,
) -> None:
    """Train the head of a published network on the embeddings of its texts."""
    torch.manual_seed(recipe.seed)
    head = _Head(recipe.dropped)
    if recipe.is_continued:
        head.begin_with(network)
    own = nn.Parameter(torch.zeros(int(training_set.groups.max(initial=0)) + 1, len(LABELS)))
    parameters = [*head.parameters(), own]
    optimizer = torch.optim.AdamW(parameters, lr=recipe.rate, weight_decay=recipe.decay, fused=True)
    batches = _batches(len(embeddings), recipe)
    fall = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(LEAST_RATE, 1 - step / len(batches)))
    for step, texts in enumerate(batches, start=1):
        logits = head(torch.from_numpy(embeddings[texts].astype(np.float32)))
        loss = loss_of(logits, own, training_set, texts)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(parameters, LONGEST_STEP)
        optimizer.step()
        fall.step()
        if step % 1_000 == 0 or step == len(batches):
            progress(f"head of the published encoder: step {step:,} of {len(batches):,}, loss {loss.item():.4f}")
    head.copy_to(network)


class _Head(nn.Module):
    """The head of a network, without its inputs from the single pieces."""

    def __init__(self, dropped: float) -> None:
        super().__init__()
        self.hidden, self.output = nn.Linear(SENTENCE, HIDDEN), nn.Linear(HIDDEN, len(LABELS))
        self.dropout = nn.Dropout(dropped)
        nn.init.zeros_(self.output.bias)
        nn.init.normal_(self.output.weight, std=0.02)

    def forward(self, sentences: Tensor) -> Tensor:
        logits: Tensor = self.output(self.dropout(functional.relu(self.hidden(self.dropout(sentences)))))
        return logits

    def begin_with(self, network: DeepNetwork) -> None:
        with torch.no_grad():
            self.hidden.weight.copy_(network.head.hidden.weight[:, :SENTENCE])
            self.hidden.bias.copy_(network.head.hidden.bias)
            self.output.load_state_dict(network.head.output.state_dict())

    def copy_to(self, network: DeepNetwork) -> None:
        with torch.no_grad():
            network.head.hidden.weight[:, :SENTENCE] = self.hidden.weight
            network.head.hidden.bias.copy_(self.hidden.bias)
            network.head.output.load_state_dict(self.output.state_dict())


def _batches(texts: int, recipe: HeadRecipe) -> list[NDArray[np.intp]]:
    """The texts of each step."""
    random = np.random.default_rng(recipe.seed)
    steps = max(1, round(recipe.epochs * texts / recipe.batch))
    order = np.concatenate([random.permutation(texts) for _ in range(-(-steps * recipe.batch // texts))])
    return np.array_split(order[: steps * recipe.batch], steps)


def _embeddings(network: DeepNetwork, texts: Sequence[NDArray[np.int32]]) -> NDArray[np.float16]:
    seen: list[Tensor] = []
    hook = network.head.hidden.register_forward_pre_hook(
        lambda _, inputs: seen.append(inputs[0][:, :SENTENCE].half().cpu())
    )
    ends = np.cumsum([len(text) for text in texts])
    parts = np.split(np.arange(len(texts)), np.flatnonzero(np.diff(ends // TOGETHER)) + 1)
    with torch.inference_mode():
        for part in parts:
            network(PieceBatch.of([texts[text] for text in part]).to(network.steps.device))
    hook.remove()
    return torch.cat(seen).numpy()


def _open(folder: Path | None, training_set: DeepTrainingSet) -> tuple[NDArray[np.float16], int]:
    """The array of all embeddings, and how many of them an interrupted run has stored."""
    shape = (len(training_set.pieces), SENTENCE)
    if folder is None:
        return np.zeros(shape, np.float16), 0
    folder.mkdir(parents=True, exist_ok=True)
    done = _so_far(folder)
    if done.training_set == training_set.digest:
        with contextlib.suppress(OSError, ValueError):  # it is gone or damaged: all texts are read again
            np.lib.format.open_memmap(folder / EMBEDDINGS, mode="r")  # "r+" would fill up a truncated file with zeros
            kept: NDArray[Any] = np.lib.format.open_memmap(folder / EMBEDDINGS, mode="r+")
            if kept.shape == shape:
                return kept, done.texts
    _note(folder, _ReadSoFar(training_set.digest, 0))
    return _reserved(folder / EMBEDDINGS, shape), 0


def _reserved(path: Path, shape: tuple[int, int]) -> NDArray[np.float16]:
    """A new array in a file that has its place on the disk. Without it a full disk kills the process at some write."""
    try:
        found: NDArray[Any] = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)
        if sys.platform == "linux":
            with path.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise DataUnusable(f"{path} cannot be written: {error}") from error
    return found


def _so_far(folder: Path) -> _ReadSoFar:
    try:
        return msgspec.json.decode((folder / READ_SO_FAR).read_bytes(), type=_ReadSoFar)
    except (OSError, msgspec.DecodeError):
        return _ReadSoFar("", 0)


def _note(folder: Path, so_far: _ReadSoFar) -> None:
    fresh = (folder / READ_SO_FAR).with_suffix(".writing")
    fresh.write_bytes(msgspec.json.encode(so_far))
    fresh.replace(folder / READ_SO_FAR)
