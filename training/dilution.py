"""Harmful comments among harmless ones: an insult is one also behind a page of kind words.

A comment of several paragraphs is mostly judged by the words that it has most of, and few of those that people labelled
are long. So harmful comments are taught once more between others' harmless ones, as a comment that says both.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from training.examples import Examples, column, joined

# Characters of what is harmless, and at most of the comment that is put there.
LEAST, MOST, LONGEST = 100, 1_500, 600
# Shares of the harmful that come behind the harmless, and before it; the rest is in the middle of it.
BEHIND, BEFORE = 0.5, 0.3
# A label (but of spam) above says harmful; below the other they all say harmless.
HARMFUL, HARMLESS = 0.5, 0.1
# Of either kind in a fold. Of few texts the network would learn by heart what they say, and be far too sure of it.
FEWEST = 200
# Of the harmful ones, and of the weight of each: more of it makes short comments harder to tell.
SHARE, WEIGHT = 0.3, 0.5


def diluted(examples: Examples, sources: Sequence[str], folds: Sequence[int], seed: int) -> Examples:
    """The examples, and once more a share of the harmful ones of these sources and folds, and as many harmless ones, at
    a part of their weight. What surrounds them comes from the same source and fold, so that nothing held out comes in.
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
    """Which rows of (n, LABELS) are harmful, and which harmless; spam is neither, nor are rows of which nothing else is
    known.
    """
    others = np.delete(labels, column("spam"), axis=1)
    worst = np.where(np.isfinite(others), others, -1).max(axis=1, initial=-1)
    return worst > HARMFUL, (worst >= 0) & (worst < HARMLESS)


def _among(chosen: Examples, harmless: Sequence[str], random: np.random.Generator) -> Examples:
    texts = []
    for text in chosen.texts:
        size, around = int(np.exp(random.uniform(np.log(LEAST), np.log(MOST)))), ""
        while len(around) < size:
            around += harmless[int(random.integers(len(harmless)))] + random.choice([" ", "\n"])
        words = around[:size].split(" ")[:-1]  # the last one is cut
        where = random.random()
        place = len(words) if where < BEHIND else 0 if where < BEHIND + BEFORE else random.integers(len(words) + 1)
        texts.append(" ".join([*words[:place], text, *words[place:]]))
    return replace(chosen, texts=texts)
