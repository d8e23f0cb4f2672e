"""Each data set, from our copy and from its publisher's files, and which rows are never trained on."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from classifier import LABELS
from training import datasets
from training.datasets import DATA_SETS, DEFAULT, is_written
from training.errors import DataUnusable
from training.examples import CALIBRATION_FOLDS, FOLDS, HELD_OUT_FOLD, TEST, Examples, fold_of, joined
from training.fit import never_yes

DATA = Path(__file__).parents[3] / "shared" / "data"
# What a publisher held back for tests, by data set: where it says so, and with which word.
PUBLISHED_SPLITS = {
    "wikipedia_debiasing_nontoxic": ("split", "test", "comment"),
    "convabuse": ("split", "test", "user"),
    "edos_sexism": ("split", "test", "text"),
    "hatemoji_build": ("split", "test", "text"),
    "stormfront_sentences": ("sampled_split", "sampled_test", "text"),
    "semeval2021_toxic_spans": ("split", "test", "text"),
    "german_germeval2018": ("split", "test", "text"),
    "toxigen_annotated": ("split", "test", "text"),
    "implicit_hate": ("split", "test", "text"),
    "gab_hate_corpus": ("split", "test", "text"),
    "hatexplain": ("split", "test", "text"),
    "german_gahd": ("split", "test", "text"),
    "spam_webform_adamspd": ("split", "test", "text"),
    "spam_instagram_scamspot": ("split", "test", "text"),
    "spam_telegram_tgspam": ("split", "test", "text"),
    "spam_youtube_gambling_id": ("split", "test", "text"),
    "ham_irc_ubuntu": ("split", "test", "text"),
    "toxic_arabic_mlma": ("split", "test", "text"),
    "toxic_chinese_cold": ("split", "test", "text"),
    "toxic_danish_dkhate": ("split", "test", "text"),
    "toxic_japanese_inspection": ("split", "test", "text"),
    "toxic_jigsaw_multilingual_es_it_tr": ("split", "test", "text"),
    "toxic_korean_apeach": ("split", "test", "text"),
    "toxic_polish_poleval2019": ("split", "test", "text"),
    "toxic_portuguese_reddit_br": ("split", "test", "text"),
    "toxic_romanian_ro_offense": ("split", "test", "text"),
    "toxic_russian_sariellee": ("split", "test", "text"),
    "toxic_turkish_offenseval2020": ("split", "test", "text"),
}


# Harmless throughout, toxic throughout, no spam at all, and words without a grade: chosen so.
ONE_ANSWER = {
    "wikipedia_debiasing_nontoxic",
    "semeval2021_toxic_spans",
    "ham_irc_ubuntu",
    "profanity_lexicon_multilingual",
}


@pytest.fixture(scope="module")
def data() -> Path:
    if not DATA.exists():
        pytest.skip("../shared/data is not there")
    return DATA


def written(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def of(examples: Examples, attribute: str) -> list[float]:
    return [round(float(value), 3) for value in examples.labels[:, LABELS.index(attribute)]]


@pytest.mark.data
@pytest.mark.parametrize("name", DATA_SETS)
def test_a_data_set_loads(data: Path, name: str) -> None:
    found = datasets.load(name, data)
    count = len(found)
    assert is_written(name) or count == pyarrow.parquet.read_metadata(data / f"{name}.parquet").num_rows
    assert found.labels.shape == (count, len(LABELS))
    assert len(found.weights) == len(found.groups) == len(found.folds) == count
    assert set(found.sources) == {name}
    assert set(found.languages) == set(DATA_SETS[name].languages)
    assert all(text.strip() for text in found.texts)
    known = found.labels[~np.isnan(found.labels)]
    assert ((known >= 0) & (known <= 1)).all()
    assert len(np.unique(known)) > 1 or name in ONE_ANSWER
    assert ((found.weights > 0) == (DATA_SETS[name].weight > 0)).all()


@pytest.mark.data
@pytest.mark.parametrize("name", DATA_SETS)
def test_nothing_held_out_is_learnt(data: Path, name: str) -> None:
    found = datasets.load(name, data)
    learned, held_out = found.training(), found.held_out()
    assert set(np.unique(learned.folds)) <= set(range(FOLDS)) - {HELD_OUT_FOLD}
    assert set(np.unique(held_out.folds)) <= {HELD_OUT_FOLD, TEST}
    assert not set(learned.groups) & set(held_out.groups)
    assert len(held_out) > 0 or name == "spam_youtube"  # no video of five is in that fold


@pytest.mark.data
@pytest.mark.parametrize("name", PUBLISHED_SPLITS)
def test_a_published_test_split_is_never_learnt(data: Path, name: str) -> None:
    column, word, text = PUBLISHED_SPLITS[name]
    table = pyarrow.parquet.read_table(data / f"{name}.parquet")
    is_test = np.array(table.column(column).to_pylist()) == word
    assert is_test.any()
    found = datasets.load(name, data)
    assert ((found.folds == TEST) == is_test).all()
    assert found.where(is_test).texts == [
        str(value) for value, test in zip(table.column(text).to_pylist(), is_test, strict=True) if test
    ]


@pytest.mark.data
def test_the_public_test_of_jigsaw_is_never_learnt(data: Path) -> None:
    assert len(datasets.load("jigsaw_toxic_test_public", data).training()) == 0
    assert "jigsaw_toxic_test_public" not in DEFAULT


@pytest.mark.data
def test_jigsaw_keeps_its_own_folds(data: Path) -> None:
    given = pyarrow.parquet.read_table(data / "jigsaw_toxic_train.parquet", columns=["fold10"]).column(0)
    assert datasets.load("jigsaw_toxic_train", data).folds.tolist() == given.to_pylist()


@pytest.mark.data
def test_the_weights_of_jigsaw_restore_its_balance(data: Path) -> None:
    """9.6 % of the original are toxic; the copy has most positives and less than half of the negatives."""
    found = datasets.load("jigsaw_toxic_train", data)
    toxic = found.labels[:, LABELS.index("toxicity")]
    assert toxic.mean() > 0.19
    assert np.average(toxic, weights=found.weights) == pytest.approx(0.096, abs=0.003)


@pytest.mark.data
def test_default_is_every_set_that_weighs_something(data: Path) -> None:
    assert datasets.available(data) == list(DEFAULT)
    unused = {"english_mlma", "french_mlma", "jigsaw_toxic_test_public", "profanity_lexicon_multilingual"}
    assert not unused & set(DEFAULT)
    spoken = {language for name in DEFAULT if not is_written(name) for language in DATA_SETS[name].languages}
    assert spoken == {*["en", "de", "pt", "es", "it", "tr", "zh", "pl", "ar", "ru", "ko", "ja", "da", "ro", "id"]}


def test_sentences_of_our_own_stand_beside_others_and_never_alone(tmp_path: Path) -> None:
    assert datasets.available(tmp_path) == []
    written(tmp_path, "SMSSpamCollection", "ham\thello\n")
    assert datasets.available(tmp_path)[:2] == ["spam_sms", next(filter(is_written, DATA_SETS))]


def test_sentences_of_our_own_are_not_calibrated_on(tmp_path: Path) -> None:
    found = datasets.load("contrast_en", tmp_path)
    assert not set(found.folds.tolist()) & {HELD_OUT_FOLD, *CALIBRATION_FOLDS}
    assert len(found.training()) + len(found.held_out()) == len(found)
    assert not set(found.training().groups) & set(found.held_out().groups)


def test_an_attribute_that_only_our_own_sentences_have_is_not_judged(tmp_path: Path) -> None:
    harmless = Examples(
        ["fine"], np.zeros((1, len(LABELS)), np.float32), np.ones(1, np.float32), ["g"], np.zeros(1, np.int8), ["own"]
    )
    assert never_yes(joined([harmless, datasets.load("contrast_en", tmp_path)])) == list(LABELS)


def test_the_fold_of_a_group_never_changes() -> None:
    assert [fold_of(f"spam_sms:{text}") for text in ("Call me", "", "\ud800")] == [9, 6, 2]


def test_a_conversation_that_is_tested_in_part_is_not_learnt(tmp_path: Path) -> None:
    users, votes = ["hello", "bye", "thanks"], {"abuse_votes": [0, 1, 0], "n_annotators": [2, 2, 2]}
    splits = {"conv_id": ["one", "one", "two"], "split": ["train", "test", "train"]}
    pyarrow.parquet.write_table(pa.table({"user": users} | splits | votes), tmp_path / "convabuse.parquet")
    found = datasets.load("convabuse", tmp_path)
    assert "hello" not in found.training().texts
    assert "bye" in found.held_out().texts


KAGGLE = """"id","comment_text","toxic","severe_toxic","obscene","threat","insult","identity_hate"
"0000997932d777bf","Explanation
Why were the edits made? They said ""vandalism"", and so on.

Thanks, 89.205.38.27",0,0,0,0,0,0
"0001d958c54c6e35","You silly goose",1,0,0,0,1,0
"0000000000000042",,0,0,0,0,0,0
"""


def test_kaggles_train_csv_is_jigsaw(tmp_path: Path) -> None:
    written(tmp_path, "train.csv", KAGGLE)
    found = datasets.load("jigsaw_toxic_train", tmp_path)
    assert found.texts == [
        'Explanation\nWhy were the edits made? They said "vandalism", and so on.\n\nThanks, 89.205.38.27',
        "You silly goose",
        "",
    ]
    assert of(found, "toxicity") == of(found, "insult") == [0, 1, 0]
    assert of(found, "severe_toxicity") == of(found, "profanity") == of(found, "spam") == [0, 0, 0]
    assert found.weights.tolist() == [1, 1, 1]  # the original has its own balance
    assert found.groups[2] == "jigsaw_toxic_train:0000000000000042"


@pytest.mark.data
def test_kaggles_train_csv_has_the_folds_of_the_copy(tmp_path: Path, data: Path) -> None:
    table = pyarrow.parquet.read_table(data / "jigsaw_toxic_train.parquet", columns=["id", "fold10"])
    rows = "".join(f'"{id_}","a text",0,0,0,0,0,0\n' for id_ in table.column("id").to_pylist())
    written(tmp_path, "train.csv", KAGGLE.splitlines()[0] + "\n" + rows)
    assert datasets.load("jigsaw_toxic_train", tmp_path).folds.tolist() == table.column("fold10").to_pylist()


def test_the_sms_collection_is_read_as_it_is_published(tmp_path: Path) -> None:
    """No header, no name ending, and a quotation mark is a quotation mark."""
    written(tmp_path, "SMSSpamCollection", 'ham\tShe said "see you\nspam\tWIN a £100 prize, call 0900\nham\t07\n')
    found = datasets.load("spam_sms", tmp_path)
    assert found.texts == ['She said "see you', "WIN a £100 prize, call 0900", "07"]
    assert of(found, "spam") == [0, 1, 0]
    assert np.isnan(found.labels[:, LABELS.index("toxicity")]).all()


def test_youtubes_files_are_joined_and_each_video_is_a_group(tmp_path: Path) -> None:
    header = "COMMENT_ID,AUTHOR,DATE,CONTENT,CLASS"
    written(tmp_path, "Youtube01-Psy.csv", f'{header}\na,A,2013-11-07T06:20:48,"look, my channel",1\n')
    written(tmp_path, "Youtube05-Shakira.csv", f"{header}\nb,B,,nice song,0\n")
    found = datasets.load("spam_youtube", tmp_path)
    assert found.texts == ["look, my channel", "nice song"]
    assert of(found, "spam") == [1, 0]
    assert found.groups == ["spam_youtube:01-Psy", "spam_youtube:05-Shakira"]


@pytest.mark.data
def test_a_video_is_in_one_fold_whichever_file_it_is_read_from(data: Path) -> None:
    assert "spam_youtube:01-Psy" in datasets.load("spam_youtube", data).groups


def test_davidsons_labeled_data_is_read_as_it_is_published(tmp_path: Path) -> None:
    header = ",count,hate_speech,offensive_language,neither,class,tweet"
    rows = '0,3,0,0,3,2,"!!! RT @someone: as I said,\nnice weather"\n1,3,0,3,0,1,rude\n2,3,3,0,0,0,hateful\n'
    written(tmp_path, "labeled_data.csv", f"{header}\n{rows}")
    found = datasets.load("davidson_tweets", tmp_path)
    assert found.texts[0] == "!!! RT @someone: as I said,\nnice weather"
    np.testing.assert_array_equal(of(found, "identity_attack"), [0, np.nan, 1])
    np.testing.assert_array_equal(of(found, "toxicity"), [0, np.nan, 1])


def test_germevals_files_say_by_their_names_which_is_the_test(tmp_path: Path) -> None:
    written(tmp_path, "germeval2018.training.txt", 'Schönes "Wetter\tOTHER\tOTHER\nDu Esel\tOFFENSE\tINSULT\n')
    written(tmp_path, "germeval2018.test.txt", "Guten Tag\tOTHER\tOTHER\n")
    found = datasets.load("german_germeval2018", tmp_path)
    assert dict(zip(found.texts, of(found, "insult"), strict=True)) == {
        "Guten Tag": 0,
        'Schönes "Wetter': 0,
        "Du Esel": 1,
    }
    assert found.folds[found.texts.index("Guten Tag")] == TEST
    assert (found.folds == TEST).sum() == 1


def test_our_copy_comes_before_the_publishers_file(tmp_path: Path) -> None:
    written(tmp_path, "spam_sms.parquet", "not read here")
    written(tmp_path, "SMSSpamCollection", "ham\thello\n")
    assert DATA_SETS["spam_sms"].files(tmp_path) == [tmp_path / "spam_sms.parquet"]


def test_a_data_set_that_is_not_there_names_the_files_it_could_be(tmp_path: Path) -> None:
    said = re.escape(f"data set spam_sms: no spam_sms.parquet or SMSSpamCollection or sms.tsv in {tmp_path}")
    with pytest.raises(DataUnusable, match=said):
        datasets.load("spam_sms", tmp_path)
    assert datasets.available(tmp_path) == []


def test_an_unknown_data_set_is_answered_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(DataUnusable, match="unknown data set 'jigsaw'; known are jigsaw_toxic_train, "):
        datasets.load("jigsaw", tmp_path)


@pytest.mark.parametrize(
    ("name", "file", "content", "said"),
    [
        ("jigsaw_toxic_train", "train.csv", KAGGLE.replace("obscene", "rude"), "no column 'obscene'"),
        ("jigsaw_toxic_train", "train.csv", KAGGLE.replace(",1,0,0,0,1", ",1,0,?,0,1"), "row 2, column 'obscene': "),
        ("spam_sms", "SMSSpamCollection", "ham\thello\textra\n", "line 1: 3 columns; expected 2"),
        ("spam_youtube", "Youtube01-Psy.csv", "CONTENT\nhello\n", "no column 'CLASS'"),
        ("davidson_tweets", "davidson_tweets.parquet", "PAR1", "Parquet"),
    ],
)
def test_a_file_that_is_another_is_refused_by_name(
    tmp_path: Path, name: str, file: str, content: str, said: str
) -> None:
    path = written(tmp_path, file, content)
    with pytest.raises(DataUnusable, match=said) as caught:
        datasets.load(name, tmp_path)
    assert str(path) in str(caught.value)
