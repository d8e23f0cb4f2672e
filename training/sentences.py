"""Decisions on sentences at the model's own thresholds: what is caught, and what is approved.

There are three test sets. The cases are sentences that people wrote only for testing, by kind, in a file beside the
data sets. The test frames of our own sentences (training/contrast) are more detailed, by function, but have the same
authors as the training frames. The diluted texts are threats and insults from these frames among friendly sentences.
"""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

import classifier
from training import contrast
from training.contrast.frames import HARMFUL_FROM
from training.examples import TEST, Examples
from training.metrics import Answers, Estimate, Numbers, roc_auc, rounded

# Relative to the parent of the data sets' folder.
CASES = Path("cases") / "sentences.jsonl"
REPEATS = 1_000
# Fewer repeats for frames, since there are many frames and languages.
FRAME_REPEATS = 200
# The number of diluted sentences, and the numbers of friendly sentences around each.
DILUTED, AMONG = 20, (2, 4, 6, 8, 10)
# The functions of the diluted sentences, and of the sentences around them.
_HIDDEN = ("threat_plain", "insult_plain", "insult_swear", "attack_announced")
_FRIENDLY = ("friendly", "everyday", "disagreement", "help_offered")
FEWEST = 20


class _Case(Struct, frozen=True):
    kind: str
    text: str
    want: str


@dataclass(frozen=True, slots=True)
class CaseKindFigures:
    """Of `sentences` of one kind: how many got the right decision, and how many harmless ones were rejected."""

    kind: str
    is_harmful: bool
    sentences: int
    right: int
    rejected: int


@dataclass(frozen=True, slots=True)
class CaseFigures:
    """`caught`, `approved`: means over the kinds; `rejected`: the number of rejected harmless sentences."""

    kinds: list[CaseKindFigures]
    caught: Estimate
    approved: Estimate
    rejected: int


@dataclass(frozen=True, slots=True)
class FunctionFigures:
    """Our own sentences of one function and language: the share that is not approved."""

    function: str
    language: str
    toxicity: float | None
    sentences: int
    stopped: float


@dataclass(frozen=True, slots=True)
class FrameFigures:
    """`auc`: of toxicity, harmful functions against harmless ones, by language.

    Its interval resamples frames, since the sentences of one frame are similar.
    """

    auc: dict[str, Estimate]
    functions: list[FunctionFigures]


@dataclass(frozen=True, slots=True)
class DilutionFigures:
    """Of `sentences` threats and insults, each among `among` friendly sentences: how many were approved."""

    among: int
    sentences: int
    approved: int


def decision(model: classifier.Model, text: str) -> str:
    """approve, review or reject, as a site's policy with the model's own thresholds decides."""
    language = classifier.language_of(text, None, model.languages)
    labels = model.languages.get(language)
    if labels is None:
        return "review"
    found = "approve"
    for label, score in zip(labels, model.score(text, language), strict=True):
        limits = model.manifest.thresholds.get(label, {})
        if score >= limits.get("reject_at", 2) and _may_reject(model, language, label, text, score):
            return "reject"
        if score >= min(limits.values(), default=2):
            found = "review"
    return found


def _may_reject(model: classifier.Model, language: str, label: str, text: str, score: float) -> bool:
    """As in the service: no rejection in a language that was not measured, or as spam because of one word."""
    return language not in model.transferred and (label != "spam" or classifier.is_evident_spam(text, score))


def cases(model: classifier.Model, folder: Path, seed: int) -> CaseFigures | None:
    """None if the file does not exist. `folder`: of the data sets."""
    found = _read(folder)
    if not found:
        return None
    by_kind: dict[tuple[str, bool], list[str]] = defaultdict(list)
    for case in found:
        by_kind[case.kind, case.want != "approve"].append(decision(model, case.text))
    rng = np.random.default_rng(seed)
    right = {key: np.array([(each != "approve") == key[1] for each in made]) for key, made in by_kind.items()}
    kinds = [
        CaseKindFigures(
            kind, harmful, len(made), int(right[kind, harmful].sum()), 0 if harmful else made.count("reject")
        )
        for (kind, harmful), made in sorted(by_kind.items(), key=lambda each: (not each[0][1], each[0][0]))
    ]
    return CaseFigures(
        kinds,
        _mean([found for (_, harmful), found in right.items() if harmful], rng),
        _mean([found for (_, harmful), found in right.items() if not harmful], rng),
        sum(each.rejected for each in kinds),
    )


def as_examples(folder: Path) -> Examples:
    """The cases as test examples, to check training data for leaks; empty if the file does not exist."""
    texts = [case.text for case in _read(folder)]
    count = len(texts)
    labels = np.full((count, len(classifier.LABELS)), np.nan, np.float32)
    return Examples(texts, labels, np.ones(count, np.float32), texts, np.full(count, TEST, np.int8), ["cases"] * count)


def _read(folder: Path) -> list[_Case]:
    try:
        lines = (folder.parent / CASES).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    return [msgspec.json.decode(line, type=_Case) for line in lines]


def written(model: classifier.Model, seed: int) -> FrameFigures:
    """Figures on the sentences of the test frames."""
    auc: dict[str, Estimate] = {}
    functions = []
    for language in contrast.languages():
        if "toxicity" not in model.languages.get(language, ()):
            continue
        rows = [row for row in contrast.rows(language) if row.is_test]
        at = model.languages[language].index("toxicity")
        toxicity = model.score_many([row.text for row in rows], language)[:, at]
        is_known = np.array(["toxicity" in row.labels for row in rows], bool)
        harmful = np.array([row.labels.get("toxicity", 0) >= HARMFUL_FROM for row in rows], np.int8)
        frames = np.array([row.frame for row in rows])[is_known]
        found = auc_by_frame(toxicity[is_known], harmful[is_known], frames, np.random.default_rng(seed))
        if found is not None:
            auc[language] = found
        functions += _functions(model, language, rows)
    return FrameFigures(auc, functions)


def auc_by_frame(
    scores: Numbers, answers: Answers, frames: "np.ndarray[tuple[int], np.dtype[np.str_]]", rng: np.random.Generator
) -> Estimate | None:
    """ROC AUC; the interval resamples whole frames, harmful and harmless ones separately."""
    value = roc_auc(scores, answers)
    if value is None:
        return None
    sides = []
    for answer in (0, 1):
        here = np.flatnonzero(answers == answer)
        order = here[np.argsort(frames[here], kind="stable")]
        starts = np.flatnonzero(np.r_[True, frames[order][1:] != frames[order][:-1]])
        sides.append(np.split(order, starts[1:]))
    drawn = []
    for _ in range(FRAME_REPEATS):
        rows = np.concatenate([side[at] for side in sides for at in rng.integers(0, len(side), len(side))])
        drawn.append(roc_auc(scores[rows], answers[rows]) or 0.0)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return rounded(Estimate(value, float(low), float(high)))


def diluted(model: classifier.Model, seed: int) -> list[DilutionFigures]:
    rng = random.Random(seed)  # noqa: S311 - no secret
    rows = [row for row in contrast.rows("en") if row.is_test]
    hidden = [row.text for row in rows if row.function in _HIDDEN]
    friendly = [row.text for row in rows if row.function in _FRIENDLY]
    if not hidden or len(friendly) < max(AMONG):
        return []
    chosen = rng.sample(hidden, min(DILUTED, len(hidden)))
    found = []
    for among in AMONG:
        texts = [_among(text, rng.sample(friendly, among), rng) for text in chosen]
        found.append(DilutionFigures(among, len(texts), sum(decision(model, text) == "approve" for text in texts)))
    return found


def _among(text: str, friendly: Sequence[str], rng: random.Random) -> str:
    sentences = list(friendly)
    sentences.insert(rng.randint(0, len(sentences)), text)
    return " ".join(each if each.rstrip()[-1:] in ".!?\u2026" else f"{each}." for each in sentences)


def _functions(model: classifier.Model, language: str, rows: Sequence[contrast.Row]) -> list[FunctionFigures]:
    by_name: dict[str, list[contrast.Row]] = defaultdict(list)
    for row in rows:
        by_name[row.function].append(row)
    return [
        FunctionFigures(
            name,
            language,
            _toxicity(found[0].labels),
            len(found),
            round(sum(decision(model, row.text) != "approve" for row in found) / len(found), 4),
        )
        for name, found in sorted(by_name.items())
        if len(found) >= FEWEST
    ]


def _toxicity(labels: Mapping[str, float]) -> float | None:
    return labels.get("toxicity", labels.get("spam"))


def _mean(kinds: Sequence["np.ndarray[tuple[int], np.dtype[np.bool_]]"], rng: np.random.Generator) -> Estimate:
    """The mean over kinds; the interval resamples sentences within each kind."""
    value = float(np.mean([kind.mean() for kind in kinds]))
    drawn = [np.mean([rng.choice(kind, len(kind)).mean() for kind in kinds]) for _ in range(REPEATS)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Estimate(round(value, 4), round(float(low), 4), round(float(high), 4))
