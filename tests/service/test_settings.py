import runpy
from pathlib import Path

import pytest

from service.errors import SettingsError
from service.settings import Settings, from_env

DOCS = runpy.run_path(str(Path(__file__).parent / "settings_docs.py"))


def test_an_empty_environment_gives_the_defaults() -> None:
    assert from_env({}) == Settings()


def test_each_variable_sets_its_field_by_its_type() -> None:
    settings = from_env(
        {"STEWARD_PORT": "9000", "STEWARD_ACCEPT_LOSS": "true", "STEWARD_DATA_DIR": "/data", "STEWARD_LEASE_S": "60"}
    )
    assert (settings.port, settings.accept_loss, settings.data_dir, settings.lease_s) == (9000, True, Path("/data"), 60)


def test_what_the_command_line_says_wins() -> None:
    assert from_env({"STEWARD_PORT": "9000"}, port=9001, host=None).port == 9001


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "eighty"), ("PORT", "70000"), ("ACCEPT_LOSS", "perhaps"), ("LEASE_S", "1"), ("LOG_LEVEL", "loud")],
)
def test_a_bad_value_is_refused_by_the_name_of_its_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"STEWARD_{name}"):
        from_env({f"STEWARD_{name}": value})


def test_a_variable_that_we_do_not_know_is_refused() -> None:
    with pytest.raises(SettingsError, match="STEWARD_PROT"):
        from_env({"STEWARD_PROT": "9000"})


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(SettingsError, match="STEWARD_MAX_LEASE_AGE_S"):
        from_env({"STEWARD_LEASE_S": "600", "STEWARD_MAX_LEASE_AGE_S": "300"})


@pytest.mark.parametrize("file", DOCS["FILES"])
def test_the_documentation_lists_exactly_these_settings(file: str) -> None:
    assert (DOCS["ROOT"] / file).read_text() == DOCS[DOCS["FILES"][file]](), (
        "run: python tests/service/settings_docs.py"
    )
