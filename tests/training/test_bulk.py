from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from bulk_files import ROWS, read, score, write

import classifier
from training import user_file
from training.bulk import CHUNK, on_cores, score_file
from training.errors import DataUnusable
from training.migration import perspective_scores


def _scores(shipped: classifier.Model, text: str, language: str) -> tuple[float, ...]:
    return shipped.score(text, language) if language in shipped.languages else ()


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".ndjson", ".jsonl", ".parquet"])
def test_every_row_comes_back_as_it_was_with_its_scores(shipped: classifier.Model, tmp_path: Path, suffix: str) -> None:
    source, target = write(tmp_path / f"in{suffix}", ROWS), tmp_path / f"out{suffix}"
    count = score_file(shipped, source, target, "text", judging=on_cores(shipped, 2), advance=lambda _: None)
    assert count == len(ROWS)
    judged = set()
    for before, after in zip(ROWS, read(target), strict=True):
        assert {name: after[name] for name in before} == before
        language = classifier.language_of(before["text"], None, shipped.languages)
        assert after["language"] == language
        judged.add(language in shipped.languages)
        scores = dict(zip(shipped.languages.get(language, ()), _scores(shipped, before["text"], language), strict=True))
        for label in shipped.labels:
            if label in scores:
                assert float(after[label]) == pytest.approx(scores[label], abs=1e-6)
            else:
                assert after[label] == ("" if suffix in {".csv", ".tsv"} else None)
    assert judged == {True, False}, "there are rows of both kinds"


@pytest.mark.parametrize("suffix", [".csv", ".ndjson", ".parquet"])
def test_a_column_that_says_the_language_is_believed(shipped: classifier.Model, tmp_path: Path, suffix: str) -> None:
    rows = [{"text": "lol", "language": tag} for tag in ("en-GB", "fi", "", "fi-FI")]
    source, target = write(tmp_path / f"in{suffix}", rows), tmp_path / f"out{suffix}"
    score_file(shipped, source, target, "text", judging=on_cores(shipped, 1), advance=lambda _: None)
    found = read(target)
    assert [row["language"] for row in found] == ["en", "fi", "en", "fi"]
    assert [bool(row["toxicity"]) for row in found] == [True, False, True, False]


def test_the_order_of_many_chunks_is_kept(
    shipped: classifier.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.scored_files.CHUNK", 100)
    rows = [{"text": f"comment {number}"} for number in range(305)]
    told: list[int] = []
    source, target = write(tmp_path / "in.ndjson", rows), tmp_path / "out.ndjson"
    count = score_file(shipped, source, target, "text", judging=on_cores(shipped, 2), advance=told.append)
    assert count == len(rows) == sum(told)
    assert [row["text"] for row in read(target)] == [row["text"] for row in rows]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("in.csv", "comment\nhello\n", "no column 'text'"),
        ("in.ndjson", '{"text": "fine"}\n{"text": 3}\n', "line 2: 'text' is a number, not text"),
        ("in.ndjson", '{"text": "fine"}\nnot json\n', "line 2"),
        ("in.ndjson", '{"text": "a", "te\\u0078t": "b"}\n', "line 1: an object has a duplicate key"),
        ("in.ndjson", '{"text": "a\\\\", "x": {"y": 1, "y": 2}}\n', "line 1: an object has a duplicate key"),
        ("in.ndjson", f'{{"text": "a", "x": {"9" * 5_000}}}\n', "line 1: a number is too large"),
        ("in.ndjson", '{"text": "a", "x": 1e400}\n', "line 1: a number is too large"),
        ("in.ndjson", "{}\n", "line 1: no field 'text'; it has no fields"),
        (
            "in.csv",
            "text ,id\nhello,1\n",
            "no column 'text'; it has 'text ', id; 'text ' differs only in case or spaces: rename it, or name it so",
        ),
        ("in.csv", "Text\nhello\n", "it has Text; 'Text' differs only in case or spaces: rename it, or name it so"),
        ("in.parquet", "not parquet", "in.parquet"),
        ("in.xlsx", "", "must end in"),
    ],
)
def test_what_cannot_be_scored_is_said_by_name_and_leaves_nothing_behind(
    shipped: classifier.Model, tmp_path: Path, name: str, content: str, complaint: str
) -> None:
    source = tmp_path / name
    source.write_text(content)
    target = tmp_path / f"out{source.suffix}"
    with pytest.raises(DataUnusable, match=complaint):
        score_file(shipped, source, target, "text", judging=on_cores(shipped, 1), advance=lambda _: None)
    assert [path.name for path in tmp_path.iterdir()] == [name]


INSULT = "You are a fool"
TEXT_TYPES = [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view()]


@pytest.mark.parametrize("kind", [*TEXT_TYPES, pa.binary(len(INSULT)), pa.dictionary(pa.int32(), pa.string())], ids=str)
def test_text_of_any_type_is_judged_by_what_it_says(shipped: classifier.Model, tmp_path: Path, kind: Any) -> None:
    source = tmp_path / "in.parquet"
    values = pa.array([INSULT, None, INSULT]).cast(kind) if pa.types.is_dictionary(kind) else _cells_of(kind)
    pyarrow.parquet.write_table(pa.table({"text": values}), source)
    found = read(score(shipped, source))
    expected = shipped.score(INSULT)[shipped.labels.index("toxicity")]
    assert [row["toxicity"] for row in found] == pytest.approx([expected, _empty(shipped), expected], abs=1e-6)
    assert user_file.read(_with_labels(source)).texts == [INSULT, "", INSULT]


def _cells_of(kind: Any) -> Any:
    cells = [INSULT, None, INSULT]
    return pa.array([cell.encode() if cell and "binary" in str(kind) else cell for cell in cells], kind)


def _with_labels(source: Path) -> Path:
    table = pyarrow.parquet.read_table(source).append_column("toxicity", pa.array([1, 0, 1]))
    target = source.with_name("labeled.parquet")
    pyarrow.parquet.write_table(table, target)
    return target


def _empty(shipped: classifier.Model) -> float:
    return shipped.score("")[shipped.labels.index("toxicity")]


@pytest.mark.parametrize(
    "values",
    [[1, 2], [1.5, None], [True, False], [["a"], ["b"]], [{"a": 1}], [date(2026, 1, 1)], [Decimal(1)]],
    ids=str,
)
def test_a_parquet_column_of_anything_else_is_refused_by_its_type(
    shipped: classifier.Model, tmp_path: Path, values: list[Any]
) -> None:
    source = tmp_path / "in.parquet"
    pyarrow.parquet.write_table(pa.table({"text": values, "toxicity": [0] * len(values)}), source)
    for reader in (user_file.read, perspective_scores.read, partial(score, shipped)):
        with pytest.raises(DataUnusable, match=r"column 'text' holds .*, not text|no column looks like the text"):
            reader(source)


def test_bytes_that_are_not_utf_8_are_named_by_their_row(shipped: classifier.Model, tmp_path: Path) -> None:
    source = tmp_path / "in.parquet"
    pyarrow.parquet.write_table(pa.table({"text": [b"fine"] * CHUNK + ["caf\u00e9".encode("latin-1")]}), source)
    with pytest.raises(DataUnusable, match=f"row {CHUNK + 1}, column 'text': bytes that are not UTF-8"):
        score(shipped, source)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()], ids=str)
def test_a_text_that_is_not_utf_8_is_named_by_its_row(
    shipped: classifier.Model, tmp_path: Path, kind: pa.DataType
) -> None:
    raw = pa.array([b"fine", "caf\u00e9".encode("latin-1")], pa.large_binary() if "large" in str(kind) else pa.binary())
    source = tmp_path / "in.parquet"
    pyarrow.parquet.write_table(pa.table({"text": raw.view(kind), "toxicity": [0, 1], "TOXICITY": [0.1, 0.2]}), source)
    for reader in (user_file.read, perspective_scores.read, partial(score, shipped)):
        with pytest.raises(DataUnusable, match="row 2, column 'text': bytes that are not UTF-8"):
            reader(source)


@pytest.mark.parametrize("column", ["language", "toxicity"])
@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".ndjson"])
def test_a_text_is_not_replaced_by_a_column_of_ours(
    shipped: classifier.Model, tmp_path: Path, suffix: str, column: str
) -> None:
    source, target = write(tmp_path / f"in{suffix}", [{column: "hello"}]), tmp_path / f"out{suffix}"
    with pytest.raises(DataUnusable, match=f"rename the column '{column}'"):
        score_file(shipped, source, target, column, judging=on_cores(shipped, 1), advance=lambda _: None)
    assert [path.name for path in tmp_path.iterdir()] == [source.name]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".ndjson"])
def test_a_table_without_rows_keeps_its_columns(shipped: classifier.Model, tmp_path: Path, suffix: str) -> None:
    source = tmp_path / f"in{suffix}"
    if suffix == ".parquet":
        pyarrow.parquet.write_table(
            pa.table({"id": pa.array([], pa.int64()), "text": pa.array([], pa.string())}), source
        )
    else:
        source.write_text({".csv": "id,text\n", ".tsv": "id\ttext\n", ".ndjson": ""}[suffix])
    target = score(shipped, source)
    columns = ["id", "text", "language", *shipped.labels]
    if suffix == ".parquet":
        assert pyarrow.parquet.read_table(target).column_names == columns
    else:
        assert target.read_text() == (
            "" if suffix == ".ndjson" else ("\t" if suffix == ".tsv" else ",").join(columns) + "\n"
        )


@pytest.mark.parametrize("name", ["text", "language"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".ndjson"])
def test_two_columns_of_one_name_are_refused_in_words(
    shipped: classifier.Model, tmp_path: Path, suffix: str, name: str
) -> None:
    source, mark = tmp_path / f"in{suffix}", "\t" if suffix == ".tsv" else ","
    names = ["text", name, "language"] if name == "text" else ["text", "language", "language"]
    if suffix == ".parquet":
        pyarrow.parquet.write_table(pa.Table.from_arrays([pa.array(["a"])] * 3, names=names), source)
    elif suffix == ".ndjson":
        source.write_text(f'{{"text": "b"}}\n{{"{names[0]}": "a", "{names[1]}": "a", "{names[2]}": "a"}}\n')
    else:
        source.write_text(f"{mark.join(names)}\n{mark.join('abc')}\n")
    said = "line 2: an object has a duplicate key" if suffix == ".ndjson" else f"two columns are called {name}"
    with pytest.raises(DataUnusable, match=said):
        score(shipped, source)
    assert not source.with_name(f"out{suffix}").exists()


def test_columns_of_one_name_that_are_not_ours_come_out_as_they_went_in(
    shipped: classifier.Model, tmp_path: Path
) -> None:
    source = tmp_path / "in.csv"
    source.write_text("x,text,x,,\n1,hello,2,,\n")
    head, row = score(shipped, source).read_text().splitlines()
    assert head.startswith("x,text,x,,,language,")
    assert row.startswith("1,hello,2,,,en,")
