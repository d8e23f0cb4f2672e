"""Statements of reasons for rejected comments: what the EU's Digital Services Act asks for in article 17.

Pure functions of values. The fields are those of the Commission's transparency database, API version 2
(statement.schema.json holds their names and lists). The site says whether it is in scope, and which clause a reason
stands for; nothing here is legal advice.
"""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from service.values.domain import WORDS, Action, DecidedBy, LanguageCode, Why
from service.values.review_settings import Code

# The clause for whatever has none of its own.
OTHER = "other"
# Article 20: a complaint is possible for at least six months.
LEAST_COMPLAINT_DAYS = 183
MAX_PUID = 500

Territory = Annotated[
    str, Meta(pattern=r"^(EU|EEA|EEA_NO_IS|[A-Z]{2})$(?!\n)", extra={WORDS: "must be EU, EEA, EEA_NO_IS or a country"})
]
Url = Annotated[str, Meta(max_length=500, pattern=r"^https?://\S+$(?!\n)", extra={WORDS: "must begin with https://"})]


ClauseName = Annotated[
    str, Meta(min_length=1, max_length=500, description="The clause or the law, as authors read it.")
]
Explanation = Annotated[str, Meta(min_length=1, max_length=2_000, description="Why such a comment breaks it.")]


class ClauseTexts(Struct, frozen=True, forbid_unknown_fields=True):
    """A clause in another language."""

    clause: ClauseName
    explanation: Explanation


class Clause(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Why a comment may not stay: a clause of the site's terms, or for `illegal` content a law. No personal data."""

    clause: ClauseName
    explanation: Explanation
    ground: Literal["terms", "illegal"] = "terms"
    category: Annotated[
        str,
        Meta(
            pattern=r"^STATEMENT_CATEGORY_[A-Z_]+$(?!\n)",
            description="As the transparency database lists them.",
            extra={WORDS: "must be a category of the transparency database, such as STATEMENT_CATEGORY_VIOLENCE"},
        ),
    ] = "STATEMENT_CATEGORY_OTHER_VIOLATION_TC"
    url: Url | None = None
    translations: Annotated[
        dict[LanguageCode, ClauseTexts], Meta(max_length=64, description="For texts to authors, by ISO 639-1 code.")
    ] = {}

    def texts(self, language: str) -> ClauseTexts:
        return self.translations.get(language) or ClauseTexts(self.clause, self.explanation)


class Dsa(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a site says in its statements of reasons."""

    in_scope: Annotated[bool, Meta(description="The site gives statements of reasons.")] = False
    clauses: Annotated[
        dict[Code, Clause],
        Meta(max_length=128, description="By a moderator's reason or by attribute; `other` for all else."),
    ] = {}
    territory: Annotated[tuple[Territory, ...], Meta(min_length=1, max_length=40)] = ("EU",)
    restriction: Annotated[
        Literal["removed", "disabled"], Meta(description="Whether the site removes a rejected comment or hides it.")
    ] = "removed"
    complaint_days: Annotated[
        int, Meta(ge=LEAST_COMPLAINT_DAYS, le=3_660, description="Days in which the author may complain.")
    ] = LEAST_COMPLAINT_DAYS
    complaint_url: Annotated[Url | None, Meta(description="Where authors complain; they need not pay.")] = None
    dispute_url: Annotated[Url | None, Meta(description="Bodies that settle disputes out of court.")] = None


class Automation(StrEnum):
    FULLY = "fully"
    PARTIALLY = "partially"
    NOT = "not_automated"


class Source(StrEnum):
    OWN_INITIATIVE = "own_initiative"
    NOTICE = "notice"


class Restriction(Struct, frozen=True, kw_only=True):
    """A rejection, as it happened. `automatic`: what the automatic step had said; `attributes`: those that led to it.

    `reason`: the moderator's. `scores_shown`: the moderator saw the model's scores before the decision.
    `rejected_version`: the version that a person made by rejecting what was not rejected; None: nobody did.
    """

    site: str
    comment: str
    revision: int
    version: int
    rejected_version: int | None = None
    at: datetime
    decided_by: DecidedBy
    automatic: Action
    attributes: tuple[str, ...] = ()
    reason: str = ""
    why: str = ""
    reports: int = 0
    scores_shown: bool = False
    sent_at: datetime | None = None
    language: str | None = None

    @property
    def is_by_person(self) -> bool:
        return self.decided_by is DecidedBy.MODERATOR

    @property
    def is_detected(self) -> bool:
        """Whether automated means found the comment: the model or a rule, and not a reader, a person or a draw."""
        if not self.is_by_person:
            return True
        unjudged = (Why.UNSCORED, Why.LANGUAGE_NOT_SUPPORTED, Why.REPORTED)
        return self.automatic is not Action.APPROVE and self.why not in unjudged

    @property
    def automation(self) -> Automation:
        if not self.is_by_person:
            return Automation.FULLY
        return Automation.PARTIALLY if self.scores_shown else Automation.NOT

    @property
    def source(self) -> Source:
        is_noticed = self.is_by_person and self.reports and not self.is_detected
        return Source.NOTICE if is_noticed else Source.OWN_INITIATIVE

    @property
    def puid(self) -> str:
        """Unique for each rejection, and the same again when the statement is made again, also after an appeal or an
        audit that upheld it. Not the comment's own id.

        What decides automatically rejects each revision once at most.
        """
        name = hashlib.sha256(f"{self.site}\n{self.comment}".encode()).hexdigest()
        which = f"r{self.revision}" if self.rejected_version is None else f"{self.rejected_version}"
        return f"{name[:40]}-{which}"


class Statement(Struct, frozen=True, kw_only=True):
    """A statement of reasons. `until` null: for an unlimited time. `facts`: in words, without personal data."""

    puid: str
    comment_id: str
    revision: int
    version: int
    restriction: Literal["removed", "disabled"]
    territory: tuple[str, ...]
    since: datetime
    until: datetime | None
    source: Source
    automated_detection: bool
    automated_decision: Automation
    ground: Literal["terms", "illegal"]
    clause: str
    explanation: str
    clause_url: str | None
    category: str
    facts: str
    complaint_until: datetime
    complaint_url: str | None
    dispute_url: str | None
    sent_at: datetime | None
    content_language: str | None


def faults_of(dsa: Dsa, categories: Collection[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is wrong: the steps to a field, and the problem. `categories`: those that the database knows."""
    if dsa.in_scope and OTHER not in dsa.clauses:
        yield ("clauses",), f"must have '{OTHER}', for what has no clause of its own"
    for name, clause in dsa.clauses.items():
        if clause.category not in categories:
            yield ("clauses", name, "category"), "not one of the transparency database's"
        texts = {(): clause} | {("translations", code): each for code, each in clause.translations.items()}
        for steps, each in texts.items():
            for field in ("clause", "explanation"):
                if (found := personal_data(getattr(each, field))) is not None:
                    yield ("clauses", name, *steps, field), f"looks like personal data ({found})"


def clause_of(restriction: Restriction, dsa: Dsa) -> Clause:
    """Of the moderator's reason, else of the first attribute that has one. Raises KeyError without `other`."""
    names = (restriction.reason,) if restriction.is_by_person and restriction.reason else restriction.attributes
    return next((dsa.clauses[name] for name in names if name in dsa.clauses), None) or dsa.clauses[OTHER]


def statement_of(restriction: Restriction, dsa: Dsa, facts: str) -> Statement:
    """Raises KeyError if the site has no clause for it."""
    clause = clause_of(restriction, dsa)
    return Statement(
        puid=restriction.puid,
        comment_id=restriction.comment,
        revision=restriction.revision,
        version=restriction.version,
        restriction=dsa.restriction,
        territory=dsa.territory,
        since=restriction.at,
        until=None,
        source=restriction.source,
        automated_detection=restriction.is_detected,
        automated_decision=restriction.automation,
        ground=clause.ground,
        clause=clause.clause,
        explanation=clause.explanation,
        clause_url=clause.url,
        category=clause.category,
        facts=facts,
        complaint_until=restriction.at + timedelta(days=dsa.complaint_days),
        complaint_url=dsa.complaint_url,
        dispute_url=dsa.dispute_url,
        sent_at=restriction.sent_at,
        content_language=restriction.language,
    )


def for_database(statement: Statement) -> dict[str, Any]:
    """The statement as the transparency database takes it. Without the comment's id."""
    is_illegal = statement.ground == "illegal"
    ground, explanation = (
        ("illegal_content_legal_ground", "illegal_content_explanation")
        if is_illegal
        else ("incompatible_content_ground", "incompatible_content_explanation")
    )
    found: dict[str, Any] = {
        "decision_visibility": [f"DECISION_VISIBILITY_CONTENT_{statement.restriction.upper()}"],
        "decision_ground": f"DECISION_GROUND_{'ILLEGAL' if is_illegal else 'INCOMPATIBLE'}_CONTENT",
        ground: statement.clause,
        explanation: statement.explanation,
        "decision_ground_reference_url": statement.clause_url,
        "decision_facts": statement.facts,
        "content_type": ["CONTENT_TYPE_TEXT"],
        "category": statement.category,
        "territorial_scope": countries(statement.territory),
        "content_language": _language(statement.content_language),
        "content_date": _day(statement.sent_at or statement.since),
        "application_date": _day(statement.since),
        "source_type": "SOURCE_ARTICLE_16" if statement.source is Source.NOTICE else "SOURCE_VOLUNTARY",
        "automated_detection": "Yes" if statement.automated_detection else "No",
        "automated_decision": f"AUTOMATED_DECISION_{statement.automated_decision.upper()}",
        "puid": statement.puid,
    }
    return {name: value for name, value in found.items() if value is not None}


_EU = (
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE"),
    *("IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
)
_AREAS: Mapping[str, tuple[str, ...]] = {"EU": _EU, "EEA": (*_EU, "IS", "LI", "NO"), "EEA_NO_IS": (*_EU, "LI", "NO")}


def countries(territory: Collection[str]) -> list[str]:
    """The countries of a territory, which the database takes one by one."""
    return sorted({country for name in territory for country in _AREAS.get(name, (name,))})


def _day(at: datetime) -> str:
    return date(at.year, at.month, at.day).isoformat()


def _language(language: str | None) -> str | None:
    """ISO 639-1 in upper case."""
    return language.upper() if language and re.fullmatch("[a-z]{2}", language) else None


# What must not be in a published statement. Names of people cannot be recognized, so clauses must not name any.
_PERSONAL = {
    "an e-mail address": re.compile(r"[^\s@]@(?:[^\s@.]+\.)+[a-z]{2,}", re.IGNORECASE),
    "a telephone number": re.compile(r"(?<![\w.])(?:\+|00?)\d[\d\s()/.-]{6,}\d(?!\w)"),
    "an account name": re.compile(r"(?<!\w)@\w{2,}"),
    "an IP address": re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])"),
}


def personal_data(text: str) -> str | None:
    """What kind of personal data a text seems to hold; None: none was found."""
    return next((kind for kind, pattern in _PERSONAL.items() if pattern.search(text)), None)


def personal_data_in(statement: Mapping[str, Any]) -> str | None:
    """The field of a statement for the database that seems to hold personal data, and which; None: none was found."""
    for name in ("decision_facts", *(field for field in statement if field.endswith(("_ground", "_explanation")))):
        value = statement.get(name)
        if name != "decision_ground" and isinstance(value, str) and (kind := personal_data(value)) is not None:
            return f"{name} seems to hold {kind}"
    return None
