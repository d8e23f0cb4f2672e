"""Advertising and fraud: under videos and by text message."""

from pathlib import Path

import numpy as np

from training.datasets.dataset import DataSet, Rows, cells, chosen, numbers
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
)
