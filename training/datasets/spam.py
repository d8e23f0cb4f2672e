"""Spam and fraud: comments under videos and pictures, text messages, web forms, and group chats."""

import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np

from training.datasets.dataset import DataSet, Rows, cells, chosen, is_test, numbers
from training.tables import Table, read_csv

# By its hash none of the five videos is in the held-out fold; this one was the hardest (docs/experiments.md).
HELD_OUT_VIDEO = "05-Shakira"


def _youtube(table: Table, path: Path) -> Rows:
    # One video stays in one fold: its spammers repeat themselves.
    groups = cells(table, "video", path) if "video" in table.column_names else [_video(path)] * table.num_rows
    is_test = np.array([group == HELD_OUT_VIDEO for group in groups], bool)
    return Rows(cells(table, "CONTENT", path), {"spam": numbers(table, "CLASS", path)}, groups, is_test)


def _video(path: Path) -> str:
    """Youtube01-Psy.csv is 01-Psy in our copy, so that both have the same folds."""
    return path.stem.removeprefix("Youtube")


def _sms(table: Table, path: Path) -> Rows:
    return Rows(cells(table, "text", path), {"spam": chosen(cells(table, "label", path), {"spam": 1.0, "ham": 0.0})})


def _sms_file(path: Path) -> Table:
    """The collection's own file: no header, a tab, no quoting."""
    return read_csv(path, "\t", ("label", "text"), quoted=False)


# Characters of a text's beginning that identify a repeated advertisement.
_TEMPLATE = 40


def _labeled(table: Table, path: Path) -> Rows:
    """Our copies of spam data: 1, 0, and -1 for unclear, which counts as unknown.

    Their `language` column is ignored: it is a guess from a few words, and was found to be wrong.
    """
    found, spam = cells(table, "text", path), numbers(table, "spam", path)
    return Rows(
        found,
        {"spam": np.where(spam < 0, np.nan, spam)},
        [_template(text) for text in found],
        is_test(table, path),
    )


def _telegram(table: Table, path: Path) -> Rows:
    """Russian is reliable by its script; nearly all other texts are English."""
    hints = cells(table, "language", path)
    return replace(_labeled(table, path), languages=["ru" if hint in {"ru", "uk"} else "en" for hint in hints])


def _template(text: str) -> str:
    """A key for copies of one advertisement: the first letters without digits."""
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
        loader=_labeled,
        weight=3.0,
        teaches="spam sent by web forms, and questions to a site's owner that look alike",
    ),
    DataSet(
        name="spam_instagram_scamspot",
        loader=_labeled,
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
        loader=_labeled,
        language="id",
        weight=0.5,
        teaches="spam in comments: gambling, in styled letters",
    ),
    DataSet(
        name="ham_irc_ubuntu",
        loader=_labeled,
        weight=0.5,
        teaches="0 for spam: links to sources, and the words that advertising also uses",
    ),
)
