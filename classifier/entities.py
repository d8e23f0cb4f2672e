"""Decodes HTML character references like `html.unescape`, safely for any text."""

import html
import re

_ZEROS = re.compile(r"&#0+(?=[0-9])")
# Code points have at most seven digits. int() raises for thousands of digits, and html.unescape does not catch that.
_HUGE = re.compile(r"&#[0-9]{8,};?")


def unescaped(text: str) -> str:
    """Never raises; takes linear time."""
    if "&#" in text:
        text = _HUGE.sub("\ufffd", _ZEROS.sub("&#", text))
    return html.unescape(text)
