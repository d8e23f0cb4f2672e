"""Removes HTML tags, which readers do not see, so that `st<b></b>upid` and `kill <i>yourself</i>` are read as words.

Only the elements of HTML that a comment may have are tags: `<idiot>` is text.
"""

import re
from itertools import chain

# Elements that part lines.
_PARTING = """
address article aside blockquote br center dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6
header hr li main nav ol option p pre section summary table tbody td tfoot th thead tr ul
""".split()  # noqa: SIM905 - readable as text
_INLINE = """
a abbr acronym b bdi bdo big button cite code data del dfn em font i img input ins kbd label mark picture q rp rt ruby s
samp small source span strike strong sub sup svg time tt u var wbr
""".split()  # noqa: SIM905 - readable as text
# What takes the place of a tag.
_SHOWN = dict.fromkeys(_PARTING, "\n") | dict.fromkeys(_INLINE, "")
# A tag or a comment. The names are looked up, because an expression would try one after the other.
_TAG = re.compile(r"(<(?:/?([A-Za-z][A-Za-z0-9]{0,9}+)(?:\s[^<>]*+)?+/?|!--[^<>]*+(?<=--))>)", re.ASCII)


class Tagless:
    """A text without its tags. `text`: what readers see."""

    def __init__(self, between: list[str], tags: list[str], shown: list[str]) -> None:
        """`between`: the text before each tag and behind the last one. `shown`: what takes the place of each tag."""
        self._between, self._tags, self._shown = between, tags, shown
        self.text = "".join(chain.from_iterable(zip(between, [*shown, ""], strict=True)))

    def sent(self) -> list[int]:
        """For each code point of `text` its index in the text as sent; for a line end that of its tag."""
        found: list[int] = []
        at = 0
        for text, tag, shown in zip(self._between, [*self._tags, ""], [*self._shown, ""], strict=True):
            behind = at + len(text)
            found += [*range(at, behind), *range(behind, behind + len(shown))]
            at = behind + len(tag)
        return found


def without_tags(text: str) -> Tagless | None:
    """None if there are none. Takes linear time."""
    parts = _TAG.split(text)
    between, tags, names = parts[::3], parts[1::3], parts[2::3]
    shown = [_SHOWN.get(name.lower(), tag) if name else "" for tag, name in zip(tags, names, strict=True)]
    return None if shown == tags else Tagless(between, tags, shown)
