"""Exchanges the deep reader of a model and keeps its fast one.

The kept fast reader has learned from the texts on which both readers are weighed, so they cannot be weighed again. The
weights of the model stay. What changes is the scale of the deep reader: the logits of both deep readers are calibrated
on texts that neither has learned from, and what the new one says counts as much as the old one's of the same calibrated
logit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier import LABELS, Manifest
from classifier.deep.encoder import SHIPPED, load_encoder
from classifier.deep.reader import DeepReader, count_networks
from classifier.deep.stack import Stack
from classifier.folder import read_folder
from classifier.kernel import Weights
from classifier.words import Words
from training.calibration import NATURAL, platt
from training.datasets import is_written
from training.deep.build import ENCODER, Arrays, TrainedReader, existing_arrays, named
from training.deep.stack import OF_WHOLE
from training.deep.training_set import EVALUATION_ONLY, STACKING_FOLD
from training.examples import Examples

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class KeptModel:
    """The model whose fast reader stays: `fast` are its arrays, `deep` those of the reader that is replaced."""

    manifest: Manifest
    fast: Arrays
    deep: Arrays
    stack: Floats
    bias: Floats
    words: Words | None


def kept_model(folder: Path) -> KeptModel:
    """Raises DataUnusable if the folder has no deep reader that can be used here."""
    deep = existing_arrays(folder)
    manifest, found, words = read_folder(folder)
    fast = {name: array for name, array in found.items() if not name.startswith("deep_")}
    return KeptModel(manifest, fast, deep, found["deep_stack"], found["deep_stack_bias"], words)


def exchanged(kept: KeptModel, arrays: Arrays, examples: Examples) -> TrainedReader:
    """The new deep reader in place of the model's. `examples`: all examples of the run."""
    assert kept.manifest.deep is not None, "kept_model has checked it"  # noqa: S101 - for the type checker
    encoder = load_encoder(SHIPPED / ENCODER)
    old, new = (DeepReader.of(encoder, each) for each in (kept.deep, arrays))
    unseen = _unseen(examples)
    weights, bias = rescaled(kept, unseen, _said(old, unseen), _said(new, unseen))
    stack, fast = Stack(new, weights, bias), Weights(kept.fast)
    scores = [stack.score(0, each.text, fast.score(each.text)).tolist() for each in kept.manifest.golden]
    described = msgspec.structs.replace(kept.manifest.deep, golden=scores, networks=count_networks(arrays))
    return TrainedReader(named(arrays, weights, bias), described, stack)


def rescaled(kept: KeptModel, unseen: Examples, before: Floats, after: Floats) -> tuple[Floats, Floats]:
    """`stack` and `stack_bias` for the new reader.

    `before`, `after`: (n, LABELS) the logits of the old and the new deep reader of `unseen`. A language with too few
    answers takes the scale of all texts.
    """
    assert kept.manifest.deep is not None, "as above"  # noqa: S101 - as above
    weights, bias = kept.stack.copy(), kept.bias.copy()
    languages = np.array(unseen.languages)
    natural = np.array(unseen.sources) == NATURAL
    everything = np.ones(len(unseen), bool)
    split = np.array([OF_WHOLE, 1 - OF_WHOLE])
    for row, language in enumerate(kept.manifest.deep.languages):
        here = languages == language
        samples = [natural & here, here, everything]
        for label in range(len(LABELS)):
            slope, shift = _scale(unseen, label, samples, before, after)
            of_deep = weights[row, label, 1:].sum()
            bias[row, label] += of_deep * shift
            weights[row, label, 1:] = of_deep * slope * split
    return weights, bias


def _scale(
    unseen: Examples, label: int, samples: Sequence[NDArray[np.bool_]], before: Floats, after: Floats
) -> tuple[float, float]:
    """Slope and shift that turn a logit of the new reader into the old one's; from the first sample that allows it."""
    for sample in samples:
        answers, counts = unseen.labels[sample, label], unseen.weights[sample]
        old, new = (platt(said[sample, label], answers, counts) for said in (before, after))
        if old and new:
            return new[0] / old[0], (new[1] - old[1]) / old[0]
    return 1.0, 0.0


def _unseen(examples: Examples) -> Examples:
    known = examples.training()
    natural = [not is_written(source) and source not in EVALUATION_ONLY for source in known.sources]
    return known.where(np.array(natural, bool) & (known.folds == STACKING_FOLD))


def _said(reader: DeepReader, unseen: Examples) -> Floats:
    """(n, LABELS) the mean of the logits of the whole text and of its worst part, weighed as the stack weighs them."""
    found = reader.read_many(unseen.texts).astype(np.float64).reshape(len(unseen), 2, len(LABELS))
    return np.asarray(OF_WHOLE * found[:, 0] + (1 - OF_WHOLE) * found[:, 1], np.float64)
