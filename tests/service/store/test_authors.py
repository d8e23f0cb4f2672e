"""Whom the scripts take for the author of what is kept, however it was packed."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from service.store import Store
from service.store.keyspace import Shard
from service.store.packing import Content, unpacked
from service.values.domain import Article, Author

SENT = [
    ({}, None),
    ({"article": Article(id="a-1")}, None),
    ({"author": Author(id="u-1")}, "u-1"),
    ({"author": Author(id="u-1", name="x", created_at=datetime(2020, 1, 1, tzinfo=UTC), trusted=True)}, "u-1"),
    ({"author": Author(id="u-1"), "created_at": datetime(2020, 1, 1, tzinfo=UTC), "metadata": {"n": 1}}, "u-1"),
    ({"author": Author(name="only a name")}, None),
    ({"author": Author()}, None),
    ({"author": Author(id="u" * 128)}, "u" * 128),
]


@pytest.mark.parametrize("is_json", [False, True])
async def test_erasing_takes_a_comment_from_its_author_whatever_else_was_sent(
    store: Store, site: str, submit: Any, redis_server: Any, is_json: bool
) -> None:
    for number, (sent, author) in enumerate(SENT):
        for length in (1, 40, 300, 20_000):
            comment_id = f"c-{number}-{length}"
            await submit(comment_id, "x" * length, **sent)
            with redis_server.client() as client:
                assert client.exists(Shard(site).key(f"author:{author}")) == (author is not None)
                if is_json:
                    key = Shard(site).text(comment_id) + "1"
                    content = unpacked(await store.pipe.call("GET", key))
                    client.set(key, msgspec.json.encode(Content(content.comment, content.judgement)))
                assert await store.comments.erase(site, comment_id, "chief")
                assert not await store.comments.erase(site, comment_id, "chief")
                assert not list(client.scan_iter("*author:*"))


async def test_pages_of_an_author_have_a_place_for_what_is_not_kept_any_more(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    for number in range(5):
        await submit(f"c-{number}", author=Author(id="u-1"))
    with redis_server.client() as client:
        client.delete(Shard(site).text("c-3") + "1")
        page = await store.authors.page(site, "u-1", 0, 3)
        assert [each and each.id for each in page.places] == ["c-4", None, "c-2"]
        assert [each.id for each in page.comments] == ["c-4", "c-2"]
        assert [each and each.id for each in (await store.authors.page(site, "u-1", 3, 3)).places] == ["c-1", "c-0"]
        assert page.total == 5
        client.flushall()
