"""usage-limit and key-sites: real figures, by month and site (akismet.md section 7)."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest

from service import app_keys as keys
from service.cases.usage import Usage


def this_month() -> str:
    """Asked for when it is needed: a month may end while the tests run."""
    return f"{datetime.now(UTC):%Y-%m}"


@pytest.fixture
async def used(blog: Any, say: Any) -> Any:
    """A key that was used in two places."""
    for text in (say.civil, say.civil, say.spam):
        await blog.check(text)
    await blog.check(say.civil, blog="http://Weekly.example:8080/blog/")
    await blog.submit("spam", say.civil)
    await blog.submit("ham", say.spam)
    await blog.submit("ham", say.spam)
    return blog


async def asked(blog: Any, path: str, **parameters: Any) -> Any:
    parameters = {"api_key": blog.key, **parameters}
    return await blog.get(f"{path}?" + "&".join(f"{name}={value}" for name, value in parameters.items()))


async def test_the_calls_of_this_month_are_counted(used: Any) -> None:
    for _ in range(2):
        reply = await asked(used, "/1.2/usage-limit")
        assert reply.headers["Content-Type"] == "application/json"
        assert reply.body == {"limit": "none", "usage": 6, "percentage": "0.00", "throttled": False}
    assert (await used.post("/1.2/usage-limit", api_key=used.key)).body["usage"] == 6, "asking is not counted"


async def test_figures_are_given_by_site(used: Any) -> None:
    reply = await asked(used, "/1.2/key-sites")
    daily = {"api_calls": 5, "spam": 1, "ham": 2, "missed_spam": 1, "false_positives": 1}
    weekly = {"api_calls": 1, "spam": 0, "ham": 1, "missed_spam": 0, "false_positives": 0}
    assert reply.body == {
        this_month(): [
            {"site": "daily.example", **daily, "is_revoked": False},
            {"site": "weekly.example:8080/blog", **weekly, "is_revoked": False},
        ],
        "limit": 500,
        "offset": 0,
        "total": 2,
    }
    assert (await used.post("/1.2/key-sites", api_key=used.key)).body == reply.body


async def test_sites_are_filtered_ordered_and_paged(used: Any) -> None:
    async def sites(**parameters: Any) -> list[str]:
        reply = await asked(used, "/1.2/key-sites", **parameters)
        return [entry["site"].partition(".")[0] for entry in reply.body[this_month()]]

    assert await sites(filter="WEEK") == ["weekly"]
    assert await sites(limit=1) == ["daily"]
    assert await sites(limit=1, offset=1) == ["weekly"]
    assert await sites(offset=7) == []
    for order in ("total", "spam", "ham", "missed_spam", "false_positives"):
        assert await sites(order=order) == ["daily", "weekly"]
    assert (await asked(used, "/1.2/key-sites", month="2025-01")).body["2025-01"] == []


async def test_figures_come_as_a_table_too(used: Any) -> None:
    reply = await asked(used, "/1.2/key-sites", format="csv", limit=1)
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    prose, head, *rows = csv.reader(io.StringIO(reply.raw.decode()))
    assert prose == [f"Active sites during {this_month()} (limit: 1, offset: 0, total: 2)"]
    assert head == ["Site", "Total API Calls", "Spam", "Ham", "Missed Spam", "False Positives", "Is Revoked"]
    assert rows == [["daily.example", "5", "1", "2", "1", "1", "false"]]


async def test_a_table_holds_no_formula(blog: Any) -> None:
    await blog.check(blog="http://-2+3.example")
    reply = await asked(blog, "/1.2/key-sites", format="csv")
    assert reply.raw.decode().splitlines()[2].startswith("'-2+3.example,")


WRONG = [
    ("month", "2026-13"),
    ("month", "november"),
    ("month", "2026-11%0A"),
    ("order", "name"),
    ("format", "xml"),
    ("limit", "0"),
    ("limit", "-1"),
    ("limit", "ten"),
    ("limit", "9" * 5000),
    ("limit", "%D9%A1"),
    ("offset", "-1"),
    ("offset", "1.5"),
]


async def test_a_wrong_parameter_is_invalid_and_named(blog: Any, invalid: Any) -> None:
    for name, value in WRONG:
        invalid(await asked(blog, "/1.2/key-sites", **{name: value}), name)


async def test_tests_are_not_counted(blog: Any, say: Any) -> None:
    await blog.check(is_test="1")
    await blog.check(say.spam, is_test="true")
    await blog.submit("spam", is_test="1")
    assert (await asked(blog, "/1.2/usage-limit")).body["usage"] == 0
    assert (await asked(blog, "/1.2/key-sites")).body["total"] == 0


@pytest.mark.usefixtures("used")
async def test_a_key_sees_its_own_figures_only(client: Any, key_for: Any, blog_of: Any) -> None:
    for site in ("daily", "weekly"):
        other = blog_of(await key_for(client, "score", site=site))
        assert (await asked(other, "/1.2/usage-limit")).body["usage"] == 0
        assert (await asked(other, "/1.2/key-sites")).body["total"] == 0


async def test_figures_outlive_the_service(used: Any, settings: Any, run: Any, blog_of: Any, client: Any) -> None:
    await client.server.app[keys.USAGE].write()
    async with run(settings) as again:
        blog = blog_of(type(used.caller)(again, used.key))
        assert (await asked(blog, "/1.2/usage-limit")).body["usage"] == 6


async def test_a_client_that_names_no_site_is_counted_as_none(blog: Any) -> None:
    await blog.submit("spam", blog=None)
    (entry,) = (await asked(blog, "/1.2/key-sites")).body[this_month()]
    assert (entry["site"], entry["missed_spam"]) == ("none", 1)


async def test_what_others_name_as_their_site_is_bounded(blog: Any, redis_server: Any, client: Any) -> None:
    usage: Usage = client.server.app[keys.USAGE]
    key = await client.server.app[keys.DIRECTORY].admit(blog.key)
    for number in range(1200):
        usage.count(key, f"{number}.example", "api_calls", "ham")
    await blog.check(blog="https://late.example")
    found = (await asked(blog, "/1.2/key-sites", limit=500)).body
    assert found["total"] == 501, "500 by name, and the rest together"
    assert found[this_month()][0] == {
        "site": "others",
        "api_calls": 701,
        "spam": 0,
        "ham": 701,
        "missed_spam": 0,
        "false_positives": 0,
        "is_revoked": False,
    }
    with redis_server.client() as redis:
        assert 0 < redis.ttl(f"cm:{{daily}}:usage:{key.id}:{this_month()}") <= 400 * 86_400
