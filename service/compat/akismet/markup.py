"""The visible text of a comment that may hold HTML, and the addresses of its links.

Sites send comments as stored, with or without HTML, and do not say which. So only complete tags of known HTML elements
count as markup. Everything else between "<" and ">", HTML comments too, is text that somebody may see. Patterns stop at
the next "<" and do not backtrack, so the time is linear in the length of the text. The parser of the standard library
takes 4 s for 20 KB of "<a ".
"""

import re

import classifier
from service.compat.markup import REFERENCE

_INLINE = """
a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd mark q s samp small span strike strong sub
sup time tt u var wbr
"""
_BLOCKS = """
address article aside audio blockquote body br button caption center col colgroup dd details div dl dt embed
figcaption figure footer form h1 h2 h3 h4 h5 h6 head header hr html iframe input label li main nav object ol
option p pre script section select source style summary table tbody td textarea tfoot th thead tr ul video
"""
_PARTING = frozenset(_BLOCKS.split())
_NAMES = "|".join(sorted({*_INLINE.split(), *_PARTING}, key=len, reverse=True))
_ATTRIBUTE = r"""(?<!\s)\s++([\w:-]++)\s*+=\s*+(?:"([^"<>]*+)"|'([^'<>]*+)'|([^\s"'<>]++))"""
_EACH = re.compile(_ATTRIBUTE, re.ASCII)
_TAG = re.compile(rf"</?({_NAMES})((?:{_ATTRIBUTE})*+)\s*+/?>", re.IGNORECASE | re.ASCII)
# Attributes that only the browser reads.
_UNSEEN = {"align", "class", "dir", "height", "id", "lang", "loading", "rel", "style", "target", "type", "width"}
_COMMENT = re.compile(r"<!--|-->|<!\[CDATA\[|\]\]>")
_CHARACTER = re.compile(REFERENCE)


def seen(text: str) -> str:
    """`text` without HTML. Inline tags vanish, so that `st<b></b>upid` is one word; others become line breaks.

    Visible attributes replace their tag.
    """
    if "<" in text:
        text = _COMMENT.sub("", _TAG.sub(_shown, text))
    return _CHARACTER.sub(lambda found: classifier.unescaped(found[0]), text) if "&" in text else text


def _shown(tag: re.Match[str]) -> str:
    said = [next(filter(None, values), "") for name, *values in _EACH.findall(tag[2]) if name.lower() not in _UNSEEN]
    parting = "\n" if tag[1].lower() in _PARTING else ""
    return f"{parting} {' '.join(said)} " if any(said) else parting
