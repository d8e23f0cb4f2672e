"""Figures on publishers' tests and on spam, for invented data sets with known answers."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

import classifier
from training import assessment, datasets, published_tests
from training.datasets import DATA_SETS
from training.published_tests import OTHERS, TESTS, published_test_figures
from training.spam_tests import SPAM

RUDE = ("You are a complete idiot", "Shut up, you stupid moron", "What an idiotic liar", "You disgusting garbage")
KIND = ("Thank you for this article", "The ferry leaves at nine", "I added two sources", "We walked along the river")


def write(
    folder: Path, name: str, rows: list[tuple[str, int, str]], label: str = "toxic", language: str = "en"
) -> None:
    texts, answers, split = zip(*rows, strict=True)
    columns = {"text": texts, label: answers, "split": split, "language": [language] * len(rows)}
    if name == "toxigen_annotated":
        columns |= {grade: [5.0 * answer or 1.0 for answer in answers] for grade in ("toxicity_human", "toxicity_ai")}
    pyarrow.parquet.write_table(pa.table(columns), folder / f"{name}.parquet")


def some(split: str, each: int = 60) -> list[tuple[str, int, str]]:
    rude = [(f"{RUDE[at % 4]} {at} {split}", 1, split) for at in range(each)]
    return rude + [(f"{KIND[at % 4]} {at} {split}", 0, split) for at in range(each)]


def test_a_test_is_the_publishers_split_alone_where_it_is_large(shipped: classifier.Model, tmp_path: Path) -> None:
    write(tmp_path, "toxigen_annotated", some("train", 200) + some("test"))
    (found,) = published_test_figures(shipped, tmp_path, 0)
    assert (found.data_set, found.part, found.language) == ("toxigen_annotated", "published test split", "en")
    assert (found.texts, found.positive) == (120, 60)
    assert found.auc.value > 0.95
    assert found.is_judged
    assert found.textbook is None


@pytest.mark.parametrize(
    ("in_test", "part"), [(10, "published test split and held-out fold"), (0, "held-out fold")], ids=str
)
def test_to_a_small_test_comes_the_fold_that_is_held_out(
    shipped: classifier.Model, tmp_path: Path, in_test: int, part: str
) -> None:
    write(tmp_path, "toxic_danish_dkhate", some("train", 200) + some("test", in_test), language="da")
    (found,) = published_test_figures(shipped, tmp_path, 0)
    held_out = len(datasets.load("toxic_danish_dkhate", tmp_path).held_out())
    assert (found.part, found.texts) == (part, held_out)
    assert held_out > 2 * in_test


def test_a_language_that_is_not_judged_is_ranked_and_said_not_to_be(shipped: classifier.Model, tmp_path: Path) -> None:
    """Danish is judged by both readers together, and not by the fast one alone."""
    write(tmp_path, "toxic_danish_dkhate", some("test"), language="da")
    fast = classifier.load(classifier.SHIPPED, both=False)
    for model, is_judged in ((fast, False), (shipped, True)):
        (found,) = published_test_figures(model, tmp_path, 0)
        assert ("da" in model.languages) is is_judged
        assert found.is_judged is is_judged
        assert found.auc.value > 0.95


def test_each_language_of_a_data_set_has_its_own_figure(shipped: classifier.Model, tmp_path: Path) -> None:
    rows = some("test", 100)
    write(tmp_path, "toxic_jigsaw_multilingual_es_it_tr", rows)
    path = tmp_path / "toxic_jigsaw_multilingual_es_it_tr.parquet"
    table = pyarrow.parquet.read_table(path).drop_columns("language")
    spoken = ["es" if at % 2 else "it" for at in range(len(rows))]
    pyarrow.parquet.write_table(table.append_column("language", pa.array(spoken)), path)
    found = published_test_figures(shipped, tmp_path, 0)
    assert [(each.language, each.texts) for each in found] == [("es", 100), ("it", 100)]


def test_a_test_with_too_few_of_an_answer_has_no_figure(shipped: classifier.Model, tmp_path: Path) -> None:
    write(tmp_path, "toxic_danish_dkhate", [*some("test")[-60:], ("You idiot", 1, "test")], language="da")
    assert published_test_figures(shipped, tmp_path, 0) == []


def test_the_textbook_learns_the_same_language_and_nothing_of_the_test(
    shipped: classifier.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "toxic_korean_apeach", some("train") + some("test"), language="ko")
    copy = f"{RUDE[0].upper()},  0 Test!!"  # of a text of the test, but for its signs, spaces and capitals
    write(tmp_path, "toxic_danish_dkhate", [*some("train", 30), (copy, 1, "train"), *some("test", 55)], language="da")
    taught: list[set[str]] = []

    class Book:
        @staticmethod
        def score_many(texts: list[str]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
            return np.array([[float("idiot" in text or "stupid" in text or "garbage" in text)] for text in texts])

    def of_one_label(texts: list[str], answers: object, jobs: int) -> Book:
        assert len(texts) == len(np.asarray(answers))
        assert jobs == 2
        taught.append(set(texts))
        return Book()

    monkeypatch.setattr(published_tests, "of_one_label", of_one_label)
    danish, korean = published_test_figures(shipped, tmp_path, 0, jobs=2)
    assert danish.textbook == korean.textbook == 1.0
    known = [
        set(datasets.load(name, tmp_path).training().texts) for name in ("toxic_danish_dkhate", "toxic_korean_apeach")
    ]
    assert copy in known[0]
    assert taught == [known[0] - {copy}, known[1]]
    assert not any("test" in text for texts in taught for text in texts)


def test_where_no_word_occurs_twice_the_textbook_has_no_figure(shipped: classifier.Model, tmp_path: Path) -> None:
    rows = [
        (f"\u3042{chr(0x3400 + at)}\u3044{chr(0x4000 + at)}", at % 2, "train" if at < 20 else "test")
        for at in range(140)
    ]
    write(tmp_path, "toxic_japanese_inspection", rows, language="ja")
    (found,) = published_test_figures(shipped, tmp_path, 0, jobs=1)
    assert found.textbook is None


def test_every_test_is_of_a_data_set_that_we_know_and_no_language_is_forgotten() -> None:
    assert {name for name, _ in TESTS} <= set(DATA_SETS)
    tested = {language for name, _ in OTHERS for language in DATA_SETS[name].languages}
    spoken = {
        language
        for name, each in DATA_SETS.items()
        if each.weight > 0 and not datasets.is_written(name) and name not in SPAM
        for language in each.languages
    }
    assert spoken - {"en"} == tested


@pytest.mark.usefixtures("few_sentences")
def test_an_assessment_has_both_and_asks_of_a_release_what_is_asked(shipped: classifier.Model, tmp_path: Path) -> None:
    write(tmp_path, "toxigen_annotated", some("test"))
    found = assessment.assess(shipped, assessment.EvaluationOptions(tmp_path))
    assert [each.data_set for each in found.tests] == ["toxigen_annotated"]
    (row,) = [row for row in found.summary if "toxigen_annotated" in row.what]
    assert row.what == "ROC AUC, toxicity, toxigen_annotated, published test split"
    assert (row.ours, row.must, row.aim) == (found.tests[0].auc, 0.90, 0.94)
    assert found.spam is None
    assert found.plain()["tests"][0]["positive"] == 60
