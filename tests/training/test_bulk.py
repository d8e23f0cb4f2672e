import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

import classifier
from training.bulk import CHUNK, score_file
from training.errors import DataUnusable

ROWS = [
    {"id": "007", "text": 'She said "thank you",\nand left.', "votes": "3"},
    {"id": "008", "text": "You are an idiot.", "votes": ""},
    {"id": "009", "text": "Іди додому 🙂", "votes": "1.50"},
]


def _write(path: Path, rows: list[dict[str, Any]]) -> Path:
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix in (".csv", ".tsv"):
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0], delimiter="," if path.suffix == ".csv" else "\t")
            writer.writeheader()
            writer.writerows(rows)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return pyarrow.parquet.read_table(path).to_pylist()
    if path.suffix in (".csv", ".tsv"):
        with path.open(newline="") as file:
            return list(csv.DictReader(file, delimiter="," if path.suffix == ".csv" else "\t"))
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def model() -> classifier.Model:
    return classifier.load(classifier.SHIPPED)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".ndjson", ".jsonl", ".parquet"])
def test_every_row_comes_back_as_it_was_with_its_scores(model: classifier.Model, tmp_path: Path, suffix: str) -> None:
    source, target = _write(tmp_path / f"in{suffix}", ROWS), tmp_path / f"out{suffix}"
    assert score_file(model, source, target, "text", jobs=2, told=lambda _: None) == len(ROWS)
    for before, after in zip(ROWS, _read(target), strict=True):
        assert {name: after[name] for name in before} == before
        language = classifier.language_of(before["text"], None, model.languages)
        assert after["language"] == language
        scores = [after[label] for label in model.labels]
        if language in model.languages:
            assert [float(score) for score in scores] == pytest.approx(model.score(before["text"]), abs=1e-6)
        else:
            assert set(scores) == {"" if suffix in {".csv", ".tsv"} else None}


@pytest.mark.parametrize("suffix", [".csv", ".ndjson", ".parquet"])
def test_a_column_that_says_the_language_is_believed(model: classifier.Model, tmp_path: Path, suffix: str) -> None:
    rows = [{"text": "lol", "language": tag} for tag in ("en-GB", "fi", "", "fi-FI")]
    source, target = _write(tmp_path / f"in{suffix}", rows), tmp_path / f"out{suffix}"
    score_file(model, source, target, "text", jobs=1, told=lambda _: None)
    found = _read(target)
    assert [row["language"] for row in found] == ["en", "fi", "en", "fi"]
    assert [bool(row["toxicity"]) for row in found] == [True, False, True, False]


def test_the_order_of_many_chunks_is_kept(model: classifier.Model, tmp_path: Path) -> None:
    rows = [{"text": f"comment {number}"} for number in range(3 * CHUNK + 5)]
    told: list[int] = []
    source, target = _write(tmp_path / "in.ndjson", rows), tmp_path / "out.ndjson"
    assert score_file(model, source, target, "text", jobs=2, told=told.append) == len(rows) == sum(told)
    assert [row["text"] for row in _read(target)] == [row["text"] for row in rows]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("in.csv", "comment\nhello\n", "no column 'text'"),
        ("in.ndjson", '{"text": "fine"}\n{"text": 3}\n', "no text 'text'"),
        ("in.ndjson", '{"text": "fine"}\nnot json\n', "line 2"),
        ("in.parquet", "not parquet", "in.parquet"),
        ("in.xlsx", "", "must end in"),
    ],
)
def test_what_cannot_be_scored_is_said_by_name_and_leaves_nothing_behind(
    model: classifier.Model, tmp_path: Path, name: str, content: str, complaint: str
) -> None:
    source = tmp_path / name
    source.write_text(content)
    target = tmp_path / f"out{source.suffix}"
    with pytest.raises(DataUnusable, match=complaint):
        score_file(model, source, target, "text", jobs=1, told=lambda _: None)
    assert [path.name for path in tmp_path.iterdir()] == [name]
