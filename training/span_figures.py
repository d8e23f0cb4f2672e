"""Compares a model's spans with the words that people marked: SemEval-2021 task 5, toxic spans."""

import ast
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import classifier
from training.datasets import DATA_SETS
from training.metrics import Estimate
from training.tables import cells, read_table

NAME = "semeval2021_toxic_spans"
ATTRIBUTE = "toxicity"
# A word is marked if its weight is at least this share of the strongest word's; chosen on a sixth of the train split.
STRONG = 0.4


@dataclass(frozen=True, slots=True)
class SpanFigures:
    """`f1`: the task's metric, the mean over posts of the F1 of character offsets (Pavlopoulos et al. 2021)."""

    data_set: str
    texts: int
    f1: Estimate


def span_figures(model: classifier.Model, folder: Path, seed: int) -> SpanFigures | None:
    """On the task's test posts; None if the data set is missing."""
    found = DATA_SETS[NAME].files(folder)
    if not found or found[0].suffix != ".parquet":
        return None
    table = read_table(found[0])
    posts, marked, split = (cells(table, name, found[0]) for name in ("text", "spans", "split"))
    figures = np.array(
        [
            f1(marked_by(model, post), ast.literal_eval(spans))
            for post, spans, part in zip(posts, marked, split, strict=True)
            if part == "test"
        ]
    )
    random = np.random.default_rng(seed)
    means = [figures[random.integers(len(figures), size=len(figures))].mean() for _ in range(1_000)]
    low, high = np.quantile(means, (0.025, 0.975))
    return SpanFigures(
        NAME, len(figures), Estimate(round(float(figures.mean()), 4), round(float(low), 4), round(float(high), 4))
    )


def marked_by(model: classifier.Model, text: str) -> set[int]:
    """The characters of the words that raise toxicity about as much as the strongest one."""
    spans = [span for span in model.spans(text, limit=1_000) if span.label == ATTRIBUTE]
    least = STRONG * max((span.weight for span in spans), default=0.0)
    found = set[int]()
    for span in spans:
        if span.weight >= least:
            word = text[span.start : span.end]
            ink = [at for at, character in enumerate(word) if character.isalnum()] or [0, len(word) - 1]
            found.update(range(span.start + ink[0], span.start + ink[-1] + 1))
    return found


def f1(found: Collection[int], marked: Collection[int]) -> float:
    """1 where both are empty, 0 where one is."""
    if not found or not marked:
        return float(not found and not marked)
    right = len(set(found) & set(marked))
    return 2 * right / (len(set(found)) + len(set(marked)))
