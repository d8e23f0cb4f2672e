"""Finds the disguised words of a text with _unmask.c, called through ctypes, which releases the GIL."""

import ctypes
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
# By the letter's byte.
_LETTER_AT = np.zeros(128, np.int64)
_LETTER_AT[[*_LETTERS.encode("ascii")]] = range(len(_LETTERS))
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
        # A word with an apostrophe is there with either kind of it.
        owned = [number for number, word in enumerate(lexicon.ordered) if "'" in word]
        words = lexicon.ordered + [lexicon.ordered[number].replace("'", "\u2019") for number in owned]
        flags = _quick_flags(lexicon)
        flags = np.concatenate([flags, flags[owned] & np.uint32(_ORDINARY)])
        # A harmful word has three entries; half of the slots or more stay empty.
        bits = (2 * (len(words) + 2 * lexicon.harmful) + 1).bit_length()
        quick = _Quick(self._address(np.zeros(1 << bits, np.uint32)), bits)
        offsets = np.concatenate([[0], np.cumsum(np.concatenate([lexicon.lengths, lexicon.lengths[owned]]))])
        joined = "".join(words).encode("utf-32-le")
        self._library.quick_put(ctypes.addressof(quick), joined, offsets.ctypes.data, flags.ctypes.data, len(words))
        return quick

    def _word_tables(self, lexicon: Lexicon) -> _CompiledWords:
        count = len(lexicon.ordered)
        letters = np.frombuffer("".join(lexicon.ordered).encode("ascii") + b"\0", np.uint8)
        starts = np.concatenate([[0], np.cumsum(lexicon.lengths)])
        aliases = np.full(count, _NO_WORD, np.uint32)
        aliases[[*lexicon.aliases]] = [*lexicon.aliases.values()]
        bits = (2 * count + 1).bit_length()
        address = self._address
        words = _CompiledWords(
            address(letters),
            address(starts.astype(np.uint32)),
            address(_word_flags(lexicon)),
            address(lexicon.costs),
            address(aliases),
            count,
            lexicon.harmful,
            bits,
            address(np.zeros(1 << bits, np.uint32)),
            address(np.zeros(1 << bits, np.uint32)),
            address(np.zeros(count, np.uint32)),
            address(np.zeros(1 << _PREFIX_BITS >> 3, np.uint8)),
            *map(address, _masks(lexicon.maskable, letters, starts)),
        )
        self._library.words_put(ctypes.addressof(words))
        return words


def _data(array: NDArray[Any] | None) -> int | None:
    return None if array is None else array.ctypes.data


def _checked(count: int) -> int:
    if count < -1:
        raise MemoryError("unmasking could not allocate memory for this text")
    return count


def _quick_flags(lexicon: Lexicon) -> NDArray[np.uint32]:
    """The flags of each word for the prefilter."""
    flags = lexicon.is_ordinary * _ORDINARY | lexicon.is_standing * _STANDING
    flags |= (lexicon.is_whole & (lexicon.lengths >= _SHORTEST_PART)) * _PART
    flags[: lexicon.harmful] |= _HARMFUL
    flags[[*lexicon.aliases]] |= _ALIAS
    return flags.astype(np.uint32)


def _word_flags(lexicon: Lexicon) -> NDArray[np.uint8]:
    """The flags of each word for the search."""
    flags = lexicon.is_known * _KNOWN | lexicon.is_standing * _STANDS | lexicon.is_telling * _TELLING
    return (flags | lexicon.is_whole * _WHOLE | lexicon.is_ordinary * _IS_ORDINARY).astype(np.uint8)


def _masks(
    numbers: NDArray[np.int64], letters: NDArray[np.uint8], starts: NDArray[np.int64]
) -> tuple[NDArray[Any], ...]:
    """Bit sets of the words with each letter at each position, by length; and the words, by length.

    `numbers`: of the words that a mask may hide, the best first.
    """
    lengths = starts[numbers + 1] - starts[numbers]
    by_length = np.argsort(lengths, kind="stable")
    masked, lengths = numbers[by_length], lengths[by_length]
    counts = np.bincount(lengths, minlength=LONGEST + 1)
    masked_at = np.concatenate([[0], np.cumsum(counts)])
    blocks = -(-counts // _BLOCK)
    masks_at = np.concatenate([[0], np.cumsum(np.arange(LONGEST + 1) * len(_LETTERS) * blocks)])
    # One row for each letter of each word.
    word = np.repeat(np.arange(len(masked)), lengths)
    place = np.arange(len(word)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    letter = _LETTER_AT[letters[starts[masked][word] + place]]
    rank = word - masked_at[lengths[word]]
    block = masks_at[lengths[word]] + (place * len(_LETTERS) + letter) * blocks[lengths[word]] + rank // _BLOCK
    masks = np.zeros(int(masks_at[-1]) + 1, np.uint64)
    np.bitwise_or.at(masks, block, np.uint64(1) << (rank % _BLOCK).astype(np.uint64))
    return masks, masks_at.astype(np.uint32), np.append(masked, 0).astype(np.uint32), masked_at.astype(np.uint32)
