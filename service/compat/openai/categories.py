"""OpenAI's categories told by our attributes; those that nothing of ours tells say so."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct

# What makes up a category: any group of attributes of which all are there. The first group is the one that must be
# judged for the category to be judged. Whom toxicity is aimed at no attribute tells; with a threat it is a person.
Groups = tuple[tuple[str, ...], ...]
_HARASSMENT: Groups = (("insult",), ("toxicity", "threat"))
_NOTHING: Groups = ()

# Names and order are OpenAI's (openai-moderations.md section 2).
CATEGORIES: Mapping[str, Groups] = {
    "harassment": _HARASSMENT,
    "harassment/threatening": tuple((*group, "threat") for group in _HARASSMENT),
    "hate": (("identity_attack",),),
    "hate/threatening": (("identity_attack", "threat"),),
    "illicit": _NOTHING,
    "illicit/violent": _NOTHING,
    "self-harm": _NOTHING,
    "self-harm/intent": _NOTHING,
    "self-harm/instructions": _NOTHING,
    "sexual": (("sexually_explicit",),),
    "sexual/minors": _NOTHING,
    "violence": (("threat",),),
    "violence/graphic": _NOTHING,
}


class Result(Struct, frozen=True):
    """Of one input: `flagged` is whether any category is true. Where a category was not judged its input types are
    empty, and its 0 and false mean nothing.
    """

    flagged: bool
    categories: dict[str, bool]
    category_scores: dict[str, float]
    category_applied_input_types: dict[str, tuple[str, ...]]


class Found(Struct, frozen=True):
    """What one window of a text got: scores by attribute (empty: not judged), and those that reached a threshold."""

    scores: Mapping[str, float]
    reached: Collection[str]


def unsupported(attributes: Collection[str]) -> tuple[str, ...]:
    """The categories that a model with these attributes evaluates in no language."""
    return tuple(name for name, groups in CATEGORIES.items() if not _is_judged(groups, attributes))


def result(windows: Sequence[Found]) -> Result:
    """Of the windows of one text: true where one of them is, the highest score, and judged only where each of them was.

    What one window shows for certain no other can undo.
    """
    true = {name: any(_is_true(groups, each.reached) for each in windows) for name, groups in CATEGORIES.items()}
    judged = {
        name: true[name] or all(_is_judged(groups, each.scores) for each in windows)
        for name, groups in CATEGORIES.items()
    }
    scores = {
        name: max(_score(groups, each.scores) for each in windows) if judged[name] else 0.0
        for name, groups in CATEGORIES.items()
    }
    types: dict[str, tuple[str, ...]] = {name: ("text",) if judged[name] else () for name in CATEGORIES}
    return Result(any(true.values()), true, scores, types)


def nothing(attributes: Iterable[str]) -> Found:
    """Of an empty text, in which there is nothing of any attribute."""
    return Found(dict.fromkeys(attributes, 0.0), ())


UNJUDGED = Found({}, ())


def _is_judged(groups: Groups, attributes: Collection[str]) -> bool:
    return bool(groups) and all(name in attributes for name in groups[0])


def _is_true(groups: Groups, attributes: Collection[str]) -> bool:
    return any(all(name in attributes for name in group) for group in groups)


def _score(groups: Groups, scores: Mapping[str, float]) -> float:
    """Of all attributes of a group the least, of all groups the greatest; 0 where the category is not judged."""
    if not _is_judged(groups, scores):
        return 0.0
    return max(min(scores.get(name, 0.0) for name in group) for group in groups)
