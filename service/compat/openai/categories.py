"""Maps our attributes to OpenAI's categories. Categories that no attribute covers are marked as not judged."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct

# A category is true if all attributes of any of its groups are. The first group must be judged for the category to be
# judged. No attribute tells the target of toxicity; together with a threat it is taken to be a person.
Groups = tuple[tuple[str, ...], ...]
_HARASSMENT: Groups = (("insult",), ("toxicity", "threat"))
_NOTHING: Groups = ()

# The names and their order are OpenAI's (openai-moderations.md section 2).
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
    """The result for one input. `flagged`: any category is true. A category that was not judged has no input types; its
    0 and false mean nothing.
    """

    flagged: bool
    categories: dict[str, bool]
    category_scores: dict[str, float]
    category_applied_input_types: dict[str, tuple[str, ...]]


class WindowScores(Struct, frozen=True):
    """The scores of one window by attribute (empty: not judged), and the attributes that reached a threshold."""

    scores: Mapping[str, float]
    reached: Collection[str]


def unsupported(attributes: Collection[str]) -> tuple[str, ...]:
    """The categories that a model with these attributes cannot judge in any language."""
    return tuple(name for name, groups in CATEGORIES.items() if not _is_judged(groups, attributes))


def result(windows: Sequence[WindowScores]) -> Result:
    """Combine the windows of one text: true if any is true, the highest score, judged only if all windows were judged.

    A category that is true in one window stays true.
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


def nothing(attributes: Iterable[str]) -> WindowScores:
    """The scores of an empty text: 0 for every attribute."""
    return WindowScores(dict.fromkeys(attributes, 0.0), ())


UNJUDGED = WindowScores({}, ())


def _is_judged(groups: Groups, attributes: Collection[str]) -> bool:
    return bool(groups) and all(name in attributes for name in groups[0])


def _is_true(groups: Groups, attributes: Collection[str]) -> bool:
    return any(all(name in attributes for name in group) for group in groups)


def _score(groups: Groups, scores: Mapping[str, float]) -> float:
    """The maximum over groups of the minimum over their attributes; 0 if the category is not judged."""
    if not _is_judged(groups, scores):
        return 0.0
    return max(min(scores.get(name, 0.0) for name in group) for group in groups)
