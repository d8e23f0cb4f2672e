"""Figures on spam, for invented data sets with known answers."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from by_heart import ByHeart

import classifier
from training import assessment, spam_tests
from training.datasets.spam import HELD_OUT_VIDEO
from training.fit import Recipe, groups
from training.spam_tests import MOST_ROWS, SOURCES, SPAM, spam_figures, spam_left_out

KIND = ("Thank you for this article", "The ferry leaves at nine", "I added two sources", "We walked along the river")
SPAMMY = ("Check out my channel and win a free phone http://example.com", "Subscribe to my channel please, free money")


def test_spam_is_counted_where_one_in_a_hundred_harmless_comments_is_flagged(
    shipped: classifier.Model, tmp_path: Path
) -> None:
    spam = [(f"{SPAMMY[at % 2]} {at}", 1, "test") for at in range(60)]
    ham = [(f"{KIND[at % 4]} {at}", 0, "test") for at in range(140)]
    write(tmp_path, "spam_webform_adamspd", spam + ham)
    write(tmp_path, "ham_irc_ubuntu", [(f"see the help page, {at}", 0, "test") for at in range(60)])
    found = spam_figures(shipped, tmp_path)
    assert found is not None
    assert found.harmless == 200
    (place,) = found.places
    assert (place.data_set, place.spam, place.harmless) == ("spam_webform_adamspd", 60, 140)
    assert place.found.value == found.mean_found > 0.5
    assert place.flagged is not None
    assert round(place.flagged.value * 140) <= 2
    texts = [text for text, *_ in spam]
    scores = shipped.score_many(texts)[:, shipped.languages["en"].index("spam")]
    assert place.found.value == round(float((scores >= found.threshold - 1e-4).mean()), 4)


def test_without_spam_nothing_is_said_of_it(shipped: classifier.Model, tmp_path: Path) -> None:
    assert spam_figures(shipped, tmp_path) is None
    write(tmp_path, "ham_irc_ubuntu", [("see the help page", 0, "test")] * 9)
    assert spam_figures(shipped, tmp_path) is None


# By data set: what its spam begins with, half with each; invented, since our own sentences teach words as well.
SENT = {
    "spam_webform_adamspd": ("Baklinx", "Kryptox"),
    "spam_instagram_scamspot": ("Kryptox", "Rekovery"),
    "spam_telegram_tgspam": ("Jobbz", "Rekovery"),
    "spam_youtube_gambling_id": ("Slotz", "Slotz"),
    "spam_youtube": ("Slotz", "Slotz"),
}


def first_word(text: str) -> str:
    """If it is one of SENT: our own sentences are taught as well."""
    word = text.split(maxsplit=1)[0]
    return word if any(word in some for some in SENT.values()) else text


@pytest.fixture
def reader(few_sentences: None, monkeypatch: pytest.MonkeyPatch) -> ByHeart:  # noqa: ARG001 - asked for by name
    found = ByHeart("spam", 0.0, first_word)
    monkeypatch.setattr(spam_tests, "small_model", found.model)
    return found


def test_each_source_is_judged_by_a_model_that_learned_the_others(reader: ByHeart, tmp_path: Path) -> None:
    for name, words in SENT.items():
        # Other letters in each, for those with the same letters are in one fold.
        spam = [
            (f"{words[at % 2]} {chr(97 + at % 26)}{chr(97 + at // 26)} {part}", 1, part)
            for part in ("train", "test")
            for at in range(120)
        ]
        write(tmp_path, name, spam + [(f"{KIND[at % 4]} {at}", 0, "test") for at in range(60)])
    told: list[str] = []
    found = spam_left_out(tmp_path, Recipe(), told.append, both=True)
    assert found is not None
    assert len(told) == len(reader.taught) == len(SOURCES)
    assert [each.data_set for each in found.data_sets] == [*SENT]
    for learned, names in zip(reader.taught, SOURCES.values(), strict=True):
        assert set(learned.sources) & set(SENT) == set(SENT) - set(names), "a source is left out as a whole"
        assert len(learned) <= MOST_ROWS
    assert {(each.spam, each.harmless, each.flagged and each.flagged.value) for each in found.data_sets} == {
        (120, 60, 0)
    }
    # Half of what web forms and Telegram send begins as another source's does, all of Instagram's, none of YouTube's.
    assert [each.found.value for each in found.data_sets] == [0.5, 1.0, 0.5, 0.0, 0.0]
    assert found.mean_found == 0.5
    assert found.harmless == 300


def test_no_model_learns_a_copy_of_what_it_is_measured_by(reader: ByHeart, tmp_path: Path) -> None:
    copied = [(f"Kryptox offer {at}", 1, "test") for at in range(120)]
    ham = [(f"{KIND[at % 4]} {at}", 0, "test") for at in range(60)]
    write(tmp_path, "spam_webform_adamspd", [*copied, *ham])
    both = [(text.upper(), answer, "train") for text, answer, _ in (*copied, *ham)]
    write(tmp_path, "spam_instagram_scamspot", both)
    found = spam_left_out(tmp_path, Recipe(), lambda _: None, both=True)
    assert found is not None
    assert [(each.data_set, each.found.value) for each in found.data_sets] == [("spam_webform_adamspd", 0.0)]
    (learned,) = reader.taught
    assert not {text for text, *_ in both} & set(learned.texts)


def test_without_web_forms_help_chats_share_the_intercept_of_talk_pages(reader: ByHeart, tmp_path: Path) -> None:
    for name in ("spam_webform_adamspd", "spam_instagram_scamspot"):
        write(tmp_path, name, [(f"Kryptox offer {at} of {name}", at % 2, "test") for at in range(120)])
    write(tmp_path, "ham_irc_ubuntu", [(f"see the help page, {at}", 0, "train") for at in range(60)])
    spam_left_out(tmp_path, Recipe(), lambda _: None, both=True)
    without_forms, without_instagram = reader.taught
    assert "ham_irc_ubuntu" not in without_forms.sources
    assert "ham_irc_ubuntu" in without_instagram.sources
    chats = [text for text in without_forms.texts if text.startswith("see the help page")]
    assert chats
    places = dict(zip(without_forms.texts, groups(without_forms.sources), strict=True))
    assert {places[text] for text in chats} == {0}


def test_only_a_cross_validation_takes_the_time_to_leave_sources_out(
    reader: ByHeart, shipped: classifier.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", ModuleType("torch"))  # the reader needs none
    write(tmp_path, "spam_webform_adamspd", [(f"Kryptox offer {at}", at % 2, "test") for at in range(120)])
    for is_crossed in (False, True):
        found = assessment.assess(shipped, assessment.EvaluationOptions(tmp_path, crossed=is_crossed))
        assert (found.spam_left_out is not None) is bool(reader.taught) is is_crossed
    assert reader.both, "as the model that is assessed"


def test_a_cross_validation_of_both_readers_without_pytorch_ends_before_any_work(
    shipped: classifier.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    said: list[str] = []
    with pytest.raises(ModuleNotFoundError, match="torch"):
        assessment.assess(shipped, assessment.EvaluationOptions(tmp_path, crossed=True), said.append)
    assert said == []
    write(tmp_path, "spam_webform_adamspd", [("Kryptox offer", 1, "test"), ("Thank you", 0, "test")])
    named = assessment.EvaluationOptions(tmp_path, ("spam_webform_adamspd",), crossed=True)
    assert assessment.assess(shipped, named).cross_validation is None, "a named data set is only scored"


def test_every_source_is_of_spam() -> None:
    assert {name for names in SOURCES.values() for name in names} < set(SPAM)


def test_no_source_of_spam_is_left_out_where_there_is_none(reader: ByHeart, tmp_path: Path) -> None:
    write(tmp_path, "ham_irc_ubuntu", [("see the help page", 0, "test")] * 9)
    found: Any = spam_left_out(tmp_path, Recipe(), lambda _: None, both=True)
    assert found is None
    assert reader.taught == []


def write(folder: Path, name: str, rows: list[tuple[str, int, str]]) -> None:
    texts, answers, split = zip(*rows, strict=True)
    columns = {"text": texts, "spam": answers, "split": split, "language": ["en"] * len(rows)}
    if name == "spam_youtube":
        videos = [HELD_OUT_VIDEO if each == "test" else "01-Psy" for each in split]
        columns = {"CONTENT": texts, "CLASS": answers, "video": videos}
    pyarrow.parquet.write_table(pa.table(columns), folder / f"{name}.parquet")
