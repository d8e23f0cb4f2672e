"""Word lists: the terms that a site's rules look for. service.rules matches them."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from service.values.rules import MAX_LIST_ENTRIES, ListName, Match, Term

# A list whose name begins so belongs to all sites of the installation.
SHARED = "shared-"
MAX_TERM, MAX_NOTE = 200, 500
# Also halves of characters. White space is one blank wherever it stands.
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff]")


class ListEntry(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A term of a list.

    `match` None: as the policy says for the list. `is_exception`: a text inside of which no other entry counts.
    `by` and `at`: who added the entry, and when. `until`: the last day, in UTC, on which it counts.
    """

    text: Term
    match: Match | None = None
    is_exception: Annotated[
        bool, Meta(description="Where this text stands, no other entry of the list is found inside of it.")
    ] = field(default=False, name="exception")
    note: Annotated[str, Meta(max_length=MAX_NOTE)] = ""
    by: Annotated[str, Meta(max_length=128, description="Who added it. Ignored in requests.")] = ""
    at: Annotated[datetime | None, Meta(description="When it was added. Ignored in requests.")] = None
    until: Annotated[date | None, Meta(description="The last day, in UTC, on which it counts.")] = None

    def has_ended(self, today: date) -> bool:
        """`today`: in UTC."""
        return self.until is not None and self.until < today


class WordList(Struct, frozen=True, forbid_unknown_fields=True):
    """A version of a list. No two entries have the same `key_of`."""

    name: ListName
    entries: Annotated[tuple[ListEntry, ...], Meta(max_length=MAX_LIST_ENTRIES)] = ()
    version: int = 1

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


def is_shared(name: str) -> bool:
    return name.startswith(SHARED)


def key_of(text: str) -> str:
    """Equal for texts that differ only in case, in width or other compatibility forms (NFKC), or in white space."""
    if text.isascii():
        return " ".join(text.lower().split())
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).split())


class Merged(NamedTuple):
    """Entries of which no two have the same key. Positions are those of the entries that were given, from 0.

    `duplicates`: pairs of an entry left out and the one kept. `faults`: entries that no list may have, and why.
    """

    entries: tuple[ListEntry, ...]
    duplicates: tuple[tuple[int, int], ...]
    faults: tuple[tuple[int, str], ...]


def merged(given: Iterable[ListEntry]) -> Merged:
    """The first of the entries that have the same key, with white space and byte order marks cleaned up."""
    kept: dict[str, tuple[int, ListEntry]] = {}
    duplicates: list[tuple[int, int]] = []
    faults: list[tuple[int, str]] = []
    for position, entry in enumerate(given):
        text = " ".join(entry.text.replace("\ufeff", "").split())
        if fault := text_fault(text):
            faults.append((position, fault))
            continue
        first, before = kept.setdefault(key_of(text), (position, entry))
        if before.is_exception is not entry.is_exception:
            faults.append((position, "the same term is an entry and an exception"))
        elif first != position:
            duplicates.append((position, first))
        elif len(kept) > MAX_LIST_ENTRIES:
            faults.append((position, f"more than {MAX_LIST_ENTRIES:,} entries"))
            break
        elif text != entry.text:
            kept[key_of(text)] = position, replace(entry, text=text)
    return Merged(tuple(entry for _, entry in kept.values()), tuple(duplicates), tuple(faults))


def text_fault(text: str) -> str:
    """What is wrong with the text of an entry; "": nothing."""
    if len(text) > MAX_TERM:
        return f"longer than {MAX_TERM} characters"
    if text.isascii() and text.isprintable():  # nearly all are, and this is quick
        return "" if text else "empty"
    if found := _CONTROL.search(text):
        return f"a control character (U+{ord(found[0]):04X})"
    # Categories C (format, unassigned), M (marks) and Z (separators): nothing of it can be found in a text.
    return "" if any(unicodedata.category(char)[0] not in "CMZ" for char in text) else "nothing that can be seen"


class ListVersion(Struct, frozen=True, omit_defaults=True):
    """What a change made of a list. `restored`: the version that was brought back. `is_deleted`: the list was deleted.

    `added`, `changed` and `removed` count entries, as against the version before.
    """

    version: int
    at: datetime
    actor: str
    entries: int
    added: int = 0
    changed: int = 0
    removed: int = 0
    restored: int | None = None
    is_deleted: bool = field(default=False, name="deleted")


class ListDiff(NamedTuple):
    """What makes one version into another. `changed`: the same term with other fields, as it is afterwards."""

    added: tuple[ListEntry, ...]
    changed: tuple[ListEntry, ...]
    removed: tuple[ListEntry, ...]

    def __bool__(self) -> bool:
        return any((self.added, self.changed, self.removed))


def diff(before: Iterable[ListEntry], after: Iterable[ListEntry]) -> ListDiff:
    """In the order of the entries. Who added an entry, and when, makes no difference."""
    old = {key_of(entry.text): entry for entry in before}
    new = {key_of(entry.text): entry for entry in after}
    return ListDiff(
        tuple(entry for key, entry in new.items() if key not in old),
        tuple(entry for key, entry in new.items() if key in old and not _says_the_same(entry, old[key])),
        tuple(entry for key, entry in old.items() if key not in new),
    )


def _says_the_same(one: ListEntry, other: ListEntry) -> bool:
    return _said(one) == _said(other)


def _said(entry: ListEntry) -> tuple[object, ...]:
    return entry.text, entry.match, entry.is_exception, entry.note, entry.until
