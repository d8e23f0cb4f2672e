"""Keys of 12 digits, as WordPress's form takes them: what they open, how they are rotated, and how guesses end."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service import app_keys as keys
from service.http.guesses import BURST
from service.values import access, short_keys
from service.values.short_keys import OVERLAP

BLOG = "https://daily.example/"


class Wordpress:
    """Sends what the plugin sends, with a key of 12 digits."""

    def __init__(self, blog: Any, key: str, record: Any) -> None:
        self.blog, self.key, self.record = blog, key, record

    async def post(self, path: str, **fields: str) -> Any:
        return await self.blog.post(path, **({"api_key": self.key, "blog": BLOG, "user_ip": "203.0.113.7"} | fields))


@pytest.fixture
def short_key(blog: Any, client: Any) -> Callable[..., Awaitable[Wordpress]]:
    async def short_key(site: str = "daily", **more: Any) -> Wordpress:
        text, record = short_keys.mint(site, "wordpress", datetime.now(UTC), **more)
        await client.server.app[keys.STORE].access.keep(record)
        await client.server.app[keys.DIRECTORY].refresh()
        return Wordpress(blog, text, record)

    return short_key


async def test_a_short_key_opens_every_route_of_akismet_and_nothing_else(
    short_key: Any, blog: Any, say: Any, problem: Any
) -> None:
    site = await short_key()
    assert len(site.key) == 12
    assert set(site.key) <= set("0123456789abcdef")
    assert (await site.post("/1.1/verify-key", key=site.key)).raw == b"valid"
    assert (await site.post("/1.1/comment-check", comment_content=say.insult)).raw == b"true"
    assert (await site.post("/1.1/submit-spam", comment_content=say.civil)).raw == say.thanks
    assert (await blog.get(f"/1.2/usage-limit?api_key={site.key.upper()}")).body["usage"] == 2
    assert (await blog.post(f"/k/{site.key}/1.1/comment-check", blog=BLOG, user_ip="")).status == 200
    for text in (site.key, f"cmk_live_{site.record.id}_{'A' * 43}_AAAAAA"):
        problem(await type(blog.caller)(blog.caller.client, text).post("/v1/score", {"text": "hello"}), 401)
    problem(await blog.caller.get("/v1/audit"), 403)


async def test_what_a_short_key_reports_is_learned_for_its_site(short_key: Any, labels: Any, say: Any) -> None:
    site = await short_key()
    await site.post("/1.1/submit-ham", comment_content=say.spam)
    (label,) = await labels()
    assert (label["text"], label["decision"]) == (say.spam, "approve")


async def test_the_key_in_the_form_is_tried_and_not_the_old_one_that_comes_with_it(
    short_key: Any, invalid: Any
) -> None:
    new = await short_key()
    for path, word in (("verify-key", b"valid"), ("deactivate", b"deactivated")):
        assert (await new.post(f"/1.1/{path}", api_key="0123456789ab", key=new.key)).raw == word
        invalid(await new.post(f"/1.1/{path}", key="0123456789ab"), "no key")
    subscription = await new.post("/1.1/get-subscription", api_key="0123456789ab", key=new.key)
    assert subscription.body["status"] == "active"
    invalid(await new.post("/1.1/get-subscription", key="0123456789ab"), "no key")


async def test_after_a_rotation_the_old_key_works_for_a_day_and_the_new_one_at_once(
    short_key: Any, client: Any, invalid: Any
) -> None:
    site, now = await short_key(), datetime.now(UTC)
    store, directory = client.server.app[keys.STORE], client.server.app[keys.DIRECTORY]
    text, changed = short_keys.rotated(site.record, now)
    assert await store.access.change(site.record.id, lambda _: changed)
    await directory.refresh()
    for key in (site.key, text):
        assert (await site.post("/1.1/verify-key", key=key)).raw == b"valid"
    text, changed = short_keys.rotated(site.record, now - OVERLAP)
    assert await store.access.change(site.record.id, lambda _: changed)
    await directory.refresh()
    assert (await site.post("/1.1/verify-key", key=text)).raw == b"valid"
    invalid(await site.post("/1.1/verify-key", key=site.key), "no key")


async def test_a_revoked_or_expired_short_key_opens_nothing(short_key: Any, client: Any, invalid: Any) -> None:
    site = await short_key()
    await client.server.app[keys.STORE].access.revoke(site.record.id)
    await client.server.app[keys.DIRECTORY].refresh()
    invalid(await site.post("/1.1/verify-key", key=site.key), "no key")
    over = await short_key(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    invalid(await over.post("/1.1/verify-key", key=over.key), "no key")


async def test_an_address_that_guesses_is_told_nothing_more_even_of_a_right_key(short_key: Any) -> None:
    site = await short_key()
    for number in range(BURST):
        assert (await site.post("/1.1/verify-key", key=f"{number:012x}")).raw == b"invalid"
    for key in (site.key, f"{BURST:012x}"):
        refused = await site.post("/1.1/verify-key", key=key)
        assert (refused.status, int(refused.headers["Retry-After"]) > 1) == (429, True)


async def test_guesses_at_the_same_moment_are_limited_as_those_one_after_the_other(short_key: Any) -> None:
    site = await short_key()
    guesses = [f"{number:012x}" for number in range(3 * BURST)] + [site.key]
    *wrong, right = await asyncio.gather(*(site.post("/1.1/verify-key", key=each) for each in guesses))
    assert [each.raw for each in wrong].count(b"invalid") <= BURST
    assert right.status == 429


async def test_requests_with_a_right_key_at_the_same_moment_are_no_guesses(short_key: Any) -> None:
    site = await short_key()
    for _ in range(2):
        replies = await asyncio.gather(*(site.post("/1.1/verify-key", key=site.key) for _ in range(3 * BURST)))
        assert {each.raw for each in replies} == {b"valid"}


async def test_a_site_that_repeats_one_wrong_key_locks_out_nobody(short_key: Any) -> None:
    site = await short_key()
    for _ in range(3 * BURST):
        assert (await site.post("/1.1/verify-key", key="0123456789ab")).raw == b"invalid"
    assert (await site.post("/1.1/verify-key", key=site.key)).raw == b"valid"


async def test_neither_key_nor_a_fast_hash_of_it_is_stored(short_key: Any, redis_server: Any) -> None:
    site = await short_key()
    with redis_server.client() as redis:
        kept = str(redis.hvals("cm:{access}:keys"))
    assert site.record.short_digest in kept
    assert site.key not in kept


def test_a_short_key_in_an_address_is_masked_in_log_lines() -> None:
    line = "POST /k/0123456789ab/1.1/comment-check?api_key=0123456789AB&key=0123456789ab HTTP/1.1"
    masked = access.masked(line)
    assert "0123456789ab" not in masked.lower()
    assert access.masked("/v1/comments/0123456789ab") == "/v1/comments/0123456789ab"
