"""Comments and posts in languages with little other data, labeled for toxicity by local annotators."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.datasets.dataset import DataSet, Rows, cells, chosen, is_test, numbers
from training.tables import Table

# In COLD's test part 1,783 of 2,068 attacks are on a group; its other parts do not distinguish them.
COLD_ON_GROUP = 0.85
# fmt: off
_LEXICON = (
    "pl", "ru", "fr", "es", "it", "nl", "sk", "pt", "de", "sr", "tr", "bg", "fi", "hu", "ro", "sv", "el", "cs",
    "hr", "uk", "lv", "da", "no", "et", "lt", "be",
)
# fmt: on


def _toxic(table: Table, path: Path) -> NDArray[np.float64]:
    """The column `toxic` of these copies: 1, 0, and -1 for undecided."""
    value = numbers(table, "toxic", path)
    return np.where(value < 0, np.nan, value)


def _plain(table: Table, path: Path) -> Rows:
    return Rows(cells(table, "text", path), {"toxicity": _toxic(table, path)}, is_test=is_test(table, path))


def _talk(table: Table, path: Path) -> Rows:
    """Wikipedia talk pages, which like Jigsaw's have no spam."""
    labels = {"toxicity": _toxic(table, path), "spam": np.zeros(table.num_rows)}
    return Rows(
        cells(table, "text", path),
        labels,
        is_test=is_test(table, path),
        languages=cells(table, "language", path),
    )


def _arabic(table: Table, path: Path) -> Rows:
    toxic = _toxic(table, path) * 0.8
    return Rows(cells(table, "text", path), {"toxicity": toxic}, is_test=is_test(table, path))


def _cold(table: Table, path: Path) -> Rows:
    toxic, fine = _toxic(table, path), cells(table, "fine", path)
    on_group = chosen(fine, {"attack group": 1.0, "attack individual": 0.0, "anti-bias": 0.0, "safe": 0.0})
    return Rows(
        cells(table, "text", path),
        {
            "toxicity": toxic,
            "identity_attack": np.where(np.isnan(on_group), toxic * COLD_ON_GROUP, on_group),
        },
        is_test=is_test(table, path),
    )


def _romanian(table: Table, path: Path) -> Rows:
    label = cells(table, "label", path)
    return Rows(
        cells(table, "text", path),
        {
            "toxicity": _toxic(table, path),
            # Each row has one label: a text labeled as abuse may also be an insult or profanity.
            "insult": chosen(label, {"INSULT": 1.0, "OTHER": 0.0}),
            "profanity": chosen(label, {"PROFANITY": 1.0, "OTHER": 0.0}),
        },
        is_test=is_test(table, path),
    )


def _beep(table: Table, path: Path) -> Rows:
    hate, bias = cells(table, "hate", path), cells(table, "bias", path)
    attacks = [_attacks(*each) for each in zip(hate, bias, strict=True)]
    return Rows(
        cells(table, "text", path),
        {"toxicity": _toxic(table, path), "identity_attack": np.array(attacks)},
        is_test=is_test(table, path),
    )


def _attacks(hate: str, bias: str) -> float:
    """Hate with a bias attacks a group. Hate without a bias does not, and a bias without hate may do so."""
    if bias == "none":
        return 0.0
    return {"hate": 1.0, "none": 0.1}.get(hate, float("nan"))


def _lexicon(table: Table, path: Path) -> Rows:
    values = np.full(table.num_rows, 0.7)
    return Rows(
        cells(table, "text", path),
        {"profanity": values},
        is_test=is_test(table, path),
        languages=cells(table, "language", path),
    )


MORE_LANGUAGES = (
    DataSet(
        name="toxic_arabic_mlma",
        loader=_arabic,
        language="ar",
        weight=0.3,
        teaches="toxicity (0.8 against 0) of tweets; mixed feelings and fear say nothing",
    ),
    DataSet(
        name="toxic_chinese_cold",
        loader=_cold,
        language="zh",
        weight=0.5,
        teaches="toxicity (offensive); identity_attack 0.85 where offensive; its test part says which attack a group",
    ),
    DataSet(
        name="toxic_danish_dkhate",
        loader=_plain,
        language="da",
        teaches="toxicity (offensive) of comments",
    ),
    DataSet(
        name="toxic_japanese_inspection",
        loader=_plain,
        language="ja",
        teaches="toxicity as half of the voters saw it; the unclear say nothing",
    ),
    DataSet(
        name="toxic_jigsaw_multilingual_es_it_tr",
        loader=_talk,
        language="es",
        others=("it", "tr"),
        teaches="toxicity of talk pages, by language; talk pages stand for text that is no spam",
    ),
    DataSet(
        name="toxic_korean_apeach",
        loader=_plain,
        language="ko",
        weight=0.5,
        teaches="toxicity (hateful) of sentences written for the purpose",
    ),
    DataSet(
        name="toxic_korean_beep",
        loader=_beep,
        language="ko",
        teaches="toxicity (offensive or hateful) of news comments; identity_attack where hate is biased",
    ),
    DataSet(
        name="toxic_polish_poleval2019",
        loader=_plain,
        language="pl",
        teaches="toxicity (bullying or hate) of tweets",
    ),
    DataSet(
        name="toxic_portuguese_reddit_br",
        loader=_plain,
        language="pt",
        teaches="toxicity of Reddit comments; where annotators disagreed, nothing",
    ),
    DataSet(
        name="toxic_romanian_ro_offense",
        loader=_romanian,
        language="ro",
        teaches="toxicity; insult and profanity where that is its one label, 0 where it is harmless",
    ),
    DataSet(
        name="toxic_russian_sariellee",
        loader=_plain,
        language="ru",
        teaches="toxicity of angry tweets, nearly all of them harmless; the lowest grade says nothing",
    ),
    DataSet(
        name="toxic_turkish_offenseval2020",
        loader=_plain,
        language="tr",
        weight=0.5,
        teaches="toxicity (offensive) of tweets as they come",
    ),
    DataSet(
        name="profanity_lexicon_multilingual",
        loader=_lexicon,
        others=_LEXICON,
        weight=0.0,
        teaches="nothing by default: its words have no severity, and many are only mildly sexual",
    ),
)
