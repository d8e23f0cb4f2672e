"""Whoever sends an e-mail address is an author: the status and the rules on authors count."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from service.settings import Settings
from service.store.author_status import AuthorStatuses

JOE = "joe@post.example"
STATUS = f"/v1/authors/{JOE}/status"
NEW = {"id": "new", "when": {"author": {"approved_below": 2}}, "then": {"action": "reject"}}


@pytest.fixture(params=[1, 3])
async def client(request: pytest.FixtureRequest, run: Any, settings: Settings) -> AsyncIterator[Any]:
    async with run(msgspec.structs.replace(settings, shards=request.param)) as client:
        yield client


@pytest.fixture
async def chief(client: Any, key_for: Any) -> Any:
    return await key_for(client, name="chief")


@pytest.fixture
def check(client: Any, chief: Any) -> Any:
    async def check(**more: str) -> str:
        form = {"api_key": chief.key, "blog": "https://blog.example", "user_ip": "", "comment_content": "Hello to all."}
        answer = await client.post("/1.1/comment-check", data={**form, **more})
        return f"{await answer.text()} {answer.headers['X-Moderation-Decision']}"

    return check


async def has_rules(chief: Any, *rules: Any) -> None:
    body = {"thresholds": {"toxicity": {}}, "rules": rules}
    assert (await chief("PUT", "/v1/policies/default", body)).status == 200


async def test_a_banned_address_is_spam_and_no_other_is(chief: Any, check: Any) -> None:
    await has_rules(chief)
    assert await check(comment_author_email=JOE) == "false approve"
    assert (await chief("PUT", STATUS, {"status": "banned"})).status == 200
    assert await check(comment_author_email=f" {JOE.upper()} ") == "true reject"
    assert await check(comment_author_email="ann@post.example") == "false approve"
    assert await check() == "false approve"
    await chief("PUT", STATUS, {"status": "premoderated"})
    assert (await check(comment_author_email=JOE)).endswith(" review")


async def test_a_trusted_address_overrides_doubt_but_no_rule(chief: Any, check: Any) -> None:
    await chief("PUT", "/v1/policies/default", {"thresholds": {"toxicity": {"review_at": 0}}})
    assert (await check(comment_author_email=JOE)).endswith(" review")
    await chief("PUT", STATUS, {"status": "trusted"})
    assert await check(comment_author_email=JOE) == "false approve"
    await has_rules(chief, {"id": "hello", "when": {"words": {"any": ["hello"]}}, "then": {"action": "reject"}})
    assert await check(comment_author_email=JOE) == "true reject"


async def test_rules_on_authors_count_what_the_site_recorded_of_the_address(chief: Any, check: Any) -> None:
    await has_rules(chief)
    for number in range(2):
        comment = {"id": f"c-{number}", "text": f"Hello {number}", "author": {"id": JOE}}
        assert (await chief.post("/v1/comments", comment)).body["status"] == "approved"
    await has_rules(chief, NEW)
    assert await check(comment_author_email=JOE) == "false approve"
    assert await check(comment_author_email="ann@post.example") == "true reject"
    assert await check() == "false approve"  # nobody is known


async def test_rules_that_need_a_recorded_comment_do_not_apply(chief: Any, check: Any) -> None:
    flood = {"velocity": {"by": "author", "more_than": 1, "s": 60}}
    await has_rules(chief, {**NEW, "when": {"all": [NEW["when"], flood]}})
    assert await check(comment_author_email=JOE) == "false approve"


async def test_without_an_answer_of_redis_rules_on_authors_ask_for_a_person(
    chief: Any, check: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await has_rules(chief, NEW)

    async def hang(*_: Any) -> None:
        raise TimeoutError

    monkeypatch.setattr(AuthorStatuses, "newest", hang)
    assert (await check(comment_author_email=JOE)).endswith(" review")
    await has_rules(chief)
    assert await check(comment_author_email=JOE) == "false approve"
