"""Files as people have them, and what `steward score` makes of them."""

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

import classifier
from training.bulk import on_cores, score_file
from training.text_files import FileOptions

ROWS = [
    {"id": "007", "text": 'She said "thank you",\nand left.', "votes": "3"},
    {"id": "008", "text": "You are an idiot.", "votes": ""},
    {"id": "009", "text": "Іди додому 🙂", "votes": "1.50"},
    {"id": "010", "text": "Πήγαινε σπίτι 🙂", "votes": "0"},
]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
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


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return pyarrow.parquet.read_table(path).to_pylist()
    if path.suffix in (".csv", ".tsv"):
        with path.open(newline="") as file:
            return list(csv.DictReader(file, delimiter="," if path.suffix == ".csv" else "\t"))
    return [json.loads(line) for line in path.read_text().splitlines()]


def score(model: classifier.Model, source: Path, **reading: Any) -> Path:
    target = source.with_name(f"out{source.suffix}")
    score_file(
        model,
        source,
        target,
        "text",
        judging=on_cores(model, 1),
        advance=lambda _: None,
        options=FileOptions(**reading),
    )
    return target
