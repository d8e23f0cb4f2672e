"""comments:suggestscore: stores suggested scores as a label of the key's site.

A score of 0 or 1 means no or yes; one in between is the share of people who would say yes. Of several suggestions with
the same clientToken and community, the newest counts. LIKELY_TO_REJECT stands for a decision, and is used in training
like a moderator's decision; without it the label covers only the named attributes.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web

import classifier
from service import app_keys as keys
from service.compat.perspective import attributes
from service.compat.perspective.calls import Method
from service.compat.perspective.errors import InvalidRequest, said_back
from service.compat.perspective.messages import AttributeScores, Score, SuggestCommentScoreRequest
from service.compat.perspective.texts import check_context, judged, utf16_length
from service.store.labels import Imported
from service.values.access import ApiKey, Scope
from service.values.domain import MAX_COMMUNITY, YES_FROM
from service.values.site_settings import Perspective

SOURCE = "perspective"


async def suggest(app: web.Application, key: ApiKey, asked: SuggestCommentScoreRequest) -> dict[str, Any]:
    wish = app[keys.DIRECTORY].policy(key.site).protocols.perspective
    comment = judged(asked.comment, accept_html=wish.accept_html)
    check_context(asked.context)
    if len(asked.community_id or "") > MAX_COMMUNITY:
        raise InvalidRequest(f"community_id is longer than {MAX_COMMUNITY} characters")
    if not asked.attribute_scores:
        raise InvalidRequest("Missing attribute_scores")
    length = utf16_length(comment.sent)
    for name, scores in asked.attribute_scores.items():
        _check(said_back(name), scores, length)
    label = _label(asked, comment.text, *_said(asked.attribute_scores, app[keys.MODERATION].attributes(key.site), wish))
    await app[keys.STORE].labels.add(key.site, label, key.name)
    detected = classifier.detect(comment.text)
    answer = {
        "clientToken": asked.client_token,
        "requestedLanguages": asked.languages,
        "detectedLanguages": [detected] if detected else [],
    }
    return {name: value for name, value in answer.items() if value}


def _check(name: str, scores: AttributeScores, length: int) -> None:
    if scores.summary_score is None and not scores.span_scores:
        raise InvalidRequest(f"Attribute {name} has neither a summary_score nor span_scores")
    if scores.summary_score is not None:
        _check_score(name, "summary_score", scores.summary_score)
    for place, span in enumerate(scores.span_scores or ()):
        at = f"span_scores[{place}]"
        if span.begin is None or span.end is None or not 0 <= span.begin <= span.end <= length:
            raise InvalidRequest(f"Attribute {name}: {at} needs begin and end, in UTF-16 code units of the text")
        if span.score is None:
            raise InvalidRequest(f"Attribute {name}: {at} has no score")
        _check_score(name, f"{at}.score", span.score)


def _check_score(name: str, at: str, score: Score) -> None:
    attributes.check_type(name, score.type)
    if score.value is None or not 0 <= score.value <= 1:
        raise InvalidRequest(f"Attribute {name}: {at} needs a value between 0 and 1")


def _value(scores: AttributeScores) -> float:
    """The summary score; without one, the maximum over the spans."""
    if scores.summary_score is not None:
        return scores.summary_score.value or 0.0
    return max(span.score.value or 0.0 for span in scores.span_scores or () if span.score)


def _said(
    given: Mapping[str, AttributeScores], known: tuple[str, ...], wish: Perspective
) -> tuple[dict[str, bool | float], str]:
    """Labels by attribute, and the decision (empty if there is none). Raises InvalidRequest."""
    labels: dict[str, bool | float] = {}
    decision = ""
    for name, scores in given.items():
        found, value = attributes.known(name, known, wish), _value(scores)
        if found.label is None:
            decision = "reject" if value >= YES_FROM else "approve"
        else:
            labels[found.label] = bool(value) if value in (0, 1) else value
    return labels, decision


def _label(asked: SuggestCommentScoreRequest, text: str, labels: dict[str, bool | float], decision: str) -> Imported:
    community = asked.community_id or None
    said = (text, sorted(labels.items()), decision, community, asked.client_token or None)
    digest = _digest(said)
    # With a token, a later suggestion replaces this one; without one, the id is a hash of the content.
    own = _digest((community, asked.client_token)) if asked.client_token else digest
    return Imported(f"{SOURCE}-{own}", digest, text, labels, decision, "", SOURCE, 1.0, community)


def _digest(value: Any) -> str:  # noqa: ANN401 - JSON
    return hashlib.blake2b(msgspec.json.encode(value), digest_size=16).hexdigest()


SUGGEST = Method("SuggestCommentScore", Scope.COMMENTS, SuggestCommentScoreRequest, suggest)
