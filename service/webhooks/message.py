"""The body of a webhook, and its message id, which stays the same on every retry."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from service.store.base import instant
from service.store.outbox import Event, EventType
from service.values.complaints import ComplaintAnswer
from service.values.domain import SITE_PATTERN
from service.values.statement_words import SOURCE_LANGUAGE, WordedStatement
from service.webhooks.notices import DecidedNotices

# Limit of the body (specs: review queue, 10). What does not fit is left out, in this order: the site has a copy of the
# text, GET /v1/comments/{id}/statement has the statement in every language, and the policy has the words of reasons.
MAX_BODY_BYTES = 20_000
_LEFT_OUT = ("text", "other languages", "statement", "complaint", "reason_texts")

_UNSAFE = re.compile(r"[^0-9A-Za-z_-]")
_ESCAPED = re.compile(rb"~([0-9a-f]{2})")
_ID = re.compile(rf"evt_({SITE_PATTERN[1:-1]})_((?:[0-9A-Za-z_-]|~[0-9a-f]{{2}})+)_([1-9][0-9]{{0,15}})")


class Data(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What happened to one comment, and its `status` now. Ignore a `version` that is not above the last one seen."""

    comment_id: str
    site: str
    revision: int
    version: int
    status: str
    decided_by: str
    decision: str | None = None
    reason: str | None = None
    reason_texts: msgspec.Raw | None = None
    text: str | None = None
    statement: WordedStatement | None = None
    notices: DecidedNotices | None = None
    complaint: ComplaintAnswer | None = None


class AuthorData(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The status of an author, from now on or `until` then. `author`: the stored id; `version` as for comments."""

    author: str
    site: str
    version: int
    status: str
    by: str
    why: str | None = None
    until: datetime | None = None


class ArticleData(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The status of an article or a section, from now on or `until` then; `version` as for comments."""

    article: str | None = None
    section: str | None = None
    site: str
    version: int
    status: str
    by: str
    until: datetime | None = None


class PromiseData(Struct, frozen=True, kw_only=True):
    """Audits contradicted a target. `policy`: the version that has decided since; `version` counts as for comments."""

    promise: str
    site: str
    version: int
    status: str
    policy: str


class Message(Struct, frozen=True):
    type: EventType
    timestamp: datetime
    data: Data | AuthorData | ArticleData | PromiseData


class MessageId(Struct, frozen=True):
    """evt_<site>_<comment>_<version>. In the comment id, bytes other than [0-9A-Za-z_-] become ~ and two hex digits.

    This makes the id safe in headers, in paths, and in the signed string, where dots separate it from the rest. In
    place of a comment's id, events of an author or an article have a name that is none (see store/author_status.py and
    store/articles.py).
    """

    site: str
    comment: str
    version: int

    def __str__(self) -> str:
        return f"evt_{self.site}_{_UNSAFE.sub(_escaped, self.comment)}_{self.version}"

    @classmethod
    def parse(cls, text: str) -> "MessageId | None":
        found = _ID.fullmatch(text)
        if found is None:
            return None
        try:
            comment = _ESCAPED.sub(lambda escape: bytes((int(escape[1], 16),)), found[2].encode()).decode()
        except UnicodeDecodeError:
            return None
        return cls(found[1], comment, int(found[3]))


def message_id(site: str, event: Event) -> str:
    return str(MessageId(site, event.comment, event.version))


def body(  # noqa: PLR0917 - the parts of the body
    site: str,
    event: Event,
    text: str | None,
    statement: WordedStatement | None = None,
    notices: DecidedNotices | None = None,
    complaint: ComplaintAnswer | None = None,
) -> bytes:
    at = datetime.fromtimestamp(event.at / 1000, UTC)
    if event.author is not None:
        return msgspec.json.encode(Message(event.type, at, _author_data(site, event, event.author)))
    if event.article is not None or event.section is not None:
        return msgspec.json.encode(Message(event.type, at, _article_data(site, event)))
    if event.promise is not None:
        promised = PromiseData(
            promise=event.promise,
            site=site,
            version=event.version,
            status=event.status,
            policy=event.policy or "",
        )
        return msgspec.json.encode(Message(event.type, at, promised))
    data = Data(
        comment_id=event.comment,
        site=site,
        revision=event.revision,
        version=event.version,
        status=event.status,
        decided_by=event.decided_by,
        decision=event.decision or None,
        reason=event.reason or None,
        reason_texts=msgspec.Raw(event.reason_texts.encode()) if event.reason_texts else None,
        text=text,
        statement=statement,
        notices=notices,
        complaint=complaint,
    )
    encoded = msgspec.json.encode(Message(event.type, at, data))
    for name in _LEFT_OUT:
        if len(encoded) > MAX_BODY_BYTES:
            data = _in_fewer_languages(data) if name == "other languages" else _without(data, name)
            encoded = msgspec.json.encode(Message(event.type, at, data))
    return encoded


def _without(data: Data, name: str) -> Data:
    return msgspec.structs.replace(data, **{name: None})


def _in_fewer_languages(data: Data) -> Data:
    """With the texts for the author in English, and in the language of the comment where that is known."""
    statement, complaint = data.statement, data.complaint
    kept = {SOURCE_LANGUAGE, statement.content_language if statement else None}

    def few(texts: Mapping[str, str]) -> dict[str, str]:
        return {language: text for language, text in texts.items() if language in kept}

    return msgspec.structs.replace(
        data,
        statement=statement and msgspec.structs.replace(statement, texts=few(statement.texts)),
        complaint=complaint and msgspec.structs.replace(complaint, texts=few(complaint.texts)),
    )


def _author_data(site: str, event: Event, author: str) -> AuthorData:
    return AuthorData(
        author=author,
        site=site,
        version=event.version,
        status=event.status,
        by=event.by or "",
        why=event.why,
        until=instant(event.ends),
    )


def _article_data(site: str, event: Event) -> ArticleData:
    return ArticleData(
        article=event.article,
        section=event.section,
        site=site,
        version=event.version,
        status=event.status,
        by=event.by or "",
        until=instant(event.ends),
    )


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"~{byte:02x}" for byte in found[0].encode())
