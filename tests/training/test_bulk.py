import csv
import json
import os
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

import classifier
from training import user_file
from training.bulk import CHUNK, on_cores, score_file
from training.errors import DataUnusable
from training.migration import perspective_scores
from training.text_files import FileOptions

ROWS = [
    {"id": "007", "text": 'She said "thank you",\nand left.', "votes": "3"},
    {"id": "008", "text": "You are an idiot.", "votes": ""},
    {"id": "009", "text": "Іди додому 🙂", "votes": "1.50"},
    {"id": "010", "text": "Πήγαινε σπίτι 🙂", "votes": "0"},
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


def _scores(model: classifier.Model, text: str, language: str) -> tuple[float, ...]:
    return model.score(text, language) if language in model.languages else ()


@pytest.fixture(scope="module")
def model() -> classifier.Model:
    return classifier.load(classifier.SHIPPED)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".ndjson", ".jsonl", ".parquet"])
def test_every_row_comes_back_as_it_was_with_its_scores(model: classifier.Model, tmp_path: Path, suffix: str) -> None:
    source, target = _write(tmp_path / f"in{suffix}", ROWS), tmp_path / f"out{suffix}"
    assert score_file(model, source, target, "text", judging=on_cores(model, 2), advance=lambda _: None) == len(ROWS)
    judged = set()
    for before, after in zip(ROWS, _read(target), strict=True):
        assert {name: after[name] for name in before} == before
        language = classifier.language_of(before["text"], None, model.languages)
        assert after["language"] == language
        judged.add(language in model.languages)
        scores = dict(zip(model.languages.get(language, ()), _scores(model, before["text"], language), strict=True))
        for label in model.labels:
            if label in scores:
                assert float(after[label]) == pytest.approx(scores[label], abs=1e-6)
            else:
                assert after[label] == ("" if suffix in {".csv", ".tsv"} else None)
    assert judged == {True, False}, "there are rows of both kinds"


@pytest.mark.parametrize("suffix", [".csv", ".ndjson", ".parquet"])
def test_a_column_that_says_the_language_is_believed(model: classifier.Model, tmp_path: Path, suffix: str) -> None:
    rows = [{"text": "lol", "language": tag} for tag in ("en-GB", "fi", "", "fi-FI")]
    source, target = _write(tmp_path / f"in{suffix}", rows), tmp_path / f"out{suffix}"
    score_file(model, source, target, "text", judging=on_cores(model, 1), advance=lambda _: None)
    found = _read(target)
    assert [row["language"] for row in found] == ["en", "fi", "en", "fi"]
    assert [bool(row["toxicity"]) for row in found] == [True, False, True, False]


def test_the_order_of_many_chunks_is_kept(
    model: classifier.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.scored_files.CHUNK", 100)
    rows = [{"text": f"comment {number}"} for number in range(305)]
    told: list[int] = []
    source, target = _write(tmp_path / "in.ndjson", rows), tmp_path / "out.ndjson"
    count = score_file(model, source, target, "text", judging=on_cores(model, 2), advance=told.append)
    assert count == len(rows) == sum(told)
    assert [row["text"] for row in _read(target)] == [row["text"] for row in rows]


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
    model: classifier.Model, tmp_path: Path, name: str, content: str, complaint: str
) -> None:
    source = tmp_path / name
    source.write_text(content)
    target = tmp_path / f"out{source.suffix}"
    with pytest.raises(DataUnusable, match=complaint):
        score_file(model, source, target, "text", judging=on_cores(model, 1), advance=lambda _: None)
    assert [path.name for path in tmp_path.iterdir()] == [name]


NOT_TEXT = r"column 'text' holds .*, not text|no column looks like the text"


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


INSULT = "You are a fool"
TEXT_TYPES = [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view()]


@pytest.mark.parametrize("kind", [*TEXT_TYPES, pa.binary(len(INSULT)), pa.dictionary(pa.int32(), pa.string())], ids=str)
def test_text_of_any_type_is_judged_by_what_it_says(model: classifier.Model, tmp_path: Path, kind: Any) -> None:
    source = tmp_path / "in.parquet"
    values = pa.array([INSULT, None, INSULT]).cast(kind) if pa.types.is_dictionary(kind) else _cells_of(kind)
    pyarrow.parquet.write_table(pa.table({"text": values}), source)
    found = _read(score(model, source))
    expected = model.score(INSULT)[model.labels.index("toxicity")]
    assert [row["toxicity"] for row in found] == pytest.approx([expected, _empty(model), expected], abs=1e-6)
    assert user_file.read(_with_labels(source)).texts == [INSULT, "", INSULT]


def _cells_of(kind: Any) -> Any:
    cells = [INSULT, None, INSULT]
    return pa.array([cell.encode() if cell and "binary" in str(kind) else cell for cell in cells], kind)


def _with_labels(source: Path) -> Path:
    table = pyarrow.parquet.read_table(source).append_column("toxicity", pa.array([1, 0, 1]))
    target = source.with_name("labeled.parquet")
    pyarrow.parquet.write_table(table, target)
    return target


def _empty(model: classifier.Model) -> float:
    return model.score("")[model.labels.index("toxicity")]


@pytest.mark.parametrize(
    "values",
    [[1, 2], [1.5, None], [True, False], [["a"], ["b"]], [{"a": 1}], [date(2026, 1, 1)], [Decimal(1)]],
    ids=str,
)
def test_a_parquet_column_of_anything_else_is_refused_by_its_type(
    model: classifier.Model, tmp_path: Path, values: list[Any]
) -> None:
    source = tmp_path / "in.parquet"
    pyarrow.parquet.write_table(pa.table({"text": values, "toxicity": [0] * len(values)}), source)
    for read in (lambda: score(model, source), lambda: user_file.read(source), lambda: perspective_scores.read(source)):
        with pytest.raises(DataUnusable, match=r"column 'text' holds .*, not text|no column looks like the text"):
            read()


def test_bytes_that_are_not_utf_8_are_named_by_their_row(model: classifier.Model, tmp_path: Path) -> None:
    source = tmp_path / "in.parquet"
    pyarrow.parquet.write_table(pa.table({"text": [b"fine"] * CHUNK + ["caf\u00e9".encode("latin-1")]}), source)
    with pytest.raises(DataUnusable, match=f"row {CHUNK + 1}, column 'text': bytes that are not UTF-8"):
        score(model, source)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()], ids=str)
def test_a_text_that_is_not_utf_8_is_named_by_its_row(
    model: classifier.Model, tmp_path: Path, kind: pa.DataType
) -> None:
    raw = pa.array([b"fine", "caf\u00e9".encode("latin-1")], pa.large_binary() if "large" in str(kind) else pa.binary())
    source = tmp_path / "in.parquet"
    pyarrow.parquet.write_table(pa.table({"text": raw.view(kind), "toxicity": [0, 1], "TOXICITY": [0.1, 0.2]}), source)
    for read in (lambda: score(model, source), lambda: user_file.read(source), lambda: perspective_scores.read(source)):
        with pytest.raises(DataUnusable, match="row 2, column 'text': bytes that are not UTF-8"):
            read()


@pytest.mark.parametrize("column", ["language", "toxicity"])
@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".ndjson"])
def test_a_text_is_not_replaced_by_a_column_of_ours(
    model: classifier.Model, tmp_path: Path, suffix: str, column: str
) -> None:
    source = _write(tmp_path / f"in{suffix}", [{column: "hello"}])
    with pytest.raises(DataUnusable, match=f"rename the column '{column}'"):
        score_file(model, source, tmp_path / f"out{suffix}", column, judging=on_cores(model, 1), advance=lambda _: None)
    assert [path.name for path in tmp_path.iterdir()] == [source.name]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".ndjson"])
def test_a_table_without_rows_keeps_its_columns(model: classifier.Model, tmp_path: Path, suffix: str) -> None:
    source = tmp_path / f"in{suffix}"
    if suffix == ".parquet":
        pyarrow.parquet.write_table(
            pa.table({"id": pa.array([], pa.int64()), "text": pa.array([], pa.string())}), source
        )
    else:
        source.write_text({".csv": "id,text\n", ".tsv": "id\ttext\n", ".ndjson": ""}[suffix])
    target = score(model, source)
    columns = ["id", "text", "language", *model.labels]
    if suffix == ".parquet":
        assert pyarrow.parquet.read_table(target).column_names == columns
    else:
        assert target.read_text() == (
            "" if suffix == ".ndjson" else ("\t" if suffix == ".tsv" else ",").join(columns) + "\n"
        )


@pytest.mark.parametrize("name", ["text", "language"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".ndjson"])
def test_two_columns_of_one_name_are_refused_in_words(
    model: classifier.Model, tmp_path: Path, suffix: str, name: str
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
        score(model, source)
    assert not source.with_name(f"out{suffix}").exists()


def test_columns_of_one_name_that_are_not_ours_come_out_as_they_went_in(
    model: classifier.Model, tmp_path: Path
) -> None:
    source = tmp_path / "in.csv"
    source.write_text("x,text,x,,\n1,hello,2,,\n")
    head, row = score(model, source).read_text().splitlines()
    assert head.startswith("x,text,x,,,language,")
    assert row.startswith("1,hello,2,,,en,")


LINES = [
    ('\ufeff{"text": "Thank you"}', "Thank you"),
    ('{"text": "half \\ud83d of an emoji", "more": ["\\udc00"]}', "half \ufffd of an emoji"),
    ('{"text": "whole \\ud83d\\ude00"}', "whole \U0001f600"),
    ('{"text": null}', None),
    ('{"id": 4}', None),
    ('{"text": "You are a fool", "score": NaN}', "You are a fool"),
]


def test_odd_lines_are_scored_as_the_service_scores_them(model: classifier.Model, tmp_path: Path) -> None:
    source = tmp_path / "in.ndjson"
    source.write_text("".join(line + "\n" for line, _ in LINES))
    found = _read(score(model, source))
    assert [row.get("text") for row in found] == [text for _, text in LINES]
    assert [row["toxicity"] for row in found] == pytest.approx(
        [model.score(text or "")[model.labels.index("toxicity")] for _, text in LINES], abs=1e-6
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"text": 3}', "'text' is a number, not text"),
        ('{"text": ["a"]}', "'text' is a list, not text"),
        ('{"text": {"a": 1}}', "'text' is an object, not text"),
        ('{"text": true}', "'text' is true or false, not text"),
        ('{"text": "a"', "not JSON"),
        ('["a"]', "not a JSON object; write one on each line"),
        ("[", "not a complete JSON object; write one on each line"),
        ('{"text": "a", "n": Infinity}', "Infinity is not a JSON number"),
        ("[" * 100_000, "nested too deeply"),
        ('{"text": "a", "x": ' + "[" * 3000 + "]" * 3000 + "}", "nested too deeply"),
        ('{"text": "a", "x": ' + '{"a":' * 501 + "1" + "}" * 501 + "}", "nested too deeply"),
    ],
)
def test_a_line_that_cannot_be_scored_is_named_by_its_number(
    model: classifier.Model, tmp_path: Path, line: str, said: str
) -> None:
    source = tmp_path / "in.ndjson"
    source.write_text('{"text": "fine"}\n\n' + line + "\n")
    with pytest.raises(DataUnusable, match=f"in.ndjson: line 3: .*({said})"):
        score(model, source)


def test_the_largest_numbers_come_back_and_larger_ones_are_refused(model: classifier.Model, tmp_path: Path) -> None:
    """The limits are those of docs/files.md: 1.8e308 and 4,300 digits."""
    source, digits = tmp_path / "in.ndjson", "9" * 4_300
    source.write_text(f'{{"text": "a", "x": 1.797e308, "y": {digits}}}\n')
    written = score(model, source).read_text()
    assert json.loads(written)["x"] == 1.797e308
    assert f'"y":{digits},' in written.replace(" ", "")
    for larger in ("1.8e308", "9" + digits):
        source.write_text(f'{{"text": "a", "x": {larger}}}\n')
        with pytest.raises(DataUnusable, match="line 1: a number is too large"):
            score(model, source)


def test_brackets_that_are_text_nest_nothing_and_what_is_nested_comes_back(
    model: classifier.Model, tmp_path: Path
) -> None:
    source = tmp_path / "in.ndjson"
    lines = [
        {"text": "[" * 3000 + '"\\'},
        {"text": "a", "x": ["]"] * 3000},
        {"text": "a", "x": json.loads("[" * 490 + "]" * 490)},
    ]
    source.write_text("".join(json.dumps(each) + "\n" for each in lines))
    found = _read(score(model, source))
    assert [row["text"] for row in found] == [each["text"] for each in lines]
    assert found[2]["x"] == lines[2]["x"]


def test_broken_lines_are_left_out_and_counted_when_it_was_said_so(model: classifier.Model, tmp_path: Path) -> None:
    source, said = tmp_path / "in.ndjson", list[str]()
    source.write_text('{"text": "fine"}\nbroken\n{"text": "too"}\n')
    assert len(_read(score(model, source, lenient=True, warn=said.append))) == 2
    assert said == [f"{source}: skipped lines that cannot be read: 1"]


def test_a_field_that_no_line_has_is_refused(model: classifier.Model, tmp_path: Path) -> None:
    source = tmp_path / "in.ndjson"
    source.write_text('{"id": 1, "comment": "a"}\n' * 3)
    with pytest.raises(DataUnusable, match="line 1: no field 'text'; it has id, comment"):
        score(model, source)


def test_the_input_is_never_overwritten(model: classifier.Model, tmp_path: Path) -> None:
    source = _write(tmp_path / "in.csv", ROWS)
    before, link = source.read_bytes(), tmp_path / "link.csv"
    link.symlink_to(source)
    for target in (source, link):
        with pytest.raises(DataUnusable, match="would be overwritten"):
            score_file(model, source, target, "text", judging=on_cores(model, 1), advance=lambda _: None)
    assert source.read_bytes() == before


def test_an_output_that_is_a_link_stays_one_and_a_pipe_is_no_file(model: classifier.Model, tmp_path: Path) -> None:
    source, real, link, pipe = (tmp_path / f"{name}.csv" for name in ("in", "real", "link", "pipe"))
    _write(source, ROWS)
    link.symlink_to(real)
    os.mkfifo(pipe)
    score_file(model, source, link, "text", judging=on_cores(model, 1), advance=lambda _: None)
    assert link.is_symlink()
    assert [row["id"] for row in _read(real)] == [row["id"] for row in ROWS]
    for first, second in ((source, pipe), (pipe, real)):
        with pytest.raises(DataUnusable, match="is no file"):
            score_file(model, first, second, "text", judging=on_cores(model, 1), advance=lambda _: None)


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_line_ends_within_texts_come_back_whatever_ends_the_lines(
    model: classifier.Model, tmp_path: Path, end: str
) -> None:
    texts = ["hello\rthere", "You are a fool\rtwo,0", "a\nb", "c\r\nd", "plain"]
    source = tmp_path / "in.csv"
    source.write_bytes(("text" + end + "".join(f'"{text}"{end}' for text in texts)).encode())
    first, second = tmp_path / "out.csv", tmp_path / "again.csv"
    for read, written in ((source, first), (first, second)):
        score_file(model, read, written, "text", judging=on_cores(model, 1), advance=lambda _: None)
    assert [row["text"] for row in _read(first)] == texts
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes().endswith(end.encode())


@pytest.mark.parametrize("suffix", [".csv", ".ndjson", ".parquet"])
def test_a_language_that_is_missing_is_found_by_the_text(model: classifier.Model, tmp_path: Path, suffix: str) -> None:
    said = ["NA", "NaN", "null", "", "N/A"]
    source = _write(tmp_path / f"in{suffix}", [{"text": "You are an idiot.", "language": each} for each in said])
    target = tmp_path / f"out{suffix}"
    score_file(model, source, target, "text", judging=on_cores(model, 1), advance=lambda _: None)
    assert {row["language"] for row in _read(target)} == {"en"}


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("utf-8", None), ("utf-8", "utf-8"), ("utf-8-sig", None), ("utf-16", None), ("cp1252", "cp1252")],
)
def test_a_file_comes_back_in_its_own_encoding_and_with_its_own_marks(
    model: classifier.Model, tmp_path: Path, encoding: str, said: str | None
) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes("sep=;\r\nid;text\r\n1;caf\u00e9\r\n".encode(encoding))
    target = score(model, source, encoding=said)
    lines = target.read_bytes().decode(encoding).split("\r\n")
    assert lines[:1] == ["sep=;"]
    assert lines[1].startswith("id;text;language;")
    assert lines[2].startswith("1;caf\u00e9;")
