"""Whether a model is unfair to comments that name a group: the metrics of Borkan et al. 2019 (arXiv 1903.04561).

D+ and D- are the comments that name none of the groups (the background), D+g and D-g those that name group g.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from training import metrics
from training.metrics import Answers, Estimate, Numbers

REPEATS = 1_000
# With fewer positives or negatives in a group its AUC is not shown (thresholds.md, section 9).
FEWEST = 30
POWER = -5.0

# Words that name a group, from the unintended-bias studies of Wikipedia comments.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "women": ("woman", "women", "female", "females", "girl", "girls"),
    "men": ("man", "men", "male", "males", "boy", "boys"),
    "gay, lesbian, bisexual": ("gay", "gays", "lesbian", "lesbians", "bisexual", "homosexual", "homosexuals", "queer"),
    "transgender": ("transgender", "trans", "transsexual"),
    "black": ("black", "blacks", "african"),
    "white": ("white", "whites", "caucasian"),
    "asian": ("asian", "asians", "chinese", "japanese"),
    "hispanic": ("hispanic", "latino", "latina", "mexican", "mexicans"),
    "muslim": ("muslim", "muslims", "islam", "islamic"),
    "jewish": ("jew", "jews", "jewish", "judaism"),
    "christian": ("christian", "christians", "catholic", "catholics", "protestant"),
    "disabled": ("blind", "deaf", "disabled", "paralyzed", "autistic"),
    "old or young": ("old", "elderly", "young", "teenager", "teenagers"),
    "american": ("american", "americans"),
    "european": ("european", "europeans", "german", "germans", "polish", "russian", "russians"),
}


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """A figure is None if it rests on fewer than FEWEST texts of either answer; 0 is the ideal of the equality gaps."""

    group: str
    texts: int
    positive: int
    subgroup_auc: Estimate | None
    bpsn_auc: Estimate | None
    bnsp_auc: Estimate | None
    aeg_positive: float | None
    aeg_negative: float | None
    false_positive_rate: Estimate | None
    false_negative_rate: Estimate | None


@dataclass(frozen=True, slots=True)
class Bias:
    """`means`: generalized means of the shown AUCs, and `overall`, which combines them with the AUC of all texts."""

    data_set: str
    attribute: str
    threshold: float
    rows: list[GroupFigures]
    means: dict[str, float]


def membership(texts: Sequence[str]) -> dict[str, NDArray[np.bool_]]:
    """By group: whether each text names it, as a whole word in any case."""
    patterns = {group: re.compile(rf"\b(?:{'|'.join(words)})\b", re.IGNORECASE) for group, words in GROUPS.items()}
    return {group: np.array([bool(each.search(text)) for text in texts], bool) for group, each in patterns.items()}


@dataclass(frozen=True, slots=True)
class ThresholdedScores:
    """Scores (n,) and answers (n,) of the same texts; a text is flagged if its score reaches the threshold."""

    scores: Numbers
    answers: Answers
    threshold: float


class Flagged(NamedTuple):
    """Harmless texts, and how many of them are flagged."""

    texts: int
    flagged: int


def bias(
    data_set: str, attribute: str, judged: ThresholdedScores, texts: Sequence[str], rng: np.random.Generator
) -> Bias:
    named = membership(texts)
    background = ~np.any([*named.values()], axis=0)
    rows = [group_row(group, judged, inside, background, rng=rng) for group, inside in named.items()]
    means = {}
    for name in ("subgroup_auc", "bpsn_auc", "bnsp_auc"):
        shown = [each.value for each in (getattr(row, name) for row in rows) if each is not None]
        if shown:
            means[name] = round(generalized_mean(shown), 4)
    whole = metrics.roc_auc(judged.scores, judged.answers)
    if len(means) == 3 and whole is not None:  # noqa: PLR2004 - all three
        means["overall"] = round(overall(whole, *means.values()), 4)
    return Bias(data_set, attribute, round(judged.threshold, 4), rows, means)


def group_row(
    group: str,
    judged: ThresholdedScores,
    inside: NDArray[np.bool_],
    background: NDArray[np.bool_],
    *,
    rng: np.random.Generator,
    fewest: int = FEWEST,
) -> GroupFigures:
    yes, no = judged.answers == 1, judged.answers == 0
    enough_yes, enough_no = np.sum(inside & yes) >= fewest, np.sum(inside & no) >= fewest
    flagged = judged.scores >= judged.threshold

    def auc(chosen: NDArray[np.bool_]) -> Estimate | None:
        found = metrics.bootstrap_auc(judged.scores[chosen], judged.answers[chosen], REPEATS, rng)
        return found and metrics.rounded(found)

    def gap(answer: NDArray[np.bool_]) -> float | None:
        return equality_gap(judged.scores[inside & answer], judged.scores[background & answer])

    return GroupFigures(
        group=group,
        texts=int(inside.sum()),
        positive=int(np.sum(inside & yes)),
        subgroup_auc=auc(inside) if enough_yes and enough_no else None,
        bpsn_auc=auc((background & yes) | (inside & no)) if enough_no else None,
        bnsp_auc=auc((background & no) | (inside & yes)) if enough_yes else None,
        aeg_positive=gap(yes) if enough_yes else None,
        aeg_negative=gap(no) if enough_no else None,
        false_positive_rate=share(int(np.sum(flagged & inside & no)), int(np.sum(inside & no))),
        false_negative_rate=share(int(np.sum(~flagged & inside & yes)), int(np.sum(inside & yes))),
    )


def flagged_harmless(judged: ThresholdedScores, texts: Sequence[str], fewest: int = FEWEST) -> dict[str, Flagged]:
    """By group, of at least `fewest` harmless texts that name it."""
    harmless, flagged = judged.answers == 0, judged.scores >= judged.threshold
    found = {
        group: Flagged(int(np.sum(inside & harmless)), int(np.sum(inside & harmless & flagged)))
        for group, inside in membership(texts).items()
    }
    return {group: each for group, each in found.items() if each.texts >= fewest}


def equality_gap(inside: Numbers, background: Numbers) -> float | None:
    """1/2 - MWU(group, background) / (n m): below 0 if the group's scores are higher."""
    if not len(inside) or not len(background):
        return None
    answers = np.concatenate([np.ones(len(inside), np.int8), np.zeros(len(background), np.int8)])
    wins = metrics.roc_auc(np.concatenate([inside, background]), answers)
    return None if wins is None else round(0.5 - wins, 4)


def share(hits: int, of: int, level: float = 0.95) -> Estimate | None:
    """A rate with its Clopper-Pearson interval."""
    if not of:
        return None
    tail = (1 - level) / 2
    low = float(beta.ppf(tail, hits, of - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, of - hits)) if hits < of else 1.0
    return Estimate(round(hits / of, 4), round(low, 4), round(high, 4))


def generalized_mean(values: Sequence[float], power: float = POWER) -> float:
    return float(np.mean(np.power(np.asarray(values, float), power)) ** (1 / power))


def overall(auc: float, *means: float) -> float:
    return 0.25 * auc + 0.25 * sum(means)
