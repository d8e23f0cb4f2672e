"""The quick look of _strange.c, called through ctypes."""

import ctypes
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import numpy as np

# As in _strange.c.
ORDINARY, STANDING, PART, HARMFUL, ALIAS = 1, 2, 4, 8, 16
# More odd chunks than this make a text strange.
_CAPACITY = 32
_Places = ctypes.c_int64 * (2 * _CAPACITY)


class _Lexicon(ctypes.Structure):
    _fields_ = (
        ("slots", ctypes.c_void_p),
        ("bits", ctypes.c_uint32),
        ("before", ctypes.c_void_p),
        ("before_count", ctypes.c_size_t),
        ("behind", ctypes.c_void_p),
        ("behind_count", ctypes.c_size_t),
    )


def _load() -> ctypes.CDLL:
    found = sorted(Path(str(files("classifier"))).glob("_strange.*.so"))
    if not found:
        raise ImportError("the quick look is not built; install the package with pip (hatch_build.py builds it)")
    library = ctypes.CDLL(str(found[0]))
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    library.strange_put.argtypes = (pointer, ctypes.c_char_p, pointer, pointer, size)
    library.strange_find.argtypes = (pointer, ctypes.c_char_p, size, pointer, size)
    library.strange_find_ascii.argtypes = library.strange_find.argtypes
    library.strange_find.restype = library.strange_find_ascii.restype = ctypes.c_int64
    return library


_library = _load()


class Strange:
    """Immutable, and safe to use from several threads at once."""

    def __init__(self, flags: Mapping[str, int], before: str, behind: str) -> None:
        """`flags`: of each known word. `before`, `behind`: what may stand there and is no letter of a word."""
        # A harmful word has three entries; half of the slots or more stay empty.
        entries = sum(3 if each & HARMFUL else 1 for each in flags.values())
        slots = np.zeros(1 << (2 * entries + 1).bit_length(), np.uint32)
        marks = [np.array([*map(ord, each)], np.uint32) for each in (before, behind)]
        offsets = np.cumsum([0, *map(len, flags)], dtype=np.int64)
        values = np.array([*flags.values()], np.uint32)
        self._kept = (slots, *marks)  # the library holds addresses only
        self._lexicon = _Lexicon(
            slots.ctypes.data,
            len(slots).bit_length() - 1,
            marks[0].ctypes.data,
            len(before),
            marks[1].ctypes.data,
            len(behind),
        )
        self._address = ctypes.addressof(self._lexicon)
        joined = "".join(flags).encode("utf-32-le")
        _library.strange_put(self._address, joined, offsets.ctypes.data, values.ctypes.data, len(flags))

    def __call__(self, reading: str) -> list[tuple[int, int]] | None:
        """Where chunks stand that hold more than letters and may be words; None: the whole text is worth a look."""
        places = _Places()
        found = _library.strange_find(
            self._address, reading.encode("utf-32-le"), len(reading), ctypes.addressof(places), _CAPACITY
        )
        return _odd(found, places)

    def in_ascii(self, text: str) -> list[tuple[int, int]] | None:
        """The same of what classifier.normalise.read makes of an ASCII text."""
        places = _Places()
        found = _library.strange_find_ascii(
            self._address, text.encode("ascii"), len(text), ctypes.addressof(places), _CAPACITY
        )
        if found < -1:
            raise MemoryError("the quick look got no memory for this text")
        return _odd(found, places)


def _odd(found: int, places: "ctypes.Array[ctypes.c_int64]") -> list[tuple[int, int]] | None:
    return None if found < 0 else [(places[2 * at], places[2 * at + 1]) for at in range(found)]
