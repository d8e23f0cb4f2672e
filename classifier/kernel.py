"""The compiled kernel, called through ctypes, which releases the GIL during the call."""

import ctypes
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.compiled import installed
from classifier.normalize import read

# Bytes in a row of the table: the inverse document frequency, then one weight for each label (_kernel.c).
WIDTH = 8
LABELS = WIDTH - 1
# The highest bit of a feature is its block (words or characters).
BLOCK_BIT = 31

# The sizes of the network (_network.h).
DIM, TAPS, CHANNELS, HIDDEN = 32, 3, 64, 64
POOLED = 2 * CHANNELS + DIM + 2

Shapes = Mapping[str, tuple[str, tuple[int | str | None, ...]]]

# The arrays of a bag of n-grams: type and shape; None is a power of two.
BAG: Shapes = {"rows": ("|u1", (None, WIDTH)), "steps": ("<f8", (LABELS,)), "bias": ("<f8", (LABELS,))}
# A model's arrays; "languages" is one row for each language.
ARRAYS: Shapes = {
    **BAG,
    "slope": ("<f8", ("languages", LABELS)),
    "intercept": ("<f8", ("languages", LABELS)),
    "vectors": ("|i1", (None, DIM)),
    "vector_steps": ("<f4", (DIM,)),
    "filters": ("<f4", (TAPS, DIM, CHANNELS)),
    "filter_bias": ("<f4", (CHANNELS,)),
    "hidden": ("<f4", (POOLED, HIDDEN)),
    "hidden_bias": ("<f4", (HIDDEN,)),
    "output": ("<f4", (HIDDEN, LABELS)),
}


class _Network(ctypes.Structure):
    _fields_ = (
        ("vectors", ctypes.c_void_p),
        ("bits", ctypes.c_uint32),
        ("steps", ctypes.c_void_p),
        ("filters", ctypes.c_void_p),
        ("filter_bias", ctypes.c_void_p),
        ("hidden", ctypes.c_void_p),
        ("hidden_bias", ctypes.c_void_p),
        ("output", ctypes.c_void_p),
        ("id", ctypes.c_uint64),
    )


class _Model(ctypes.Structure):
    _fields_ = (
        ("rows", ctypes.c_void_p),
        ("bits", ctypes.c_uint32),
        ("steps", ctypes.c_void_p),
        ("bias", ctypes.c_void_p),
        ("network", _Network),
    )


class _Calibration(ctypes.Structure):
    _fields_ = (("slope", ctypes.c_void_p), ("intercept", ctypes.c_void_p))


def _load() -> ctypes.CDLL:
    library = installed("_kernel")
    text = (ctypes.c_char_p, ctypes.c_size_t)
    model = (ctypes.c_void_p, ctypes.c_void_p)
    library.steward_features.restype = library.steward_tokens.restype = ctypes.c_int64
    library.steward_features.argtypes = (
        *text,
        ctypes.c_uint32,
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_size_t,
    )
    library.steward_tokens.argtypes = (*text, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    library.steward_score.argtypes = (*model, *text, ctypes.c_void_p)
    library.steward_score_ascii.argtypes = library.steward_score.argtypes
    library.steward_contributions.argtypes = library.steward_score.argtypes
    library.steward_score_many.argtypes = (
        *model,
        ctypes.c_char_p,
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_void_p,
    )
    library.steward_prepare()
    return library


_library = _load()
_Row = ctypes.c_double * LABELS
# In place of a language: the logits as they are.
UNCALIBRATED = -1
_ONE, _NOTHING = np.ones((1, LABELS)), np.zeros((1, LABELS))
_ONE.setflags(write=False)  # all models share them, and `calibration` gives them away
_NOTHING.setflags(write=False)
# Identifies the model in each thread's cache of words.
_ids = count(1)


class Weights:
    """A model's arrays as the kernel uses them: in place, so they must not change.

    `arrays`: all of ARRAYS, in C order; or all of BAG alone, which has neither a network nor a calibration. Raises
    ValueError otherwise.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        expected = BAG if arrays.keys() == BAG.keys() else ARRAYS
        for name, (dtype, shape) in expected.items():
            _check(name, arrays[name], dtype, shape)
        self._kept = {name: arrays[name] for name in expected}  # the kernel holds addresses only
        slope, intercept = self._kept.setdefault("slope", _ONE), self._kept.setdefault("intercept", _NOTHING)
        if slope.shape != intercept.shape:
            raise ValueError("slope and intercept must have a row for each language")
        network = _network(self._kept) if expected is ARRAYS else _Network()
        rows, steps, bias = (self._kept[name] for name in BAG)
        self._model = _Model(rows.ctypes.data, _bits(rows), steps.ctypes.data, bias.ctypes.data, network)
        self._address = ctypes.addressof(self._model)
        size = LABELS * 8
        self._calibrations = [
            *(
                _Calibration(slope.ctypes.data + language * size, intercept.ctypes.data + language * size)
                for language in range(len(slope))
            ),
            _Calibration(_ONE.ctypes.data, _NOTHING.ctypes.data),  # the last, so UNCALIBRATED is its place
        ]
        self._calibrated_by = [ctypes.addressof(each) for each in self._calibrations]

    def calibration(self, language: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Slope and intercept of each label's logit, (LABELS,) each. `language`: as in `score`."""
        if language == UNCALIBRATED:
            return _ONE[0], _NOTHING[0]
        return self._kept["slope"][language], self._kept["intercept"][language]

    def score(self, text: str, language: int = 0) -> tuple[float, ...]:
        """Calibrated probabilities of one text, one for each label. `language`: a row of `slope`, or UNCALIBRATED."""
        if not text.isascii():
            return self.score_reading(read(text), language)
        row = _Row()
        _checked(
            _library.steward_score_ascii(self._address, self._calibrated_by[language], text.encode(), len(text), row)
        )
        return tuple(row[:])

    def score_reading(self, reading: str, language: int = 0) -> tuple[float, ...]:
        """The same for the result of `read`."""
        row = _Row()
        _checked(
            _library.steward_score(
                self._address, self._calibrated_by[language], reading.encode("utf-32-le"), len(reading), row
            )
        )
        return tuple(row[:])

    def score_many(self, texts: Sequence[str], language: int = 0) -> NDArray[np.float64]:
        """The same for many texts, shape (len(texts), LABELS)."""
        return self.score_readings([read(text) for text in texts], language)

    def score_readings(self, readings: Sequence[str], language: int = 0) -> NDArray[np.float64]:
        """The same for the results of `read`."""
        offsets = np.zeros(len(readings) + 1, np.int64)
        np.cumsum([len(reading) for reading in readings], out=offsets[1:])
        found = np.empty((len(readings), LABELS))
        joined = "".join(readings).encode("utf-32-le")
        _checked(
            _library.steward_score_many(
                self._address,
                self._calibrated_by[language],
                joined,
                offsets.ctypes.data,
                len(readings),
                found.ctypes.data,
            )
        )
        return found

    def contributions(self, reading: str, language: int = 0) -> NDArray[np.float64]:
        """How much each code point of a reading contributed to each calibrated logit, shape (len, LABELS)."""
        found = np.empty((len(reading), LABELS))
        _checked(
            _library.steward_contributions(
                self._address,
                self._calibrated_by[language],
                reading.encode("utf-32-le"),
                len(reading),
                found.ctypes.data_as(ctypes.c_void_p),
            )
        )
        return found


def features(text: str, bits: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Distinct features of a text and how often each occurs; the highest bit is the block."""
    normal = read(text)
    capacity = 6 * len(normal) + 8
    rows, counts = np.empty(capacity, np.uint32), np.empty(capacity, np.uint32)
    found = _library.steward_features(
        normal.encode("utf-32-le"), len(normal), bits, rows.ctypes.data, counts.ctypes.data, capacity
    )
    _checked(0 if found >= 0 else -1)
    return rows[:found].copy(), counts[:found].copy()


def tokens(text: str, bits: int) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.uint32]]:
    """The network's input: a key for each token, the end of its vector rows, and all vector rows."""
    normal = read(text)
    keys, ends = np.empty(len(normal), np.uint64), np.empty(len(normal), np.int64)
    rows = np.empty(6 * len(normal) + 8, np.uint32)
    found = _library.steward_tokens(
        normal.encode("utf-32-le"), len(normal), bits, keys.ctypes.data, ends.ctypes.data, rows.ctypes.data
    )
    _checked(0 if found >= 0 else -1)
    return keys[:found].copy(), ends[:found].copy(), rows[: ends[found - 1] if found else 0].copy()


def _network(arrays: Mapping[str, NDArray[Any]]) -> _Network:
    at = {name: arrays[name].ctypes.data for name in ARRAYS}
    return _Network(
        at["vectors"],
        _bits(arrays["vectors"]),
        at["vector_steps"],
        at["filters"],
        at["filter_bias"],
        at["hidden"],
        at["hidden_bias"],
        at["output"],
        next(_ids),
    )


def _check(name: str, array: NDArray[Any], dtype: str, shape: tuple[int | str | None, ...]) -> None:
    fits = len(array.shape) == len(shape) and all(
        is_power_of_two(have) if want is None else have >= 1 if want == "languages" else have == want
        for have, want in zip(array.shape, shape, strict=True)
    )
    if array.dtype.str != dtype or not fits or not array.flags.c_contiguous:
        raise ValueError(f"{name} is {array.dtype.str} {array.shape}; it must be {dtype} {shape} in C order")


def is_power_of_two(number: int) -> bool:
    return number > 0 and number & (number - 1) == 0


def _bits(array: NDArray[Any]) -> int:
    return int(array.shape[0]).bit_length() - 1


def _checked(status: int) -> None:
    if status != 0:
        raise MemoryError("the kernel could not allocate memory for this text")
