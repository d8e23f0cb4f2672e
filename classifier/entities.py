"""HTML's character references, as `html.unescape` reads them, for text of any kind."""

import html
import re

_ZEROS = re.compile(r"&#0+(?=[0-9])")
# Unicode ends at seven digits. int() refuses thousands of them, and html.unescape passes that on.
_HUGE = re.compile(r"&#[0-9]{8,};?")


def unescaped(text: str) -> str:
    """Never raises; the time is linear in the text."""
    if "&#" in text:
        text = _HUGE.sub("\ufffd", _ZEROS.sub("&#", text))
    return html.unescape(text)
