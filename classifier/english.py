"""The quick look of _english.c, called through ctypes."""

import ctypes
from importlib.resources import files
from pathlib import Path


def _load() -> ctypes.CDLL:
    found = sorted(Path(str(files("classifier"))).glob("_english.*.so"))
    if not found:
        raise ImportError("the quick look is not built; install the package with pip (hatch_build.py builds it)")
    library = ctypes.CDLL(str(found[0]))
    library.english_is_plain.argtypes = (ctypes.c_char_p, ctypes.c_size_t)
    library.english_prepare()
    return library


_is_plain = _load().english_is_plain


def is_plainly_english(text: str) -> bool:
    """Whether nobody needs to ask which language a text is in. False says nothing. Any str is a text."""
    return text.isascii() and _is_plain(text.encode(), len(text)) == 1
