"""Which languages are in effect: those that the request names, else the one that the text tells."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import classifier
from service.compat.perspective.errors import LanguageDetectionFailed

UNDETERMINED = "und"
# Characters from which a language is told well enough where nothing depends on it.
_ENOUGH = 240
# The one tag of Perspective's that is more than its primary subtag: Hindi in Latin letters.
_HINDI_IN_LATIN = "hi-Latn"


class Spoken(NamedTuple):
    """`asked`: what an attribute must be judged in, all of them; `judged_in`: one of these, for this text.

    `told`: the same as an error says it; `are_detected`: the text told them, not the request.
    `shown`, `detected`: as the answer says them; `detected` is None where the text does not tell.
    """

    asked: Sequence[str]
    judged_in: str
    told: Sequence[str]
    are_detected: bool
    shown: Sequence[str]
    detected: str | None


def spoken(text: str, said: Sequence[str], judged: Mapping[str, object], *, trust: bool) -> Spoken:
    """`said`: the request's languages; without `trust` the text has the word where it tells.

    A text that does not tell, in a request without languages, is taken for the first that the model judges: most
    comments are too short to tell. Raises LanguageDetectionFailed where there is no letter to tell anything by.
    """
    # One language that is believed decides alone: then the text is only asked to say the same.
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
