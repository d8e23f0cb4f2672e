"""The messages that clients send, as google.commentanalyzer.v1alpha1 defines them.

Every field may be left out, and then is None: also an empty text is Perspective's own error, not one of the shape.
"""

from typing import Annotated

from msgspec import Meta, Struct

# The name of an enumeration's value, or its number.
Enum = Annotated[str | int, Meta(description="The name of a value, or its number.")]


class Message(Struct, frozen=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    pass


class TextEntry(Message, frozen=True):
    text: str | None = None
    type: Enum | None = None


class AttributeParameters(Message, frozen=True):
    score_type: Enum | None = None
    score_threshold: float | None = None


class ArticleAndParentComment(Message, frozen=True):
    article: TextEntry | None = None
    parent_comment: TextEntry | None = None


class Context(Message, frozen=True):
    entries: list[TextEntry] | None = None
    article_and_parent_comment: ArticleAndParentComment | None = None


class AnalyzeCommentRequest(Message, frozen=True):
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


class Score(Message, frozen=True):
    value: float | None = None
    type: Enum | None = None


class SpanScore(Message, frozen=True):
    begin: int | None = None
    end: int | None = None
    score: Score | None = None


class AttributeScores(Message, frozen=True):
    summary_score: Score | None = None
    span_scores: list[SpanScore] | None = None


class SuggestCommentScoreRequest(Message, frozen=True):
    comment: TextEntry | None = None
    attribute_scores: dict[str, AttributeScores] | None = None
    languages: list[str] | None = None
    context: Context | None = None
    client_token: str | None = None
    session_id: str | None = None
    community_id: str | None = None
