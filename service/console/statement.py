"""The statement of reasons of a rejected comment and the answer to a complaint, as the author may read them."""

from collections.abc import Mapping
from typing import Any, Literal

from aiohttp import web
from babel import Locale
from msgspec import Struct

from service import app_keys as keys
from service.cases.statements import PAGES as PAGES_OF_AUTHORS
from service.cases.statements import statement
from service.console.comment import blinds
from service.console.texts import N_
from service.console.visit import OVERSEERS, Page, Visit
from service.http.origin import own_origin
from service.values.complaints import ComplaintOutcome
from service.values.domain import Id
from service.values.dsa import Automation, Source
from service.values.errors import Conflict
from service.values.statement_words import LANGUAGES, SOURCE_LANGUAGE

SOURCES = {Source.OWN_INITIATIVE: N_("our own initiative"), Source.NOTICE: N_("reports by readers")}
AUTOMATIONS = {
    Automation.FULLY: N_("by automated means alone"),
    Automation.PARTIALLY: N_("by a person who saw the scores"),
    Automation.NOT: N_("by a person"),
}


COMPLAINTS = {
    ComplaintOutcome.OPEN: N_("nobody has decided yet"),
    ComplaintOutcome.UPHELD: N_("the comment stays rejected"),
    ComplaintOutcome.REVERSED: N_("the comment was approved"),
}


class StatementQuery(Struct, frozen=True, forbid_unknown_fields=True):
    id: Id
    language: Literal["en", "de", "uk", "es", "fr", "pt", "pl"] | None = None


async def show_statement(visit: Visit) -> web.StreamResponse:
    """Raises Conflict if there is none, or if this person may still judge the comment."""
    query = visit.query(StatementQuery)
    record = await visit.console.store.comments.get(visit.site, query.id)
    if blinds(visit, record):
        raise Conflict("waiting", N_("It still waits for an answer."), {"id": query.id})
    pages = own_origin(visit.request) + PAGES_OF_AUTHORS
    found = await statement(visit.console.store, visit.request.app[keys.DIRECTORY], visit.site, query.id, pages)
    return visit.show(
        "statement.html",
        found=found,
        source=SOURCES[found.source],
        automation=AUTOMATIONS[found.automated_decision],
        **_in_words(visit, query, found.texts),
    )


async def show_complaint(visit: Visit) -> web.StreamResponse:
    """Raises NotFound without a complaint, and Conflict out of scope, or if this person may still judge it."""
    query = visit.query(StatementQuery)
    record = await visit.console.store.comments.get(visit.site, query.id)
    if blinds(visit, record):
        raise Conflict("waiting", N_("It still waits for an answer."), {"id": query.id})
    found = await visit.request.app[keys.COMPLAINTS].of(visit.site, query.id)
    outcome = COMPLAINTS[found.outcome]
    return visit.show("complaint.html", found=found, outcome=outcome, **_in_words(visit, query, found.texts))


def _in_words(visit: Visit, query: StatementQuery, texts: Mapping[str, str]) -> dict[str, Any]:
    """For a template: the text for the author in the wanted language, and the languages to choose from."""
    own = visit.texts.locale.language
    language = query.language or (own if own in LANGUAGES else SOURCE_LANGUAGE)
    languages = [(each, Locale.parse(each).get_display_name(each) or each) for each in LANGUAGES]
    return {"language": language, "languages": languages, "paragraphs": texts[language].split("\n\n")}


PAGES = (
    Page(path="/statement", view=show_statement, roles=OVERSEERS),
    Page(path="/complaint", view=show_complaint, roles=OVERSEERS),
)
