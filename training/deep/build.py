"""Builds the deep reader of a model: trains it, quantizes it, and fits its weight against the fast reader."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier import LABELS, ModelRefused
from classifier.deep.encoder import SHIPPED, load_encoder
from classifier.deep.kernel import ARRAYS, DeepWeights
from classifier.deep.reader import DeepReader
from classifier.deep.stack import Stack, logit
from classifier.folder import read_folder
from classifier.kernel import Weights
from classifier.manifest import Deep
from training.calibration import adjustment
from training.datasets import is_written
from training.deep.fit import DeepRecipe, Progress, Run
from training.deep.integers import arrays_of, reach, weights_of
from training.deep.published import published
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


def train_reader(
    examples: Examples, recipe: DeepRecipe, checkpoints: Path | None, begin: StartFrom, progress: Progress
) -> Arrays:
    """The arrays of a new deep reader (classifier.deep.kernel). Raises DataUnusable if the checkpoint does not fit."""
    encoder = load_encoder(SHIPPED / ENCODER)
    progress("tokenizing the texts for the deep reader")
    to_learn = training_set(examples, encoder.tokenizer)
    run = Run(published(), to_learn, continued(recipe) if begin.continues else recipe, checkpoints)
    if begin.resume and run.resume():
        progress(f"resuming at step {run.step:,}")
    elif begin.arrays is not None:
        run.begin_with(weights_of(begin.arrays))
    elif begin.checkpoint is not None:
        run.begin_from(begin.checkpoint)
    reader = run.train(progress).cpu()
    chosen = np.random.default_rng(recipe.seed).permutation(len(to_learn.pieces))[:RANGED]
    weights = {name: tensor.detach().numpy() for name, tensor in reader.state_dict().items()}
    return arrays_of(weights, reach(reader, [to_learn.pieces[text] for text in chosen]))


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
    reader = DeepReader(encoder, DeepWeights(arrays, encoder.codes, encoder.steps))
    logits = _logits(reader, fitted)
    measured, transferred = judged_in(examples)
    languages, unjudged = [*measured, *transferred], never_yes(examples)
    judged = [label for label in LABELS if label not in unjudged]
    weights, bias = stacked(logits, languages, fitted.languages)
    stack, fast = Stack(reader, weights, bias), Weights(fitted.arrays)
    adjusted = dict.fromkeys(LABELS, (1.0, 0.0))
    if public is not None:
        scores = stack.scores(0, fast.score_many(public.texts), reader.read_many(public.texts))
        slopes, intercepts = adjustment(logit(scores), public.labels)
        weights[0] *= slopes[:, None]
        bias[0] = slopes * bias[0] + intercepts
        adjusted = {label: (float(slopes[at]), float(intercepts[at])) for at, label in enumerate(LABELS)}
    for row, language in enumerate(languages):
        if language in transferred and language in LIKE_FIRST:
            weights[row], bias[row] = weights[0], bias[0]
    described = Deep(
        encoder=encoder.name,
        encoder_sha256=encoder.digest,
        languages={language: [*judged] for language in languages},
        transferred=transferred,
        golden=[stack.score(0, text, fast.score(text)).tolist() for text in golden],
        adjusted=adjusted,
    )
    named = {f"deep_{name}": array for name, array in {**arrays, "stack": weights, "stack_bias": bias}.items()}
    return TrainedReader(named, described, stack)


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
    arrays = {name: found[f"deep_{name}"] for name in ARRAYS}
    try:
        DeepWeights(arrays, encoder.codes, encoder.steps)
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
