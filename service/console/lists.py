"""A site's word lists: their entries, changes, files, versions, and the rules that use them."""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from aiohttp import web
from msgspec import Struct

from service import app_keys as keys
from service.cases import lists, policies
from service.cases.lists import Asked, ListChange, Wanted
from service.cases.rulebook import rules_with
from service.console import rule_words
from service.console.policy_kinds import FieldProblem
from service.console.texts import N_
from service.console.visit import ADMINS, OVERSEERS, Nav, Page, Visit, whole
from service.http import bodies
from service.values import list_files
from service.values.accounts import Role
from service.values.errors import BadRequest, Conflict, Forbidden, NotFound
from service.values.list_files import ListFormat
from service.values.lists import ListEntry, WordList, is_shared, key_of
from service.values.rules import ListUse, Match

PER_PAGE = 100
# A file as a form sends it: larger ones go by the API or the command line.
MAX_FORM_BYTES = 8 * 1024 * 1024
MATCHES = {
    Match.WORD: N_("whole words"),
    Match.STEM: N_("also at the beginning of longer words"),
    Match.PART: N_("also inside other words"),
}
FORMATS = {
    ListFormat.CSV: N_("Steward (CSV)"),
    ListFormat.DISCOURSE: N_("Discourse (watched words)"),
    ListFormat.WORDPRESS: N_("WordPress (one a line)"),
    ListFormat.CORAL: N_("Coral (one a line)"),
}
WAYS = {"add": N_("Add to the list"), "replace": N_("Replace the whole list")}
SAID = {
    "made": N_("The list is there. Rules can use it now."),
    "changed": N_("The list is changed. It is in force within seconds."),
    "same": N_("The list said that already. Nothing was changed."),
    "restored": N_("The version is brought back."),
    "deleted": N_("The list is deleted. Its versions can be brought back for 30 days."),
}
_REFUSED = {
    "list_changed": N_("Somebody else changed the list meanwhile. This is how it is now; do it again if you want to."),
    "list_too_broad": N_(
        "Some of the new entries are found in more than one in a hundred of the last comments. Do you want that?"
    ),
    "list_in_use": N_("A rule uses the list. Change or delete the rule first."),
    "too_many_lists": N_("There are too many lists already; delete one first."),
    "list_unreadable": N_("Another release of Steward wrote the list, and this one cannot read it."),
}
_BAD_NAME = N_("Use at most 64 small letters, digits, - and _; begin with a letter or a digit.")


class OneListQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """`text`: only entries that contain it. `at`: how many of these come on the pages before."""

    name: str
    text: str = ""
    at: int = 0
    said: str = ""


class ListExportQuery(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    form: ListFormat = ListFormat.CSV
    version: int | None = None


@dataclass(frozen=True, slots=True)
class FormAnswer:
    """What became of a form. `values`: its fields, to be shown again. `form`: which of the page's forms it was.

    `change`: what it would change. `seen`: identifies the file that was tried.
    """

    form: str = ""
    values: dict[str, str] = field(default_factory=dict)
    problem: FieldProblem | None = None
    details: Sequence[str] = ()
    change: ListChange | None = None
    seen: str = ""


@dataclass(frozen=True, slots=True)
class ListShown:
    """A page of the entries. `fit`: how many entries there are with the filter."""

    entries: Sequence[ListEntry]
    fit: int
    before: int | None
    after: int | None


async def show_lists(visit: Visit) -> web.StreamResponse:
    return await _all_lists(visit)


async def make_list(visit: Visit) -> web.StreamResponse:
    name = visit.field("name").strip()
    _check_may_change(visit, name)
    values = {"name": name}
    try:
        await lists.replace(visit.console.store, visit.site, name, Wanted(()), _asked(visit, version=0))
    except BadRequest:
        return await _all_lists(visit, 400, FormAnswer("make", values, FieldProblem(_BAD_NAME, {})))
    except Conflict as error:
        said = N_("There is a list of this name.") if error.reason == "list_changed" else _REFUSED[error.reason]
        return await _all_lists(visit, 409, FormAnswer("make", values, FieldProblem(said, {})))
    return _gone_to(visit, name, "made")


async def show_list(visit: Visit) -> web.StreamResponse:
    query = visit.query(OneListQuery)
    return await _one_list(visit, query)


async def add_entries(visit: Visit) -> web.StreamResponse:
    name = _name(visit)
    values = {key: found[0] for key, found in visit.form.items()}
    lines = [line.strip() for line in visit.field("terms").splitlines() if line.strip()]
    if not lines:
        problem = FieldProblem(N_("Write at least one entry."), {})
        return await _one_list(visit, OneListQuery(name), 400, FormAnswer("add", values, problem))
    try:
        entries = [_entry(visit, line) for line in lines]
        wanted = await asyncio.to_thread(lists.checked, entries, "")
    except (BadRequest, msgspec.ValidationError) as error:
        return await _one_list(visit, OneListQuery(name), 400, FormAnswer("add", values, *_faulty(error)))
    return await _changed(
        visit,
        FormAnswer("add", values),
        lambda asked: lists.patch(visit.console.store, visit.site, name, asked, add=wanted, remove=()),
    )


def _entry(visit: Visit, text: str) -> ListEntry:
    raw = {"text": text, "note": visit.field("note").strip(), "exception": bool(visit.field("exception"))}
    raw |= {name: visit.field(name) or None for name in ("match", "until")}
    return msgspec.convert(raw, ListEntry)


def _faulty(error: BadRequest | msgspec.ValidationError) -> tuple[FieldProblem, list[str]]:
    """What is wrong with entries, in one sentence and with the details."""
    details = [fault.detail for fault in error.faults] if isinstance(error, BadRequest) else []
    return FieldProblem(N_("Nothing was changed: some of this cannot be used."), {}), details or [str(error)]


async def remove_entries(visit: Visit) -> web.StreamResponse:
    name = _name(visit)
    terms = visit.form.get("term", [])
    answer = FormAnswer("remove")
    if not terms:
        problem = FieldProblem(N_("Select the entries to remove first."), {})
        return await _one_list(
            visit, OneListQuery(name, visit.field("text")), 400, FormAnswer("remove", problem=problem)
        )
    return await _changed(
        visit,
        answer,
        lambda asked: lists.patch(visit.console.store, visit.site, name, asked, add=Wanted(()), remove=terms),
    )


async def import_file(visit: Visit) -> web.StreamResponse:
    """Say what a file would change; and change it if exactly this has been shown before."""
    name = _name(visit)
    values = {key: visit.field(key) for key in ("file", "form", "way", "go", "seen", "confirm")}
    store, site = visit.console.store, visit.site
    try:
        form = ListFormat(values["form"])
        read = await asyncio.to_thread(list_files.read, values["file"], form)
    except (BadRequest, ValueError) as error:
        wrong = error if isinstance(error, BadRequest) else BadRequest(str(error))
        return await _one_list(visit, OneListQuery(name), 400, FormAnswer("import", values, *_faulty(wrong)))
    wanted = Wanted(read.entries, read.duplicates, read.remarks)

    async def change(asked: Asked) -> ListChange:
        if values["way"] == "replace":
            return await lists.replace(store, site, name, wanted, asked)
        return await lists.patch(store, site, name, asked, add=wanted, remove=())

    seen = _digest(visit.field("version"), values["form"], values["way"], values["file"])
    if values["go"] and values["seen"] == seen:
        return await _changed(visit, FormAnswer("import", values, seen=seen), change)
    try:
        found = await change(_asked(visit)._replace(dry_run=True))
    except Conflict as error:
        return await _refused(visit, FormAnswer("import", values), error)
    return await _one_list(visit, OneListQuery(name), 200, FormAnswer("import", values, change=found, seen=seen))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


async def restore_version(visit: Visit) -> web.StreamResponse:
    name = _name(visit)
    version = whole(visit.field("restored"), "restored")
    return await _changed(
        visit,
        FormAnswer("restore"),
        lambda asked: lists.restore(visit.console.store, visit.site, name, version, asked),
        said="restored",
    )


async def delete_list(visit: Visit) -> web.StreamResponse:
    name = _name(visit)
    try:
        await lists.delete(visit.console.store, visit.site, name, _asked(visit))
    except Conflict as error:
        return await _refused(visit, FormAnswer("delete"), error)
    await visit.request.app[keys.RULEBOOK].try_refresh()
    return _gone_to(visit, name, "deleted")


async def export_file(visit: Visit) -> web.StreamResponse:
    query = visit.query(ListExportQuery)
    found = await lists.get(visit.console.store, visit.site, query.name, query.version)
    written = await asyncio.to_thread(list_files.write, found.entries, query.form, datetime.now(UTC).date())
    return web.Response(
        text=written.text,
        content_type=query.form.content_type,
        charset="utf-8",
        headers={"Content-Disposition": f'attachment; filename="{query.form.file_name(found.name)}"'},
    )


async def _changed(
    visit: Visit,
    answer: FormAnswer,
    change: Callable[[Asked], Coroutine[Any, Any, ListChange]],
    *,
    said: str = "changed",
) -> web.Response:
    """Carry out a change of the list that the form names, and go to its page."""
    try:
        found = await change(_asked(visit))
    except Conflict as error:
        return await _refused(visit, answer, error)
    await visit.request.app[keys.RULEBOOK].try_refresh()
    is_same = not (found.added or found.changed or found.removed) and said == "changed"
    return _gone_to(visit, _name(visit), "same" if is_same else said)


async def _refused(visit: Visit, answer: FormAnswer, error: Conflict) -> web.Response:
    """The page again, with what was in the way. `list_too_broad` says which entries are found how often."""
    change = msgspec.convert(error.current, ListChange) if error.reason == "list_too_broad" else None
    said = FieldProblem(_REFUSED.get(error.reason, str(error)), {})
    answer = FormAnswer(answer.form, answer.values, said, change=change, seen=answer.seen)
    return await _one_list(visit, OneListQuery(_name(visit)), 409, answer)


def _asked(visit: Visit, version: int | None = None) -> Asked:
    chosen = whole(visit.field("version")) if version is None else version
    return Asked(visit.account.name, visit.now, chosen, confirm=bool(visit.field("confirm")))


def _name(visit: Visit) -> str:
    """The list that the form is about. Raises Forbidden if the visitor may not change it."""
    name = visit.field("name")
    _check_may_change(visit, name)
    return name


def _check_may_change(visit: Visit, name: str) -> None:
    if is_shared(name) and not visit.operates:
        raise Forbidden


def _gone_to(visit: Visit, name: str, said: str) -> web.Response:
    return visit.go("/lists/list", name=name, said=said)


async def _all_lists(visit: Visit, status: int = 200, answer: FormAnswer | None = None) -> web.Response:
    store, site = visit.console.store, visit.site
    found, policy = await asyncio.gather(lists.summaries(store, site), policies.newest(store, site))
    return visit.show(
        "lists.html",
        status,
        lists=[(each, rules_with(policy, each.name)) for each in found],
        answer=answer or FormAnswer(),
        may_change=visit.role is Role.ADMIN,
    )


async def _one_list(
    visit: Visit, query: OneListQuery, status: int = 200, answer: FormAnswer | None = None
) -> web.Response:
    store, site, name = visit.console.store, visit.site, query.name
    versions = await lists.versions(store, site, name)  # raises NotFound
    found = None if versions[0].is_deleted else await _readable(visit, name)
    policy = await policies.newest(store, site)
    shown = await asyncio.to_thread(_page_of, found, query.text, max(0, query.at)) if found else None
    return visit.show(
        "word_list.html",
        status,
        name=name,
        list=found,
        shown=shown,
        query=query,
        versions=versions,
        newest=versions[0].version,
        users=rules_with(policy, name),
        use=policy.lists.get(name, ListUse()),
        states=rule_words.STATES,
        answer=answer or FormAnswer(),
        said=SAID.get(query.said, ""),
        matches=MATCHES,
        formats=FORMATS,
        ways=WAYS,
        today=datetime.now(UTC).date(),
        is_shared=is_shared(name),
        may_change=visit.role is Role.ADMIN and (not is_shared(name) or visit.operates),
    )


async def _readable(visit: Visit, name: str) -> WordList | None:
    try:
        return await lists.get(visit.console.store, visit.site, name)
    except NotFound:  # deleted meanwhile
        return None


def _page_of(found: WordList, text: str, at: int) -> ListShown:
    wanted = key_of(text)
    fit = [entry for entry in found.entries if wanted in key_of(entry.text)] if wanted else found.entries
    return ListShown(
        fit[at : at + PER_PAGE],
        len(fit),
        max(0, at - PER_PAGE) if at else None,
        at + PER_PAGE if at + PER_PAGE < len(fit) else None,
    )


PAGES = (
    Page(path="/lists", view=show_lists, roles=OVERSEERS, nav=Nav(title=N_("Lists"), order=62)),
    Page(path="/lists", view=make_list, method="POST", roles=ADMINS),
    Page(path="/lists/list", view=show_list, roles=OVERSEERS),
    Page(path="/lists/add", view=add_entries, method="POST", roles=ADMINS, limit=4 * bodies.MAX_BODY_BYTES),
    Page(path="/lists/remove", view=remove_entries, method="POST", roles=ADMINS, limit=4 * bodies.MAX_BODY_BYTES),
    Page(path="/lists/import", view=import_file, method="POST", roles=ADMINS, limit=MAX_FORM_BYTES),
    Page(path="/lists/restore", view=restore_version, method="POST", roles=ADMINS),
    Page(path="/lists/delete", view=delete_list, method="POST", roles=ADMINS),
    Page(path="/lists/export", view=export_file, roles=OVERSEERS),
)
