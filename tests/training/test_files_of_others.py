"""The commands that read files warn about malformed rows and obey the options for them."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from training.commands.migrate import migrate
from training.commands.score import score
from training.commands.train import train

STRAY = 'id,text,toxicity\n1,"I never closed this,0\n2,You are a fool,1\n'
COMMANDS = [(score, ["IN", "OUT"]), (train, ["--examples", "IN", "--data", "."]), (migrate, ["perspective", "IN"])]
IDS = ["score", "train", "migrate"]


def run(command: click.Command, folder: Path, arguments: list[str], *more: str) -> Result:
    places = {"IN": str(folder / "in.csv"), "OUT": str(folder / "out.csv"), ".": str(folder)}
    return CliRunner().invoke(command, [*(places.get(each, each) for each in arguments), *more])


@pytest.mark.parametrize(("command", "arguments"), COMMANDS, ids=IDS)
def test_a_stray_quote_is_refused_with_its_row(tmp_path: Path, command: click.Command, arguments: list[str]) -> None:
    (tmp_path / "in.csv").write_text(STRAY)
    result = run(command, tmp_path, arguments)
    assert result.exit_code == 1, result.output
    assert "in.csv: row 1 (line 2): a quote is not closed" in result.stderr
    assert "--lenient" in result.stderr


@pytest.mark.parametrize(("command", "arguments"), COMMANDS, ids=IDS)
def test_another_encoding_is_refused_with_line_and_cure(
    tmp_path: Path, command: click.Command, arguments: list[str]
) -> None:
    (tmp_path / "in.csv").write_bytes("text,toxicity\ncaf\u00e9,0\n".encode("cp1252"))
    result = run(command, tmp_path, arguments)
    assert result.exit_code == 1, result.output
    assert "in.csv: line 2 is not UTF-8" in result.stderr
    assert "--encoding cp1252" in result.stderr


def test_read_leniently_every_row_is_scored_and_the_odd_ones_counted(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(STRAY)
    result = run(score, tmp_path, ["IN", "OUT"], "--lenient")
    assert result.exit_code == 0, result.output
    assert "2 rows in" in result.stdout
    assert "warning: " in result.stderr
    assert "read line by line: 1" in result.stderr
    assert [line.split(",")[0] for line in (tmp_path / "out.csv").read_text().splitlines()] == ["id", "1", "2"]


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("text;a,b\ncaf\u00e9;1\n".encode("cp1252"), ["--encoding", "cp1252", "--delimiter", ";"]),
        ("text\ta,b\ncaf\u00e9\t1\n".encode("utf-16"), ["--delimiter", "tab"]),
        (b'id,text\n1,"a list:\n2,two"\n', ["--multiline"]),
    ],
)
def test_what_a_person_says_of_a_file_is_believed(tmp_path: Path, content: bytes, options: list[str]) -> None:
    (tmp_path / "in.csv").write_bytes(content)
    assert run(score, tmp_path, ["IN", "OUT"]).exit_code == 1
    result = run(score, tmp_path, ["IN", "OUT"], *options)
    assert (result.exit_code, "1 rows in" in result.stdout) == (0, True), result.output


@pytest.mark.parametrize(
    "option",
    [
        ["--encoding", "klingon"],
        ["--encoding", "idna"],
        ["--encoding", "undefined"],
        ["--encoding", "a\0"],
        ["--delimiter", "ab"],
        ["--delimiter", '"'],
    ],
)
def test_what_is_no_encoding_or_delimiter_is_refused_by_name(tmp_path: Path, option: list[str]) -> None:
    (tmp_path / "in.csv").write_text("text\na\n")
    result = run(score, tmp_path, ["IN", "OUT"], *option)
    assert result.exit_code == 2
    assert f"Invalid value for '{option[0]}'" in result.stderr
