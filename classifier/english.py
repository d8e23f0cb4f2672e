"""The English prefilter in _english.c, called through ctypes."""

import ctypes

from classifier.compiled import installed


def _load() -> ctypes.CDLL:
    library = installed("_english")
    library.english_is_plain.argtypes = (ctypes.c_char_p, ctypes.c_size_t)
    library.english_prepare()
    return library


_is_plain = _load().english_is_plain


def is_plainly_english(text: str) -> bool:
    """Whether a text is certainly English, so that language detection can be skipped. False means unknown."""
    return text.isascii() and _is_plain(text.encode(), len(text)) == 1
