"""Build a wheel of pycld2, which has none for arm64 and for new Pythons: build_pycld2.py ZIG_PYTHON FOLDER MACHINE...

One wheel for each machine (x86_64, aarch64), for all Pythons from 3.11 on: compiled by zig for the limited API and an
old glibc, from the sources that requirements/runtime.txt pins. ZIG_PYTHON is the Python that has ziglang.
"""

import base64
import hashlib
import re
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from pathlib import Path

PINNED = Path("requirements/runtime.txt")
GLIBC = "2.17"
# Python 3.11 and later; the limited API has the function for the macro.
DEFINED = ("-DPy_LIMITED_API=0x030b0000", "-DPyTuple_SET_ITEM=PyTuple_SetItem")
FLAGS = ("-O2", "-std=c++11", "-fPIC", "-w", "-Wno-narrowing", "-mcpu=baseline")
_SOURCE = re.compile(r'"(\w+\.cc)"')


def unpacked(folder: Path) -> Path:
    """Download the pinned sources with their hash."""
    block = re.search(r"^pycld2==.*?(?=^\S)", PINNED.read_text() + "end", re.MULTILINE | re.DOTALL)
    if block is None:
        raise SystemExit(f"pycld2 is not in {PINNED}")
    (folder / "pinned.txt").write_text(block[0])
    asked = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", ":all:", "--require-hashes"]
    pip = [sys.executable, "-m", "pip", "download", *asked, "--dest", str(folder), "-r", str(folder / "pinned.txt")]
    subprocess.run(pip, check=True, timeout=300)
    (packed,) = folder.glob("pycld2-*.tar.gz")
    with tarfile.open(packed) as archive:
        archive.extractall(folder, filter="data")
    return folder / packed.name.removesuffix(".tar.gz")


def compile_for(machine: str, source: Path, zig_python: str, target: Path) -> None:
    """With the files that its own setup.py names."""
    named = _SOURCE.findall((source / "setup.py").read_text())
    files = [str(found) for name in named if (found := source / "cld2" / "internal" / name).exists()]
    files += [str(source / "bindings" / name) for name in ("pycldmodule.cc", "encodings.cc")]
    headers = [source / "cld2" / "internal", source / "cld2" / "public", sysconfig.get_path("include")]
    zig = [zig_python, "-m", "ziglang", "c++", "-target", f"{machine}-linux-gnu.{GLIBC}", *FLAGS, *DEFINED]
    subprocess.run([*zig, *(f"-I{each}" for each in headers), "-shared", "-o", str(target), *files], check=True)


def pack(machine: str, source: Path, library: Path, folder: Path) -> Path:
    """A wheel as PEP 427 describes it."""
    name, version = source.name.split("-")
    tag = f"cp311-abi3-manylinux_{GLIBC.replace('.', '_')}_{machine}"
    about = f"{name}-{version}.dist-info"
    wheel = f"Wheel-Version: 1.0\nGenerator: build_pycld2\nRoot-Is-Purelib: false\nTag: {tag}\n"
    content = {
        f"{name}/__init__.py": (source / name / "__init__.py").read_bytes(),
        f"{name}/_pycld2.abi3.so": library.read_bytes(),
        f"{about}/METADATA": (source / "PKG-INFO").read_bytes(),
        f"{about}/licenses/LICENSE": (source / "LICENSE").read_bytes(),
        f"{about}/WHEEL": wheel.encode(),
    }
    record = "".join(f"{path},sha256={_digest(raw)},{len(raw)}\n" for path, raw in content.items())
    made = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        for path, raw in (content | {f"{about}/RECORD": f"{record}{about}/RECORD,,\n".encode()}).items():
            packed.writestr(path, raw)
    return made


def _digest(raw: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")


if __name__ == "__main__":
    zig_python, folder, *machines = sys.argv[1:]
    with tempfile.TemporaryDirectory() as temporary:
        source = unpacked(Path(temporary))
        for machine in machines:
            library = Path(temporary) / f"{machine}.so"
            compile_for(machine, source, zig_python, library)
            print(pack(machine, source, library, Path(folder)))
