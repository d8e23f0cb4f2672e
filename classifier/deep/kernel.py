"""The compiled deep reader, called through ctypes, which releases the GIL during the call."""

import ctypes
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.compiled import installed

# The sizes of the network (classifier/_deep.c).
LABELS = 7
EMBEDDED, CHANNELS, SENTENCE, NARROW, HIDDEN = 512, 256, 512, 320, 320
ORDERS = (2, 3, 5)
ALL = len(ORDERS) * CHANNELS
FEATURES = EMBEDDED + ALL
POOLED = 2 * FEATURES
# Weights are stored in groups of 4 inputs and 16 columns: (inputs / QUAD, columns / COLUMNS, COLUMNS, QUAD).
QUAD, COLUMNS = 4, 16
ZERO = 128
# The sum of two products of such a weight and a byte fits into 16 bits.
MOST_WEIGHT = 63

# The dense layers over the pooled features: inputs and columns, in the order of the kernel.
DENSE: Mapping[str, tuple[int, int]] = {
    "said": (FEATURES, SENTENCE),
    "d0": (SENTENCE, NARROW),
    "d1": (NARROW, NARROW),
    "p1": (SENTENCE, NARROW),
    "d2": (NARROW, SENTENCE),
    "p3": (NARROW, SENTENCE),
    "d3": (SENTENCE, SENTENCE),
    "hidden_said": (SENTENCE, HIDDEN),
    "hidden_mean": (FEATURES, HIDDEN),
    "hidden_largest": (FEATURES, HIDDEN),
}

_LOOKED = (sum(ORDERS) * CHANNELS // QUAD, CHANNELS // COLUMNS, COLUMNS, QUAD)
_BY_BRANCH = (len(ORDERS), CHANNELS)
# A deep reader's arrays: type and shape.
ARRAYS: Mapping[str, tuple[str, tuple[int, ...]]] = {
    "project": ("|i1", (EMBEDDED // QUAD, ALL // COLUMNS, COLUMNS, QUAD)),
    "project_zero": ("<i4", (ALL,)),
    "project_scale": ("<f4", (ALL,)),
    "project_bias": ("<f4", (ALL,)),
    "gain": ("<f4", (ALL,)),
    "shift": ("<f4", (ALL,)),
    "first": ("|i1", _LOOKED),
    "first_zero": ("<i4", _BY_BRANCH),
    "first_scale": ("<f4", _BY_BRANCH),
    "first_bias": ("<f4", _BY_BRANCH),
    "second": ("|i1", _LOOKED),
    "second_zero": ("<i4", _BY_BRANCH),
    "second_scale": ("<f4", _BY_BRANCH),
    "second_bias": ("<f4", _BY_BRANCH),
    "per_step": ("<f4", (2, ALL)),
    "last_gain": ("<f4", (FEATURES,)),
    "last_shift": ("<f4", (FEATURES,)),
    "said_bias": ("<f4", (SENTENCE,)),
    **{
        f"{name}{part}": shape
        for name, (inputs, columns) in DENSE.items()
        for part, shape in {
            "": ("|i1", (inputs // QUAD, columns // COLUMNS, COLUMNS, QUAD)),
            "_zero": ("<i4", (columns,)),
            "_scale": ("<f4", (columns,)),
        }.items()
    },
    "hidden_bias": ("<f4", (HIDDEN,)),
    "output": ("<f4", (HIDDEN, LABELS)),
    "output_bias": ("<f4", (LABELS,)),
}


class _Layer(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_void_p) for name in ("weights", "zero", "scale", "bias"))


class _Dense(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_void_p) for name in ("weights", "zero", "scale"))


class _Deep(ctypes.Structure):
    _fields_ = (
        ("codes", ctypes.c_void_p),
        ("steps", ctypes.c_void_p),
        ("pieces", ctypes.c_uint64),
        ("project", _Layer),
        ("gain", ctypes.c_void_p),
        ("shift", ctypes.c_void_p),
        ("first", _Layer * len(ORDERS)),
        ("second", _Layer * len(ORDERS)),
        ("per_step", ctypes.c_void_p),
        ("last_gain", ctypes.c_void_p),
        ("last_shift", ctypes.c_void_p),
        ("said_bias", ctypes.c_void_p),
        ("dense", _Dense * len(DENSE)),
        ("hidden_bias", ctypes.c_void_p),
        ("output", ctypes.c_void_p),
        ("output_bias", ctypes.c_void_p),
        ("memory", ctypes.c_void_p),
    )


def _load() -> ctypes.CDLL:
    library = installed("_deep")
    library.steward_deep_logits.argtypes = library.steward_deep_without.argtypes = (
        ctypes.c_void_p,
        ctypes.c_int,
        ctypes.c_void_p,
        ctypes.c_int64,
        ctypes.c_void_p,
        ctypes.c_int64,
        ctypes.c_void_p,
    )
    library.steward_deep_remember.argtypes = (ctypes.c_void_p, ctypes.c_int)
    library.steward_deep_remember.restype = ctypes.c_void_p
    library.steward_deep_forget.argtypes = (ctypes.c_void_p,)
    library.steward_deep_forget.restype = None
    library.steward_deep_remembered.argtypes = (ctypes.c_void_p,)
    return library


_library = _load()
# 0: any processor, 1: AVX2, 2: AVX-512 with VNNI; all give the same results.
BEST: int = _library.steward_deep_best()


class DeepWeights:
    """The arrays of a deep reader and of its table as the kernel uses them: most in place, so they must not change.

    `codes`: (pieces, EMBEDDED / 2) bytes. `steps`: (pieces,) float32. Raises ValueError for arrays that do not fit.
    """

    def __init__(
        self, arrays: Mapping[str, NDArray[Any]], codes: NDArray[np.uint8], steps: NDArray[np.float32], way: int = BEST
    ) -> None:
        for name, (dtype, shape) in ARRAYS.items():
            _check(name, arrays[name], dtype, shape)
        _check("codes", codes, "|u1", (len(steps), EMBEDDED // 2))
        _check("steps", steps, "<f4", (len(steps),))
        used = {
            name: _in_panels(name, arrays[name]) if kind == "|i1" else arrays[name]
            for name, (kind, _) in ARRAYS.items()
        }
        self._kept = [codes, steps, *used.values()]  # the kernel holds addresses only
        self._way = min(way, BEST)
        at = {name: array.ctypes.data for name, array in used.items()}
        ends = np.cumsum([0, *ORDERS]) * CHANNELS * CHANNELS
        by_branch = [
            [
                _Layer(at[name] + int(ends[b]), *(at[f"{name}_{part}"] + b * CHANNELS * 4 for part in _PARTS))
                for b in range(len(ORDERS))
            ]
            for name in ("first", "second")
        ]
        self._deep = _Deep(
            codes.ctypes.data,
            steps.ctypes.data,
            len(steps),
            _Layer(at["project"], *(at[f"project_{part}"] for part in _PARTS)),
            at["gain"],
            at["shift"],
            *((_Layer * len(ORDERS))(*layers) for layers in by_branch),
            *(at[name] for name in ("per_step", "last_gain", "last_shift", "said_bias")),
            (_Dense * len(DENSE))(*(_Dense(at[name], at[f"{name}_zero"], at[f"{name}_scale"]) for name in DENSE)),
            *(at[name] for name in ("hidden_bias", "output", "output_bias")),
        )
        self._address = ctypes.addressof(self._deep)
        memory = _library.steward_deep_remember(self._address, self._way)
        if memory is None:
            raise MemoryError("the kernel could not allocate memory for a deep reader")
        self._deep.memory = memory
        # Not at the end of the process, when a thread may still read.
        weakref.finalize(self, _library.steward_deep_forget, memory).atexit = False

    @property
    def remembered(self) -> int:
        """The pieces whose first layers are remembered (classifier/_pieces.h)."""
        return int(_library.steward_deep_remembered(self._deep.memory))

    def logits(self, pieces: Sequence[int], windows: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
        """Logits of each window [start, end) of the pieces, none of them empty: (windows, LABELS)."""
        return self._called(_library.steward_deep_logits, pieces, windows)

    def without(self, pieces: Sequence[int], words: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
        """Logits of all pieces except those of one word [start, end), for each of the words: (words, LABELS)."""
        return self._called(_library.steward_deep_without, pieces, words)

    def _called(
        self, function: Callable[..., int], pieces: Sequence[int], parts: Sequence[tuple[int, int]]
    ) -> NDArray[np.float32]:
        numbers, ends = np.array(pieces, np.int32), np.array(parts, np.int64)
        found = np.empty((len(parts), LABELS), np.float32)
        status = function(
            self._address,
            self._way,
            numbers.ctypes.data,
            len(numbers),
            ends.ctypes.data,
            len(parts),
            found.ctypes.data,
        )
        if status == -1:
            raise MemoryError("the kernel could not allocate memory for this text")
        if status:
            raise ValueError("a piece is not in the vocabulary")
        return found


def _in_panels(name: str, weights: NDArray[np.int8]) -> NDArray[np.int8]:
    """A copy in the order of the kernel (classifier/_integers.h): all inputs of 16 columns lie together.

    The first layers are multiplied row by row (classifier/_pieces.h), the second ones by branch.
    """
    row = CHANNELS // QUAD
    sizes = {"first": (row,) * sum(ORDERS), "second": tuple(order * row for order in ORDERS)}.get(name, (len(weights),))
    parts = np.split(weights, np.cumsum(sizes)[:-1])
    return np.concatenate([part.transpose(1, 0, 2, 3).ravel() for part in parts])


_PARTS = ("zero", "scale", "bias")


def _check(name: str, array: NDArray[Any], dtype: str, shape: tuple[int, ...]) -> None:
    if array.dtype.str != dtype or array.shape != shape or not array.flags.c_contiguous:
        raise ValueError(f"{name} is {array.dtype.str} {array.shape}; it must be {dtype} {shape} in C order")
    if dtype == "|i1" and (array.min() < -MOST_WEIGHT or array.max() > MOST_WEIGHT):
        raise ValueError(f"{name} holds {array.min()} to {array.max()}; no weight may be larger than {MOST_WEIGHT}")
