"""The status of an author decides in the step that records the comment."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sending import Send, of

from service.store import Store
from service.store.author_status import StatusChange
from service.values.domain import Action, Author, DecidedBy, Status
from service.values.errors import NotFound
from service.values.rules import AuthorStatus

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize(
    ("status", "model", "want"),
    [
        (AuthorStatus.BANNED, Action.APPROVE, (Action.REJECT, Status.REJECTED, DecidedBy.RULE)),
        (AuthorStatus.MUTED, Action.APPROVE, (Action.REJECT, Status.REJECTED, DecidedBy.RULE)),
        (AuthorStatus.PREMODERATED, Action.APPROVE, (Action.REVIEW, Status.PENDING, DecidedBy.MODEL)),
        (AuthorStatus.PREMODERATED, Action.REJECT, (Action.REJECT, Status.REJECTED, DecidedBy.MODEL)),
        (AuthorStatus.TRUSTED, Action.REVIEW, (Action.APPROVE, Status.APPROVED, DecidedBy.RULE)),
        (AuthorStatus.TRUSTED, Action.REJECT, (Action.REJECT, Status.REJECTED, DecidedBy.MODEL)),
    ],
)
async def test_the_status_of_an_author_decides(
    send: Send, has_status: Any, status: AuthorStatus, model: Action, want: tuple[Action, Status, DecidedBy]
) -> None:
    await has_status("ann", status)
    record = await send("c1", model=model)
    assert of(record) == want
    assert record.content.judgement.reasons[-1].code == f"author_{status}"
    assert of(await send("c2", author="bob")) == (Action.APPROVE, Status.APPROVED, DecidedBy.MODEL)


async def test_a_mute_ends_by_itself_and_a_status_can_be_taken_back(send: Send, has_status: Any) -> None:
    await has_status("ann", AuthorStatus.MUTED, datetime.now(UTC) - timedelta(seconds=1))
    assert (await send("c1")).decision is Action.APPROVE
    await has_status("ann", AuthorStatus.BANNED)
    assert (await send("c2")).decision is Action.REJECT
    await has_status("ann", AuthorStatus.ACTIVE)
    assert (await send("c3")).decision is Action.APPROVE


async def test_a_submission_without_rules_asks_for_them_if_the_author_has_a_status(
    store: Store, site: str, submit: Any, has_status: Any
) -> None:
    await has_status("ann", AuthorStatus.BANNED)
    assert await submit("c1", author=Author("ann")) == ("ask", None)
    with pytest.raises(NotFound):
        await store.comments.get(site, "c1")


async def test_rules_that_were_sent_without_what_a_status_needs_are_asked_for_again(
    store: Store, site: str, send: Send, has_status: Any
) -> None:
    assert await send("c0", has_statuses=False) is not None
    await has_status("ann", AuthorStatus.BANNED)
    assert await send("c1", has_statuses=False) is None
    with pytest.raises(NotFound):
        await store.comments.get(site, "c1")
    assert (await send("c1")).decision is Action.REJECT
    assert await send("c2", has_statuses=False, author="bob") is not None


async def test_of_two_changes_of_a_status_with_one_version_the_first_stands(store: Store, site: str) -> None:
    first, second = (StatusChange(AuthorStatus.BANNED, 1, datetime.now(UTC), by) for by in ("ann", "bob"))
    assert await store.statuses.put(site, "author", first)
    assert not await store.statuses.put(site, "author", second)
    assert [each.by for each in await store.statuses.history(site, "author")] == ["ann"]
