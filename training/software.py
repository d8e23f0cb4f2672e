"""What decides which scores a text gets, apart from the model: the versions of code and libraries on a machine."""

import hashlib
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import classifier

# pycld2 finds the language, and sentencepiece the tokens. `distributed` and `joblib` must agree on how work travels.
PACKAGES = (
    "comment-steward",
    "numpy",
    "pycld2",
    "sentencepiece",
    "scipy",
    "scikit-learn",
    "joblib",
    "dask",
    "distributed",
)
CODE = "code of comment-steward"


@cache
def code_digest() -> str:
    """A hash of our Python and C sources; two releases of one version number, say two checkouts, may differ in it."""
    found = hashlib.sha256()
    for folder in (Path(classifier.__file__).parent, Path(__file__).parent):
        for path in sorted(folder.rglob("*")):
            if path.suffix in {".py", ".c", ".h"}:
                found.update(f"{folder.name}/{path.relative_to(folder)}\0".encode())
                found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


@cache
def installed() -> Mapping[str, str]:
    """By name the version of Python, of each of PACKAGES ("none" if missing), and of our code."""
    found = {"Python": ".".join(platform.python_version_tuple()[:2])}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found | {CODE: code_digest()[:12]}


def difference(there: Mapping[str, str], here: Mapping[str, str]) -> str | None:
    """The first one that is not the same, in words; None: all are."""
    for name, expected in here.items():
        if (found := there.get(name, "none")) != expected:
            return f"has {name} {found}, not {expected}"
    return None
