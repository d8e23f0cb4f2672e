"""Dilution: training examples with a harmful comment among harmless ones.

Most words of a long comment decide its score, and few labeled comments are long. So harmful comments are repeated
within the text of harmless ones, with their own labels.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from training.examples import Examples, column, joined

# Characters of the surrounding text (least and most), and the longest comment that is inserted.
LEAST, MOST, LONGEST = 100, 1_500, 600
# The share of comments that go after the harmless text, and before it; the others go in the middle.
AFTER, BEFORE = 0.5, 0.3
# Harmful: any label except spam is above the first. Harmless: all of them are below the second.
HARMFUL, HARMLESS = 0.5, 0.1
# Texts of either kind in a fold. With fewer the network memorizes them and becomes overconfident.
FEWEST = 200
# The share of harmful comments that is repeated, and the factor of their weight; more hurts short comments.
SHARE, WEIGHT = 0.3, 0.5


def diluted(examples: Examples, sources: Sequence[str], folds: Sequence[int], seed: int) -> Examples:
    """The examples, plus diluted copies of some harmful ones of these sources and folds, and of as many harmless ones.

    The copies have a reduced weight. The surrounding text comes from the same source and fold, so that no held-out text
    leaks in.
    """
    random = np.random.default_rng(seed)
    source_of = np.array(examples.sources)
    is_harmful, is_harmless = harmful_and_harmless(examples.labels)
    is_short = np.array([len(text) <= LONGEST for text in examples.texts], bool)
    parts = [examples]
    for source, fold in itertools.product(sources, folds):
        here = (source_of == source) & (examples.folds == fold)
        harmful = np.flatnonzero(here & is_short & is_harmful)
        harmless = np.flatnonzero(here & is_harmless)
        short = harmless[is_short[harmless]]
        if min(len(harmful), len(short)) >= FEWEST:
            chosen = random.permutation(harmful)[: round(len(harmful) * SHARE)]
            chosen = np.concatenate([chosen, random.choice(short, len(chosen))])
            parts.append(_among(examples.at(chosen).weighted(WEIGHT), examples.at(harmless).texts, random))
    return joined(parts)


def harmful_and_harmless(labels: NDArray[np.float32]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Masks of the harmful and the harmless rows of (n, LABELS). Rows with no known label except spam are neither."""
    others = np.delete(labels, column("spam"), axis=1)
    worst = np.where(np.isfinite(others), others, -1).max(axis=1, initial=-1)
    return worst > HARMFUL, (worst >= 0) & (worst < HARMLESS)


def _among(chosen: Examples, harmless: Sequence[str], random: np.random.Generator) -> Examples:
    texts = []
    for text in chosen.texts:
        size, around = int(np.exp(random.uniform(np.log(LEAST), np.log(MOST)))), ""
        while len(around) < size:
            around += harmless[int(random.integers(len(harmless)))] + random.choice([" ", "\n"])
        words = around[:size].split(" ")[:-1]  # the last word may be cut off
        where = random.random()
        place = len(words) if where < AFTER else 0 if where < AFTER + BEFORE else random.integers(len(words) + 1)
        texts.append(" ".join([*words[:place], text, *words[place:]]))
    return replace(chosen, texts=texts)
