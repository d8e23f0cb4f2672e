"""Which language a text is written in, when that can be told, and which one it is judged in."""

import re
import unicodedata
from collections.abc import Collection

import pycld2

from classifier.english import is_plainly_english

# Most comments whole; what comes behind this many characters costs time and rarely changes the answer.
MOST_READ = 2_000

# CLD2 counts the bytes of the letters it read. Below this it guesses: "shithead" is Gaelic, "stockholm" Swedish.
FEWEST_BYTES = 20

# The least share of a text, in percent, that its language must have over English.
LEAST_LEAD = 50

# Languages whose comments we hold, so that we know how rarely English is taken for them. For any other language a
# second opinion is asked of CLD2, told to expect English: it halves the English comments that would be taken for
# Scots, Latin or Danish, and would cost a tenth of the French ones (docs/decisions/0008-tell-languages-with-cld2.md).
_KNOWN_WELL = frozenset({"de", "fr", "pt"})

# CLD2's codes that ISO 639-1 has replaced, and Scots, for which it takes slang, and which a model of English reads.
_CODES = {"iw": "he", "jw": "jv", "in": "id", "mo": "ro", "sh": "hr", "sco": "en"}

# What is no language of the writer's: addresses, names of users, topics, HTML.
_NOISE = re.compile(r"(?:https?://|www\.)\S+|[@#]\w+|&#?\w+;|<[^<>]*>")
_MARKS = ("@", "#", "&", "<", "://", "www.")

# What no interchange of UTF-8 allows; CLD2 reads nothing that holds any of it.
_UNREADABLE = re.compile(r"[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0001fffd]")

# A script, by the first word of its characters' names, and the language that most of its writers write.
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


# Primary subtags that name no language: undetermined, several, none, not coded (RFC 5646).
_NO_LANGUAGE = frozenset({"und", "mul", "zxx", "mis"})
_PRIMARY = re.compile(r"([a-z]{2,3})(?![a-z0-9])")


def language_of(text: str, said: str | None, judged: Collection[str]) -> str:
    """ISO 639 code of the language to judge a text in, which need not be one of `judged`.

    `said`: the BCP 47 tag that came with the text. Where it names a language that is not judged, that is it, whatever
    the text is. Where it names one that is judged, or none, the text has the last word as long as it is sure: many
    sites send one tag with every comment. What nobody tells is taken for the first of `judged`.
    """
    claimed = primary(said)
    if claimed is not None and claimed not in judged:
        return claimed
    return detect(text) or claimed or next(iter(judged))


def primary(tag: str | None) -> str | None:
    """The language of a BCP 47 tag: "en" of "en-GB"; None of what names none ("und", "x-private", "English")."""
    found = _PRIMARY.match((tag or "").lower())
    return None if found is None or found[1] in _NO_LANGUAGE else found[1]


def detect(text: str) -> str | None:
    """ISO 639-1 code of the language (639-3 where it has none), None when it cannot be told. Any str is a text.

    None: too short, no letters, a mixture, or too unsure. A text wholly in another script is told even when short.
    Only the first MOST_READ characters count. Safe to call from several threads: CLD2 keeps no state between calls.
    """
    read = text[:MOST_READ]
    # CLD2 would say the same of these, and takes as long as scoring them (a test compares the two).
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
    # Told to expect English CLD2 finds it in nearly anything: that takes another language back, and proves no English.
    if second == "en":
        return None
    return second or _of_script(read)


def _asked(text: str, **hint: str) -> str | None:
    """What CLD2 says, if it is sure of it. Raises pycld2.error."""
    is_reliable, found_bytes, found = pycld2.detect(text, isPlainText=True, **hint)
    shares = [(_CODES.get(code, code).partition("-")[0], percent) for _, code, percent, _ in found]
    language, share = shares[0]
    if language == "un" or not is_reliable or found_bytes < FEWEST_BYTES:
        return None
    return language if language == "en" or share - dict(shares).get("en", 0) >= LEAST_LEAD else None


def _of_script(text: str) -> str | None:
    """The language of the script that all letters are of; at least two different ones, so that no emoticon counts."""
    if text.isascii():
        return None
    letters = {character for character in text if character.isalpha()}
    languages = {_SCRIPTS.get(unicodedata.name(letter, "").partition(" ")[0]) for letter in letters}
    if languages == {"zh", "ja"}:
        return "ja"
    return languages.pop() if len(letters) > 1 and len(languages) == 1 else None
