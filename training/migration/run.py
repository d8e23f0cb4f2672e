"""Runs a migration: scores texts with our model and compares the scores with Perspective's."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import classifier
from training import bulk
from training.client import Service
from training.errors import DataUnusable
from training.migration.agreement import FEWEST, ScoreAgreement, ScorePair, compare, mapped, score_map
from training.migration.perspective_scores import LABEL_OF, PerspectiveScores

USUAL_THRESHOLD = 0.8
POLICY = "/v1/policies/default"
Map = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class MappedAttribute:
    """The comparison of one attribute; the map is fitted on the same texts."""

    agreement: ScoreAgreement
    pair: ScorePair
    map: Map

    @property
    def answered(self) -> NDArray[np.float64]:
        """Our scores under the map."""
        return mapped(self.pair.ours, self.map)


@dataclass(frozen=True, slots=True)
class Migration:
    """`left_out`: why an attribute was not compared. `not_judged`: the number of unjudged texts by language."""

    model: classifier.Manifest
    texts: int
    blank: int
    compared: Sequence[MappedAttribute]
    left_out: Mapping[str, str]
    not_judged: Mapping[str, int]

    def maps(self) -> dict[str, Map]:
        """The value of `protocols.perspective.score_maps` in a policy."""
        return {each.agreement.attribute: each.map for each in self.compared}

    def plain(self) -> dict[str, Any]:
        return {
            "model": {"version": self.model.version, "digest": self.model.digest},
            "texts": self.texts,
            "blank": self.blank,
            "not_judged": dict(self.not_judged),
            "left_out": dict(self.left_out),
            "attributes": {
                each.agreement.attribute: each.agreement.plain() | {"map": each.map} for each in self.compared
            },
        }


def migrate(
    model: classifier.Model,
    kept: PerspectiveScores,
    thresholds: Mapping[str, Sequence[float]],
    seed: int,
    advance: Callable[[int], None] = lambda _: None,
) -> Migration:
    """Raises DataUnusable if no attribute has enough texts for a comparison."""
    is_blank = np.array([not text.strip() for text in kept.texts], bool)
    languages, scores = _scored(model, kept, advance)
    compared, left_out = [], {}
    for attribute, theirs in kept.scores.items():
        label = LABEL_OF[attribute]
        if label not in model.labels:
            left_out[attribute] = f"the model does not judge {label}"
            continue
        ours = scores[:, model.labels.index(label)]
        rows = ~is_blank & ~np.isnan(theirs) & ~np.isnan(ours)
        if (count := int(rows.sum())) < FEWEST:
            left_out[attribute] = f"{count} texts with both scores; at least {FEWEST} are needed"
            continue
        answers = None if kept.labels is None else kept.labels[rows]
        pair, wanted = ScorePair(theirs[rows], ours[rows], answers), thresholds.get(attribute, (USUAL_THRESHOLD,))
        found = compare(attribute, label, pair, wanted, np.random.default_rng(seed))
        compared.append(MappedAttribute(found, pair, score_map(pair, wanted)))
    if not compared:
        reasons = "; ".join(f"{attribute}: {why}" for attribute, why in left_out.items())
        raise DataUnusable(f"nothing can be compared: {reasons or 'no column of scores'}")
    not_judged = Counter(language for language in languages if language not in model.languages)
    return Migration(model.manifest, len(kept.texts), int(is_blank.sum()), compared, left_out, not_judged)


def _scored(
    model: classifier.Model, kept: PerspectiveScores, advance: Callable[[int], None]
) -> tuple[list[str], NDArray[np.float64]]:
    languages: list[str] = []
    scores = np.full((len(kept.texts), len(model.labels)), np.nan)
    for start in range(0, len(kept.texts), bulk.CHUNK):
        end = start + bulk.CHUNK
        some = bulk.judge(model, kept.texts[start:end], kept.languages[start:end])
        languages += some.languages
        scores[start:end] = some.scores
        advance(len(some.languages))
    return languages, scores


def put_maps(service: Service, maps: Mapping[str, Map]) -> str:
    """Set the maps in the site's policy and leave the rest unchanged. Returns the name of the new version.

    Raises ServiceRefused, also if somebody else changed the policy meanwhile.
    """
    policy = service.get_json(POLICY)
    protocols = dict(policy.get("protocols") or {})
    perspective = dict(protocols.get("perspective") or {})
    perspective["score_maps"] = {**perspective.get("score_maps", {}), **maps}
    protocols["perspective"] = perspective
    known = {name: value for name, value in policy.items() if name != "name"}
    after = service.put(POLICY, known | {"protocols": protocols})
    return f"{after['name']}@{after['version']}"
