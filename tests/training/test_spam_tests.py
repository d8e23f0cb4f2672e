"""Figures on spam, for invented data sets with known answers."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from by_heart import ByHeart

import classifier
from training import spam_tests
from training.spam_tests import SOURCES, spam_figures, spam_left_out

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


# By data set: what each of its spam begins with, and one that others send, too.
SENT = {
    "spam_webform_adamspd": ("Backlinks", "Crypto"),
    "spam_instagram_scamspot": ("Crypto", "Recovery"),
    "spam_telegram_tgspam": ("Jobs", "Recovery"),
}


def first_word(text: str) -> str:
    """If it is one of SENT: our own sentences are taught as well."""
    word = text.split(maxsplit=1)[0]
    return word if any(word in some for some in SENT.values()) else text


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> ByHeart:
    found = ByHeart("spam", 0.0, first_word)
    monkeypatch.setattr(spam_tests, "fit", found.fit)
    monkeypatch.setattr(spam_tests, "Weights", found.weights)
    return found


def test_each_source_is_judged_by_a_reader_that_learned_the_others(reader: ByHeart, tmp_path: Path) -> None:
    for name, words in SENT.items():
        spam = [(f"{words[at % 2]} offer {at} {part}", 1, part) for part in ("train", "test") for at in range(120)]
        write(tmp_path, name, spam + [(f"{KIND[at % 4]} {at}", 0, "test") for at in range(60)])
    told: list[str] = []
    found = spam_left_out(tmp_path, 1, 0, told.append)
    assert found is not None
    assert [each.source for each in found.sources] == ["web forms", "Instagram", "Telegram"], "YouTube has no data"
    assert len(told) == len(reader.taught) == 3
    for learned, each in zip(reader.taught, found.sources, strict=True):
        assert each.data_sets == [*SOURCES[each.source]]
        assert not set(learned.sources) & set(each.data_sets)
        assert set(SENT) - set(each.data_sets) <= set(learned.sources)
        assert (each.spam, each.harmless) == (120, 60)
        assert (each.flagged and each.flagged.value) == 0
    # Half of each source's spam begins as another source's does; both halves of Instagram's do.
    assert [each.found.value for each in found.sources] == [0.5, 1.0, 0.5]
    assert found.mean_found == 0.6667
    assert found.harmless == 180


def test_no_reader_learns_a_copy_of_what_it_is_measured_by(reader: ByHeart, tmp_path: Path) -> None:
    copied = [(f"Crypto offer {at}", 1, "test") for at in range(120)]
    ham = [(f"{KIND[at % 4]} {at}", 0, "test") for at in range(60)]
    write(tmp_path, "spam_webform_adamspd", [*copied, *ham])
    write(tmp_path, "spam_instagram_scamspot", [(text.upper(), 1, "train") for text, *_ in copied])
    found = spam_left_out(tmp_path, 1, 0, lambda _: None)
    assert found is not None
    assert [(each.source, each.found.value) for each in found.sources] == [("web forms", 0.0)]
    (learned,) = reader.taught
    assert not [text for text in learned.texts if text.startswith("CRYPTO")]


def test_no_source_of_spam_is_left_out_where_there_is_none(reader: ByHeart, tmp_path: Path) -> None:
    write(tmp_path, "ham_irc_ubuntu", [("see the help page", 0, "test")] * 9)
    found: Any = spam_left_out(tmp_path, 1, 0, lambda _: None)
    assert found is None
    assert reader.taught == []


def write(folder: Path, name: str, rows: list[tuple[str, int, str]]) -> None:
    texts, answers, split = zip(*rows, strict=True)
    columns = {"text": texts, "spam": answers, "split": split, "language": ["en"] * len(rows)}
    pyarrow.parquet.write_table(pa.table(columns), folder / f"{name}.parquet")
