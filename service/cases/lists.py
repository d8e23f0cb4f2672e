"""A site's word lists: read, replace, change in part, try out, compare, bring back, delete."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, NamedTuple, NoReturn

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace as replaced

from service.cases import policies
from service.cases.list_trial import ListTrial, tried
from service.cases.rulebook import rules_with
from service.rules.words import is_findable
from service.store import Store
from service.store.lists import MAX_LISTS, ListUnreadable, Written
from service.values.errors import BadRequest, Conflict, Fault, NotFound, StoreUnavailable
from service.values.list_files import MOST_FAULTS, Duplicate, Remark
from service.values.lists import ListDiff, ListEntry, ListVersion, WordList, diff, is_shared, key_of, merged
from service.values.rules import MAX_LIST_ENTRIES, ListName, ListUse

# Entries that an answer names; it counts all of them.
MOST_NAMED = 100


class Asked(NamedTuple):
    """Who asks for a change, when and how.

    `version`: the one to change, 0: there is no list yet; None: whichever is newest. `confirm`: also take entries that
    are found in many comments.
    """

    actor: str
    now: datetime
    version: int | None = None
    dry_run: bool = False
    confirm: bool = False


class ListSummary(Struct, frozen=True):
    name: str
    version: int
    entries: int
    shared: Annotated[bool, Meta(description="Belongs to all sites of the installation.")]
    at: Annotated[datetime, Meta(description="Of the last change.")]
    by: str


class ListChange(Struct, frozen=True, kw_only=True):
    """What a change does to a list, or would do. Of the terms and duplicates at most 100 are named."""

    name: str
    version: Annotated[int, Meta(description="The current one after the change. In a dry run: before it, 0: none.")]
    entries: Annotated[int, Meta(description="Afterwards.")]
    added: int = 0
    changed: Annotated[int, Meta(description="Terms that are there already, with other fields.")] = 0
    removed: int = 0
    unchanged: int = 0
    duplicates: Annotated[int, Meta(description="Entries left out because their term occurs before.")] = 0
    added_terms: list[str] = []
    changed_terms: list[str] = []
    removed_terms: list[str] = []
    duplicate_lines: Annotated[list[Duplicate], Meta(description="Of a file; else positions, from 1.")] = []
    remarks: Annotated[list[Remark], Meta(description="What the list does not take over of a file.")] = []
    missing: Annotated[list[str], Meta(description="Terms to remove that are not in the list.")] = []
    never_found: Annotated[list[str], Meta(description="New terms without anything that could be found.")] = []
    trial: Annotated[
        ListTrial | None, Meta(description="New entries tried on the last 5,000 comments of this site.")
    ] = None


class ListDifference(Struct, frozen=True):
    """What made one version into another. At most 1,000 entries of each kind."""

    name: str
    before: int
    after: int
    added: int
    changed: int
    removed: int
    added_entries: list[ListEntry]
    changed_entries: Annotated[list[ListEntry], Meta(description="As they are afterwards.")]
    removed_entries: list[ListEntry]


MOST_COMPARED = 1_000


class Wanted(NamedTuple):
    """The entries that a list is to have, and what the answer says of the request beside."""

    entries: tuple[ListEntry, ...]
    duplicates: Sequence[Duplicate] = ()
    remarks: Sequence[Remark] = ()
    missing: Sequence[str] = ()


class _Current(NamedTuple):
    """`entries` None: there is no list. `newest`: the last version, which may be a deletion; 0: none is kept."""

    entries: tuple[ListEntry, ...] | None
    newest: int

    @property
    def version(self) -> int:
        return 0 if self.entries is None else self.newest


async def summaries(store: Store, site: str) -> list[ListSummary]:
    """By name."""
    found = await store.lists.newest(site)
    return [
        ListSummary(name, each.version, each.entries, is_shared(name), each.at, each.actor)
        for name, each in sorted(found.items())
    ]


async def get(store: Store, site: str, name: str, version: int | None = None) -> WordList:
    """A version, None: the current one. Raises NotFound, and Conflict if this release cannot read it."""
    _check_name(name)
    try:
        found = await (store.lists.get(site, name) if version is None else store.lists.at(site, name, version))
    except ListUnreadable as error:
        raise _written_otherwise() from error
    if found is None:
        raise NotFound(f"no list '{name}'" if version is None else f"no version {version} of a list '{name}'")
    return found


async def versions(store: Store, site: str, name: str) -> list[ListVersion]:
    """Newest first, also of a deleted list. Raises NotFound."""
    _check_name(name)
    found = await store.lists.history(site, name)
    if not found:
        raise NotFound(f"no list '{name}'")
    return found


async def difference(store: Store, site: str, name: str, before: int, after: int) -> ListDifference:
    """Raises NotFound for a version that is not kept."""
    one, other = await get(store, site, name, before), await get(store, site, name, after)
    found = await asyncio.to_thread(diff, one.entries, other.entries)
    added, changed, removed = ([*entries[:MOST_COMPARED]] for entries in found)
    counts = len(found.added), len(found.changed), len(found.removed)
    return ListDifference(name, before, after, *counts, added, changed, removed)


def checked(entries: Iterable[ListEntry], at: str) -> Wanted:
    """Entries of a request without duplicates. `at`: their JSON Pointer. Raises BadRequest, which names the entries."""
    found = merged(entries)
    if found.faults:
        faults = [Fault(f"{at}/{position}", detail) for position, detail in found.faults[:MOST_FAULTS]]
        raise BadRequest(f"{faults[0].pointer}: {faults[0].detail}", faults)
    return Wanted(found.entries, [Duplicate(position + 1, first + 1) for position, first in found.duplicates])


async def replace(store: Store, site: str, name: str, wanted: Wanted, asked: Asked) -> ListChange:
    """Make `wanted` the whole list. Raises BadRequest for a name that no list can have, and Conflict.

    Conflict: `list_changed` if another version is current than the one asked for; `list_too_broad` if a new entry is
    found in many comments; `too_many_lists`; `list_unreadable`. Nothing is stored then, or in a dry run.
    """
    try:
        msgspec.convert(name, ListName)
    except msgspec.ValidationError as error:
        detail = "the name of a list has 1 to 64 small letters, digits, - and _, and does not begin with - or _"
        raise BadRequest(detail, [Fault("", detail)]) from error
    before = await _current(store, site, name, asked.version)
    return await _apply(store, site, name, asked, before=before, wanted=wanted)


async def patch(store: Store, site: str, name: str, asked: Asked, *, add: Wanted, remove: Iterable[str]) -> ListChange:
    """Add entries, which replace those of the same term, and remove terms. Raises NotFound, and as `replace` does."""
    _check_name(name)
    before = await _current(store, site, name, asked.version)
    if before.entries is None:
        raise NotFound(f"no list '{name}'")
    kept = {key_of(entry.text): entry for entry in before.entries}
    missing = [text for text in remove if kept.pop(key_of(text), None) is None]
    kept |= {key_of(entry.text): entry for entry in add.entries}
    if len(kept) > MAX_LIST_ENTRIES:
        detail = f"the list would have more than {MAX_LIST_ENTRIES:,} entries"
        raise BadRequest(detail, [Fault("/add", detail)])
    wanted = add._replace(entries=tuple(kept.values()), missing=missing[:MOST_NAMED])
    return await _apply(store, site, name, asked, before=before, wanted=wanted)


async def restore(store: Store, site: str, name: str, version: int, asked: Asked) -> ListChange:
    """Make an earlier version current again, as a new one; also of a deleted list. Entries are not tried again.

    Raises NotFound if the version is not kept, and Conflict as `replace` does.
    """
    wanted = Wanted((await get(store, site, name, version)).entries)
    before = await _current(store, site, name, asked.version)
    asked = asked._replace(confirm=True)
    return await _apply(store, site, name, asked, before=before, wanted=wanted, restored=version)


async def delete(store: Store, site: str, name: str, asked: Asked) -> None:
    """Raises NotFound, and Conflict if a rule names the list or another version is current than the one asked for."""
    _check_name(name)
    before = await _current(store, site, name, asked.version)
    if before.entries is None:
        raise NotFound(f"no list '{name}'")
    change = ListVersion(before.newest + 1, asked.now, asked.actor, 0, removed=len(before.entries), is_deleted=True)
    seen = await _check_unused(store, site, name)
    while (deleted := await store.lists.delete(site, name, change, seen)) == "policy":
        # Look at the newest policies, which may name the list.
        earlier, seen = seen, await _check_unused(store, site, name)
        if seen == earlier:
            raise policies.written_otherwise()
    if deleted == "naming":
        raise Conflict("list_in_use", "rules that name the list are being saved; try again", {"rules": []})
    if deleted == "changed":
        await _refuse_changed(store, site, name, "another change came first")
    await _tell_all_sites(store, site, "list_deleted", change, name)


async def use_of(store: Store, site: str, name: str) -> ListUse:
    """How the rules of the site match the entries of the list."""
    return (await policies.newest(store, site)).lists.get(name, ListUse())


async def _apply(
    store: Store, site: str, name: str, asked: Asked, *, before: _Current, wanted: Wanted, restored: int | None = None
) -> ListChange:
    entries, found, change = await asyncio.to_thread(_compared, name, asked, before, wanted)
    new = [*found.added, *found.changed]
    if new and (asked.dry_run or not asked.confirm):
        trial = await tried(store, site, new, entries, use=await use_of(store, site, name), today=asked.now.date())
        change = replaced(change, trial=trial)
        if trial.too_many and not asked.confirm and not asked.dry_run:
            detail = "new entries are found in more than 1 % of the last comments; send confirm=true to take them"
            raise Conflict("list_too_broad", detail, msgspec.to_builtins(change))
    if asked.dry_run or (not found and before.entries is not None):
        return change
    after = WordList(name, entries if restored is None else wanted.entries, before.newest + 1)
    counts = len(found.added), len(found.changed), len(found.removed)
    version = ListVersion(after.version, asked.now, asked.actor, len(entries), *counts, restored)
    await _check_written(store, site, name, await store.lists.put(site, after, version))
    await _tell_all_sites(store, site, "list_changed", version, name)
    return replaced(change, version=after.version)


async def _current(store: Store, site: str, name: str, version: int | None) -> _Current:
    """Raises Conflict if another version than `version` is current."""
    history = await store.lists.history(site, name)
    newest = history[0].version if history else 0
    current = _Current(None, newest)
    if history and not history[0].is_deleted:
        current = _Current((await get(store, site, name, newest)).entries, newest)
    if version not in (None, current.version):
        await _refuse_changed(store, site, name, f"the current version is {current.version}")
    return current


def _compared(
    name: str, asked: Asked, before: _Current, wanted: Wanted
) -> tuple[tuple[ListEntry, ...], ListDiff, ListChange]:
    """The entries, each with who added or changed it and when, and what the change is. Half a second for the largest
    list.
    """
    old = before.entries or ()
    found = diff(old, wanted.entries)
    known = {key_of(entry.text): entry for entry in old}
    fresh = {key_of(entry.text) for entry in (*found.added, *found.changed)}
    entries = tuple(
        replaced(entry, by=asked.actor, at=asked.now) if (key := key_of(entry.text)) in fresh else known[key]
        for entry in wanted.entries
    )
    added, changed, removed = ([entry.text for entry in some[:MOST_NAMED]] for some in found)
    change = ListChange(
        name=name,
        version=before.version,
        entries=len(entries),
        added=len(found.added),
        changed=len(found.changed),
        removed=len(found.removed),
        unchanged=len(entries) - len(found.added) - len(found.changed),
        duplicates=len(wanted.duplicates),
        added_terms=added,
        changed_terms=changed,
        removed_terms=removed,
        duplicate_lines=list(wanted.duplicates[:MOST_NAMED]),
        remarks=list(wanted.remarks),
        missing=list(wanted.missing),
        never_found=[entry.text for entry in found.added if not is_findable(entry.text)][:MOST_NAMED],
    )
    return entries, found, change


async def _check_written(store: Store, site: str, name: str, written: Written) -> None:
    if written == "changed":
        await _refuse_changed(store, site, name, "another change came first")
    if written == "full":
        raise Conflict("too_many_lists", f"there are {MAX_LISTS} lists already; delete one first", {})


async def _refuse_changed(store: Store, site: str, name: str, detail: str) -> NoReturn:
    history = await store.lists.history(site, name)
    current = msgspec.to_builtins(history[0]) if history and not history[0].is_deleted else {}
    raise Conflict("list_changed", detail, current)


async def _check_unused(store: Store, site: str, name: str) -> int:
    """What was seen, for `Lists.delete`. Raises Conflict if a rule names the list.

    The rules of all sites are looked at if the list is shared.
    """
    naming = await store.lists.seen() if is_shared(name) else 0
    sites = sorted((await store.access.sites()).known | {site}) if is_shared(name) else [site]
    users, version = list[str](), 0
    for each in sites:
        policy = await policies.newest(store, each)
        named = [rule.id for rule in rules_with(policy, name)]
        users += [f"{rule} of {each}" for rule in named] if is_shared(name) else named
        version = policy.version if each == site else version
    if users:
        raise Conflict("list_in_use", f"rules name the list: {', '.join(users)}", {"rules": users})
    return naming if is_shared(name) else version


async def _tell_all_sites(store: Store, site: str, action: str, change: ListVersion, name: str) -> None:
    """A change of a shared list stands in the trail of every site. That of a site's own list is written with it."""
    if not is_shared(name):
        return
    details = {"list": f"{name}@{change.version}", "removed": str(change.removed)}
    if not change.is_deleted:
        details |= {"added": str(change.added), "changed": str(change.changed)}
    sites = sorted((await store.access.sites()).known | {site})
    try:
        await store.audit.write_to_all(sites, site, action, change.actor, **details)
    except StoreUnavailable as error:
        raise StoreUnavailable(f"{name} is changed, but not every audit trail says so") from error


def _check_name(name: str) -> None:
    """Raises NotFound for what can be no name of a list."""
    try:
        msgspec.convert(name, ListName)
    except msgspec.ValidationError as error:
        raise NotFound("no such list") from error


def _written_otherwise() -> Conflict:
    detail = "the list was written by another release of Steward, and this one cannot read it"
    return Conflict("list_unreadable", detail, {})
