import json
import os
from pathlib import Path

import pytest
from bulk_files import ROWS, read, score, write

import classifier
from training.bulk import on_cores, score_file
from training.errors import DataUnusable

LINES = [
    ('\ufeff{"text": "Thank you"}', "Thank you"),
    ('{"text": "half \\ud83d of an emoji", "more": ["\\udc00"]}', "half \ufffd of an emoji"),
    ('{"text": "whole \\ud83d\\ude00"}', "whole \U0001f600"),
    ('{"text": null}', None),
    ('{"id": 4}', None),
    ('{"text": "You are a fool", "score": NaN}', "You are a fool"),
]


def test_odd_lines_are_scored_as_the_service_scores_them(shipped: classifier.Model, tmp_path: Path) -> None:
    source = tmp_path / "in.ndjson"
    source.write_text("".join(line + "\n" for line, _ in LINES))
    found = read(score(shipped, source))
    assert [row.get("text") for row in found] == [text for _, text in LINES]
    assert [row["toxicity"] for row in found] == pytest.approx(
        [shipped.score(text or "")[shipped.labels.index("toxicity")] for _, text in LINES], abs=1e-6
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
    shipped: classifier.Model, tmp_path: Path, line: str, said: str
) -> None:
    source = tmp_path / "in.ndjson"
    source.write_text('{"text": "fine"}\n\n' + line + "\n")
    with pytest.raises(DataUnusable, match=f"in.ndjson: line 3: .*({said})"):
        score(shipped, source)


def test_the_largest_numbers_come_back_and_larger_ones_are_refused(shipped: classifier.Model, tmp_path: Path) -> None:
    """The limits are those of docs/files.md: 1.8e308 and 4,300 digits."""
    source, digits = tmp_path / "in.ndjson", "9" * 4_300
    source.write_text(f'{{"text": "a", "x": 1.797e308, "y": {digits}}}\n')
    written = score(shipped, source).read_text()
    assert json.loads(written)["x"] == 1.797e308
    assert f'"y":{digits},' in written.replace(" ", "")
    for larger in ("1.8e308", "9" + digits):
        source.write_text(f'{{"text": "a", "x": {larger}}}\n')
        with pytest.raises(DataUnusable, match="line 1: a number is too large"):
            score(shipped, source)


def test_brackets_that_are_text_nest_nothing_and_what_is_nested_comes_back(
    shipped: classifier.Model, tmp_path: Path
) -> None:
    source = tmp_path / "in.ndjson"
    lines = [
        {"text": "[" * 3000 + '"\\'},
        {"text": "a", "x": ["]"] * 3000},
        {"text": "a", "x": json.loads("[" * 490 + "]" * 490)},
    ]
    source.write_text("".join(json.dumps(each) + "\n" for each in lines))
    found = read(score(shipped, source))
    assert [row["text"] for row in found] == [each["text"] for each in lines]
    assert found[2]["x"] == lines[2]["x"]


def test_broken_lines_are_left_out_and_counted_when_it_was_said_so(shipped: classifier.Model, tmp_path: Path) -> None:
    source, said = tmp_path / "in.ndjson", list[str]()
    source.write_text('{"text": "fine"}\nbroken\n{"text": "too"}\n')
    assert len(read(score(shipped, source, lenient=True, warn=said.append))) == 2
    assert said == [f"{source}: skipped lines that cannot be read: 1"]


def test_a_field_that_no_line_has_is_refused(shipped: classifier.Model, tmp_path: Path) -> None:
    source = tmp_path / "in.ndjson"
    source.write_text('{"id": 1, "comment": "a"}\n' * 3)
    with pytest.raises(DataUnusable, match="line 1: no field 'text'; it has id, comment"):
        score(shipped, source)


def test_the_input_is_never_overwritten(shipped: classifier.Model, tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv", ROWS)
    before, link = source.read_bytes(), tmp_path / "link.csv"
    link.symlink_to(source)
    for target in (source, link):
        with pytest.raises(DataUnusable, match="would be overwritten"):
            score_file(shipped, source, target, "text", judging=on_cores(shipped, 1), advance=lambda _: None)
    assert source.read_bytes() == before


def test_an_output_that_is_a_link_stays_one_and_a_pipe_is_no_file(shipped: classifier.Model, tmp_path: Path) -> None:
    source, real, link, pipe = (tmp_path / f"{name}.csv" for name in ("in", "real", "link", "pipe"))
    write(source, ROWS)
    link.symlink_to(real)
    os.mkfifo(pipe)
    score_file(shipped, source, link, "text", judging=on_cores(shipped, 1), advance=lambda _: None)
    assert link.is_symlink()
    assert [row["id"] for row in read(real)] == [row["id"] for row in ROWS]
    for first, second in ((source, pipe), (pipe, real)):
        with pytest.raises(DataUnusable, match="is no file"):
            score_file(shipped, first, second, "text", judging=on_cores(shipped, 1), advance=lambda _: None)


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_line_ends_within_texts_come_back_whatever_ends_the_lines(
    shipped: classifier.Model, tmp_path: Path, end: str
) -> None:
    texts = ["hello\rthere", "You are a fool\rtwo,0", "a\nb", "c\r\nd", "plain"]
    source = tmp_path / "in.csv"
    source.write_bytes(("text" + end + "".join(f'"{text}"{end}' for text in texts)).encode())
    first, second = tmp_path / "out.csv", tmp_path / "again.csv"
    for before, written in ((source, first), (first, second)):
        score_file(shipped, before, written, "text", judging=on_cores(shipped, 1), advance=lambda _: None)
    assert [row["text"] for row in read(first)] == texts
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes().endswith(end.encode())


@pytest.mark.parametrize("suffix", [".csv", ".ndjson", ".parquet"])
def test_a_language_that_is_missing_is_found_by_the_text(
    shipped: classifier.Model, tmp_path: Path, suffix: str
) -> None:
    said = ["NA", "NaN", "null", "", "N/A"]
    source = write(tmp_path / f"in{suffix}", [{"text": "You are an idiot.", "language": each} for each in said])
    target = tmp_path / f"out{suffix}"
    score_file(shipped, source, target, "text", judging=on_cores(shipped, 1), advance=lambda _: None)
    assert {row["language"] for row in read(target)} == {"en"}


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("utf-8", None), ("utf-8", "utf-8"), ("utf-8-sig", None), ("utf-16", None), ("cp1252", "cp1252")],
)
def test_a_file_comes_back_in_its_own_encoding_and_with_its_own_marks(
    shipped: classifier.Model, tmp_path: Path, encoding: str, said: str | None
) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes("sep=;\r\nid;text\r\n1;caf\u00e9\r\n".encode(encoding))
    target = score(shipped, source, encoding=said)
    lines = target.read_bytes().decode(encoding).split("\r\n")
    assert lines[:1] == ["sep=;"]
    assert lines[1].startswith("id;text;language;")
    assert lines[2].startswith("1;caf\u00e9;")
