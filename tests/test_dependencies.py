"""What `make check` says about the packages that we depend on."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / ".ci" / "audit_dependencies.py"
CLEAN = {"name": "aiohttp", "version": "3.14.5", "vulns": []}
KNOWN = {**CLEAN, "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["3.14.6"]}]}
UNKNOWN = {"name": "msgspec", "skip_reason": "Dependency not found on PyPI"}


@pytest.fixture
def audited(tmp_path: Path) -> Any:
    """Runs the check with a pip-audit that prints and ends as it is told."""

    def audited(printed: str, status: int, complaint: str = "") -> "subprocess.CompletedProcess[str]":
        fake = tmp_path / "pip-audit"
        (tmp_path / "printed").write_text(printed)
        fake.write_text(f"#!/bin/sh\ncat {tmp_path}/printed\necho '{complaint}' >&2\nexit {status}\n")
        fake.chmod(0o700)
        command = [sys.executable, str(SCRIPT), str(fake)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    return audited


def test_a_dependency_with_a_known_vulnerability_fails_the_check(audited: Any) -> None:
    done = audited(json.dumps({"dependencies": [KNOWN, UNKNOWN]}), 1)
    assert done.returncode == 1
    assert "aiohttp 3.14.5: PYSEC-2026-1, fixed in 3.14.6" in done.stdout


def test_dependencies_without_known_vulnerabilities_pass_in_one_line(audited: Any) -> None:
    done = audited(json.dumps({"dependencies": [CLEAN]}), 0)
    assert (done.returncode, done.stderr.strip()) == (0, "")
    assert done.stdout == "1 of 1 dependencies looked up, 0 vulnerabilities\n"


@pytest.mark.parametrize("status", [0, 1])
def test_a_service_that_cannot_be_reached_is_a_loud_warning_and_no_failure(audited: Any, status: int) -> None:
    done = audited("", status, "ConnectionError: no route to host")
    assert done.returncode == 0
    assert "NOT checked for known vulnerabilities" in done.stderr
    assert "no route to host" in done.stderr


def test_dependencies_that_the_service_does_not_know_are_named(audited: Any) -> None:
    done = audited(json.dumps({"dependencies": [CLEAN, UNKNOWN]}), 0)
    assert done.returncode == 0
    assert "1 of 2 dependencies are unknown to the service: msgspec" in done.stderr


def test_the_bill_of_materials_lists_every_pinned_package(tmp_path: Path) -> None:
    sbom = tmp_path / "sbom.json"
    tool = str(Path(sys.executable).parent / "cyclonedx-py")
    pinned = "requirements/runtime.txt"
    subprocess.run([tool, "requirements", pinned, "--output-reproducible", "-o", str(sbom)], cwd=ROOT, check=True)
    listed = {each["name"] for each in json.loads(sbom.read_text())["components"]}
    wanted = {line.partition("==")[0] for line in (ROOT / pinned).read_text().splitlines() if "==" in line[:60]}
    assert listed == {name.strip() for name in wanted if not name.startswith((" ", "#"))}
