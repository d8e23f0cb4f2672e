"""Publishers' own files that must be joined or aggregated."""

from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest

from classifier import LABELS
from training import datasets
from training.errors import DataUnusable
from training.examples import TEST, Examples

DATA = Path(__file__).parents[3] / "shared" / "data"
SIX = "toxic,severe_toxic,obscene,threat,insult,identity_hate"
GRADES = (1, 0, -1, -2, -3)


@pytest.fixture(scope="module")
def data() -> Path:
    if not DATA.exists():
        pytest.skip("../shared/data is not there")
    return DATA


def written(path: Path, *lines: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


def of(examples: Examples, attribute: str) -> dict[str, float]:
    values = examples.labels[:, LABELS.index(attribute)]
    return {text: round(float(value), 3) for text, value in zip(examples.texts, values, strict=True)}


def kaggles_texts() -> list[str]:
    return ["id,comment_text", 'a,"Hello,\nthere"', 'b,"You ""goose"""', "c,not scored", "d,without labels"]


def test_kaggles_test_is_joined_by_id(tmp_path: Path) -> None:
    written(tmp_path / "test.csv", *kaggles_texts())
    written(
        tmp_path / "test_labels.csv",
        f"id,{SIX}",
        "b,1,0,0,0,1,0",
        "c,-1,-1,-1,-1,-1,-1",
        "a,0,0,0,0,0,0",
        "z,1,1,1,1,1,1",
    )
    found = datasets.load("jigsaw_toxic_test_public", tmp_path)
    np.testing.assert_equal(of(found, "insult"), {'You "goose"': 1, "not scored": np.nan, "Hello,\nthere": 0})
    assert np.isnan(found.labels[found.texts.index("not scored")]).all()
    assert len(found.training()) == 0


def test_labels_without_their_texts_are_refused_by_name(tmp_path: Path) -> None:
    path = written(tmp_path / "test_labels.csv", f"id,{SIX}", "b,1,0,0,0,1,0")
    with pytest.raises(DataUnusable, match=f"{path} needs test.csv beside it"):
        datasets.load("jigsaw_toxic_test_public", tmp_path)


def test_a_test_without_labels_is_no_data_set(tmp_path: Path) -> None:
    """Kaggle's download for who only wants to train."""
    written(tmp_path / "test.csv", *kaggles_texts())
    assert datasets.available(tmp_path, ["jigsaw_toxic_test_public"]) == []


def test_civil_comments_are_toxic_to_the_share_that_did_not_say_no(tmp_path: Path) -> None:
    votes = ["0,11,868,USA,False,False", "1,11,9,USA,False,True", "2,12,868,VEN,True,True", "3,13,9,USA,False,True"]
    written(tmp_path / "annotations.csv", "annotation,comment_id,worker,country,all toxic,not toxic", *votes)
    written(
        tmp_path / "comments.csv", "comment_id,comment_text", "12,a fair point", '11,"what, again"', "99,not judged"
    )
    found = datasets.load("civil_comments_toxic_spans", tmp_path)
    assert of(found, "toxicity") == {"what, again": 0.5, "a fair point": 0}
    assert found.groups == ["civil_comments_toxic_spans:11", "civil_comments_toxic_spans:12"]


def test_abuse_is_counted_by_annotator(tmp_path: Path) -> None:
    header = ",".join(["example_id,conv_id,user", *(f"Annotator{a}_is_abuse.{g}" for a in (1, 2) for g in GRADES)])
    rows = ["1,7,go away,0,0,1,0,0,0,1,0,0,0", "2,7,hello,1,0,0,0,0,,,,,", '3,8,twice,"0, 0","1, 1","0, 0",0,0,,,,,']
    written(tmp_path / "ConvAbuseEMNLPtrain.csv", header, *rows)
    written(tmp_path / "ConvAbuseEMNLPtest.csv", header, "4,9,you idiot,0,0,0,1,0,0,0,0,0,1")
    written(tmp_path / "ConvAbuseEMNLPfull.csv", "all of them again")
    found = datasets.load("convabuse", tmp_path)
    np.testing.assert_equal(of(found, "toxicity"), {"go away": 0.5, "hello": 0, "twice": np.nan, "you idiot": 1})
    assert [text for text, fold in zip(found.texts, found.folds, strict=True) if fold == TEST] == ["you idiot"]


@pytest.mark.data
def test_abuse_is_counted_as_in_the_copy(tmp_path: Path, data: Path) -> None:
    """All rows of the copy, written as the publisher writes them."""
    table = pyarrow.parquet.read_table(data / "convabuse.parquet").drop_columns(
        ["abuse_votes", "n_annotators", "split"]
    )
    pyarrow.csv.write_csv(table, tmp_path / "ConvAbuseEMNLPtrain.csv")
    found, copy = (datasets.load("convabuse", folder) for folder in (tmp_path, data))
    assert found.texts == copy.texts
    np.testing.assert_array_equal(found.labels, copy.labels)
    assert found.groups == copy.groups


def test_a_sentence_and_its_rewordings_stay_together(tmp_path: Path) -> None:
    rows = ['"what a ""silly"" idea"\tan odd idea\ta strange idea\t', "shut up\tplease be quiet\t\t"]
    written(tmp_path / "paradetox.tsv", "toxic\tneutral1\tneutral2\tneutral3", *rows)
    found = datasets.load("paradetox_en", tmp_path)
    assert of(found, "toxicity") == {
        'what a "silly" idea': 0.9,
        "an odd idea": 0.05,
        "a strange idea": 0.05,
        "shut up": 0.9,
        "please be quiet": 0.05,
    }
    pairs = dict(zip(found.texts, found.groups, strict=True))
    assert pairs["an odd idea"] == pairs['what a "silly" idea'] == "paradetox_en:pdx-0"
    assert pairs["please be quiet"] == "paradetox_en:pdx-1"


def test_sentences_of_a_forum_are_gathered_from_their_files(tmp_path: Path) -> None:
    rows = ["1_1,1,1346,0,noHate", "1_2,2,1346,0,hate", "1_3,2,1346,0,relation"]
    written(tmp_path / "annotations_metadata.csv", "file_id,user_id,subforum_id,num_contexts,label", *rows)
    for number, text in enumerate(("nice day", "hateful", "and so on"), 1):
        written(tmp_path / "all_files" / f"1_{number}.txt", text)
    written(tmp_path / "sampled_test" / "1_2.txt", "hateful")
    found = datasets.load("stormfront_sentences", tmp_path)
    np.testing.assert_equal(of(found, "identity_attack"), {"nice day": 0.05, "hateful": 1, "and so on": np.nan})
    assert (found.folds == TEST).tolist() == [False, True, False]


def test_a_sentence_without_its_file_is_refused_by_name(tmp_path: Path) -> None:
    path = written(tmp_path / "annotations_metadata.csv", "file_id,label", "1_1,hate")
    with pytest.raises(DataUnusable, match=str(path.parent / "all_files" / "1_1.txt")):
        datasets.load("stormfront_sentences", tmp_path)


def test_hatemoji_is_read_from_its_own_folder(tmp_path: Path) -> None:
    """Its train.csv and test.csv would otherwise be taken for Kaggle's."""
    for split in ("train", "test"):
        written(tmp_path / "HatemojiBuild" / f"{split}.csv", ",text,split,label_gold", f"0,{split} 🐍,{split},1")
    found = [name for name in datasets.available(tmp_path) if not datasets.is_written(name)]
    assert found == ["hatemoji_build"]
    found = datasets.load("hatemoji_build", tmp_path)
    assert dict(zip(found.texts, (found.folds == TEST).tolist(), strict=True)) == {"train 🐍": False, "test 🐍": True}


def test_the_names_of_the_toxic_spans_say_which_is_the_test(tmp_path: Path) -> None:
    for split in ("train", "trial", "test"):
        written(tmp_path / f"tsd_{split}.csv", "spans,text", f'"[0, 1]",{split}')
    found = datasets.load("semeval2021_toxic_spans", tmp_path)
    assert dict(zip(found.texts, (found.folds == TEST).tolist(), strict=True)) == {
        "test": True,
        "train": False,
        "trial": False,
    }
    assert set(of(found, "toxicity").values()) == {1}
