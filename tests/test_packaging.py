"""What stands around the code: the compose file, the command, the promises of the Makefile."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from compose_pydantic import ComposeSpecification
from packaging.requirements import Requirement

from hatch_build import NAMES
from service.settings import from_env

ROOT = Path(__file__).parents[1]


def _compose() -> ComposeSpecification:
    return ComposeSpecification(**yaml.safe_load((ROOT / "docker-compose.yml").read_text()))


def test_the_compose_file_is_what_the_compose_specification_allows() -> None:
    assert set(_compose().services or ()) == {"steward", "redis"}


def test_the_composed_redis_keeps_what_it_acknowledges_and_evicts_nothing() -> None:
    command = " ".join(yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["redis"]["command"])
    for option in ("--appendonly yes", "--appendfsync always", "--maxmemory-policy noeviction"):
        assert option in command


def test_the_composed_redis_asks_for_a_password_on_a_network_that_leads_nowhere() -> None:
    composed = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    redis, service = composed["services"]["redis"], composed["services"]["steward"]
    password = "${REDIS_PASSWORD:?write it into .env}"
    assert redis["command"][-2:] == ["--requirepass", password]
    assert redis["environment"]["REDISCLI_AUTH"] == password, "or the check of its health would only see a refusal"
    assert f":{password}@redis" in service["environment"]["STEWARD_REDIS_URL"]
    assert redis["networks"] == ["store"]
    assert composed["networks"]["store"]["internal"]
    assert "ports" not in redis


def test_the_composed_service_runs_without_rights_it_does_not_need() -> None:
    service = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["steward"]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert "USER steward" in (ROOT / "Dockerfile").read_text()


def _wanted(lock: str) -> list[Requirement]:
    made = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = list(made["project"]["dependencies"])
    extras = made["project"]["optional-dependencies"]
    if lock == "dev.txt":
        wanted += extras["train"] + made["dependency-groups"]["dev"]
    if lock != "runtime.txt":
        wanted += extras["otel"]
    return [Requirement(each) for each in wanted]


@pytest.mark.parametrize("lock", ["runtime.txt", "otel.txt", "dev.txt"])
def test_the_lock_holds_a_fitting_version_of_each_dependency_with_its_hashes(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text()
    assert "--index-url" not in text
    assert "--find-links" not in text
    pinned = re.findall(
        r"^([a-z0-9-]+)(?:\[[^\]]*\])?==([^\s;]+)(?: ;[^\\]*)? \\\n    --hash=sha256:", text, re.MULTILINE
    )
    assert len(pinned) == len(re.findall(r"^\S+==", text, re.MULTILINE)), "one without a hash"
    for wanted in _wanted(lock):
        versions = [version for name, version in pinned if name == wanted.name]
        assert versions, f"{wanted.name} is not in {lock}; run: make lock"
        assert all(map(wanted.specifier.contains, versions)), f"{wanted} is not what {lock} holds; run: make lock"


def test_the_command_shows_all_its_subcommands_without_loading_them() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "service", "keys", "--help"]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "create" in said.stdout
    assert "aiohttp" not in said.stderr
    assert "numpy" not in said.stderr


def test_the_wheel_holds_all_that_the_service_reads(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert not wheel.name.endswith("-any.whl"), "the kernel is compiled for one platform"
    packed = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "service", "classifier", "training"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert set(tracked) <= packed
    for library in NAMES:
        assert any(name.startswith(f"classifier/{library}.") and name.endswith(".so") for name in packed)


def test_what_the_image_is_built_from_is_enough_for_the_wheel(tmp_path: Path) -> None:
    """Only what the Dockerfile copies and .dockerignore lets through, with the command of its first stage."""
    _, build, final = (ROOT / "Dockerfile").read_text().split("FROM python")
    copied = [each for line in re.findall(r"^COPY (.*) \S+$", build, re.MULTILINE) for each in line.split()]
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {each.split("/")[0] for each in copied} <= allowed
    assert "gcc" in build
    assert "gcc" not in final, "no compiler reaches the image that runs"
    ignored = shutil.ignore_patterns("__pycache__", "_*.so")
    for name in {each.split("/")[0] for each in copied}:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, tmp_path / name)
    assert "classifier/_*.so" in (ROOT / ".dockerignore").read_text().splitlines(), "compiled for another machine"
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path / "dist")]
    subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    assert all(any(name.startswith(f"classifier/{library}.") for name in packed) for library in NAMES)


def test_the_composed_counters_are_reached_from_the_network_of_the_two_and_not_from_outside() -> None:
    service = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["steward"]
    settings = from_env(service["environment"])
    assert (settings.metrics_host, settings.metrics_port) == ("0.0.0.0", 9090)  # noqa: S104 - addresses are compared here, not bound
    assert not [port for port in service["ports"] if str(settings.metrics_port) in port]
