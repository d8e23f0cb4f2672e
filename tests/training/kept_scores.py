"""Texts with simulated Perspective scores: ours, transformed by a known curve, with noise."""

import csv
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import classifier

_WHO = ("The council", "This author", "My neighbour", "The minister", "Whoever wrote this", "You people", "He", "She")
_SAYS = ("explained the plan", "forgot the budget", "is wrong again", "lies about the bridge", "talks too much")
_TONE = (
    *("and I am grateful for it", "which surprised me", "as everybody knows", "what a mess", "this is nonsense"),
    *("how stupid is that", "you idiot", "damn liar", "pathetic loser, shut up", "go to hell, moron", "fucking idiot"),
)
_END = (".", "!", " on Monday.", " and nobody cares.", ", really?")

Numbers = NDArray[np.float64]


def texts(count: int = 2_000) -> list[str]:
    every = [f"{who} {says}, {tone}{end}" for who, says, tone, end in product(_WHO, _SAYS, _TONE, _END)]
    return [every[at] for at in np.random.default_rng(7).permutation(len(every))[:count]]


def ours(model: classifier.Model, some: list[str], attribute: str = "toxicity") -> Numbers:
    scores = model.score_many(some, language="en")[:, model.labels.index(attribute)]
    return np.round(np.asarray(scores, float), 6)


def theirs(scores: Numbers, noise: float = 0.0, seed: int = 1) -> Numbers:
    """A curve that never falls, far from the diagonal; the noise is in logits."""
    logits = np.log(scores + 1e-6) - np.log(1 - scores + 1e-6)
    drawn = np.random.default_rng(seed).normal(0, noise, len(scores)) if noise else 0.0
    return np.asarray(np.round(1 / (1 + np.exp(-(0.6 * logits + 1.0 + drawn))), 8))


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def example(path: Path) -> Path:
    """The file of docs/migrating.md: what a site might have kept, and what its moderators said."""
    some = texts()
    here = ours(classifier.load(classifier.SHIPPED), some)
    there = theirs(here, 0.6)
    people = np.random.default_rng(3).random(len(some)) < here
    rows = zip(some, there, people, strict=True)
    return write(path, [{"comment": text, "TOXICITY": score, "rejected": int(no)} for text, score, no in rows])
