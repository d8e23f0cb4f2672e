"""Loads the compiled libraries of the package."""

import ctypes
from pathlib import Path


def installed(name: str) -> ctypes.CDLL:
    """The library built from `name`.c. Raises ImportError if it was not built."""
    found = sorted(Path(__file__).parent.glob(f"{name}.*.so"))
    if not found:
        raise ImportError(f"{name}.c is not built; install the package with pip (hatch_build.py builds it)")
    return ctypes.CDLL(str(found[0]))
