"""The command's own help: sections without cut lines, examples that are right, and a hint for a typing error."""

import re
import shlex
from importlib.metadata import entry_points

import click
import pytest
from click.testing import CliRunner

from service.cli import GROUP, TRAINING, steward
from service.commands.overview import EXAMPLES, SECTIONS, SHORT, SUMMARIES

COMMANDS = {entry.name: entry.load() for entry in entry_points(group=GROUP)}


def ends() -> list[str]:
    """Every command that does something, by its words."""
    return [
        " ".join([name, *rest])
        for name, command in COMMANDS.items()
        for rest in ([[each] for each in command.commands] if isinstance(command, click.Group) else [[]])
    ]


def test_every_command_stands_in_one_section_with_a_line_of_its_own() -> None:
    placed = [name for names in SECTIONS.values() for name in names]
    assert sorted(placed) == sorted(SUMMARIES)
    assert set(COMMANDS) <= set(placed)


def test_no_line_of_the_overview_is_cut_at_eighty_columns() -> None:
    said = CliRunner().invoke(steward, ["--help"], terminal_width=80).output
    assert "..." not in said.partition("Options:")[2]
    assert max(map(len, said.splitlines())) <= 80
    for title in SECTIONS:
        assert f"\n{title}:\n" in said


@pytest.mark.parametrize("group", [name for name, each in COMMANDS.items() if isinstance(each, click.Group)])
def test_no_line_of_a_group_is_cut_at_eighty_columns(group: str) -> None:
    said = CliRunner().invoke(steward, [group, "--help"], terminal_width=80).output
    assert "..." not in said.partition("Options:")[2]
    assert max(map(len, said.splitlines())) <= 80


def test_every_short_line_is_of_a_command_that_there_is() -> None:
    assert SHORT.keys() <= {*ends()}


@pytest.mark.parametrize("path", ends())
def test_every_command_shows_examples_that_it_would_accept(path: str) -> None:
    said = CliRunner().invoke(steward, [*path.split(), "--help"]).output
    assert "Examples:" in said
    for line in EXAMPLES[path]:
        assert line in said
        words = shlex.split(re.sub(r"[<>] \S+|\$\([^)]*\)", "", line))
        words = words[next(number for number, word in enumerate(words) if word == "steward") + 1 :]
        command: click.Command = steward
        context = click.Context(steward)
        while isinstance(command, click.Group):
            found = command.get_command(context, words.pop(0))
            assert found is not None, line
            command = found
        options = {option for each in command.params for option in each.opts}
        assert {word for word in words if word.startswith("--")} <= options, line


def test_a_typing_error_gets_a_suggestion() -> None:
    done = CliRunner().invoke(steward, ["kyes", "list"])
    assert done.exit_code == 2
    assert "No such command 'kyes'. Did you mean 'keys'?" in done.output


def test_a_missing_tool_of_training_is_one_line_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    from service import cli  # noqa: PLC0415 - patched here alone

    def fail(**_: object) -> None:
        raise ModuleNotFoundError("No module named 'torch'", name="torch.nn")

    monkeypatch.setattr("sys.argv", ["steward", "train"])
    monkeypatch.setattr(cli, "steward", fail)
    with pytest.raises(SystemExit, match=r"'steward train' needs the tools for training .* make training"):
        cli.main()
    assert "torch" in TRAINING
