"""The check of portable wheels (.ci/check_wheels.py) finds what is wrong with one."""

import importlib.util
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
NAMES = ("_kernel", "_unmask", "_english", "_deep")


@pytest.fixture(scope="module")
def check() -> Any:
    spec = importlib.util.spec_from_file_location("check_wheels", ROOT / ".ci" / "check_wheels.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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


def test_each_fault_is_named(check: Any, wheel: Any, tmp_path: Path) -> None:
    assert "another machine" in check.faults(wheel("aarch64", library(62)))[0]
    assert "needs glibc 2.34" in check.faults(wheel("x86_64", library(62, b"GLIBC_2.34")))[0]
    assert check.faults(wheel("x86_64", library(62), NAMES[:3])) == ["it holds 3 libraries, not 4"]
    assert "no library" in check.faults(wheel("x86_64", b"text"))[0]
    assert check.faults(tmp_path / "comment_steward-0.1.0-py3-none-linux_x86_64.whl") != []
