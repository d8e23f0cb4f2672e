"""Fingerprints of words and of shingles. Those of shingles are computed by _prints.c, called through ctypes.

Two texts are alike if a fingerprint of their shingles (runs of words) is equal. Each is made of several minima over the
hashed shingles of a text, so it is equal with the probability that the minima are (Broder, "On the resemblance and
containment of documents", 1997).
"""

import ctypes
import string
from binascii import b2a_base64
from hashlib import blake2b
from typing import NamedTuple

from classifier.compiled import installed

# How many fingerprints of shingles, and how many minima each of them has. docs/experiments.md compares other numbers.
FINGERPRINTS, MINIMA = 6, 2
# What is read of ASCII, in characters.
MOST_CHARACTERS = 4_096
# Of a fingerprint: bytes, and characters in base 64. Those of shingles have a letter less.
_BYTES, _CHARACTERS = 9, 12
_Out = ctypes.c_char * (_CHARACTERS * FINGERPRINTS)
_Words = ctypes.c_char * MOST_CHARACTERS
_IN_ADDRESSES = bytes.maketrans(b"+/", b"-_")
_LETTERS, _DIGITS = string.ascii_letters.encode(), string.digits.encode()
# As prints_ascii_words of _prints.c reads each byte.
_IN_WORDS = bytes(
    ord(chr(at).lower()) if at in _LETTERS else ord("0") if at in _DIGITS else ord(" ") for at in range(256)
)


class Prints(NamedTuple):
    """`exact`: of all words. `near`: of the shingles; empty if they were not asked for, or there are no words.

    `letters`: how many code points there are, without spaces.
    """

    exact: str
    near: tuple[str, ...]
    letters: int


def odd_numbers(name: str) -> tuple[int, ...]:
    """Of 64 bits, one for each minimum. The same for good: other processes and releases compare fingerprints."""
    digests = [blake2b(f"{name} {at}".encode(), digest_size=8).digest() for at in range(FINGERPRINTS * MINIMA)]
    return tuple(int.from_bytes(each, "little") | 1 for each in digests)


def hashed(raw: bytes) -> str:
    """12 characters that are safe in addresses."""
    digest = blake2b(raw, digest_size=_BYTES).digest()
    return b2a_base64(digest, newline=False).translate(_IN_ADDRESSES).decode()


def _load() -> ctypes.CDLL:
    library = installed("_prints")
    library.prints_of_words.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int, _Out)
    library.prints_ascii_words.argtypes = (ctypes.c_char_p, ctypes.c_size_t, _Words)
    library.prints_of_words.restype = library.prints_ascii_words.restype = ctypes.c_size_t
    numbers = ctypes.c_uint64 * (FINGERPRINTS * MINIMA)
    library.prints_prepare(numbers(*odd_numbers("factor")), numbers(*odd_numbers("added")))
    return library


_library = _load()


def of_ascii(text: str, words_of_shingle: int) -> Prints:
    """The fingerprints of the words of an ASCII text: letters count as small ones, and digits as one class.

    `words_of_shingle`: 0: no fingerprints of shingles.
    """
    raw = text[:MOST_CHARACTERS].encode()
    if not words_of_shingle:
        words = _ascii_words(raw)
        return Prints(hashed(words), (), len(words) - words.count(b" "))
    written = _Words()
    count = _library.prints_ascii_words(raw, len(raw), written)
    words = written.raw[:count]
    near = _near(words, words_of_shingle, only_telling=True)
    return Prints(hashed(words), near, len(words) - words.count(b" "))


def _ascii_words(raw: bytes) -> bytes:
    """As prints_ascii_words does. Between other work of a request a call of C and its room of 4 KiB cost several times
    as much.
    """
    words = raw.translate(_IN_WORDS)
    for one, two in ((b" ", b"  "), (b"0", b"00")):
        while two in words:
            words = words.replace(two, one)
    return words.strip()


def of_words(words: str, words_of_shingle: int, *, only_telling: bool) -> Prints:
    """The same of any words, with one space between them. `words_of_shingle`: 8 at most.

    `only_telling`: shingles with few letters, which are common phrases, count only where there are few others.
    """
    raw = words.encode("utf-8", "replace")
    near = _near(raw, words_of_shingle, only_telling=only_telling) if words_of_shingle else ()
    return Prints(hashed(raw), near, len(words) - words.count(" "))


def _near(words: bytes, words_of_shingle: int, *, only_telling: bool) -> tuple[str, ...]:
    out = _Out()
    if not _library.prints_of_words(words, len(words), words_of_shingle, only_telling, out):
        return ()
    written = out.raw.decode("ascii")
    return tuple([written[at : at + _CHARACTERS - 1] for at in range(0, len(written), _CHARACTERS)])
