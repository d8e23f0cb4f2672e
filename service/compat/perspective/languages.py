"""Determines the effective languages: those in the request, else the detected one."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import classifier
from service.compat.perspective.errors import LanguageDetectionFailed

UNDETERMINED = "und"
# With this many characters, language detection is good enough where little depends on it.
_ENOUGH = 240
# Perspective's only tag with more than a primary subtag: Hindi in Latin script.
_HINDI_IN_LATIN = "hi-Latn"


class Spoken(NamedTuple):
    """`asked`: languages in which an attribute must be judged. `judged_in`: the one used for this text.

    `told`: the languages for error messages. `are_detected`: they were detected, not requested.
    `shown`, `detected`: the languages in the answer; `detected` is None if detection failed.
    """

    asked: Sequence[str]
    judged_in: str
    told: Sequence[str]
    are_detected: bool
    shown: Sequence[str]
    detected: str | None


def spoken(text: str, said: Sequence[str], judged: Mapping[str, object], *, trust: bool) -> Spoken:
    """`said`: the request's languages. Without `trust`, a detected language takes precedence.

    If the request names none and detection fails, the model's first language is assumed: most comments are too short
    for detection. Raises LanguageDetectionFailed if the text has no letters.
    """
    # A single trusted language decides alone; detection only confirms it.
    is_settled = trust and len(said) == 1
    detected = classifier.detect(text[:_ENOUGH] if is_settled else text)
    if said and (trust or detected is None):
        asked = [_code(tag) for tag in said]
        judged_in = detected if detected in asked else asked[0]
        return Spoken(asked, judged_in, said, are_detected=False, shown=said, detected=detected)
    if detected is None and not any(map(str.isalpha, text)):
        raise LanguageDetectionFailed
    language = detected or next(iter(judged))
    told = [detected or UNDETERMINED]
    return Spoken([language], language, told, are_detected=True, shown=said or [language], detected=detected)


def _code(tag: str) -> str:
    return _often(tag) if len(tag) <= _LONGEST_TAG else UNDETERMINED


_LONGEST_TAG = 35


@lru_cache(256)
def _often(tag: str) -> str:
    if tag.lower().startswith(_HINDI_IN_LATIN.lower()):
        return _HINDI_IN_LATIN
    return classifier.primary(tag) or UNDETERMINED
