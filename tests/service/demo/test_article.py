"""The demonstration at /demo: off unless asked for; read, warned, posted and followed, also without scripts."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from service import app_keys as keys
from service.demo import load_thread
from service.demo.article import COOKIE
from service.http.limits import Buckets
from service.settings import Settings
from service.values.access import FIRST_SITE

RUDE = "You are a stupid idiot and nobody likes you."
SAME = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, demo=True)


class Reader:
    """Somebody at /demo without scripts."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.cookie = ""

    async def __call__(self, method: str, path: str = "/demo", **more: Any) -> Any:
        self.client.session.cookie_jar.clear()  # cookies are ours to send
        headers = {**SAME, **({"Cookie": self.cookie} if self.cookie else {}), **more.pop("headers", {})}
        response = await self.client.request(method, path, headers=headers, allow_redirects=False, **more)
        if COOKIE in response.cookies:
            self.cookie = f"{COOKIE}={response.cookies[COOKIE].value}"
        return response

    async def page(self) -> str:
        return str(await (await self("GET")).text())

    async def post(self, text: str, **more: str) -> Any:
        return await self("POST", data={"text": text, "name": "Mia", **more})


@pytest.fixture
def reader(client: Any) -> Reader:
    return Reader(client)


@pytest.fixture
async def posted(client: Any) -> None:
    """Once the whole thread is there."""
    last = load_thread().comments[-1]["id"]
    async with asyncio.timeout(60):
        while not await there(client, last):
            await asyncio.sleep(0.05)


async def there(client: Any, comment_id: str) -> bool:
    return (await record(client, comment_id)) is not None


async def record(client: Any, comment_id: str) -> Any:
    try:
        return await client.server.app[keys.STORE].comments.get(FIRST_SITE, comment_id)
    except Exception:  # noqa: BLE001 - not there yet
        return None


def own(page: str) -> list[tuple[str, str]]:
    """Id and status of what this reader wrote."""
    return re.findall(r'data-id="(demo-[^"]+)" data-status="(\w+)"', page)


async def test_it_is_not_there_unless_asked_for(run: Any, settings: Settings) -> None:
    async with run(msgspec.structs.replace(settings, demo=False)) as client:
        for method, path in (("GET", "/demo"), ("POST", "/demo"), ("POST", "/demo/hint"), ("GET", "/demo/stream")):
            assert (await client.request(method, path, headers=SAME)).status == 404


@pytest.mark.usefixtures("posted")
async def test_the_story_shows_its_thread_and_where_each_comment_stands(reader: Reader) -> None:
    response = await reader("GET")
    page = await response.text()
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    found = dict(re.findall(r'data-id="(kyiv-\d+)" data-status="(\w+)"', page))
    assert found.keys() == {comment["id"] for comment in load_thread().comments}
    assert set(found.values()) == {"approved", "pending", "rejected"}
    assert "cmk_live" not in page


@pytest.mark.usefixtures("posted")
async def test_a_kind_comment_is_posted_at_once_and_only_its_author_sees_it_as_own(reader: Reader, client: Any) -> None:
    answer = await reader.post("Thank you for this article, I learned a lot.")
    assert answer.status == 303
    ((comment_id, status),) = own(await reader.page())
    assert answer.headers["Location"] == f"/demo#c-{comment_id}"
    assert status == "approved"
    kept = await record(client, comment_id)
    assert kept.content.comment.author.name == "Mia"
    assert kept.content.comment.article.title == load_thread().article["title"]
    assert own(await Reader(client).page()) == []


async def test_a_rude_comment_is_warned_of_once_and_posted_if_its_author_insists(reader: Reader) -> None:
    answer = await reader.post(RUDE)
    page = await answer.text()
    assert answer.status == 200
    assert "This may be read as" in page
    assert RUDE in page, "nothing of it is lost"
    assert "Post it as it is" in page
    assert own(await reader.page()) == []
    assert (await reader.post(RUDE, confirmed="1")).status == 303
    ((_, status),) = own(await reader.page())
    assert status in ("pending", "rejected")


@pytest.mark.usefixtures("posted")
async def test_the_hint_names_what_a_text_may_be_read_as_and_keeps_nothing(reader: Reader, client: Any) -> None:
    events = client.server.app[keys.STORE].events
    before = await events.latest(FIRST_SITE)
    rude = await reader("POST", "/demo/hint", json={"text": RUDE})
    assert (await rude.json())["hint"] == "This may be read as an insult."
    german = await reader("POST", "/demo/hint", json={"text": RUDE}, headers={"Accept-Language": "de"})
    assert (await german.json())["hint"] != "This may be read as an insult."
    assert (await (await reader("POST", "/demo/hint", json={"text": "Thank you."})).json()) == {"hint": ""}
    assert (await (await reader("POST", "/demo/hint", json={"text": " "})).json()) == {"hint": ""}
    assert (await reader("POST", "/demo/hint", json={"text": "x" * 2_001})).status == 400
    assert (await reader("POST", "/demo/hint", json={"nonsense": 1})).status == 400
    assert await events.latest(FIRST_SITE) == before


@pytest.mark.parametrize(("text", "status"), [("", 400), ("  \n", 400), ("x" * 2_001, 400)])
async def test_what_cannot_be_posted_is_said_on_the_page(reader: Reader, text: str, status: int) -> None:
    answer = await reader.post(text)
    assert answer.status == status
    assert "Please write something, and not more than 2000 characters." in await answer.text()


async def test_other_sites_pages_can_neither_post_nor_listen(reader: Reader) -> None:
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    for method, path in (("POST", "/demo"), ("POST", "/demo/hint"), ("GET", "/demo/stream")):
        assert (await reader(method, path, headers=elsewhere)).status == 403


async def test_an_address_can_post_only_so_often(reader: Reader) -> None:
    answers = [await reader.post(f"Thank you, number {n}.") for n in range(8)]
    assert answers[0].status == 303
    assert answers[-1].status == 429
    assert "Please wait a moment." in await answers[-1].text()


async def test_hostile_text_and_cookies_are_inert(reader: Reader) -> None:
    hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    await reader("POST", data={"text": f"{hostile} thank you", "name": hostile, "confirmed": "1"})
    page = await reader.page()
    assert own(page)
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    reader.cookie = f"{COOKIE}=../../x.{'a' * 36}.{'b' * 4000}"
    assert (await reader("GET")).status == 200


@pytest.mark.usefixtures("posted")
async def test_what_a_moderator_decides_is_heard_at_once(reader: Reader, client: Any, key_for: Any) -> None:
    await reader.post(RUDE, confirmed="1")
    ann = await key_for(client, "review", site=FIRST_SITE, name="ann")
    response = await reader("GET", "/demo/stream")
    assert response.status == 200
    lines: AsyncIterator[bytes] = aiter(response.content)
    item = (await ann.post("/v1/review/claim", {"count": 1})).body["items"][0]
    assert (
        await ann.post(f"/v1/review/{item['id']}/decision", {"decision": "approve", "lease": item["lease"]})
    ).status == 200
    async with asyncio.timeout(60):
        async for line in lines:
            if line.startswith(b"data: "):
                assert json.loads(line.removeprefix(b"data: ")) == {"id": item["id"], "status": "approved"}
                break
    assert f'data-id="{item["id"]}" data-status="approved"' in await reader.page()


async def test_the_thread_is_posted_once_however_often_the_service_starts(run: Any, settings: Settings) -> None:
    last = load_thread().comments[-1]["id"]
    counts = []
    for _ in range(2):
        async with run(settings) as client:
            async with asyncio.timeout(60):
                while not await there(client, last):
                    await asyncio.sleep(0.05)
            counts.append((await client.server.app[keys.STORE].queue.stats(FIRST_SITE, 1))["queued"])
    assert counts[0] == counts[1] > 0


def test_the_names_that_were_not_heard_of_for_longest_are_forgotten() -> None:
    now = [0.0]
    buckets = Buckets(1, 1, most=2, clock=lambda: now[0])
    for name in ("a", "b", "c"):
        buckets.take(name)
    buckets.take("a")
    with pytest.raises(Exception, match="too many"):
        buckets.take("c")
    now[0] = 1.0
    buckets.take("c")
