"""What WordPress's plugin asks about its key: routes, shapes and figures that its pages read."""

from datetime import UTC, datetime
from typing import Any

import pytest

from service.compat.akismet.subscription import MONTHS
from service.settings import Settings

KEYED = ["get-subscription", "get-stats", "token", "deactivate"]


async def test_the_connection_can_be_tested_without_a_key(blog: Any) -> None:
    for path in ("/1.1/test", f"/k/{blog.key}/1.1/test"):
        assert ((await blog.get(path)).raw, (await blog.post(path)).raw) == (b"connected", b"connected")


async def test_a_key_has_an_active_subscription(blog: Any, say: Any) -> None:
    found = (await blog.post("/1.1/get-subscription", key=blog.key, blog=say.blog)).body
    assert (found["status"], found["account_name"], found["next_billing_date"]) == ("active", "wordpress", None)


async def test_figures_are_those_of_the_key(blog: Any, say: Any) -> None:
    for text in (say.civil, say.civil, say.civil, say.spam):
        await blog.check(text)
    await blog.check(say.civil, blog="https://weekly.example/")
    await blog.submit("spam", say.civil)
    found = (await blog.post("/1.1/get-stats", **{"key": blog.key, "blog": say.blog, "from": "6-months"})).body
    figures = {"spam": 1, "ham": 4, "missed_spam": 1, "false_positives": 0, "accuracy": 80.0}
    breakdown = found.pop("breakdown")
    assert found == figures | {"time_saved": 0}
    this_month = f"{datetime.now(UTC):%Y-%m}-01"
    assert breakdown[this_month] == figures | {"da": this_month}
    assert list(breakdown) == sorted(breakdown)


@pytest.mark.parametrize(("interval", "count"), [*MONTHS.items(), ("ever", 13)])
async def test_figures_go_back_as_far_as_the_plugin_asks(blog: Any, say: Any, interval: str, count: int) -> None:
    found = (await blog.post("/1.1/get-stats", **{"key": blog.key, "blog": say.blog, "from": interval})).body
    assert len(found["breakdown"]) == count
    assert found["accuracy"] == 100.0


async def test_a_token_is_always_the_same_and_opens_nothing(blog: Any, say: Any, invalid: Any) -> None:
    one, other = [(await blog.post("/1.1/token", key=blog.key, blog=say.blog)).raw for _ in range(2)]
    assert one == other
    assert len(one) == 32
    invalid(await blog.post("/1.1/verify-key", key=one.decode(), blog=say.blog), "no key")


async def test_switching_the_plugin_off_leaves_the_key_valid(blog: Any, say: Any) -> None:
    assert (await blog.post("/1.1/deactivate", key=blog.key, blog=say.blog)).raw == b"deactivated"
    assert (await blog.post("/1.1/verify-key", key=blog.key, blog=say.blog)).raw == b"valid"


@pytest.mark.parametrize("path", KEYED)
async def test_each_needs_a_key(blog: Any, say: Any, invalid: Any, path: str) -> None:
    invalid(await blog.post(f"/1.1/{path}", key="", blog=say.blog), "no key")
    invalid(await blog.post(f"/1.1/{path}", key="0123456789ab", blog=say.blog), "no key")


async def test_the_usage_is_told_under_both_versions(blog: Any, say: Any) -> None:
    await blog.check(say.civil)
    for version in ("1.1", "1.2"):
        assert (await blog.post(f"/{version}/usage-limit", api_key=blog.key)).body["usage"] == 1


async def test_figures_cannot_be_told_while_redis_is_away(
    own_server: Any, tmp_path: Any, run: Any, key_for: Any, blog_of: Any, say: Any
) -> None:
    async with run(Settings(redis_url=own_server.url, data_dir=tmp_path, store_timeout_s=30)) as client:
        blog = blog_of(await key_for(client, "score"))
        own_server.kill()
        assert (await blog.post("/1.1/get-stats", key=blog.key, blog=say.blog)).status == 503
        assert (await blog.post("/1.1/get-subscription", key=blog.key, blog=say.blog)).body["status"] == "active"
