"""What a words condition looks for."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from service.values.lists import ListEntry
from service.values.rules import Match


class Term(NamedTuple):
    """`is_exception`: where it stands, no other term of the same terms is found inside of it."""

    text: str
    match: Match = Match.WORD
    is_exception: bool = False


class Terms(NamedTuple):
    """What a condition looks for. `unmasks`: also disguised. `keeps_case`: capitals count, and nothing is unmasked."""

    terms: tuple[Term, ...]
    unmasks: bool = True
    keeps_case: bool = False


def terms_of(entries: Iterable[ListEntry], match: Match, today: date) -> Iterator[Term]:
    """Those of a list that have not ended. `match`: of an entry that says nothing itself."""
    for entry in entries:
        if not entry.has_ended(today):
            yield Term(entry.text, entry.match or match, entry.is_exception)


class Owner(NamedTuple):
    """A term, and the number of the terms that it is of."""

    terms: int
    text: str
    is_exception: bool


# A term, and where it stands in the text as sent: start, and before which end.
Hit = tuple[Owner, int, int]


def bounded(read_as: str, match: Match) -> str:
    """With the spaces that the match asks for. `read_as` has one at both ends."""
    if match is Match.WORD:
        return read_as
    return read_as[:-1] if match is Match.STEM else read_as[1:-1]
