"""Builds the deep reader of a model: trains it, quantizes it, and fits its weight against the fast reader."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from classifier import LABELS, ModelRefused
from classifier.deep.encoder import SHIPPED, load_encoder
from classifier.deep.kernel import ARRAYS
from classifier.deep.reader import DeepReader, count_networks, prefix
from classifier.deep.stack import ARRAYS as STACK_ARRAYS
from classifier.deep.stack import Stack, logit
from classifier.folder import read_folder
from classifier.kernel import Weights
from classifier.manifest import Deep
from training.calibration import adjustment
from training.datasets import is_written
from training.deep.fit import DeepRecipe, DeepTrainingSet, Progress, Run
from training.deep.frozen import HeadRecipe, begin_with, embed, published_network, remove_embeddings, train_head
from training.deep.integers import arrays_of, reach, weights_of
from training.deep.network import DeepNetwork
from training.deep.published import Published, published
from training.deep.stack import ReaderLogits, stacked
from training.deep.training_set import EVALUATION_ONLY, STACKING_FOLD, training_set
from training.errors import DataUnusable
from training.examples import FIRST_LANGUAGE, Examples
from training.fit import Fitted, never_yes

ENCODER = "use-multilingual-3"
# Languages of the encoder's own training, or close to one, of which we have no good labeled comments. Czech and Swedish
# were tried and do not transfer (docs/experiments.md).
TRANSFERRED = ("fr", "nl", "uk", "id")
# Transferred languages in which both readers, weighed as in the first language, are better than the deep one alone: the
# fast one has learned our own sentences in them (docs/experiments.md).
LIKE_FIRST = ("uk",)
# How much each network of a reader counts: the one that was fine-tuned, and the one whose encoder stays as published
# (docs/experiments.md).
SHARES = (0.6, 0.4)
# Epochs of the head of the second network for each epoch of the first one.
HEAD_EPOCHS = 5.0
# The file of the first network's checkpoint.
CHECKPOINT = "deep.pt"
# Texts that the ranges of the activations are measured on.
RANGED = 5_000
# The learning rate of a continued run, relative to that of a new one.
CONTINUED = 0.5
# A language with fewer harmful comments counts as not measured; a comment is harmful above this share of readers.
FEWEST, LIKELY = 50, 0.5
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class TrainedReader:
    """A deep reader: its arrays, its part of the manifest, and its combination with the fast reader."""

    arrays: Mapping[str, NDArray[Any]]
    described: Deep
    stack: Stack


@dataclass(frozen=True, slots=True)
class StartFrom:
    """Where a run starts. `resume`: at its own checkpoint, if there is one. Else with the `arrays` of another model, or
    with another run's `checkpoint`.
    """

    resume: bool = False
    arrays: Arrays | None = None
    checkpoint: Path | None = None

    @property
    def continues(self) -> bool:
        return self.arrays is not None or self.checkpoint is not None

    @property
    def networks(self) -> int:
        """A continued reader has as many as before; a checkpoint is that of the first one."""
        if self.arrays is not None:
            return count_networks(self.arrays)
        return len(SHARES) if self.checkpoint is None else 1

    def network(self, number: int) -> Arrays:
        """The arrays of a network to continue, as it was before it was made to count for a share. From 0."""
        assert self.arrays is not None, "the caller has checked it"  # noqa: S101 - for the type checker
        found = {name: self.arrays[prefix(number) + name] for name in ARRAYS}
        return scaled(found, 1 / SHARES[number]) if self.networks > 1 else found


def train_reader(
    examples: Examples, recipe: DeepRecipe, checkpoints: Path | None, begin: StartFrom, progress: Progress
) -> Arrays:
    """The arrays of a new deep reader (classifier.deep.kernel). Raises DataUnusable if the checkpoint does not fit."""
    encoder = load_encoder(SHIPPED / ENCODER)
    progress("tokenizing the texts for the deep reader")
    to_learn = training_set(examples, encoder.tokenizer)
    training = _Training(published(), to_learn, recipe, checkpoints, begin, progress)
    first = training.fine_tuned()
    if begin.networks == 1:
        return first
    both = [scaled(first, SHARES[0]), scaled(training.frozen(), SHARES[1])]
    return {prefix(at) + name: array for at, network in enumerate(both) for name, array in network.items()}


def published_reader(examples: Examples, jobs: int, seed: int, progress: Progress) -> Arrays:
    """The arrays of a reader whose only network is the encoder as it was published, with a head of its own."""
    torch.set_num_threads(jobs)
    to_learn = training_set(examples, load_encoder(SHIPPED / ENCODER).tokenizer)
    return _Training(published(), to_learn, DeepRecipe(seed=seed), None, StartFrom(), progress).frozen()


def scaled(network: Arrays, share: float) -> Arrays:
    """The same network with `share` times its logits."""
    return network | {name: (network[name] * share).astype(np.float32) for name in ("output", "output_bias")}


@dataclass(frozen=True, slots=True)
class _Training:
    """What the training of both networks begins with. The methods return the arrays of a network."""

    source: Published
    to_learn: DeepTrainingSet
    recipe: DeepRecipe
    checkpoints: Path | None
    begin: StartFrom
    progress: Progress

    def fine_tuned(self) -> Arrays:
        begin, file = self.begin, self.checkpoints / CHECKPOINT if self.checkpoints else None
        recipe = continued(self.recipe) if begin.continues else self.recipe
        run = Run(self.source, self.to_learn, recipe, file)
        if begin.resume and run.resume():
            self.progress(f"resuming at step {run.step:,}")
        elif begin.arrays is not None:
            run.begin_with(weights_of(begin.network(0)))
        elif begin.checkpoint is not None:
            run.begin_from(begin.checkpoint)
        return self._rounded(run.train(self.progress).cpu())

    def frozen(self) -> Arrays:
        recipe = HeadRecipe(epochs=HEAD_EPOCHS * self.recipe.epochs, seed=self.recipe.seed)
        network = published_network(self.source)
        if self.begin.arrays is not None:
            begin_with(network, weights_of(self.begin.network(1)))
            recipe = replace(recipe, rate=recipe.rate * CONTINUED, is_continued=True)
        embeddings = embed(network, self.to_learn, self.checkpoints, self.progress)
        train_head(network, embeddings, self.to_learn, recipe, self.progress)
        if self.checkpoints:
            remove_embeddings(self.checkpoints)
        return self._rounded(network)

    def _rounded(self, network: DeepNetwork) -> Arrays:
        pieces = self.to_learn.pieces
        chosen = np.random.default_rng(self.recipe.seed).permutation(len(pieces))[:RANGED]
        weights = {name: tensor.detach().numpy() for name, tensor in network.state_dict().items()}
        return arrays_of(weights, reach(network, [pieces[text] for text in chosen]))


def continued(recipe: DeepRecipe) -> DeepRecipe:
    """The recipe for continuing a trained reader, whose head is not initialized at random."""
    slower = recipe.rate * CONTINUED
    return replace(recipe, is_continued=True, rate=slower, head_rate=slower)


def combine_readers(
    arrays: Arrays, fitted: Fitted, examples: Examples, public: Examples | None, golden: Sequence[str]
) -> TrainedReader:
    """Fits how much each reader counts, on the fold that neither has learned from.

    `examples`: all examples of the run. `public`: as in training.fit.adjusted.
    """
    encoder = load_encoder(SHIPPED / ENCODER)
    reader = DeepReader.of(encoder, arrays)
    logits = _logits(reader, fitted)
    measured, transferred = judged_in(examples)
    languages, unjudged = [*measured, *transferred], never_yes(examples)
    judged = [label for label in LABELS if label not in unjudged]
    weights, bias = stacked(logits, languages)
    stack, fast = Stack(reader, weights, bias), Weights(fitted.arrays)
    adjusted = dict.fromkeys(LABELS, (1.0, 0.0))
    if public is not None:
        scores = stack.scores(0, fast.score_many(public.texts), reader.read_many(public.texts))
        slopes, intercepts = adjustment(logit(scores), public.labels)
        weights[0] *= slopes[:, None]
        bias[0] = slopes * bias[0] + intercepts
        adjusted = {label: (float(slopes[at]), float(intercepts[at])) for at, label in enumerate(LABELS)}
    for row, language in enumerate(languages):
        # The weights of the first language are for its calibration, which a language with a bag of its own has not.
        if language in transferred and language in LIKE_FIRST and language not in fitted.own:
            weights[row], bias[row] = weights[0], bias[0]
    described = Deep(
        encoder=encoder.name,
        encoder_sha256=encoder.digest,
        languages={language: [*judged] for language in languages},
        transferred=transferred,
        golden=[stack.score(0, text, fast.score(text)).tolist() for text in golden],
        adjusted=adjusted,
        networks=count_networks(arrays),
    )
    return TrainedReader(named(arrays, weights, bias), described, stack)


def named(arrays: Arrays, stack: NDArray[np.float64], bias: NDArray[np.float64]) -> Arrays:
    """The arrays of a deep reader as a model's folder names them."""
    return {f"deep_{name}": array for name, array in {**arrays, "stack": stack, "stack_bias": bias}.items()}


def judged_in(examples: Examples) -> tuple[list[str], list[str]]:
    """The languages that both readers will judge: the measured ones, and the transferred ones."""
    measured = _measured(examples)
    return measured, [each for each in TRANSFERRED if each not in measured]


def existing_arrays(folder: Path) -> Arrays:
    """The arrays of another model's deep reader. Raises DataUnusable if it has none that can be used here."""
    try:
        manifest, found, _ = read_folder(folder)
    except ModelRefused as error:
        raise DataUnusable(str(error)) from error
    if manifest.deep is None:
        raise DataUnusable(f"{folder} has no deep reader")
    encoder = load_encoder(SHIPPED / ENCODER)
    if manifest.deep.encoder_sha256 != encoder.digest:
        raise DataUnusable(f"{folder}: its deep reader was trained on another encoder")
    own = {name.removeprefix("deep_"): array for name, array in found.items() if name.startswith("deep_")}
    arrays = {name: array for name, array in own.items() if name not in STACK_ARRAYS}
    try:
        DeepReader.of(encoder, arrays)
    except ValueError as error:
        raise DataUnusable(f"{folder}: {error}") from error
    return arrays


def _logits(reader: DeepReader, fitted: Fitted) -> ReaderLogits:
    unseen = fitted.calibration_set.folds == STACKING_FOLD
    natural = [not is_written(source) and source not in EVALUATION_ONLY for source in fitted.calibration_set.sources]
    chosen = unseen & np.array(natural, bool)
    examples = fitted.calibration_set.where(chosen)
    deep = reader.read_many(examples.texts).reshape(len(examples), 2, len(LABELS)).transpose(0, 2, 1)
    fast = fitted.calibrated[chosen]
    return ReaderLogits(
        np.concatenate([fast[:, :, None], deep], axis=2),
        examples.labels,
        examples.weights,
        np.array(examples.sources),
        np.array(examples.languages),
    )


def _measured(examples: Examples) -> list[str]:
    """The languages with enough comments that people labeled; the first language first."""
    toxicity = examples.labels[:, LABELS.index("toxicity")]
    is_natural = np.array([not is_written(source) for source in examples.sources], bool)
    language_of = np.array(examples.languages)
    others = sorted(set(examples.languages) - {FIRST_LANGUAGE})
    harmful = [np.count_nonzero(toxicity[is_natural & (language_of == language)] > LIKELY) for language in others]
    return [FIRST_LANGUAGE, *(each for each, count in zip(others, harmful, strict=True) if count >= FEWEST)]
