"""Finds the disguised words of a text with _unmask.c, called through ctypes, which releases the GIL."""

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifier.compiled import installed
from classifier.homoglyphs import TextProperties
from classifier.lexicon import Lexicon
from classifier.words import LONGEST

# As in _quick.h.
_ORDINARY, _STANDING, _PART, _HARMFUL, _ALIAS = 1, 2, 4, 8, 16
_FEW_ODD = 32
# As in _words.h.
_KNOWN, _STANDS, _TELLING, _WHOLE, _IS_ORDINARY = 1, 2, 4, 8, 16
_NO_WORD = 0xFFFF_FFFF
_LETTERS = "abcdefghijklmnopqrstuvwxyz'"
_LETTER_AT = {letter: at for at, letter in enumerate(_LETTERS)}
_BLOCK = 64
_PREFIX_BITS = 20
# As in _findings.h.
_MOST = 1_000
_MOST_LETTERS = 40 * _MOST
_FIELDS = 9
# Shorter parts of a compound are too ambiguous.
_SHORTEST_PART = 4


class _Quick(ctypes.Structure):
    _fields_ = (("slots", ctypes.c_void_p), ("bits", ctypes.c_uint32))


class _CompiledWords(ctypes.Structure):
    _fields_ = (
        ("letters", ctypes.c_void_p),
        ("starts", ctypes.c_void_p),
        ("flags", ctypes.c_void_p),
        ("costs", ctypes.c_void_p),
        ("aliases", ctypes.c_void_p),
        ("count", ctypes.c_uint32),
        ("harmful", ctypes.c_uint32),
        ("bits", ctypes.c_uint32),
        ("slots", ctypes.c_void_p),
        ("skeletons", ctypes.c_void_p),
        ("next", ctypes.c_void_p),
        ("prefixes", ctypes.c_void_p),
        ("masks", ctypes.c_void_p),
        ("masks_at", ctypes.c_void_p),
        ("masked", ctypes.c_void_p),
        ("masked_at", ctypes.c_void_p),
    )


class _CompiledPlain(ctypes.Structure):
    _fields_ = (
        ("text", ctypes.c_char_p),
        ("about", ctypes.c_void_p),
        ("n", ctypes.c_size_t),
        ("starts", ctypes.c_void_p),
        ("ends", ctypes.c_void_p),
    )


_Places = ctypes.c_int64 * (2 * _FEW_ODD)


def prepared(library: ctypes.CDLL) -> ctypes.CDLL:
    """Declares the types of the functions in _unmask.c."""
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    library.quick_put.argtypes = (pointer, ctypes.c_char_p, pointer, pointer, size)
    library.quick_find.argtypes = (pointer, ctypes.c_char_p, size, pointer, size)
    library.quick_find_ascii.argtypes = library.quick_find.argtypes
    library.words_put.argtypes = (pointer,)
    library.unmask_find.argtypes = (*[pointer] * 2, ctypes.c_char_p, pointer, size, *[pointer] * 5)
    library.quick_find.restype = library.quick_find_ascii.restype = library.unmask_find.restype = ctypes.c_int64
    library.unmask_prepare()
    return library


_installed_library = prepared(installed("_unmask"))


class Word(NamedTuple):
    """A word of `length` letters that replaces [start, end) of the homoglyph reading and [from_, to) of the plain one.

    `is_apart`: whether a space before it replaces what separated it from the word before.
    """

    start: int
    end: int
    length: int
    from_: int
    to: int
    is_apart: int


class Disguises:
    """Immutable and thread-safe."""

    def __init__(
        self, lexicon: Lexicon, library: ctypes.CDLL = _installed_library, *, has_quick_look: bool = True
    ) -> None:
        """`has_quick_look`: whether a prefilter skips texts without a sign of a disguise."""
        self._library = library
        self._has_quick_look = has_quick_look
        self._kept: list[NDArray[Any]] = []  # the library only stores addresses, so these must stay alive
        self._quick = self._quick_table(lexicon)
        self._words = self._word_tables(lexicon)
        self._addresses = ctypes.addressof(self._words), ctypes.addressof(self._quick) if has_quick_look else None

    def may_be_in_ascii(self, text: str) -> bool:
        """Whether the reading of an ASCII text needs a thorough look."""
        if not self._has_quick_look:
            return True
        places = _Places()
        found = self._library.quick_find_ascii(
            ctypes.addressof(self._quick), text.encode("ascii"), len(text), places, _FEW_ODD
        )
        return _checked(found) != 0

    def may_be_in(self, reading: str) -> bool:
        """The same for a reading."""
        if not self._has_quick_look:
            return True
        places = _Places()
        raw = reading.encode("utf-32-le")
        return bool(self._library.quick_find(ctypes.addressof(self._quick), raw, len(reading), places, _FEW_ODD) != 0)

    def find(self, plain: str, alike: str, looked: TextProperties | None) -> tuple[str, NDArray[np.int64]] | None:
        """The unmasked text, and its replaced words as rows of Word; None if nothing is disguised.

        `plain`, `alike`: the readings of classifier.normalize and classifier.homoglyphs. `looked`: the properties of
        the code points; None for ASCII texts, whose two readings have the same length.
        """
        raw = plain.encode("utf-32-le")
        if looked is None:
            about, source = None, _CompiledPlain(raw, None, len(plain), None, None)
        else:
            about = looked.about
            source = _CompiledPlain(raw, _data(looked.of_plain), len(plain), _data(looked.starts), _data(looked.ends))
        found, letters = np.empty((_MOST, _FIELDS), np.int64), np.empty(_MOST_LETTERS, np.uint8)
        reading, length = np.empty(len(plain) + _MOST_LETTERS + _MOST, np.uint32), ctypes.c_int64()
        count = self._library.unmask_find(
            *self._addresses,
            alike.encode("utf-32-le"),
            _data(about),
            len(alike),
            ctypes.byref(source),
            _data(found),
            _data(letters),
            _data(reading),
            ctypes.byref(length),
        )
        if _checked(count) == 0:
            return None
        return reading[: length.value].tobytes().decode("utf-32-le"), found[:count, : len(Word._fields)].copy()

    def _address(self, array: NDArray[Any]) -> int:
        self._kept.append(array)
        return array.ctypes.data

    def _quick_table(self, lexicon: Lexicon) -> _Quick:
        flags = _quick_flags(lexicon)
        # A harmful word has three entries; half of the slots or more stay empty.
        entries = sum(3 if each & _HARMFUL else 1 for each in flags.values())
        bits = (2 * entries + 1).bit_length()
        quick = _Quick(self._address(np.zeros(1 << bits, np.uint32)), bits)
        offsets = np.cumsum([0, *map(len, flags)], dtype=np.int64)
        values = np.array([*flags.values()], np.uint32)
        joined = "".join(flags).encode("utf-32-le")
        self._library.quick_put(ctypes.addressof(quick), joined, offsets.ctypes.data, values.ctypes.data, len(flags))
        return quick

    def _word_tables(self, lexicon: Lexicon) -> _CompiledWords:
        ordered = lexicon.ordered
        numbers = {word: number for number, word in enumerate(ordered)}
        bits = (2 * len(ordered) + 1).bit_length()
        address = self._address
        words = _CompiledWords(
            address(np.frombuffer("".join(ordered).encode("ascii") + b"\0", np.uint8)),
            address(np.cumsum([0, *map(len, ordered)], dtype=np.uint32)),
            address(np.array([_word_flags(word, lexicon) for word in ordered], np.uint8)),
            address(np.array([lexicon.costs.get(word, np.inf) for word in ordered], np.float64)),
            address(np.array([numbers.get(lexicon.aliases.get(word, ""), _NO_WORD) for word in ordered], np.uint32)),
            len(ordered),
            len(lexicon.harmful),
            bits,
            address(np.zeros(1 << bits, np.uint32)),
            address(np.zeros(1 << bits, np.uint32)),
            address(np.zeros(len(ordered), np.uint32)),
            address(np.zeros(1 << _PREFIX_BITS >> 3, np.uint8)),
            *map(address, _masks([numbers[word] for word in lexicon.maskable], ordered)),
        )
        self._library.words_put(ctypes.addressof(words))
        return words


def _data(array: NDArray[Any] | None) -> int | None:
    return None if array is None else array.ctypes.data


def _checked(count: int) -> int:
    if count < -1:
        raise MemoryError("unmasking could not allocate memory for this text")
    return count


def _quick_flags(lexicon: Lexicon) -> Mapping[str, int]:
    """The flags of each word for the prefilter."""
    words = lexicon.known | lexicon.standing
    owned = {word.replace("'", "\u2019") for word in words if "'" in word}
    return {
        word: _ORDINARY * (word.replace("\u2019", "'") in lexicon.ordinary)
        | _STANDING * (word in lexicon.standing)
        | _PART * (len(word) >= _SHORTEST_PART and word in lexicon.whole)
        | _HARMFUL * (word in lexicon.harmful)
        | _ALIAS * (word in lexicon.aliases)
        for word in sorted(words | owned)
    }


def _word_flags(word: str, lexicon: Lexicon) -> int:
    return (
        _KNOWN * (word in lexicon.known)
        | _STANDS * (word in lexicon.standing)
        | _TELLING * (word in lexicon.telling)
        | _WHOLE * (word in lexicon.whole)
        | _IS_ORDINARY * (word in lexicon.ordinary)
    )


def _masks(numbers: Sequence[int], ordered: Sequence[str]) -> tuple[NDArray[Any], ...]:
    """Bit sets of the words with each letter at each position, by length; and the words, by length."""
    by_length = [[number for number in numbers if len(ordered[number]) == length] for length in range(LONGEST + 1)]
    blocks = [-(-len(group) // _BLOCK) for group in by_length]
    sizes = [length * len(_LETTERS) * blocks[length] for length in range(LONGEST + 1)]
    masks_at = np.cumsum([0, *sizes], dtype=np.uint32)
    masks = [0] * (int(masks_at[-1]) + 1)  # a list, whose items are changed faster than those of an array
    for start, count, group in zip(masks_at.tolist(), blocks, by_length, strict=False):
        for rank, number in enumerate(group):
            block, bit = start + rank // _BLOCK, 1 << rank % _BLOCK
            for place, letter in enumerate(ordered[number]):
                masks[block + (place * len(_LETTERS) + _LETTER_AT[letter]) * count] |= bit
    masked_at = np.cumsum([0, *map(len, by_length)], dtype=np.uint32)
    masked = np.array([number for group in by_length for number in group] + [0], np.uint32)
    return np.array(masks, np.uint64), masks_at, masked, masked_at
