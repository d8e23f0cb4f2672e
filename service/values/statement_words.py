"""A statement of reasons in words, in the languages of the console."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from service.values.dates import long_day
from service.values.domain import DecidedBy
from service.values.dsa import ClauseTexts, Dsa, Restriction, Source, Statement, clause_of, statement_of

LANGUAGES = ("en", "de", "uk", "es", "fr", "pt", "pl")
SOURCE_LANGUAGE = "en"


@cache
def templates(language: str) -> Mapping[str, Any]:
    """Of one of LANGUAGES."""
    raw = files("service.values").joinpath("statement_texts", f"{language}.json").read_bytes()
    found: dict[str, Any] = msgspec.json.decode(raw)
    return found


def facts(restriction: Restriction, language: str = SOURCE_LANGUAGE) -> str:
    """The facts relied on. They name attributes and nothing of the comment or of its author."""
    words = templates(language)
    named = [words["attributes"][name] for name in restriction.attributes if name in words["attributes"]]
    attributes = ", ".join(named) or words["nothing"]
    if restriction.decided_by is DecidedBy.RULE:
        key = "facts_rule"
    elif restriction.decided_by is DecidedBy.EXPIRY:
        key = "facts_expiry"
    elif not restriction.is_by_person:
        key = "facts_model"
    elif restriction.is_detected:
        key = "facts_detected"
    else:
        key = "facts_reported" if restriction.source is Source.NOTICE else "facts_found"
    return str(words[key]).format(attributes=attributes)


class WordedStatement(Statement, frozen=True, kw_only=True):
    """A statement of reasons, and its text for the author by language. `facts` is in English."""

    texts: dict[str, str]


def worded(restriction: Restriction, dsa: Dsa) -> WordedStatement:
    """Raises KeyError if the site has no clause for it."""
    statement, clause = statement_of(restriction, dsa, facts(restriction)), clause_of(restriction, dsa)
    texts = {
        language: text_of(statement, clause.texts(language), facts(restriction, language), language)
        for language in LANGUAGES
    }
    return WordedStatement(**msgspec.structs.asdict(statement), texts=texts)


def text_of(statement: Statement, breaks: ClauseTexts, in_words: str, language: str) -> str:
    """For the author: paragraphs separated by blank lines. `in_words`: the facts, in this language."""
    words = templates(language)

    def say(key: str, **given: str) -> str:
        return str(words[key]).format(**given)

    def at(key: str, url: str | None) -> list[str]:
        return [say(key, url=url)] if url else []

    sent, since, until = (
        long_day(each.date(), language)
        for each in (statement.sent_at or statement.since, statement.since, statement.complaint_until)
    )
    territory = ", ".join(words["areas"].get(name, name) for name in statement.territory)
    clause = say(f"clause_{statement.ground}", clause=breaks.clause, explanation=breaks.explanation)
    detection = say("detection_yes" if statement.automated_detection else "detection_no")
    paragraphs = (
        [say("title")],
        [say(statement.restriction, sent=sent, since=since), say("territory", territory=territory)],
        [clause, *([statement.clause_url] if statement.clause_url else [])],
        [in_words, detection, say(f"decision_{statement.automated_decision}")],
        [say("complaint", until=until), *at("complaint_at", statement.complaint_url)],
        [say("dispute"), *at("dispute_at", statement.dispute_url), say("court")],
    )
    return "\n\n".join(map(" ".join, paragraphs))
