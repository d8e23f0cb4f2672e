"""POST /v1/reconcile: which comments a site must send again."""

from typing import Any

import pytest


@pytest.fixture
async def known(admin: Any) -> None:
    """c-1 in two revisions, c-2 in one."""
    for comment in ({"id": "c-1", "text": "first"}, {"id": "c-1", "text": "edited"}, {"id": "c-2", "text": "other"}):
        assert (await admin.post("/v1/comments", comment)).status == 200


async def unknown(caller: Any, *comments: Any) -> Any:
    reply = await caller.post("/v1/reconcile", {"comments": list(comments)})
    assert reply.status == 200, reply.body
    return reply.body["unknown"]


@pytest.mark.usefixtures("known")
async def test_what_is_not_known_is_named_in_order_and_as_it_was_asked(admin: Any) -> None:
    asked = [{"id": "c-9", "revision": 3}, {"id": "c-1"}, {"id": "c-8"}, {"id": "c-2"}, {"id": "c-9", "revision": 3}]
    assert await unknown(admin, *asked) == [asked[0], asked[2], asked[4]]


@pytest.mark.usefixtures("known")
async def test_a_comment_of_which_only_older_revisions_are_known_is_unknown(admin: Any) -> None:
    asked = [{"id": "c-1", "revision": revision} for revision in (1, 2, 3)]
    assert await unknown(admin, *asked) == [{"id": "c-1", "revision": 3}]


@pytest.mark.usefixtures("known")
async def test_an_erased_comment_is_known_so_that_nobody_sends_it_again(admin: Any) -> None:
    await admin("DELETE", "/v1/comments/c-1")
    assert await unknown(admin, {"id": "c-1", "revision": 2}) == []


@pytest.mark.usefixtures("known")
async def test_the_comments_of_another_site_are_unknown(client: Any, key_for: Any) -> None:
    other = await key_for(client, "comments", site="weekly")
    assert await unknown(other, {"id": "c-1"}) == [{"id": "c-1"}]


async def test_a_thousand_comments_are_asked_for_at_once_and_no_more(admin: Any, problem: Any) -> None:
    asked = [{"id": f"c-{number}"} for number in range(1001)]
    assert await unknown(admin, *asked[:-1]) == asked[:-1]
    problem(await admin.post("/v1/reconcile", {"comments": asked}), 413)
    assert await unknown(admin) == []


@pytest.mark.parametrize(
    ("comment", "pointer"),
    [
        ("c-1", "/comments/0"),
        ({}, "/comments/0/id"),
        ({"id": "."}, "/comments/0/id"),
        ({"id": "c-1", "revision": 0}, "/comments/0/revision"),
        ({"id": "c-1", "text": "hello"}, "/comments/0/text"),
    ],
)
async def test_what_names_no_comment_is_400(admin: Any, problem: Any, comment: Any, pointer: str) -> None:
    found = problem(await admin.post("/v1/reconcile", {"comments": [comment]}), 400)
    assert [fault["pointer"] for fault in found["errors"]] == [pointer]


async def test_it_takes_the_scope_comments(ann: Any, client: Any, key_for: Any, problem: Any) -> None:
    problem(await ann.post("/v1/reconcile", {"comments": []}), 403)
    assert await unknown(await key_for(client, "comments")) == []
