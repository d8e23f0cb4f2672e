"""POST /v1/score: scores texts. Stores nothing, needs no Redis."""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

from service import app_keys as keys
from service.api.operation import Call, Operation
from service.cases.scores import Scored
from service.http import bodies
from service.values.access import Scope
from service.values.domain import LanguageSupport, LanguageTag, Span
from service.values.errors import BadRequest, Fault


class ScoreRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Either `text` or `texts`."""

    text: str | None = None
    texts: Annotated[list[str], Meta(min_length=1)] | None = None
    attributes: (
        Annotated[list[str], Meta(min_length=1, description="Only these; unset: all that the model has.")] | None
    ) = None
    spans: bool = False
    language: LanguageTag | None = None


bodies.read_quickly(ScoreRequest)


class ScoreResult(Struct, frozen=True, omit_defaults=True):
    """`scores` holds what is judged in texts of that language; it is empty where the model does not judge it."""

    language: str
    scores: Mapping[str, float]
    language_support: Annotated[LanguageSupport, Meta(description="Whether the model was measured in the language.")]
    spans: tuple[Span, ...] | None = None


class ScoreResponse(Struct, frozen=True):
    model: str
    results: list[ScoreResult]


async def score(call: Call) -> ScoreResponse:
    """Calibrated probabilities of each attribute for one text or many, in order."""
    asked: ScoreRequest = call.body
    texts = _texts(asked)
    moderation, site = call.request.app[keys.MODERATION], call.key.site
    wanted = _attributes(asked.attributes, moderation.attributes(site))
    model, found = await moderation.score(site, texts, spans=asked.spans, language=asked.language)
    results = [
        _result(scored, wanted, moderation.support(site, scored.language), with_spans=asked.spans) for scored in found
    ]
    return ScoreResponse(model, results)


def _texts(asked: ScoreRequest) -> list[str]:
    if (asked.text is None) == (asked.texts is None):
        raise BadRequest("send either 'text' or 'texts'", [Fault("/text", "either this or 'texts', not both or none")])
    if asked.texts is None:
        assert asked.text is not None  # noqa: S101 - just checked, for the type checker
        bodies.check_text(asked.text, "/text")
        return [asked.text]
    bodies.check_count(asked.texts, "/texts")
    for index, text in enumerate(asked.texts):
        bodies.check_text(text, f"/texts/{index}")
    return asked.texts


def _attributes(asked: list[str] | None, known: tuple[str, ...]) -> frozenset[str]:
    for index, attribute in enumerate(asked or ()):
        if attribute not in known:
            detail = f"not an attribute of this model, which has {', '.join(known)}"
            raise BadRequest(f"/attributes/{index}: {detail}", [Fault(f"/attributes/{index}", detail)])
    return frozenset(asked or known)


def _result(scored: Scored, wanted: frozenset[str], support: LanguageSupport, *, with_spans: bool) -> ScoreResult:
    spans = tuple(span for span in scored.spans if span.attribute in wanted) if with_spans else None
    scores = {name: p for name, p in scored.scores.items() if name in wanted}
    return ScoreResult(scored.language, scores, support, spans)


OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/score",
        handler=score,
        scope=Scope.SCORE,
        tag="Score",
        summary="Score text and keep nothing; works while Redis is away.",
        body=ScoreRequest,
        answer=ScoreResponse,
        limit=bodies.MAX_BATCH_BYTES,
        problems=(503,),
        is_hot=True,
    ),
)
