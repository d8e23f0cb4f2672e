"""Readers for publishers' own files that must be joined or aggregated into the columns of our copies."""

from collections import defaultdict
from pathlib import Path

import pyarrow as pa

from training.errors import DataUnusable
from training.tables import Table, cells, read_csv


def kaggle_test(labels_path: Path) -> Table:
    """Kaggle's test_labels.csv, with the texts of the test.csv beside it."""
    labels = read_csv(labels_path)
    return _with_texts(labels, cells(labels, "id", labels_path), _beside(labels_path, "test.csv"))


def civil_comments(annotations_path: Path) -> Table:
    """annotations.csv, a row for each annotator and comment, and the comments.csv beside it."""
    table = read_csv(annotations_path)
    answers = cells(table, "not toxic", annotations_path)
    votes = defaultdict[str, list[bool]](list)
    for comment, vote in zip(cells(table, "comment_id", annotations_path), answers, strict=True):
        votes[comment].append(vote.lower() == "true")
    shares = pa.table({"id": list(votes), "frac_not_toxic": [sum(each) / len(each) for each in votes.values()]})
    comments = _with_texts(shares, list(votes), _beside(annotations_path, "comments.csv"))
    return comments.rename_columns({"comment_text": "text"})


def convabuse(path: Path) -> Table:
    """ConvAbuseEMNLP{train,valid,test}.csv: a column for each annotator and grade (1 to -3; abuse from -1 on) with a 1.

    A cell with several marks is ignored: the annotator judged the row twice.
    """
    table = read_csv(path)
    votes, judged = [0] * table.num_rows, [0] * table.num_rows
    for name in table.column_names:
        annotator, _, grade = name.partition("_is_abuse.")
        if annotator.startswith("Annotator") and grade:
            for row, mark in enumerate(cells(table, name, path)):
                judged[row] += mark == "1"
                votes[row] += mark == "1" and grade.startswith("-")
    split = "test" if "test" in path.name else "train"
    added = {"abuse_votes": votes, "n_annotators": judged, "split": [split] * table.num_rows}
    for name, values in added.items():
        table = table.append_column(name, pa.array(values))
    return table


def paradetox(path: Path) -> Table:
    """paradetox.tsv: each row has a toxic sentence and one to three polite paraphrases."""
    table = read_csv(path, "\t")
    rows = [
        {"pair_id": f"pdx-{pair}", "text": text, "toxic": int(variant == "toxic")}
        for variant in ("toxic", "neutral1", "neutral2", "neutral3")
        for pair, text in enumerate(cells(table, variant, path))
        if text
    ]
    return pa.Table.from_pylist(rows)


def stormfront(path: Path) -> Table:
    """annotations_metadata.csv; beside it a folder with one file for each sentence, and one with the published test."""
    table = read_csv(path)
    ids = cells(table, "file_id", path)
    tested = {each.stem for each in (path.parent / "sampled_test").glob("*.txt")}
    table = table.append_column("text", pa.array([_read(path.parent / "all_files" / f"{id_}.txt") for id_ in ids]))
    return table.append_column("sampled_split", pa.array(["sampled_test" if id_ in tested else "" for id_ in ids]))


def _with_texts(table: Table, ids: list[str], path: Path) -> Table:
    """Adds a column `comment_text` from another file, whose first column is the id; drops rows without a text."""
    comments = read_csv(path)
    known = dict(
        zip(cells(comments, comments.column_names[0], path), cells(comments, "comment_text", path), strict=True)
    )
    found = table.append_column("comment_text", pa.array([known.get(id_) for id_ in ids], pa.string()))
    return found.filter(found.column("comment_text").is_valid())


def _beside(path: Path, name: str) -> Path:
    other = path.with_name(name)
    if not other.exists():
        raise DataUnusable(f"{path} needs {name} beside it")
    return other


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise DataUnusable(f"{path}: {error}") from error
