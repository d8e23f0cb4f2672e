"""steward keys label: the short name of a key, made without asking anybody."""

from datetime import UTC, datetime

from click.testing import CliRunner

from service.access import label_of, mint
from service.commands.keys import keys

KEY, _ = mint("daily", frozenset(), None, datetime.now(UTC))


def test_the_label_of_the_key_in_the_environment_is_printed_alone() -> None:
    done = CliRunner().invoke(keys, ["label"], env={"STEWARD_KEY": KEY})
    assert (done.exit_code, done.output) == (0, f"{label_of(KEY)}\n")


def test_a_key_is_asked_for_and_not_shown() -> None:
    done = CliRunner().invoke(keys, ["label"], input=f"{KEY}\n", env={"STEWARD_KEY": None})
    assert done.exit_code == 0
    assert label_of(KEY) in done.output
    assert KEY not in done.output


def test_what_is_no_key_is_refused_and_not_repeated() -> None:
    done = CliRunner().invoke(keys, ["label"], env={"STEWARD_KEY": "cmk_live_canary"})
    assert done.exit_code == 1
    assert "no API key" in done.output
    assert "canary" not in done.output


def test_an_origin_that_is_none_is_refused_by_the_option() -> None:
    asked = ["create", "--site", "daily", "--scope", "score", "--origin", "https://a.example/path"]
    done = CliRunner().invoke(keys, asked)
    assert done.exit_code == 2
    assert "--origin" in done.output
    assert "https://a.example/path" in done.output
