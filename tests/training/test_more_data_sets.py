"""The meaning of the labels of implicit hate, spam and further languages."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from classifier import LABELS
from training import datasets
from training.datasets import DATA_SETS
from training.examples import TEST, Examples

DATA = Path(__file__).parents[3] / "shared" / "data"
UNKNOWN = float("nan")


def loaded(folder: Path, name: str, columns: Mapping[str, Sequence[object]]) -> Examples:
    """A set of which all rows are for training, unless `split` says otherwise."""
    count = len(next(iter(columns.values())))
    table = {"text": [f"text {at}" for at in range(count)], "split": ["train"] * count} | dict(columns)
    pyarrow.parquet.write_table(pa.table(table), folder / f"{name}.parquet")
    return datasets.load(name, folder)


def of(examples: Examples, attribute: str) -> list[float]:
    return [round(float(value), 3) for value in examples.labels[:, LABELS.index(attribute)]]


def known(examples: Examples) -> set[str]:
    return {name for at, name in enumerate(LABELS) if np.isfinite(examples.labels[:, at]).any()}


def test_a_dev_part_is_learnt_from_and_a_test_part_is_not(tmp_path: Path) -> None:
    found = loaded(
        tmp_path, "toxic_danish_dkhate", {"toxic": [1, 0, 0], "language": ["da"] * 3, "split": ["train", "dev", "test"]}
    )
    assert (found.folds == TEST).tolist() == [False, False, True]
    assert found.languages == ["da"] * 3


def test_toxigens_grades_say_toxic_where_its_authors_do(tmp_path: Path) -> None:
    grades = {"toxicity_human": [1.0, 3.0, 3.0, 5.0], "toxicity_ai": [1.0, 2.5, 2.667, 5.0]}
    found = loaded(tmp_path, "toxigen_annotated", grades)
    assert of(found, "toxicity") == of(found, "identity_attack") == [0, 0.5, 0.524, 1]
    assert known(found) == {"toxicity", "identity_attack"}


@pytest.mark.data
def test_toxigens_grades_agree_with_the_label_in_our_copy() -> None:
    if not DATA.exists():
        pytest.skip("../shared/data is not there")
    label = pyarrow.parquet.read_table(DATA / "toxigen_annotated.parquet").column("toxic").to_pylist()
    toxicity = datasets.load("toxigen_annotated", DATA).labels[:, LABELS.index("toxicity")]
    assert ((toxicity > 0.5) == np.array(label, bool)).all()


def test_implicit_hate_threatens_only_where_it_is_said_to(tmp_path: Path) -> None:
    kinds = {
        "class": ["not_hate", "implicit_hate", "implicit_hate", "explicit_hate"],
        "implicit_class": [None, "irony", "threatening", None],
    }
    found = loaded(tmp_path, "implicit_hate", kinds)
    assert of(found, "identity_attack") == [0.05, 0.9, 0.9, 1]
    np.testing.assert_array_equal(of(found, "threat"), [0, UNKNOWN, 0.6, UNKNOWN])
    assert of(found, "toxicity")[0] == 0.15, "what is not hateful may still be rude"


def test_gab_calls_toxic_what_is_hateful_or_vulgar(tmp_path: Path) -> None:
    found = loaded(
        tmp_path, "gab_hate_corpus", {"hate": [0, 1, 0], "vulgar_offensive": [0, 0, 1], "call_for_violence": [0, 1, 0]}
    )
    assert of(found, "identity_attack") == [0, 1, 0]
    assert of(found, "toxicity") == [0, 1, 0.8]
    assert of(found, "threat") == [0, 0.8, 0]


def test_offensive_in_hatexplain_is_toxic_and_says_nothing_of_groups(tmp_path: Path) -> None:
    found = loaded(tmp_path, "hatexplain", {"class": ["hatespeech", "offensive", "normal"]})
    np.testing.assert_array_equal(of(found, "identity_attack"), [1, UNKNOWN, 0])
    assert of(found, "toxicity") == [1, 0.8, 0.1]


def test_partners_of_gahd_stay_together_and_news_are_harmless(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        "german_gahd",
        {
            "label": [1, 0, 0, 1, 0],
            "source": ["dynabench", "contrastive", "contrastive", "translation", "news"],
            "gahd_id": ["a", "b", "c", "d", "e"],
            "contrastive_gahd_id": [None, "a", "b", "x", None],
            "split": ["train", "train", "test", "train", "train"],
        },
    )
    assert found.groups[0] == found.groups[1] == found.groups[2]
    assert len(set(found.groups)) == 3
    assert not {"text 0", "text 1"} & set(found.training().texts), "a partner is in the test"
    assert of(found, "toxicity") == [1, 0.1, 0.1, 1, 0]


def test_what_annotators_could_not_settle_teaches_nothing(tmp_path: Path) -> None:
    for name in ("toxic_russian_sariellee", "toxic_portuguese_reddit_br", "toxic_japanese_inspection"):
        found = loaded(tmp_path, name, {"toxic": [1, 0, -1]})
        np.testing.assert_array_equal(of(found, "toxicity"), [1, 0, UNKNOWN])
        assert known(found) == {"toxicity"}
    found = loaded(tmp_path, "toxic_arabic_mlma", {"toxic": [1, 0, -1]})
    np.testing.assert_array_equal(of(found, "toxicity"), [0.8, 0, UNKNOWN])
    grey = loaded(tmp_path, "spam_webform_adamspd", {"spam": [1, 0, -1]})
    np.testing.assert_array_equal(of(grey, "spam"), [1, 0, UNKNOWN])


def test_jigsaws_talk_pages_are_of_three_languages_and_no_spam(tmp_path: Path) -> None:
    found = loaded(tmp_path, "toxic_jigsaw_multilingual_es_it_tr", {"toxic": [1, 0, 1], "language": ["tr", "es", "it"]})
    assert found.languages == ["tr", "es", "it"]
    assert {language: each.texts for language, each in found.by_language().items()} == {
        "es": ["text 1"],
        "it": ["text 2"],
        "tr": ["text 0"],
    }
    assert of(found, "spam") == [0, 0, 0]


def test_only_colds_test_says_whether_a_group_is_attacked(tmp_path: Path) -> None:
    fine = [None, None, "attack group", "attack individual", "anti-bias"]
    found = loaded(tmp_path, "toxic_chinese_cold", {"toxic": [1, 0, 1, 1, 0], "fine": fine})
    assert of(found, "identity_attack") == [0.85, 0, 1, 0, 0]
    assert of(found, "toxicity") == [1, 0, 1, 1, 0]


def test_a_romanian_comment_has_one_label_and_the_others_are_unknown(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        "toxic_romanian_ro_offense",
        {"toxic": [1, 1, 1, 0], "label": ["ABUSE", "INSULT", "PROFANITY", "OTHER"]},
    )
    np.testing.assert_array_equal(of(found, "insult"), [UNKNOWN, 1, UNKNOWN, 0])
    np.testing.assert_array_equal(of(found, "profanity"), [UNKNOWN, UNKNOWN, 1, 0])


def test_korean_hate_attacks_a_group_where_it_is_biased(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        "toxic_korean_beep",
        {
            "toxic": [1, 1, 1, 0],
            "hate": ["hate", "hate", "offensive", "none"],
            "bias": ["gender", "none", "others", "none"],
        },
    )
    np.testing.assert_array_equal(of(found, "identity_attack"), [1, 0, UNKNOWN, 0])


def test_copies_of_an_advertisement_are_one_group_whatever_their_numbers(tmp_path: Path) -> None:
    copies = [
        "Earn 500$ a day from home with your own phone, ask me how on Telegram!",
        "EARN 900$ a day from home with your own phone: ask me how on telegram now",
    ]
    found = loaded(tmp_path, "spam_webform_adamspd", {"text": [*copies, "123", "456"], "spam": [1, 1, 0, 0]})
    assert found.groups[0] == found.groups[1]
    assert len(set(found.groups)) == 3
    assert known(found) == {"spam"}


def test_only_a_script_tells_the_language_of_spam(tmp_path: Path) -> None:
    hints = {"spam": [1, 0, 1, 0], "language": ["ru", "uk", "pt", "und"]}
    assert loaded(tmp_path, "spam_telegram_tgspam", hints).languages == ["ru", "ru", "en", "en"]
    assert loaded(tmp_path, "spam_youtube_gambling_id", hints).languages == ["id"] * 4


def test_a_lexicon_without_grades_is_not_learnt_by_default(tmp_path: Path) -> None:
    found = loaded(tmp_path, "profanity_lexicon_multilingual", {"language": ["nl", "uk"]})
    assert DATA_SETS["profanity_lexicon_multilingual"].weight == 0
    assert found.languages == ["nl", "uk"]
    assert known(found) == {"profanity"}
