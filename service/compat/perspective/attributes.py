"""The attributes that are served, their names, and their values.

These are the model's attributes in upper case, OBSCENE (an alias of profanity), LIKELY_TO_REJECT, and the names in the
site's policy (`protocols.perspective.attributes`). Each of the model's attributes is also served as NAME_EXPERIMENTAL,
and any name may have a version (TOXICITY@6). All other names are unknown: a score for them would be invented.

LIKELY_TO_REJECT tells how close the comment is to rejection by the site's policy (policy.likelihood): it is approved
below 0.5, reviewed from 0.5, rejected from 0.9. The value never falls when a score rises.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from service.compat.perspective.errors import InvalidRequest, NotInLanguage, said_back
from service.compat.perspective.languages import Spoken
from service.compat.perspective.messages import AttributeParameters
from service.values.site_settings import LIKELY_TO_REJECT, Perspective, perspective_names

# Enumeration values, by name and by number.
_PROBABILITY: frozenset[str | int | None] = frozenset({None, "PROBABILITY", "SCORE_TYPE_UNSPECIFIED", 0, 1})
_SCORE_TYPES: dict[str | int | None, str] = {2: "STD_DEV_SCORE", 3: "PERCENTILE", 4: "RAW"}
_VERSIONED = re.compile(r"([A-Z0-9_]+)@[A-Za-z0-9_.-]+")
_EXPERIMENTAL = "_EXPERIMENTAL"

# The languages of Perspective's production attributes, and the attributes that it served only in English. A client
# that sends another language expects the error, and may drop the attribute because of it.
_EVERYWHERE = frozenset(
    ["ar", "zh", "cs", "nl", "en", "fr", "de", "hi", "hi-Latn", "id", "it", "ja", "ko", "pl", "pt", "ru", "es", "sv"]
)
_IN_ENGLISH = frozenset({"SPAM", "OBSCENE"})

_names = lru_cache(perspective_names)


class RequestedAttribute(NamedTuple):
    """`name`: as requested. `own`: the name in the policy. `label`: the model's, None for LIKELY_TO_REJECT."""

    name: str
    own: str
    label: str | None
    threshold: float | None = None


def wanted(
    requested: Mapping[str, AttributeParameters], labels: tuple[str, ...], wish: Perspective
) -> Sequence[RequestedAttribute]:
    """In the order of the request. Raises InvalidRequest for a type of score that is not served, and for an attribute
    that is not, unless the site wants these left out.
    """
    names = _names(labels)
    asked = {name: each for name, each in requested.items() if not wish.omit_unknown or _is_known(name, names, wish)}
    found = [_found(name, names, wish, each.score_threshold) for name, each in asked.items()]
    for name, each in asked.items():
        check_type(name, each.score_type)
    return found


def check_type(name: str, score_type: str | int | None) -> None:
    """Raises InvalidRequest."""
    if score_type not in _PROBABILITY:
        kind = _SCORE_TYPES.get(score_type, score_type)
        raise InvalidRequest(
            f"Requested score type {said_back(str(kind))} is not supported by attribute {said_back(name)}"
        )


def known(name: str, labels: tuple[str, ...], wish: Perspective) -> RequestedAttribute:
    """Raises InvalidRequest."""
    return _found(name, _names(labels), wish, None)


def _is_known(name: str, names: Mapping[str, str], wish: Perspective) -> bool:
    try:
        _found(name, names, wish, None)
    except InvalidRequest:
        return False
    return True


def _found(name: str, names: Mapping[str, str], wish: Perspective, threshold: float | None) -> RequestedAttribute:
    if name in names:  # the usual case
        return RequestedAttribute(name, name, names[name], threshold)
    versioned = _VERSIONED.fullmatch(name)
    plain = versioned[1] if versioned else name
    own = plain.removesuffix(_EXPERIMENTAL) if plain.removesuffix(_EXPERIMENTAL) in names else plain
    label = names.get(own) or wish.attributes.get(own)
    if label in names.values():
        return RequestedAttribute(name, own, label, threshold)
    if plain == LIKELY_TO_REJECT:
        return RequestedAttribute(name, plain, None, threshold)
    raise InvalidRequest(f"Unknown requested attribute: {said_back(name)}")


def in_language(
    found: Iterable[RequestedAttribute], spoken: Spoken, judged: Mapping[str, tuple[str, ...]], *, drop: bool
) -> list[RequestedAttribute]:
    """The attributes served in all effective languages. Raises NotInLanguage for the first other one, unless `drop`."""
    left = []
    for each in found:
        if all(_is_served(each, language, judged.get(language)) for language in spoken.asked):
            left.append(each)
        elif not drop:
            raise NotInLanguage(each.name, spoken.told, are_detected=spoken.are_detected)
    return left


def _is_served(wanted: RequestedAttribute, language: str, labels: tuple[str, ...] | None) -> bool:
    """`labels`: what the model judges in the language; None for nothing."""
    if labels is None or (wanted.label is not None and wanted.label not in labels):
        return False
    return language in _EVERYWHERE and (language == "en" or wanted.own not in _IN_ENGLISH)
