"""Labels that may be wrong: a model that did not learn them contradicts them, or copies of the text have another label.

The model's part is confident learning (Northcutt, Jiang and Chuang, arXiv 1911.00068): a label is suspect if the
out-of-fold score of the other answer is at least as high as it usually is for labels with that answer.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from classifier import LABELS
from classifier.kernel import Weights
from training import archive
from training.archive import LabelLine
from training.copies import clusters, grouped
from training.datasets import DEFAULT, available, load
from training.evaluation import answers_of
from training.examples import HELD_OUT_FOLD, TEST, Examples, column, fold_of, joined
from training.fit import Recipe, fit
from training.leaks import without_leaks
from training.row_weights import with_row_weights
from training.run import DECISION_WEIGHT, languages_of

# Parts of the cross-validation, each with a model of its own.
PARTS = 5
# With fewer labels of either answer in a language it is not known how its scores usually are.
FEWEST = 20
# A fold that every model learns from.
TRAINING_FOLD = 0

Progress = Callable[[str], None]


class Suspect(Struct, frozen=True, kw_only=True):
    """A label that may be wrong. `said`: its answer for `attribute`.

    `score`: the model's probability of the attribute, without having learned the text or its copies; None for the
    reason `copies`. `usual`: the mean score of labels with the other answer. `strength`: how far the model contradicts,
    from 0 (just) to 1; for copies the share of them with the other answer. `copies`: comments with the other answer.
    """

    id: str
    revision: int
    cursor: str
    at: datetime
    reason: Literal["copies", "model"]
    attribute: str
    said: bool
    strength: float
    score: float | None = None
    usual: float | None = None
    copies: list[str] = []
    language: str
    source: str
    text: str

    @property
    def why(self) -> str:
        """In words."""
        if self.reason == "copies":
            return f"{len(self.copies)} copies have the other answer, as {', '.join(self.copies[:3])}"
        return f"the model says {self.score:.2f}, as usual for the other answer ({self.usual:.2f})"

    @property
    def can_be_sent(self) -> bool:
        """A label made elsewhere has no comment that could go back to the queue."""
        return self.revision > 0


class SuspectOptions(Struct, frozen=True, kw_only=True):
    """`folder`: of the public data sets, of which the models learn `rows` rows beside the labels.

    `names`: only of these data sets; empty: of all that there are. `recipe`: of the models, apart from jobs and seed.
    """

    labels: Path
    folder: Path
    rows: int
    names: tuple[str, ...] = ()
    jobs: int = 1
    seed: int = 0
    recipe: Recipe = Recipe()


def suspects(options: SuspectOptions, before: datetime, progress: Progress = lambda _: None) -> list[Suspect]:
    """The labels from before this time that may be wrong, the clearest first; what copies contradict comes first.

    Leaves out revisions that two people have judged. Raises DataUnusable.
    """
    names = options.names or tuple(available(options.folder, DEFAULT))
    languages = languages_of(names)
    labels = archive.in_languages(_judged_once(options.labels, before), languages)
    examples = archive.as_examples(labels, languages)
    if not labels:
        return []
    progress("looking for copies")
    groups = clusters(examples.texts)
    by_copies = list(of_copies(labels, examples, groups))
    known = {(each.id, each.revision) for each in by_copies}
    scores = out_of_fold(examples, groups, _others(options, names, examples), options, progress)
    by_model = [each for each in of_model(labels, examples, scores) if (each.id, each.revision) not in known]
    return [*_clearest(by_copies), *_clearest(by_model)]


def _judged_once(folder: Path, before: datetime) -> list[LabelLine]:
    """The newest labels without those of two people, and without young ones."""
    valid = archive.valid(folder)
    actors: dict[tuple[str, int], set[str]] = {}
    for label in valid:
        actors.setdefault((label.id, label.revision), set()).add(label.actor)
    return [
        label
        for label in archive.newest(valid)
        if not archive.is_young(label, before) and len(actors[label.id, label.revision]) == 1
    ]


def of_copies(labels: Sequence[LabelLine], examples: Examples, groups: Sequence[int]) -> Iterator[Suspect]:
    """Of each group of copies with different answers the labels with the rarer answer, or all if there is none."""
    members: dict[int, list[int]] = {}
    for place, group in enumerate(groups):
        members.setdefault(group, []).append(place)
    for places in members.values():
        if len({examples.groups[place] for place in places}) > 1:
            yield from _contradicting(labels, examples, places)


def _contradicting(labels: Sequence[LabelLine], examples: Examples, places: Sequence[int]) -> Iterator[Suspect]:
    named: set[int] = set()
    for at, attribute in enumerate(LABELS):
        values = examples.labels[places, at]
        known = [place for place, value in zip(places, values, strict=True) if np.isfinite(value)]
        answers = answers_of(examples.labels[known, at])
        yes, no = (np.array(known, np.intp)[answers == answer] for answer in (1, 0))
        for said, mine, others in ((True, yes, no), (False, no, yes)):
            if not len(others) or len(mine) > len(others):
                continue
            for place in mine:
                # Another revision of the same comment is no copy of it.
                ids = sorted({examples.groups[other] for other in others} - {examples.groups[place]})
                if ids and place not in named:  # one line for each label
                    named.add(place)
                    share = len(others) / len(known)
                    yield _suspect(labels, examples, place, "copies", attribute, said, round(share, 4), copies=ids)


def of_model(labels: Sequence[LabelLine], examples: Examples, scores: NDArray[np.float64]) -> Iterator[Suspect]:
    """`scores`: (n, attributes), of each text by a model that has not learned it. One line for each label."""
    found: dict[int, Suspect] = {}
    spoken = np.array(examples.languages)
    for attribute in LABELS:
        values, score = examples.labels[:, column(attribute)], scores[:, column(attribute)]
        for language in sorted(set(examples.languages)):
            rows = np.flatnonzero((spoken == language) & np.isfinite(values))
            is_yes = answers_of(values[rows]) == 1
            if min(is_yes.sum(), (~is_yes).sum()) < FEWEST:
                continue
            usual_yes, usual_no = float(score[rows][is_yes].mean()), float(score[rows][~is_yes].mean())
            if usual_yes <= usual_no:  # the models have learned nothing, and would contradict every other label
                continue
            for place, said in zip(rows.tolist(), is_yes.tolist(), strict=True):
                usual = usual_no if said else usual_yes
                strength = _strength(float(score[place]), usual, said=said)
                if strength is not None and (place not in found or strength > found[place].strength):
                    found[place] = _suspect(
                        labels,
                        examples,
                        place,
                        "model",
                        attribute,
                        said,
                        round(strength, 4),
                        score=round(float(score[place]), 4),
                        usual=round(usual, 4),
                    )
    yield from found.values()


def _strength(score: float, usual: float, *, said: bool) -> float | None:
    """None: the model does not contradict. `usual`: of the other answer."""
    if said:
        return (usual - score) / usual if score <= usual and usual > 0 else None
    return (score - usual) / (1 - usual) if score >= usual and usual < 1 else None


def out_of_fold(
    examples: Examples, groups: Sequence[int], others: Examples | None, options: SuspectOptions, progress: Progress
) -> NDArray[np.float64]:
    """Scores (n, attributes) of the fast reader; no model has learned its own part.

    Copies are in one part, and so are the revisions of one comment.
    """
    names = [f"{examples.groups[first]}/{first}" for first in _kept_together(examples, groups)]
    parts = np.array([fold_of(f"suspects:{name}") % PARTS for name in names])
    folds = np.array([fold_of(name) for name in names], np.int8)
    folds[folds == HELD_OUT_FOLD] = TRAINING_FOLD
    recipe = replace(options.recipe, jobs=options.jobs, seed=options.seed)
    scores = np.full((len(examples), len(LABELS)), np.nan)
    for part in range(PARTS):
        unknown = np.flatnonzero(parts == part)
        if not len(unknown):
            continue
        progress(f"training model {part + 1} of {PARTS} without a part of the labels")
        hidden = np.where(parts == part, TEST, folds).astype(np.int8)
        known = _with(examples, names, hidden).weighted(DECISION_WEIGHT)
        fitted = fit(known if others is None else joined([others, known]), recipe)
        scores[unknown] = Weights(fitted.arrays).score_many([examples.texts[place] for place in unknown])
    return scores


def _kept_together(examples: Examples, groups: Sequence[int]) -> list[int]:
    """For each label the position of the first one that is a copy, or another revision, of it or of one of these."""
    first: dict[str, int] = {}
    revisions = ((first.setdefault(name, place), place) for place, name in enumerate(examples.groups))
    return grouped(len(examples), [*zip(groups, range(len(examples)), strict=True), *revisions])


def _with(examples: Examples, groups: list[str], folds: NDArray[np.int8]) -> Examples:
    return Examples(
        examples.texts, examples.labels, examples.weights, groups, folds, examples.sources, examples.languages
    )


def _others(options: SuspectOptions, names: Sequence[str], examples: Examples) -> Examples | None:
    """Public data without copies of the labeled texts."""
    if not names:
        return None
    public = joined([with_row_weights(load(name, options.folder)) for name in names])
    return without_leaks(public.training().sampled(options.rows, options.seed), examples)


def _suspect(  # noqa: PLR0917 - all that says which label
    labels: Sequence[LabelLine],
    examples: Examples,
    place: int,
    reason: Literal["copies", "model"],
    attribute: str,
    said: bool,
    strength: float,
    *,
    score: float | None = None,
    usual: float | None = None,
    copies: Sequence[str] = (),
) -> Suspect:
    label = labels[place]
    return Suspect(
        id=label.id,
        revision=label.revision,
        cursor=label.cursor,
        at=label.at,
        reason=reason,
        attribute=attribute,
        said=said,
        strength=strength,
        score=score,
        usual=usual,
        copies=list(copies),
        language=examples.languages[place],
        source=label.source,
        text=label.text,
    )


def _clearest(found: Sequence[Suspect]) -> list[Suspect]:
    return sorted(found, key=lambda each: (-each.strength, each.id, each.revision))
