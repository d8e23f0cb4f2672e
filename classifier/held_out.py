"""A model's metrics on held-out texts, from its manifest, and what is lost if another model replaces it."""

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

# The family-wise error rate: the probability that any figure is called worse by chance.
LEVEL = 0.05


class Measured(NamedTuple):
    """One line of a model's metrics: one attribute on the held-out texts of one data set."""

    data_set: str
    attribute: str
    texts: int
    positive: int
    roc_auc: float | None
    calibration_error: float | None


class GroupErrors(NamedTuple):
    """How often harmless texts that name an identity group are flagged: of each of `groups`, and of the worst."""

    groups: int
    worst: str
    worst_share: float
    mean_share: float

    @property
    def ratio(self) -> float:
        """The worst group over the mean of all groups; 1 if no harmless text of any group is flagged."""
        return self.worst_share / self.mean_share if self.mean_share else 1.0


class Worth(NamedTuple):
    """What a model can do. `judges`: language -> attributes judged in it. `metrics`: from the manifest."""

    judges: Mapping[str, Collection[str]]
    metrics: Mapping[str, Any]


class Fallen(NamedTuple):
    """A ROC AUC that is significantly lower than before."""

    data_set: str
    attribute: str
    before: float
    after: float


class Losses(NamedTuple):
    """What one model lacks or does worse than another. `attributes`: (language, attribute), for common languages."""

    languages: tuple[str, ...]
    attributes: tuple[tuple[str, str], ...]
    fallen: tuple[Fallen, ...]

    @property
    def is_any(self) -> bool:
        return bool(self.languages or self.attributes or self.fallen)


def measured(metrics: Mapping[str, Any]) -> Iterator[Measured]:
    """Skips anything of an unexpected form, since the manifest may come from elsewhere or from an older release."""
    held_out = metrics.get("held_out")
    for data_set, attributes in held_out.items() if isinstance(held_out, Mapping) else ():
        for attribute, found in attributes.items() if isinstance(attributes, Mapping) else ():
            if isinstance(found, Mapping):
                yield Measured(
                    str(data_set),
                    str(attribute),
                    int(_number(found, "texts") or 0),
                    int(_number(found, "positive") or 0),
                    _number(found, "roc_auc"),
                    _number(found, "calibration_error"),
                )


def group_errors(metrics: Mapping[str, Any]) -> GroupErrors | None:
    """From the counts in the manifest; None if it has none, or those of fewer than two groups."""
    noted = metrics.get("groups")
    counts = noted.get("harmless") if isinstance(noted, Mapping) else None
    shares = dict(_shares(counts)) if isinstance(counts, Mapping) else {}
    if len(shares) < 2:  # noqa: PLR2004 - one group cannot be worse than others
        return None
    worst = max(shares, key=lambda group: (shares[group], group))
    return GroupErrors(len(shares), worst, shares[worst], sum(shares.values()) / len(shares))


def _shares(counts: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for group, found in counts.items():
        texts, flagged = (_number(found, name) if isinstance(found, Mapping) else None for name in ("texts", "flagged"))
        if texts is not None and flagged is not None and 0 <= flagged <= texts and texts > 0:
            yield str(group), flagged / texts


def losses(before: Worth, after: Worth) -> Losses:
    """What is lost if the model `after` replaces `before`."""
    both = [language for language in before.judges if language in after.judges]
    return Losses(
        languages=tuple(language for language in before.judges if language not in after.judges),
        attributes=tuple(
            (language, attribute)
            for language in both
            for attribute in before.judges[language]
            if attribute not in after.judges[language]
        ),
        fallen=tuple(_fallen(before.metrics, after.metrics)),
    )


def _fallen(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Fallen]:
    """A one-sided z test of each figure that both models have, corrected for their number (Holm, 1979).

    The test assumes independent figures. On the same texts the errors are correlated, so it is conservative.
    """
    earlier = {(each.data_set, each.attribute): each for each in measured(before)}
    pairs = [(earlier[key], each) for each in measured(after) if (key := each[:2]) in earlier]
    found = [(_chance(was, now), was, now) for was, now in pairs if _is_sound(was) and _is_sound(now)]
    for rank, (chance, was, now) in enumerate(sorted(found)):
        if chance > LEVEL / (len(found) - rank):
            break
        assert was.roc_auc is not None, "it is sound"  # noqa: S101 - for the type checker; it cannot happen
        assert now.roc_auc is not None, "it is sound"  # noqa: S101 - for the type checker; it cannot happen
        yield Fallen(now.data_set, now.attribute, was.roc_auc, now.roc_auc)


def _is_sound(figure: Measured) -> bool:
    return figure.roc_auc is not None and 0 <= figure.roc_auc <= 1 and 0 < figure.positive < figure.texts


def _chance(was: Measured, now: Measured) -> float:
    """The p-value of a drop of this size if both models are equally good."""
    fall = (was.roc_auc or 0.0) - (now.roc_auc or 0.0)
    error = math.sqrt(_variance(was) + _variance(now))
    if error == 0:
        return 0.0 if fall > 0 else 1.0
    return math.erfc(fall / error / math.sqrt(2)) / 2


def _variance(figure: Measured) -> float:
    """The variance of a ROC AUC (Hanley and McNeil, 1982)."""
    auc, yes, no = figure.roc_auc or 0.0, figure.positive, figure.texts - figure.positive
    yes_pair, no_pair = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    return (auc * (1 - auc) + (yes - 1) * (yes_pair - auc**2) + (no - 1) * (no_pair - auc**2)) / (yes * no)


def _number(found: Mapping[str, Any], name: str) -> float | None:
    value = found.get(name)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return value if is_number else None
