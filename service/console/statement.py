"""The statement of reasons of a rejected comment, as its author may read it (docs/dsa.md)."""

from typing import Literal

from aiohttp import web
from babel import Locale
from msgspec import Struct

from service import app_keys as keys
from service.cases.statements import statement
from service.console.comment import blinds
from service.console.texts import N_
from service.console.visit import OVERSEERS, Page, Visit
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


class StatementQuery(Struct, frozen=True, forbid_unknown_fields=True):
    id: Id
    language: Literal["en", "de", "uk"] | None = None


async def show_statement(visit: Visit) -> web.StreamResponse:
    """Raises Conflict if there is none, or if this person may still judge the comment."""
    query = visit.query(StatementQuery)
    record = await visit.console.store.comments.get(visit.site, query.id)
    if blinds(visit, record):
        raise Conflict("waiting", "it still waits for an answer", {"id": query.id})
    found = await statement(visit.console.store, visit.request.app[keys.DIRECTORY], visit.site, query.id)
    own = visit.texts.locale.language
    language = query.language or (own if own in LANGUAGES else SOURCE_LANGUAGE)
    return visit.show(
        "statement.html",
        found=found,
        language=language,
        languages=[(each, Locale.parse(each).get_display_name(each) or each) for each in LANGUAGES],
        paragraphs=found.texts[language].split("\n\n"),
        source=SOURCES[found.source],
        automation=AUTOMATIONS[found.automated_decision],
    )


PAGES = (Page(path="/statement", view=show_statement, roles=OVERSEERS),)
