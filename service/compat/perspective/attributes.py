"""Which attributes are served, by which names, and with which number.

Those of the loaded model in upper case; OBSCENE, which is profanity; LIKELY_TO_REJECT; and what the site's policy names
in `protocols.perspective.attributes`. Each of the model's own also as NAME_EXPERIMENTAL, and any with a version behind
it (TOXICITY@6). Everything else is unknown: a score for it would be invented.

LIKELY_TO_REJECT is how near the comment comes to being rejected by the site's policy (policy.likelihood): below 0.5 it
is approved, from 0.5 a person looks, from 0.9 it is rejected. It never falls when any score rises.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from service.compat.perspective.errors import InvalidRequest, NotInLanguage, said_back
from service.compat.perspective.languages import Spoken
from service.compat.perspective.messages import AttributeParameters
from service.values.site_settings import LIKELY_TO_REJECT, Perspective, perspective_names

# By name and by number.
_PROBABILITY: frozenset[str | int | None] = frozenset({None, "PROBABILITY", "SCORE_TYPE_UNSPECIFIED", 0, 1})
_SCORE_TYPES: dict[str | int | None, str] = {2: "STD_DEV_SCORE", 3: "PERCENTILE", 4: "RAW"}
_VERSIONED = re.compile(r"([A-Z0-9_]+)@[A-Za-z0-9_.-]+")
_EXPERIMENTAL = "_EXPERIMENTAL"

# The languages in which Perspective served its production attributes, and what it served in English alone. A client
# that sends another language expects the error, and may drop the attribute by it.
_EVERYWHERE = frozenset(
    ["ar", "zh", "cs", "nl", "en", "fr", "de", "hi", "hi-Latn", "id", "it", "ja", "ko", "pl", "pt", "ru", "es", "sv"]
)
_IN_ENGLISH = frozenset({"SPAM", "OBSCENE"})

_names = lru_cache(perspective_names)


class Wanted(NamedTuple):
    """As it was asked for. `own`: as the policy knows it; `label`: the model's, None for LIKELY_TO_REJECT."""

    name: str
    own: str
    label: str | None
    threshold: float | None = None


def wanted(
    requested: Mapping[str, AttributeParameters], labels: tuple[str, ...], wish: Perspective
) -> Sequence[Wanted]:
    """In the order of the request. Raises InvalidRequest for an attribute or a type of score that is not served."""
    names = _names(labels)
    found = [_found(name, names, wish, each.score_threshold) for name, each in requested.items()]
    for name, each in requested.items():
        check_type(name, each.score_type)
    return found


def check_type(name: str, score_type: str | int | None) -> None:
    """Raises InvalidRequest."""
    if score_type not in _PROBABILITY:
        kind = _SCORE_TYPES.get(score_type, score_type)
        raise InvalidRequest(
            f"Requested score type {said_back(str(kind))} is not supported by attribute {said_back(name)}"
        )


def known(name: str, labels: tuple[str, ...], wish: Perspective) -> Wanted:
    """Raises InvalidRequest."""
    return _found(name, _names(labels), wish, None)


def _found(name: str, names: Mapping[str, str], wish: Perspective, threshold: float | None) -> Wanted:
    if name in names:  # as nearly always
        return Wanted(name, name, names[name], threshold)
    versioned = _VERSIONED.fullmatch(name)
    plain = versioned[1] if versioned else name
    own = plain.removesuffix(_EXPERIMENTAL) if plain.removesuffix(_EXPERIMENTAL) in names else plain
    label = names.get(own) or wish.attributes.get(own)
    if label in names.values():
        return Wanted(name, own, label, threshold)
    if plain == LIKELY_TO_REJECT:
        return Wanted(name, plain, None, threshold)
    raise InvalidRequest(f"Unknown requested attribute: {said_back(name)}")


def in_language(
    found: Iterable[Wanted], spoken: Spoken, judged: Mapping[str, tuple[str, ...]], *, drop: bool
) -> list[Wanted]:
    """Those served in all languages in effect. Raises NotInLanguage of the first that is not, unless `drop`."""
    left = []
    for each in found:
        if all(_is_served(each, language, judged.get(language)) for language in spoken.asked):
            left.append(each)
        elif not drop:
            raise NotInLanguage(each.name, spoken.told, are_detected=spoken.are_detected)
    return left


def _is_served(wanted: Wanted, language: str, labels: tuple[str, ...] | None) -> bool:
    """`labels`: what the model judges in the language; None: nothing."""
    if labels is None or (wanted.label is not None and wanted.label not in labels):
        return False
    return language in _EVERYWHERE and (language == "en" or wanted.own not in _IN_ENGLISH)
