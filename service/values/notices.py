"""Notices by readers (Digital Services Act, article 16): the receipt, the outcome, and both in words."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, NamedTuple

from msgspec import Meta, Struct

from service.values.dates import long_day
from service.values.dsa import Dsa
from service.values.statement_words import LANGUAGES, templates

# Of a comment, of all its revisions, answered or not. As in notices.lua.
MOST_NOTICES = 200


class NoticeOutcome(StrEnum):
    """`withdrawn`: the comment was erased before anybody decided."""

    OPEN = "open"
    RESTRICTED = "restricted"
    KEPT = "kept"
    WITHDRAWN = "withdrawn"


class Notice(Struct, frozen=True, kw_only=True):
    """A reader's notice about a revision of a comment.

    `text`: what the reader says; empty once it was erased. `name`, `email`: who gave it with the form; empty if the
    site took the notice, if the kind needs none, or once they were erased. `is_automatic`: no person decided, but the
    automatic step or expiry.
    """

    id: str
    comment: str
    revision: int
    at: datetime
    kind: str
    text: str
    outcome: NoticeOutcome
    decided_at: datetime | None
    is_automatic: bool
    name: str = ""
    email: str = ""


class Giver(NamedTuple):
    """Who gives a notice with the form, as written there. Both are empty where the kind of content needs none."""

    name: str
    email: str


class NoticesTold(Struct, frozen=True):
    """Notices that have this outcome since an event of their comment."""

    ids: tuple[str, ...]
    outcome: NoticeOutcome
    automated: bool


class NoticeAnswer(Struct, frozen=True, kw_only=True):
    """What whoever gave notice is told: `texts`, by language. `outcome` open: the text is the receipt."""

    outcome: NoticeOutcome
    automated: Annotated[bool, Meta(description="No person decided, but the automatic step or expiry.")]
    complaint_until: datetime | None
    complaint_url: str | None
    dispute_url: str | None
    texts: dict[str, str]


def answer_to(notice: Notice, dsa: Dsa) -> NoticeAnswer:
    """The receipt while the notice is open, else what was decided and what its reader can do about it."""
    is_decided = notice.outcome in (NoticeOutcome.RESTRICTED, NoticeOutcome.KEPT)
    until = notice.decided_at + timedelta(days=dsa.complaint_days) if is_decided and notice.decided_at else None
    return NoticeAnswer(
        outcome=notice.outcome,
        automated=notice.is_automatic,
        complaint_until=until,
        complaint_url=dsa.complaint_url if until else None,
        dispute_url=dsa.dispute_url if until else None,
        texts={language: _text(notice, until, dsa, language) for language in LANGUAGES},
    )


def _text(notice: Notice, until: datetime | None, dsa: Dsa, language: str) -> str:
    """Paragraphs separated by blank lines. It says nothing of the comment, its author or the reader."""
    words = templates(language)

    def day(at: datetime | None) -> str:
        return long_day(at.date(), language) if at else ""

    said = str(words[f"notice_{notice.outcome}"]).format(given=day(notice.at), decided=day(notice.decided_at))
    paragraphs = [[words["notice_title"]], [said]]
    if until:
        paragraphs[1].append(words["decision_fully" if notice.is_automatic else "notice_by_person"])
        paragraphs.append(
            [str(words["complaint"]).format(until=day(until)), *_linked(words, "complaint", dsa.complaint_url)]
        )
        paragraphs.append([words["dispute"], *_linked(words, "dispute", dsa.dispute_url), words["court"]])
    return "\n\n".join(map(" ".join, paragraphs))


def _linked(words: Mapping[str, Any], key: str, url: str | None) -> list[str]:
    return [str(words[f"{key}_at"]).format(url=url)] if url else []
