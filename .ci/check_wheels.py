"""Checks portable wheels: each library is for the machine that the name says, and needs no newer glibc than that."""

import re
import sys
import zipfile
from pathlib import Path

# e_machine of the ELF header, by the name of the platform (System V ABI).
MACHINES = {"x86_64": 62, "aarch64": 183}
# How many libraries each package has. pycld2 is built here for the machines that have no wheel of it.
LIBRARIES = {"comment_steward": 5, "pycld2": 1}
_NAME = re.compile(r"(\w+)-[^-]+-(?:py3-none|cp311-abi3)-manylinux_(\d+)_(\d+)_(x86_64|aarch64)\.whl")


def faults(wheel: Path) -> list[str]:
    named = _NAME.fullmatch(wheel.name)
    if named is None or named[1] not in LIBRARIES:
        return ["the name is not that of a portable wheel"]
    expected, most, machine = LIBRARIES[named[1]], (int(named[2]), int(named[3])), named[4]
    with zipfile.ZipFile(wheel) as packed:
        libraries = {name: packed.read(name) for name in packed.namelist() if name.endswith(".so")}
    found = [] if len(libraries) == expected else [f"it holds {len(libraries)} libraries, not {expected}"]
    for name, library in libraries.items():
        if not name.endswith((f".linux_{machine}.so", ".abi3.so")) or library[:4] != b"\x7fELF":
            found.append(f"{name} has the wrong name or is no library")
        elif int.from_bytes(library[18:20], "little") != MACHINES[machine]:
            found.append(f"{name} is for another machine")
        if (newest := _newest_glibc(library)) > most:
            found.append(f"{name} needs glibc {newest[0]}.{newest[1]}")
    return found


def _newest_glibc(library: bytes) -> tuple[int, int]:
    versions = re.findall(rb"GLIBC_(\d+)\.(\d+)", library)
    return max(((int(major), int(minor)) for major, minor in versions), default=(0, 0))


if __name__ == "__main__":
    wheels = sorted(Path(sys.argv[1]).glob("*manylinux*.whl"))
    problems = [f"{wheel.name}: {fault}" for wheel in wheels for fault in faults(wheel)]
    print("\n".join(problems or [f"{wheel.name}: {wheel.stat().st_size:,} bytes, fine" for wheel in wheels]))
    sys.exit(bool(problems) or not wheels)
