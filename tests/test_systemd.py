"""The units in deploy/systemd: systemd accepts them, and they call commands and settings that exist."""

import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from service.cli import steward
from service.settings import from_env

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "deploy" / "systemd"
UNITS = sorted([*FOLDER.glob("*.service"), *FOLDER.glob("*.timer")])
SERVICES = [path for path in UNITS if path.suffix == ".service"]
COMMAND = "/opt/steward/bin/steward"
# `systemd-analyze security`: 0 is least exposed, 10 most; tenths here, as --threshold takes them.
MOST_EXPOSED = 20
with_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not on this machine")


def values(path: Path, name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", path.read_text(), re.MULTILINE)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units as they are, but for a command that this machine has."""
    for path in UNITS:
        (tmp_path / path.name).write_text(path.read_text().replace(COMMAND, "/bin/true"))
    return tmp_path


def analyze(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *command], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )


@with_systemd
def test_systemd_accepts_every_unit(installed: Path) -> None:
    done = analyze(installed, "verify", *(f"./{path.name}" for path in UNITS))
    assert (done.returncode, done.stderr) == (0, "")


@with_systemd
def test_a_setting_that_systemd_does_not_know_is_found(installed: Path) -> None:
    """So that the test above can fail."""
    unit = installed / "steward.service"
    unit.write_text(unit.read_text().replace("ProtectHome=", "ProtectHomes="))
    assert "ProtectHomes" in analyze(installed, "verify", "./steward.service").stderr


@with_systemd
@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_systemd_finds_a_service_little_exposed(installed: Path, path: Path) -> None:
    done = analyze(installed, "security", "--offline=true", f"--threshold={MOST_EXPOSED}", f"./{path.name}")
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_a_service_runs_a_command_that_exists_with_options_that_it_has(path: Path) -> None:
    (line,) = values(path, "ExecStart")
    (said,) = re.findall(rf"{COMMAND} ([a-z ]+(?:--\S+)*)", line)
    command: click.Command = steward
    context = click.Context(steward)
    *words, _ = f"{said} ".split(" ")
    for word in filter(None, words):
        if word.startswith("--"):
            assert word in {name for option in command.params for name in option.opts}
        else:
            assert isinstance(command, click.Group)
            found = command.get_command(context, word)
            assert found is not None, word
            command = found


def test_every_variable_is_a_setting_with_a_value_that_it_takes() -> None:
    text = (FOLDER / "steward.env.example").read_text()
    given = dict(re.findall(r"^(?:# )?(STEWARD_\w+)=(.*)$", text, re.MULTILINE))
    for path in SERVICES:
        given |= dict(re.findall(r"^Environment=(STEWARD_\w+)=(.*)$", path.read_text(), re.MULTILINE))
        given |= dict(re.findall(r" (STEWARD_\w+)=(\S+)", path.read_text()))
    settings = from_env({**given, "STEWARD_SECRET_FILE": ""})
    assert settings.data_path == Path("/var/lib/steward")


def test_no_unit_sets_by_environment_what_the_file_of_the_operator_sets_too() -> None:
    """EnvironmentFile= has the last word: what a unit needs otherwise, it has to pass by env."""
    of_file = set(re.findall(r"^(?:# )?(STEWARD_\w+)=", (FOLDER / "steward.env.example").read_text(), re.MULTILINE))
    for path in SERVICES:
        assert not of_file & {each.partition("=")[0] for each in values(path, "Environment")}, path.name


def test_each_timer_starts_a_service_of_its_name() -> None:
    timers = [path for path in UNITS if path.suffix == ".timer"]
    assert {path.stem for path in timers} == {"steward-audit", "steward-backup"}
    for path in timers:
        assert path.with_suffix(".service").exists()
        assert values(path, "Persistent") == ["true"]
    for path in (path.with_suffix(".service") for path in timers):
        assert values(path, "Type") == ["oneshot"]


def test_the_backup_has_the_name_that_its_clean_up_looks_for(tmp_path: Path) -> None:
    """With the shell's own date, and the signs that systemd takes away."""
    (line,) = values(FOLDER / "steward-backup.service", "ExecStart")
    script = re.search(r"-ec '(.*)'$", line)
    assert script
    shell = script[1].replace("$$", "$").replace("%%", "%")
    shell = shell.replace(f"exec {COMMAND} backup", "touch").replace("/var/backups/steward", str(tmp_path))
    subprocess.run(["/bin/sh", "-ec", shell], check=True)
    (pattern,) = re.findall(r"-name (\S+)", (FOLDER / "steward-backup.service").read_text())
    (made,) = tmp_path.glob(pattern)
    assert re.fullmatch(r"steward-\d{4}-\d\d-\d\dT\d{6}\.tar\.gz", made.name)
