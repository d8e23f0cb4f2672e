"""Detects the language of a text, and chooses the language that it is judged in."""

import re
import unicodedata
from collections.abc import Collection

import pycld2

from classifier.english import is_plainly_english
from classifier.language_codes import REPLACED, SHORT

# Characters that are examined: most comments are shorter, and more rarely changes the answer.
MOST_READ = 2_000

# CLD2 counts the bytes of the letters. With fewer it guesses: "shithead" is Gaelic, "stockholm" Swedish.
FEWEST_BYTES = 20

# The least lead over English, in percent of the text, that another language needs.
LEAST_LEAD = 50

# Languages that we have comments in, so that we know how rarely English is mistaken for them. For any other language
# CLD2 is asked again with a hint of English. This halves the number of English comments that are mistaken for Scots,
# Latin or Danish; for French it would lose a tenth of the comments (docs/decisions/0008-tell-languages-with-cld2.md).
_KNOWN_WELL = frozenset({"de", "fr", "pt"})

# CLD2 writes replaced codes; and Scots is English, because CLD2 takes slang for it and a model of English reads it.
_CODES = REPLACED | {"sco": "en"}

# Not natural language: URLs, user names, hashtags, HTML.
_NOISE = re.compile(r"(?:https?://|www\.)\S+|[@#]\w+|&#?\w+;|<[^<>]*>")
_MARKS = ("@", "#", "&", "<", "://", "www.")

# Characters that are not valid for interchange; CLD2 rejects texts with any of them.
_UNREADABLE = re.compile(r"[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0001fffd]")

# A script, by the first word of its characters' names, and its most common language.
_SCRIPTS = {
    "ARABIC": "ar",
    "ARMENIAN": "hy",
    "BENGALI": "bn",
    "CJK": "zh",
    "CYRILLIC": "ru",
    "DEVANAGARI": "hi",
    "ETHIOPIC": "am",
    "GEORGIAN": "ka",
    "GREEK": "el",
    "GUJARATI": "gu",
    "GURMUKHI": "pa",
    "HANGUL": "ko",
    "HEBREW": "he",
    "HIRAGANA": "ja",
    "KANNADA": "kn",
    "KATAKANA": "ja",
    "KHMER": "km",
    "LAO": "lo",
    "MALAYALAM": "ml",
    "MYANMAR": "my",
    "ORIYA": "or",
    "SINHALA": "si",
    "TAMIL": "ta",
    "TELUGU": "te",
    "THAI": "th",
    "TIBETAN": "bo",
}


# Primary subtags that are not a language: undetermined, several, none, not coded (RFC 5646).
_NO_LANGUAGE = frozenset({"und", "mul", "zxx", "mis"})
_PRIMARY = re.compile(r"([a-z]{2,3})(?![a-z0-9])")


def language_of(text: str, said: str | None, judged: Collection[str]) -> str:
    """ISO 639 code of the language to judge a text in, which need not be one of `judged`.

    `said`: the BCP 47 tag that was sent with the text; it may also hold a replaced code, or a long one of ISO 639-2, as
    "in" or "eng". If it names a language that is not judged, that is the result.
    Otherwise a detected language takes precedence over the tag, because many sites send the same tag with every
    comment. The default is the first of `judged`.
    """
    claimed = primary(said)
    if claimed not in judged:
        claimed = SHORT.get(claimed or "", claimed)
    if claimed is not None and claimed not in judged:
        return claimed
    return detect(text) or claimed or next(iter(judged))


def primary(tag: str | None) -> str | None:
    """The language of a BCP 47 tag: "en" for "en-GB"; None for other strings ("und", "x-private", "English")."""
    found = _PRIMARY.match((tag or "").lower())
    return None if found is None or found[1] in _NO_LANGUAGE else found[1]


def detect(text: str) -> str | None:
    """ISO 639-1 code of the language (639-3 if it has none); None if it cannot be detected. Accepts any str.

    None: too short, no letters, mixed languages, or too uncertain. A text that is entirely in another script is
    detected even if it is short. Only the first MOST_READ characters count. Thread-safe: CLD2 keeps no state between
    calls.
    """
    read = text[:MOST_READ]
    # CLD2 gives the same result for these, but takes as long as scoring them (a test compares the two).
    return "en" if is_plainly_english(read) else _detected(read)


def _detected(read: str) -> str | None:
    if any(mark in read for mark in _MARKS):
        read = _NOISE.sub(" ", read)
    try:
        first = _asked(read)
    except (pycld2.error, UnicodeEncodeError):
        read = _UNREADABLE.sub(" ", read)
        first = _asked(read)
    if first == "en" or first in _KNOWN_WELL:
        return first
    second = _asked(read, hintLanguage="en")
    # With this hint CLD2 finds English in nearly any text: it rules out the first answer, but does not prove English.
    if second == "en":
        return None
    return second or _of_script(read)


def _asked(text: str, **hint: str) -> str | None:
    """CLD2's answer if it is reliable. Raises pycld2.error."""
    is_reliable, found_bytes, found = pycld2.detect(text, isPlainText=True, **hint)
    shares = [(_CODES.get(code, code).partition("-")[0], percent) for _, code, percent, _ in found]
    language, share = shares[0]
    if language == "un" or not is_reliable or found_bytes < FEWEST_BYTES:
        return None
    return language if language == "en" or share - dict(shares).get("en", 0) >= LEAST_LEAD else None


def _of_script(text: str) -> str | None:
    """The language of the common script of all letters; needs two different letters, so that emoticons do not count."""
    if text.isascii():
        return None
    letters = {character for character in text if character.isalpha()}
    languages = {_SCRIPTS.get(unicodedata.name(letter, "").partition(" ")[0]) for letter in letters}
    if languages == {"zh", "ja"}:
        return "ja"
    return languages.pop() if len(letters) > 1 and len(languages) == 1 else None
