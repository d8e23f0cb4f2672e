"""The compiled kernel, called through ctypes, which lets go of the interpreter's lock for the call."""

import ctypes
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifier.normalise import read

# Numbers in a row of the table: the inverse document frequency, then one weight for each label (_kernel.c).
WIDTH = 8
LABELS = WIDTH - 1
# The highest bit of a feature says which of the two blocks (words, characters) it belongs to.
BLOCK_BIT = 31


class _Model(ctypes.Structure):
    _fields_ = (
        ("rows", ctypes.c_void_p),
        ("bits", ctypes.c_uint32),
        ("bias", ctypes.c_void_p),
        ("slope", ctypes.c_void_p),
        ("intercept", ctypes.c_void_p),
    )


def _load() -> ctypes.CDLL:
    folder = Path(str(files("classifier")))
    found = sorted(folder.glob("_kernel.*.so"))
    if not found:
        raise ImportError("the kernel is not built; install the package with pip (hatch_build.py builds it)")
    library = ctypes.CDLL(str(found[0]))
    library.steward_features.restype = ctypes.c_int64
    library.steward_features.argtypes = (
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_uint32,
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_size_t,
    )
    library.steward_score.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p)
    library.steward_contributions.argtypes = library.steward_score.argtypes
    library.steward_score_many.argtypes = (
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_void_p,
    )
    library.steward_prepare()
    return library


_library = _load()
_Row = ctypes.c_double * LABELS


class Weights:
    """A model's arrays as the kernel sees them; they are used in place and must not change.

    `rows`: (2**bits, WIDTH) float16, C order. `bias`, `slope`, `intercept`: (LABELS,) float64; the calibrated
    logit is slope * logit + intercept.
    """

    def __init__(
        self,
        rows: NDArray[np.float16],
        bias: NDArray[np.float64],
        slope: NDArray[np.float64],
        intercept: NDArray[np.float64],
    ) -> None:
        bits = int(rows.shape[0]).bit_length() - 1
        if rows.shape != (1 << bits, WIDTH) or not rows.flags.c_contiguous or rows.dtype != np.float16:
            raise ValueError(f"rows are {rows.dtype} {rows.shape}; they must be float16 (2**bits, {WIDTH}) in C order")
        small = [np.ascontiguousarray(each, np.float64) for each in (bias, slope, intercept)]
        if any(each.shape != (LABELS,) for each in small):
            raise ValueError(f"bias, slope and intercept must hold {LABELS} numbers each")
        self.bits = bits
        self._kept = (rows, *small)  # the kernel holds addresses only
        self._model = _Model(rows.ctypes.data, bits, *(each.ctypes.data for each in small))
        self._address = ctypes.addressof(self._model)

    def score(self, text: str) -> tuple[float, ...]:
        """Calibrated probabilities of one text, one for each label."""
        normal = read(text)
        row = _Row()
        _checked(_library.steward_score(self._address, normal.encode("utf-32-le"), len(normal), row))
        return tuple(row)

    def score_many(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """The same for many, shape (len(texts), LABELS)."""
        normal = [read(text) for text in texts]
        offsets = np.zeros(len(texts) + 1, np.int64)
        np.cumsum([len(text) for text in normal], out=offsets[1:])
        found = np.empty((len(texts), LABELS))
        joined = "".join(normal).encode("utf-32-le")
        _checked(_library.steward_score_many(self._address, joined, offsets.ctypes.data, len(texts), found.ctypes.data))
        return found

    def contributions(self, normal: str) -> NDArray[np.float64]:
        """How much each code point of a normalised text moved each calibrated logit, shape (len, LABELS)."""
        found = np.empty((len(normal), LABELS))
        _checked(
            _library.steward_contributions(
                self._address, normal.encode("utf-32-le"), len(normal), found.ctypes.data_as(ctypes.c_void_p)
            )
        )
        return found


def features(text: str, bits: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Distinct features of a text and how often each occurs; the block stands in the highest bit."""
    normal = read(text)
    capacity = 6 * len(normal) + 8
    rows, counts = np.empty(capacity, np.uint32), np.empty(capacity, np.uint32)
    found = _library.steward_features(
        normal.encode("utf-32-le"), len(normal), bits, rows.ctypes.data, counts.ctypes.data, capacity
    )
    _checked(0 if found >= 0 else -1)
    return rows[:found].copy(), counts[:found].copy()


def _checked(status: int) -> None:
    if status != 0:
        raise MemoryError("the kernel got no memory for this text")
