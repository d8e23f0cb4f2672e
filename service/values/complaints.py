"""Complaints of authors about a rejection (Digital Services Act, article 20), and what authors are told of them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from service.values.dates import long_day
from service.values.dsa import ClauseTexts, Dsa, Restriction, clause_of
from service.values.statement_words import LANGUAGES, templates


class ComplaintOutcome(StrEnum):
    """`upheld`: the comment stays rejected. `reversed`: it was approved."""

    OPEN = "open"
    UPHELD = "upheld"
    REVERSED = "reversed"


class ComplaintAnswer(Struct, frozen=True, kw_only=True):
    """Where a complaint stands. `texts`: for its author, by language.

    `clause` and `explanation`: of a rejection that was upheld and still stands. `reason`: the moderator's code.
    """

    comment_id: str
    revision: int
    received_at: Annotated[datetime | None, Meta(description="Null for complaints made before 1.3.")]
    outcome: ComplaintOutcome
    decided_at: datetime | None
    reason: str | None
    clause: str | None
    explanation: str | None
    dispute_url: str | None
    texts: dict[str, str]


def complaint_answer(
    *,
    comment_id: str,
    revision: int,
    received_at: datetime | None,
    outcome: ComplaintOutcome,
    decided_at: datetime | None,
    reason: str | None,
    restriction: Restriction | None,
    dsa: Dsa,
) -> ComplaintAnswer:
    """`restriction`: the rejection that stands; None: none does. Raises KeyError if the site has no clause for it."""
    is_upheld = outcome is ComplaintOutcome.UPHELD
    clause = clause_of(restriction, dsa) if is_upheld and restriction else None
    return ComplaintAnswer(
        comment_id=comment_id,
        revision=revision,
        received_at=received_at,
        outcome=outcome,
        decided_at=decided_at,
        reason=reason or None,
        clause=clause.clause if clause else None,
        explanation=clause.explanation if clause else None,
        dispute_url=dsa.dispute_url if is_upheld else None,
        texts={
            language: _text(
                language, received_at, outcome, decided_at, clause.texts(language) if clause else None, dsa.dispute_url
            )
            for language in LANGUAGES
        },
    )


def _text(  # noqa: PLR0917 - what the text is made of
    language: str,
    received_at: datetime | None,
    outcome: ComplaintOutcome,
    decided_at: datetime | None,
    clause: ClauseTexts | None,
    dispute_url: str | None,
) -> str:
    """Paragraphs separated by blank lines. It says nothing of the comment or of who decided."""
    words = templates(language)

    def say(key: str, **given: str) -> str:
        return str(words[key]).format(**given)

    def day(at: datetime) -> str:
        return long_day(at.date(), language)

    received = [say("complaint_received", given=day(received_at))] if received_at else []
    if decided_at is None:
        return "\n\n".join((say("complaint_title"), " ".join([*received, say("complaint_open")])))
    decided = [say(f"complaint_{outcome}", decided=day(decided_at)), say("complaint_decided_by")]
    paragraphs = [[say("complaint_title")], [*received, *decided]]
    if clause is not None:
        paragraphs.append([f"{clause.clause}. {clause.explanation}"])
    if outcome is ComplaintOutcome.UPHELD:
        at = [say("dispute_at", url=dispute_url)] if dispute_url else []
        paragraphs.append([say("dispute"), *at, say("court")])
    return "\n\n".join(map(" ".join, paragraphs))
