"""comments:analyze: the scores of one comment. Stores nothing and needs no Redis by default.

If the site's policy sets `queue_doubtful`, a comment that a person should review is also recorded, unless the request
has doNotStore. The answer does not depend on whether recording succeeds.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from aiohttp import web

from service import app_keys as keys
from service import metrics
from service.cases.moderation import Moderation
from service.cases.scores import DECIMALS, Assessed, TextScores
from service.compat.perspective import attributes
from service.compat.perspective.attributes import RequestedAttribute
from service.compat.perspective.calls import Method
from service.compat.perspective.errors import NoRequestedAttributes
from service.compat.perspective.languages import UNDETERMINED, Spoken, spoken
from service.compat.perspective.messages import AnalyzeCommentRequest, Context
from service.compat.perspective.texts import JudgedText, check_context, in_utf16, judged, sentences, utf16_length
from service.http import bodies
from service.values.access import ApiKey, Scope
from service.values.domain import MAX_METADATA_BYTES, MAX_TEXT_BYTES, Action, Comment, Parent
from service.values.errors import Conflict, Retryable
from service.values.site_settings import Perspective, mapped

# Only where msgspec and the slow path cannot differ; they may for numbers.
bodies.read_quickly(
    AnalyzeCommentRequest,
    lambda asked: all(each.score_threshold is None for each in (asked.requested_attributes or {}).values()),
)


async def analyze(app: web.Application, key: ApiKey, asked: AnalyzeCommentRequest) -> dict[str, Any]:
    moderation, wish = app[keys.MODERATION], app[keys.DIRECTORY].policy(key.site).protocols.perspective
    comment = judged(asked.comment, accept_html=wish.accept_html)
    check_context(asked.context)
    if not asked.requested_attributes:
        raise NoRequestedAttributes
    found = attributes.wanted(asked.requested_attributes, moderation.attributes(key.site), wish)
    languages = moderation.languages(key.site)
    language = spoken(comment.text, asked.languages or (), languages, trust=wish.trust_languages)
    left = attributes.in_language(found, language, languages, drop=bool(asked.drop_unsupported_attributes))
    scored = (
        await _scored(moderation, key.site, comment, language.judged_in, with_spans=bool(asked.span_annotations))
        if left
        else None
    )
    if wish.queue_doubtful and not asked.do_not_store:
        await _queue(
            moderation, key, asked, comment.text, language.told[0], assessed=scored.assessed if scored else None
        )
    numbers = _Numbers(moderation, key.site, language.judged_in, wish)
    return _answer(asked, language, _attribute_scores(left, scored, numbers) if scored else {})


class _Scored(NamedTuple):
    """`spans`: in UTF-16 code units of the original text. `parts`: the scores of the spans, in order."""

    assessed: Assessed
    whole: TextScores
    spans: Sequence[tuple[int, int]]
    parts: Sequence[TextScores]


async def _scored(
    moderation: Moderation, site: str, comment: JudgedText, language: str, *, with_spans: bool
) -> _Scored:
    if not with_spans:
        assessed, _ = await moderation.assess_in(site, language, comment.text)
        whole = assessed.scores
        return _Scored(assessed, whole, [(0, utf16_length(comment.sent))], [whole])
    found = sentences(comment.text)
    assessed, parts = await moderation.assess_in(site, language, comment.text, [comment.text[s:e] for s, e in found])
    return _Scored(assessed, assessed.scores, in_utf16(comment.sent, [comment.place(*each) for each in found]), parts)


class _Numbers(NamedTuple):
    """Converts the model's scores to the value of an attribute in the answer."""

    moderation: Moderation
    site: str
    language: str
    wish: Perspective

    def of(self, attribute: RequestedAttribute, row: TextScores) -> float:
        if attribute.label is None:
            number = self.moderation.likelihood(self.site, self.language, row.all())
        else:
            number = row.of(attribute.label)
        pairs = self.wish.score_maps.get(attribute.own)
        # Six decimals fit into a float32, which Perspective uses, so all clients read the same number.
        return round(mapped(number, pairs), DECIMALS) if pairs else number


def _attribute_scores(left: Sequence[RequestedAttribute], scored: _Scored, numbers: _Numbers) -> dict[str, Any]:
    found = {}
    for each in left:
        summary = numbers.of(each, scored.whole)
        if each.threshold is not None and summary < each.threshold:
            continue
        spans = [
            {"begin": begin, "end": end, "score": _score(summary if part is scored.whole else numbers.of(each, part))}
            for (begin, end), part in zip(scored.spans, scored.parts, strict=True)
        ]
        found[each.name] = {"spanScores": spans, "summaryScore": _score(summary)}
    return found


def _score(value: float) -> dict[str, Any]:
    return {"value": value, "type": "PROBABILITY"}


def _answer(asked: AnalyzeCommentRequest, language: Spoken, scores: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"attributeScores": scores} if scores else {}
    answer["languages"] = language.shown
    answer["detectedLanguages"] = [language.detected or UNDETERMINED]
    if asked.client_token:
        answer["clientToken"] = asked.client_token
    return answer


async def _queue(
    moderation: Moderation,
    key: ApiKey,
    asked: AnalyzeCommentRequest,
    text: str,
    language: str,
    *,
    assessed: Assessed | None,
) -> None:
    """Queue a doubtful comment for review, once for each text, community and token.

    `assessed`: the result of scoring; None if it was not scored.
    """
    said = language if _TAG.fullmatch(language) else None
    judgement = (
        moderation.judge_assessed(key.site, assessed, said) if assessed else moderation.judge(key.site, text, said)
    )
    if judgement.decision is not Action.REVIEW:
        return
    named = {"client_token": asked.client_token, "session_id": asked.session_id, "community_id": asked.community_id}
    digest = hashlib.blake2b(msgspec.json.encode([text, asked.client_token, asked.community_id]), digest_size=16)
    metadata = {name: value for name, value in named.items() if value}
    comment = Comment(
        text,
        f"perspective-{digest.hexdigest()}",
        parent=_parent(asked.context),
        language=said,
        metadata=metadata if len(msgspec.json.encode(metadata)) <= MAX_METADATA_BYTES else {},
    )
    outcome = "ok"
    try:
        await moderation.record(key.site, comment, judgement, actor=key.name)
    except (Retryable, Conflict) as error:  # the scores are valid all the same
        outcome = error.code
    metrics.REQUESTS.labels("perspective_queue", outcome).inc()


_TAG = re.compile(r"[A-Za-z0-9-]{1,35}")


def _parent(context: Context | None) -> Parent | None:
    both = context and context.article_and_parent_comment
    text = both.parent_comment.text if both and both.parent_comment else None
    return Parent(text=text) if text and not text.isspace() and len(text.encode()) <= MAX_TEXT_BYTES else None


ANALYZE = Method("AnalyzeComment", Scope.SCORE, AnalyzeCommentRequest, analyze)
