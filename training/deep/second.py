"""The second reader of a model: taught, put into integers, and weighed against the first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier import LABELS
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
from training.deep.lessons import JUDGES, KEPT_OUT_FOLD, lessons
from training.deep.published import published
from training.deep.stack import Said, stacked
from training.errors import DataUnusable
from training.examples import FIRST_LANGUAGE, Examples
from training.fit import Fitted, never_yes

ENCODER = "use-multilingual-3"
# What the encoder was taught by its publisher, or is near to that, and of which we hold no labelled comments that are
# good enough to learn from. Czech and Swedish were tried and do not carry over (docs/experiments.md).
TRANSFERRED = ("fr", "nl", "uk", "id")
# Texts by which the range of the numbers between two layers is found.
RANGED = 5_000
# How fast a reader learns that goes on from another, of the rate of one that begins.
CONTINUED = 0.5
# Harmful comments without which a language counts as not measured; from which share of readers on one is harmful.
FEWEST, LIKELY = 50, 0.5
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Second:
    """The arrays of a deep reader as a model folder holds them, what its manifest says of it, and how it reads beside
    the fast one.
    """

    arrays: Mapping[str, NDArray[Any]]
    described: Deep
    stack: Stack


@dataclass(frozen=True, slots=True)
class Begin:
    """Where a run begins: on with the checkpoint in its own folder, or with what `other` learned, which is the
    checkpoint of another run or a model folder.
    """

    resume: bool = False
    other: Path | None = None


def taught(
    examples: Examples, recipe: DeepRecipe, checkpoints: Path | None, begin: Begin, progress: Progress
) -> Arrays:
    """The arrays of a deep reader (classifier.deep.kernel). Raises DataUnusable for checkpoints that do not fit."""
    encoder = load_encoder(SHIPPED / ENCODER)
    progress("reading the texts for the deep reader")
    to_learn = lessons(examples, encoder.tokenizer)
    run = Run(published(), to_learn, recipe if begin.other is None else continued(recipe), checkpoints)
    if begin.resume and run.resume():
        progress(f"going on from step {run.step:,}")
    elif begin.other and begin.other.is_dir():
        run.begin_with(weights_of(kept(begin.other)))
    elif begin.other:
        run.begin_from(begin.other)
    reader = run.teach(progress).cpu()
    chosen = np.random.default_rng(recipe.seed).permutation(len(to_learn.pieces))[:RANGED]
    weights = {name: tensor.detach().numpy() for name, tensor in reader.state_dict().items()}
    return arrays_of(weights, reach(reader, [to_learn.pieces[text] for text in chosen]))


def continued(recipe: DeepRecipe) -> DeepRecipe:
    """For a reader that has learned most already; the head no longer begins by chance."""
    slower = recipe.rate * CONTINUED
    return replace(recipe, is_continued=True, rate=slower, head_rate=slower)


def weighed(
    arrays: Arrays, fitted: Fitted, examples: Examples, public: Examples | None, golden: Sequence[str]
) -> Second:
    """How much each reader counts, fitted on the fold that neither has learned from.

    `examples`: all that there were. `public`: as training.fit.adjusted.
    """
    encoder = load_encoder(SHIPPED / ENCODER)
    reader = DeepReader(encoder, DeepWeights(arrays, encoder.codes, encoder.steps))
    said = _said(reader, fitted)
    measured, transferred = judged_in(examples)
    languages, unjudged = [*measured, *transferred], never_yes(examples)
    judged = [label for label in LABELS if label not in unjudged]
    weights, bias = stacked(said, languages, fitted.languages)
    stack, fast = Stack(reader, weights, bias), Weights(fitted.arrays)
    adjusted = dict.fromkeys(LABELS, (1.0, 0.0))
    if public is not None:
        scores = stack.scores(0, fast.score_many(public.texts), reader.read_many(public.texts))
        slopes, intercepts = adjustment(logit(scores), public.labels)
        weights[0] *= slopes[:, None]
        bias[0] = slopes * bias[0] + intercepts
        adjusted = {label: (float(slopes[at]), float(intercepts[at])) for at, label in enumerate(LABELS)}
    described = Deep(
        encoder=encoder.name,
        encoder_sha256=encoder.digest,
        languages={language: [*judged] for language in languages},
        transferred=transferred,
        golden=[stack.score(0, text, fast.score(text)).tolist() for text in golden],
        adjusted=adjusted,
    )
    named = {f"deep_{name}": array for name, array in {**arrays, "stack": weights, "stack_bias": bias}.items()}
    return Second(named, described, stack)


def judged_in(examples: Examples) -> tuple[list[str], list[str]]:
    """The languages that both readers will judge: where that can be measured, and where it cannot."""
    measured = _measured(examples)
    return measured, [each for each in TRANSFERRED if each not in measured]


def kept(folder: Path) -> Arrays:
    """The deep reader of another model, as it is. Raises DataUnusable where that has none."""
    manifest, arrays, _ = read_folder(folder)
    if manifest.deep is None:
        raise DataUnusable(f"{folder} has no deep reader to keep")
    return {name.removeprefix("deep_"): array for name, array in arrays.items() if name.removeprefix("deep_") in ARRAYS}


def _said(reader: DeepReader, fitted: Fitted) -> Said:
    unseen = fitted.kept_out.folds == KEPT_OUT_FOLD
    natural = [not is_written(source) and source not in JUDGES for source in fitted.kept_out.sources]
    chosen = unseen & np.array(natural, bool)
    examples = fitted.kept_out.where(chosen)
    deep = reader.read_many(examples.texts).reshape(len(examples), 2, len(LABELS)).transpose(0, 2, 1)
    fast = fitted.calibrated[chosen]
    return Said(
        np.concatenate([fast[:, :, None], deep], axis=2),
        examples.labels,
        examples.weights,
        np.array(examples.sources),
        np.array(examples.languages),
    )


def _measured(examples: Examples) -> list[str]:
    """The languages with comments that people labelled; the first language first."""
    toxicity = examples.labels[:, LABELS.index("toxicity")]
    is_natural = np.array([not is_written(source) for source in examples.sources], bool)
    spoken = np.array(examples.languages)
    others = sorted(set(examples.languages) - {FIRST_LANGUAGE})
    harmful = [np.count_nonzero(toxicity[is_natural & (spoken == language)] > LIKELY) for language in others]
    return [FIRST_LANGUAGE, *(each for each, count in zip(others, harmful, strict=True) if count >= FEWEST)]
