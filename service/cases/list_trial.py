"""What entries of a word list would have been found in lately: a list is tried before it is in force."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Annotated

from msgspec import Meta, Struct

from service.rules.words import Found, Terms, WordFinder, terms_of
from service.store import Store
from service.values.lists import ListEntry
from service.values.rules import ListUse

LAST = 5_000
# An entry in more than this share of the comments is asked about. One comment of few is no reason to.
MANY, LEAST = 0.01, 2
# Comments between yields to the event loop: a few milliseconds of work.
SLICE = 50
MOST_TOUCHES, EXAMPLES = 100, 5


class Touch(Struct, frozen=True):
    """An entry, and in how many of the comments it is found; `examples` are the newest of them."""

    text: str
    comments: int
    examples: list[str]


class ListTrial(Struct, frozen=True):
    """New entries, tried on the newest comments of the site; nothing changes."""

    comments: int
    missing: Annotated[int, Meta(description="Comments left out because their text was erased or has expired.")]
    back_to: Annotated[datetime | None, Meta(description="When the oldest examined comment was submitted.")]
    found: Annotated[int, Meta(description="How many of the entries are found in any comment.")]
    touches: Annotated[list[Touch], Meta(description=f"Those found most, at most {MOST_TOUCHES}.")]
    too_many: Annotated[list[Touch], Meta(description="Those found in more than 1 % of the comments.")]


def finder(entries: Iterable[ListEntry], use: ListUse, today: date) -> WordFinder:
    """Finds the entries that have not ended, as a policy that uses the list so would. Takes seconds for 50,000."""
    return WordFinder([Terms(tuple(terms_of(entries, use.match, today)), use.unmask, use.case)])


def find(words: WordFinder, text: str) -> tuple[Found, ...]:
    return words.find(text).get(0, ())


async def tried(
    store: Store, site: str, new: Sequence[ListEntry], after: Iterable[ListEntry], *, use: ListUse, today: date
) -> ListTrial:
    """`after`: the list that is to be, whose exceptions hold for the new entries."""
    exceptions = [entry for entry in after if entry.is_exception]
    terms = [entry for entry in new if not entry.is_exception]
    words = await asyncio.to_thread(finder, [*terms, *exceptions], use, today)
    counts, examples = Counter[str](), defaultdict[str, list[str]](list)
    comments = 0
    newest = store.recent.newest(site, LAST, at_once=SLICE)
    async for seen, said in newest:
        comments += 1
        for text in {each.term for each in find(words, said.text)}:
            counts[text] += 1
            if len(examples[text]) < EXAMPLES:
                examples[text].append(seen.id)
    touches = [Touch(text, count, examples[text]) for text, count in counts.most_common(MOST_TOUCHES)]
    too_many = [each for each in touches if each.comments >= LEAST and each.comments > comments * MANY]
    return ListTrial(comments, newest.missing, newest.back_to, len(counts), touches, too_many)
