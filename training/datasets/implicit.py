"""Implicit hate without swear words, and adversarial harmless texts that look similar."""

from pathlib import Path

import numpy as np

from training.datasets.dataset import DataSet, Rows, cells, chosen, is_test, numbers
from training.tables import Table

# ToxiGen's authors call a sentence toxic above the first sum of two grades from 1 to 5; the second is the lowest sum.
TOXIGEN_TOXIC, TOXIGEN_LOWEST = 5.5, 2.0


def _gahd(table: Table, path: Path) -> Rows:
    hate = numbers(table, "label", path)
    is_news = np.array(cells(table, "source", path)) == "news"
    own, partner = cells(table, "gahd_id", path), cells(table, "contrastive_gahd_id", path)
    return Rows(
        cells(table, "text", path),
        # A text that attacks no group may still be rude, except for news sentences.
        {"identity_attack": hate, "toxicity": np.where(hate > 0, 1.0, np.where(is_news, 0.0, 0.1))},
        _pairs(own, partner),
        is_test(table, path),
    )


def _pairs(own: list[str], partner: list[str]) -> list[str]:
    """One group for a sentence and its contrastive partners, including partners of partners (union-find)."""
    parent = {id_: id_ for id_ in own}

    def root(id_: str) -> str:
        while parent.setdefault(id_, id_) != id_:
            parent[id_] = parent[parent[id_]]
            id_ = parent[id_]
        return id_

    for one, other in zip(own, partner, strict=True):
        if other:
            first, second = sorted((root(one), root(other)))
            parent[second] = first
    return [root(id_) for id_ in own]


def _toxigen(table: Table, path: Path) -> Rows:
    grades = numbers(table, "toxicity_human", path) + numbers(table, "toxicity_ai", path)
    toxic = np.clip((grades - TOXIGEN_LOWEST) / (2 * (TOXIGEN_TOXIC - TOXIGEN_LOWEST)), 0, 1)
    return Rows(cells(table, "text", path), {"identity_attack": toxic, "toxicity": toxic}, is_test=is_test(table, path))


def _toxigen_prompts(table: Table, path: Path) -> Rows:
    value = numbers(table, "hate", path) * 0.9 + 0.05
    return Rows(cells(table, "text", path), {"identity_attack": value, "toxicity": value}, is_test=is_test(table, path))


def _implicit(table: Table, path: Path) -> Rows:
    kind = cells(table, "class", path)
    threat = chosen(kind, {"not_hate": 0.0})
    threat[np.array(cells(table, "implicit_class", path)) == "threatening"] = 0.6
    return Rows(
        cells(table, "text", path),
        {
            "identity_attack": chosen(kind, {"explicit_hate": 1.0, "implicit_hate": 0.9, "not_hate": 0.05}),
            # Tweets of extremists: a tweet that is not hateful may still be rude.
            "toxicity": chosen(kind, {"explicit_hate": 1.0, "implicit_hate": 0.8, "not_hate": 0.15}),
            "threat": threat,
        },
        is_test=is_test(table, path),
    )


def _gab(table: Table, path: Path) -> Rows:
    hate, vulgar = numbers(table, "hate", path), numbers(table, "vulgar_offensive", path)
    return Rows(
        cells(table, "text", path),
        {
            "identity_attack": hate,
            "toxicity": np.maximum(hate, 0.8 * vulgar),
            "profanity": np.where(vulgar > 0, 0.7, 0.05),
            "threat": numbers(table, "call_for_violence", path) * 0.8,
        },
        is_test=is_test(table, path),
    )


def _hatexplain(table: Table, path: Path) -> Rows:
    kind = cells(table, "class", path)
    return Rows(
        cells(table, "text", path),
        {
            "identity_attack": chosen(kind, {"hatespeech": 1.0, "normal": 0.0}),
            "toxicity": chosen(kind, {"hatespeech": 1.0, "offensive": 0.8, "normal": 0.1}),
        },
        is_test=is_test(table, path),
    )


IMPLICIT = (
    DataSet(
        name="toxigen_annotated",
        loader=_toxigen,
        weight=0.5,
        teaches="identity_attack and toxicity as two grades of annotators, 0.5 where its authors draw the line",
    ),
    DataSet(
        name="toxigen_prompts",
        loader=_toxigen_prompts,
        weight=0.5,
        teaches="identity_attack and toxicity, 0.95 against 0.05, of sentences on the same groups",
    ),
    DataSet(
        name="implicit_hate",
        loader=_implicit,
        weight=0.4,
        teaches="identity_attack 1 (implicit 0.9) against 0.05; toxicity against 0.15; threat 0.6 where hate threatens",
    ),
    DataSet(
        name="gab_hate_corpus",
        loader=_gab,
        weight=0.5,
        teaches="identity_attack; toxicity (hateful or vulgar); profanity (vulgar, 0.7); threat (calls to violence)",
    ),
    DataSet(
        name="hatexplain",
        loader=_hatexplain,
        weight=0.3,
        teaches="identity_attack from hate (1) and normal (0); toxicity 1, 0.8 where offensive, 0.1 where normal",
    ),
    DataSet(
        name="german_gahd",
        loader=_gahd,
        language="de",
        weight=0.5,
        teaches="identity_attack and toxicity (1 against 0.1, news 0) of hate and of what looks like it",
    ),
)
