"""Trains a network of the deep reader; an interrupted run can resume from its last checkpoint."""

import hashlib
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from classifier import LABELS
from training.deep import EPOCHS
from training.deep.network import DeepNetwork, PieceBatch, load_published_weights
from training.deep.published import Published
from training.errors import DataUnusable

Progress = Callable[[str], None]
Floats = NDArray[np.float32]

# The most pieces of a text in one step; each epoch uses another part of a longer text.
MOST_PIECES = 128
# Texts are sorted by length within pools of this many batches, so that the texts of a batch have similar lengths.
POOL = 50
LONGEST_STEP = 1.0
WARM_UP, LEAST_RATE = 0.03, 0.02
CHECKPOINT_S = 60.0
REPORT_STEPS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class DeepRecipe:
    """Hyperparameters; see docs/experiments.md. `rate`: of the encoder. `head_rate`: of randomly initialized layers.

    `is_continued`: the run starts from the weights of another one, which a high rate would destroy.
    """

    epochs: float = EPOCHS
    batch: int = 64
    rate: float = 4e-4
    head_rate: float = 1e-3
    decay: float = 0.01
    dropped: float = 0.1
    threads: int = 2
    is_continued: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True)
class DeepTrainingSet:
    """`pieces`: of each text. `labels`: (n, attributes), NaN where unknown. `weights`: (n,).

    `groups`: (n,); each group except 0 has its own intercepts, which are not part of the model (training/fit.py).
    """

    pieces: list[NDArray[np.int32]]
    labels: Floats
    weights: Floats
    groups: NDArray[np.intp]

    @property
    def digest(self) -> str:
        """Identifies the data, so that a run never resumes with other texts."""
        found = hashlib.sha256()
        lengths = np.array([len(text) for text in self.pieces])
        for array in (lengths, *self.pieces, self.labels, self.weights, self.groups):
            found.update(np.ascontiguousarray(array).tobytes())
        return found.hexdigest()


def loss_of(logits: Tensor, own: Tensor, training_set: DeepTrainingSet, texts: NDArray[np.intp]) -> Tensor:
    """The loss of a batch. `logits`: (texts, attributes). `own`: (groups, attributes) intercepts of the groups."""
    groups = torch.from_numpy(training_set.groups[texts]).to(logits.device)
    labels = torch.from_numpy(training_set.labels[texts]).to(logits.device)
    weights = torch.from_numpy(training_set.weights[texts]).to(logits.device)[:, None] * torch.isfinite(labels)
    logits = logits + own[groups] * (groups > 0)[:, None]
    loss = functional.binary_cross_entropy_with_logits(logits, labels.nan_to_num(), weights, reduction="sum")
    return loss / len(texts)


def multiplies_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the processor has bfloat16 instructions. Without them bfloat16 takes four times as long as float32."""
    try:
        flags = cpuinfo.read_text(encoding="utf-8")
    except OSError:
        return False
    return not {"amx_bf16", "avx512_bf16"}.isdisjoint(flags.split())


class Run:
    """One training run of one network. `file`: its checkpoint; None: no checkpoints."""

    def __init__(
        self, published: Published, training_set: DeepTrainingSet, recipe: DeepRecipe, file: Path | None
    ) -> None:
        self._training_set, self._recipe = training_set, recipe
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._is_halved = self._device.type == "cuda" or multiplies_bfloat16()
        torch.set_num_threads(recipe.threads)
        torch.manual_seed(recipe.seed)
        codes, steps = torch.from_numpy(published.codes), torch.from_numpy(published.steps.astype(np.float32))
        self.reader = DeepNetwork(codes, steps, len(LABELS), recipe.dropped)
        load_published_weights(published.layers, self.reader)
        self.own = nn.Parameter(torch.zeros(int(training_set.groups.max(initial=0)) + 1, len(LABELS)))
        self.reader.to(self._device)
        self.own.data = self.own.data.to(self._device)
        self._optimizer = torch.optim.AdamW(self._parts(), weight_decay=recipe.decay, fused=True)
        self._rates = [part["lr"] for part in self._optimizer.param_groups]
        self._file = file
        self._identity = {"recipe": asdict(recipe), "training_set": training_set.digest}
        self.step = 0
        self.steps = max(1, math.ceil(recipe.epochs * self._an_epoch))

    def _parts(self) -> list[dict[str, Any]]:
        return [
            {"params": [*self.reader.encoder.parameters()], "lr": self._recipe.rate},
            {"params": [*self.reader.head.parameters(), self.own], "lr": self._recipe.head_rate},
        ]

    @property
    def _an_epoch(self) -> int:
        return -(-len(self._training_set.pieces) // self._recipe.batch)

    def train(self, progress: Progress = lambda _: None, report_steps: int = REPORT_STEPS) -> DeepNetwork:
        """Run to the last step. Returns the reader in evaluation mode. Saves a checkpoint even if `progress` raises."""
        self.reader.train()
        started_at, first, saved_at = time.monotonic(), self.step, time.monotonic()
        losses: list[Tensor] = []
        try:
            for texts in self._batches():
                losses.append(self._learn(texts))
                if self.step % report_steps == 0 or self.step == self.steps:
                    left_s = (time.monotonic() - started_at) / (self.step - first) * (self.steps - self.step)
                    progress(self._status(float(torch.stack(losses).mean()), left_s))
                    losses = []
                if time.monotonic() - saved_at > CHECKPOINT_S:
                    self._save()
                    saved_at = time.monotonic()
        finally:
            self._save()
        return self.reader.eval()

    def _status(self, loss: float, left_s: float) -> str:
        where = f"step {self.step:,} of {self.steps:,}, loss {loss:.4f}"
        return f"deep reader: {where}, about {left_s / 60:.0f} minutes left"

    def begin_with(self, weights: Mapping[str, Floats]) -> None:
        """Start from the weights of a reader (training.deep.integers.weights_of)."""
        self.reader.load_state_dict({name: torch.tensor(array) for name, array in weights.items()})

    def begin_from(self, file: Path) -> None:
        """Start from the checkpoint of another run, with any data. Raises DataUnusable for any other file."""
        try:
            found = torch.load(file, map_location=self._device, weights_only=True)["reader"]
            self.reader.load_state_dict(found)
        except (OSError, EOFError, RuntimeError, KeyError, TypeError, ValueError, UnpicklingError) as error:
            raise DataUnusable(f"{file} is not a checkpoint of a deep reader: {error}") from error

    def resume(self) -> bool:
        """Continue from the checkpoint; False if there is none.

        Raises DataUnusable if it is damaged or of another run; do not use this run afterwards.
        """
        if self._file is None or not self._file.exists():
            return False
        try:
            found = torch.load(self._file, map_location=self._device, weights_only=True)
            if found["identity"] != self._identity:
                raise DataUnusable(
                    f"{self._file} is from a run with other data or another recipe; remove it to start over"
                )
            self._restore(found)
        except (OSError, EOFError, RuntimeError, KeyError, TypeError, ValueError, UnpicklingError) as error:
            raise DataUnusable(f"{self._file} is damaged; remove it to start over: {error}") from error
        return True

    def _restore(self, found: Mapping[str, Any]) -> None:
        self.reader.load_state_dict(found["reader"])
        self.own.data.copy_(found["own"])
        self._optimizer.load_state_dict(found["optimiser"])
        torch.set_rng_state(found["chance"].cpu())
        self.step = found["step"]

    def _save(self) -> None:
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".writing")
        torch.save(
            {
                "identity": self._identity,
                "step": self.step,
                "reader": self.reader.state_dict(),
                "own": self.own.data,
                "optimiser": self._optimizer.state_dict(),
                "chance": torch.get_rng_state(),
            },
            fresh,
        )
        fresh.replace(self._file)

    def _learn(self, texts: NDArray[np.intp]) -> Tensor:
        random = np.random.default_rng((self._recipe.seed, self.step))
        batch = PieceBatch.of([self._part(self._training_set.pieces[text], random) for text in texts]).to(self._device)
        fall = min(1.0, (self.step + 1) / (WARM_UP * self.steps)) * max(LEAST_RATE, 1 - self.step / self.steps)
        for part, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
            part["lr"] = rate * fall
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._is_halved):
            logits = self.reader(batch)
        loss = loss_of(logits.float(), self.own, self._training_set, texts)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_([*self.reader.parameters(), self.own], LONGEST_STEP)
        self._optimizer.step()
        self.step += 1
        return loss.detach()

    @staticmethod
    def _part(pieces: NDArray[np.int32], random: np.random.Generator) -> NDArray[np.int32]:
        if len(pieces) <= MOST_PIECES:
            return pieces
        start = int(random.integers(len(pieces) - MOST_PIECES + 1))
        return pieces[start : start + MOST_PIECES]

    def _batches(self) -> Iterator[NDArray[np.intp]]:
        """Batches from the current step on; an epoch has the same batches before and after resuming."""
        while self.step < self.steps:
            epoch, done = divmod(self.step, self._an_epoch)
            yield from self._of_epoch(epoch)[done : done + self.steps - self.step]

    def _of_epoch(self, epoch: int) -> list[NDArray[np.intp]]:
        random = np.random.default_rng((self._recipe.seed, epoch, 1))
        order = random.permutation(len(self._training_set.pieces))
        lengths = np.array([min(len(text), MOST_PIECES) for text in self._training_set.pieces])
        found: list[NDArray[np.intp]] = []
        size = self._recipe.batch
        for at in range(0, len(order), size * POOL):
            pool = order[at : at + size * POOL]
            pool = pool[np.argsort(lengths[pool], kind="stable")]
            batches = [pool[start : start + size] for start in range(0, len(pool), size)]
            found.extend(batches[place] for place in random.permutation(len(batches)))
        return found
