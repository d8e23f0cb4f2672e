"""The model's scores as the use cases pass them on: rounded, by text, with the language that they are of."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import classifier
from service import metrics, tracing
from service.values.domain import LanguageSupport, Span

# Scores are rounded before the decision, so that a reader of the answer can reproduce it.
DECIMALS = 6
_MILLION = 10**DECIMALS
# More texts than this are scored in a thread: the kernel releases the GIL, so the event loop goes on.
MOST_SCORED_INLINE = 8


@dataclass(frozen=True, slots=True)
class Scored:
    """`scores` is empty where the model does not judge the language."""

    language: str
    scores: Mapping[str, float]
    spans: tuple[Span, ...] = ()


class TextScores(NamedTuple):
    """The scores of one text. They are rounded on access, because most callers read one of the seven."""

    labels: Sequence[str]
    probabilities: Sequence[float]

    def of(self, label: str) -> float:
        return rounded((label,), (self.probabilities[self.labels.index(label)],))[label]

    def all(self) -> dict[str, float]:
        return rounded(self.labels, self.probabilities)


class Assessed(NamedTuple):
    """A scored text with everything that a decision needs, so that it is not scored twice."""

    model: classifier.Model
    text: str
    language: str
    found: classifier.Assessment

    @property
    def scores(self) -> TextScores:
        return TextScores(self.model.languages[self.language], self.found.scores)


def support_of(model: classifier.Model, language: str) -> LanguageSupport:
    if language in model.transferred:
        return LanguageSupport.TRANSFERRED
    return LanguageSupport.MEASURED if language in model.languages else LanguageSupport.NONE


def language_of(model: classifier.Model, text: str, declared: str | None) -> str:
    language = classifier.language_of(text, declared, model.languages)
    count_language(model.languages, language)
    return language


def count_language(judged: Collection[str], language: str) -> None:
    """Count a language that the model does not judge as "other": its name comes from outside, as user input does."""
    metrics.LANGUAGES.labels(language if language in judged else "other").inc()


def score_texts(
    model: classifier.Model, texts: Sequence[str], declared: str | None, *, with_spans: bool
) -> list[Scored]:
    """Score many texts with `score_many`, which is slower for a few texts and returns no spans."""
    languages = [language_of(model, text, declared) for text in texts]
    if with_spans or len(texts) <= MOST_SCORED_INLINE:
        pairs = zip(texts, languages, strict=True)
        return [scored_alone(model, text, language, with_spans=with_spans) for text, language in pairs]
    found = [Scored(language, {}) for language in languages]
    for language, labels in model.languages.items():
        places = [place for place, each in enumerate(languages) if each == language]
        rows = model.score_many([texts[place] for place in places], language=language).tolist()
        for place, row in zip(places, rows, strict=True):
            found[place] = Scored(language, rounded(labels, row))
    return found


def assess(model: classifier.Model, text: str, language: str) -> classifier.Assessment | None:
    """None if the model does not judge the language."""
    if language not in model.languages:
        return None
    with tracing.step("score", **{"steward.model": model.version, "steward.language": language}):
        return model.assess(text, language=language)


def scored_alone(model: classifier.Model, text: str, language: str, *, with_spans: bool) -> Scored:
    found = assess(model, text, language)
    if found is None:
        return Scored(language, {})
    labels = model.languages[language]
    return Scored(language, rounded(labels, found.scores), own_spans(found.spans()) if with_spans else ())


def rounded(labels: Sequence[str], row: Sequence[float]) -> dict[str, float]:
    try:
        # As round(p, 6), except that ties go up; takes two thirds of the time.
        return {label: int(p * _MILLION + 0.5) / _MILLION for label, p in zip(labels, row, strict=True)}
    except (ValueError, OverflowError):  # NaN and infinity are passed on: the decision sends them to a person
        return dict(zip(labels, row, strict=True))


def own_spans(found: Sequence[classifier.Span]) -> tuple[Span, ...]:
    return tuple(Span(s.start, s.end, s.label, round(s.weight, DECIMALS)) for s in found)
