"""Advertising and fraud: under videos and pictures, by text message, by web form and in groups."""

import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np

from training.datasets.dataset import DataSet, Rows, cells, chosen, is_test, numbers
from training.tables import Table, read_csv

# None of the five falls into the held-out fold by itself; this one was the hardest of them (docs/experiments.md).
HELD_OUT_VIDEO = "05-Shakira"


def _youtube(table: Table, path: Path) -> Rows:
    # One video stays in one fold: its spammers repeat themselves.
    groups = cells(table, "video", path) if "video" in table.column_names else [_video(path)] * table.num_rows
    is_test = np.array([group == HELD_OUT_VIDEO for group in groups], bool)
    return Rows(cells(table, "CONTENT", path), {"spam": numbers(table, "CLASS", path)}, groups, is_test)


def _video(path: Path) -> str:
    """Youtube01-Psy.csv is 01-Psy in our copy: the same fold, whichever is read."""
    return path.stem.removeprefix("Youtube")


def _sms(table: Table, path: Path) -> Rows:
    return Rows(cells(table, "text", path), {"spam": chosen(cells(table, "label", path), {"spam": 1.0, "ham": 0.0})})


def _sms_file(path: Path) -> Table:
    """The collection's own file: no header, a tab, no quoting."""
    return read_csv(path, "\t", ("label", "text"), quoted=False)


# Where spam repeats itself, it begins alike.
_TEMPLATE = 40


def _labelled(table: Table, path: Path) -> Rows:
    """Our copies of spam: 1, 0, and -1 for what is between, which says nothing. What they say of the language of each
    text is a guess from a few words, and was seen to be wrong.
    """
    found, spam = cells(table, "text", path), numbers(table, "spam", path)
    return Rows(
        found,
        {"spam": np.where(spam < 0, np.nan, spam)},
        [_template(text) for text in found],
        is_test(table, path),
    )


def _telegram(table: Table, path: Path) -> Rows:
    """Russian by its script, which no guess gets wrong; the rest is English but for a few."""
    hints = cells(table, "language", path)
    return replace(_labelled(table, path), languages=["ru" if hint in {"ru", "uk"} else "en" for hint in hints])


def _template(text: str) -> str:
    """What copies of one advertisement have in common: their first letters, whatever the numbers are."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in folded if letter.isalpha())[:_TEMPLATE] or text


SPAM = (
    DataSet(
        name="spam_youtube",
        loader=_youtube,
        published=("Youtube0*.csv",),
        weight=2.0,
        teaches="spam in comments",
    ),
    DataSet(
        name="spam_sms",
        loader=_sms,
        published=("SMSSpamCollection", "sms.tsv"),
        read=_sms_file,
        weight=0.5,
        teaches="spam in text messages, a weak stand-in for comments",
    ),
    DataSet(
        name="spam_webform_adamspd",
        loader=_labelled,
        weight=3.0,
        teaches="spam sent by web forms, and questions to a site's owner that look alike",
    ),
    DataSet(
        name="spam_instagram_scamspot",
        loader=_labelled,
        weight=2.0,
        teaches="spam in comments: investments, crypto, recovered money",
    ),
    DataSet(
        name="spam_telegram_tgspam",
        loader=_telegram,
        language="ru",
        others=("en",),
        weight=2.0,
        teaches="spam in groups, mostly Russian: jobs, easy money, crypto",
    ),
    DataSet(
        name="spam_youtube_gambling_id",
        loader=_labelled,
        language="id",
        weight=0.5,
        teaches="spam in comments: gambling, in styled letters",
    ),
    DataSet(
        name="ham_irc_ubuntu",
        loader=_labelled,
        weight=0.5,
        teaches="0 for spam: links to sources, and the words that advertising also uses",
    ),
)
