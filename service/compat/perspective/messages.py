"""The request messages, as defined by google.commentanalyzer.v1alpha1.

Every field is optional and None by default: a missing text is an error of Perspective, not of the message format.
"""

from typing import Annotated

from msgspec import Meta, Struct

# The name or the number of an enumeration value.
Enum = Annotated[str | int, Meta(description="The name of a value, or its number.")]


class ProtoMessage(Struct, frozen=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    pass


class TextEntry(ProtoMessage, frozen=True):
    text: str | None = None
    type: Enum | None = None


class AttributeParameters(ProtoMessage, frozen=True):
    score_type: Enum | None = None
    score_threshold: float | None = None


class ArticleAndParentComment(ProtoMessage, frozen=True):
    article: TextEntry | None = None
    parent_comment: TextEntry | None = None


class Context(ProtoMessage, frozen=True):
    entries: list[TextEntry] | None = None
    article_and_parent_comment: ArticleAndParentComment | None = None


class AnalyzeCommentRequest(ProtoMessage, frozen=True):
    comment: TextEntry | None = None
    requested_attributes: dict[str, AttributeParameters] | None = None
    languages: list[str] | None = None
    context: Context | None = None
    do_not_store: bool | None = None
    span_annotations: bool | None = None
    drop_unsupported_attributes: bool | None = None
    client_token: str | None = None
    session_id: str | None = None
    community_id: str | None = None


class Score(ProtoMessage, frozen=True):
    value: float | None = None
    type: Enum | None = None


class SpanScore(ProtoMessage, frozen=True):
    begin: int | None = None
    end: int | None = None
    score: Score | None = None


class AttributeScores(ProtoMessage, frozen=True):
    summary_score: Score | None = None
    span_scores: list[SpanScore] | None = None


class SuggestCommentScoreRequest(ProtoMessage, frozen=True):
    comment: TextEntry | None = None
    attribute_scores: dict[str, AttributeScores] | None = None
    languages: list[str] | None = None
    context: Context | None = None
    client_token: str | None = None
    session_id: str | None = None
    community_id: str | None = None
