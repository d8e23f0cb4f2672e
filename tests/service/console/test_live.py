"""What the pages of the queue hear of others, and what they must not hear."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp import ClientTimeout

from service import app_keys as keys
from service.console import live
from service.http.stream import STREAMS
from service.store.presence import Here
from service.values.accounts import Role

AUDIT_ALL = {"thresholds": {"toxicity": {}}, "review": {"audit_approved": 1.0}}


class Heard:
    """A reader of the stream: `next` gives (event, data), without the heartbeats."""

    def __init__(self, response: Any) -> None:
        self.response = response
        self._lines: AsyncIterator[bytes] = aiter(response.content)

    async def next(self) -> tuple[str, dict[str, Any]]:
        said: dict[str, str] = {}
        async with asyncio.timeout(60):
            async for line in self._lines:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name == "" and "data" in said:
                    return said["event"], json.loads(said["data"])
                if name:
                    said[name] = value
        raise EOFError

    async def until(self, kind: str) -> Any:
        while True:
            event, data = await self.next()
            if event == kind:
                return data

    async def ends(self) -> bool:
        try:
            while True:
                await self.next()
        except EOFError:
            return True


@pytest.fixture
def listening(client: Any) -> Any:
    async def listening(browser: Any, path: str = "/console/stream", **headers: str) -> Any:
        cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        given = {"Cookie": cookies, "Sec-Fetch-Site": "same-origin", "Accept": "text/event-stream", **headers}
        return await client.get(path, headers=given, allow_redirects=False)

    return listening


async def heard(response: Any) -> Heard:
    """Once it has begun: the counts come first."""
    assert response.status == 200, await response.text()
    found = Heard(response)
    assert (await found.next())[0] == "counts"
    return found


async def post(admin: Any, *ids: str, **more: Any) -> None:
    for each in ids:
        assert (await admin.post("/v1/comments", {"id": each, "text": f"Comment {each}", **more})).status == 200


async def test_claims_and_decisions_of_others_are_heard(
    as_role: Any, listening: Any, admin: Any, ann: Any, decide_always: Any
) -> None:
    await decide_always("review")
    stream = await heard(await listening(await as_role(Role.MODERATOR)))
    await post(admin, "c-1")
    assert await stream.until("queued") == {"id": "c-1", "version": 1}
    assert (await stream.until("counts"))["queued"] == 1
    (item,) = (await ann.post("/v1/review/claim", {"count": 1})).body["items"]
    assert await stream.until("claimed") == {"id": "c-1", "version": 1, "who": "ann"}
    await ann.post("/v1/review/c-1/decision", {"decision": "reject", "lease": item["lease"]})
    assert await stream.until("decided") == {"id": "c-1", "version": 2, "who": "ann"}
    await ann.post("/v1/review/c-1/undo", {})
    assert await stream.until("undone") == {"id": "c-1", "version": 3, "who": "ann"}
    assert await stream.until("counts") == {
        "queued": 0,
        "leased": 1,
        "escalated": 0,
        "frees_ms": pytest.approx(3e5, abs=3e4),
    }
    assert (await admin("DELETE", "/v1/comments/c-1")).status == 204
    assert await stream.until("gone") == {"id": "c-1", "version": 4}


async def test_whoever_held_a_comment_hears_who_gave_it_back(
    as_role: Any, listening: Any, admin: Any, ann: Any, decide_always: Any
) -> None:
    await decide_always("review")
    stream = await heard(await listening(await as_role(Role.MODERATOR)))
    await post(admin, "c-1")
    await ann.post("/v1/review/claim", {"count": 1})
    chief = await as_role(Role.SUPERVISOR, "boss")
    assert (await chief.post("/console/queue/c-1/free", holder="ann")).status == 303
    assert await stream.until("freed") == {"id": "c-1", "version": 1, "who": "boss", "to": "ann"}
    assert await stream.until("released") == {"id": "c-1", "version": 1}


async def test_a_comment_that_is_escalated_again_is_heard_of_as_escalated(
    as_role: Any, listening: Any, admin: Any, ann: Any, decide_always: Any
) -> None:
    await decide_always("review")
    stream = await heard(await listening(await as_role(Role.SUPERVISOR)))
    await post(admin, "c-1")
    (item,) = (await ann.post("/v1/review/claim", {"count": 1})).body["items"]
    await ann.post("/v1/review/c-1/decision", {"decision": "escalate", "lease": item["lease"]})
    assert await stream.until("escalated") == {"id": "c-1", "version": 2, "who": "ann"}
    assert (await admin.post("/v1/review/c-1/decision", {"decision": "approve"})).status == 200
    undone = await admin.post("/v1/review/c-1/undo", {})
    assert (undone.status, undone.body["review"]["state"], undone.body.get("lease")) == (200, "escalated", None)
    assert await stream.until("escalated") == {"id": "c-1", "version": 4, "who": "chief"}
    assert (await ann.post("/v1/review/claim", {"count": 1})).body["items"] == []


async def test_an_audit_sounds_like_any_doubtful_comment_and_automatic_decisions_are_not_heard(
    as_role: Any, listening: Any, admin: Any, ann: Any, decide_always: Any
) -> None:
    stream = await heard(await listening(await as_role(Role.MODERATOR)))

    async def story(name: str) -> list[Any]:
        (item,) = (await ann.post("/v1/review/claim", {"count": 1})).body["items"]
        await ann.post(f"/v1/review/{name}/decision", {"decision": "approve", "lease": item["lease"]})
        said = []
        while not said or said[-1][0] != "decided":
            said.append(await stream.next())
        return [(kind, {**data, "id": ""}) for kind, data in said if kind not in ("counts", "present")]

    await decide_always("review")
    await post(admin, "doubtful")
    doubtful = await story("doubtful")
    await decide_always("approve")
    await post(admin, "automatic")
    assert (await admin("PUT", "/v1/policies/default", AUDIT_ALL)).status == 200
    await post(admin, "audited")
    assert await story("audited") == doubtful
    assert [kind for kind, _ in doubtful] == ["queued", "claimed", "decided"]


async def test_only_the_sites_own_is_heard_and_nothing_is_missed_between_page_and_stream(
    as_role: Any, listening: Any, admin: Any, client: Any, key_for: Any, decide_always: Any
) -> None:
    await decide_always("review")
    mia = await as_role(Role.MODERATOR)
    page = await mia.get("/console/queue?view=list")
    after = page.text.split('data-after="')[1].split('"')[0]
    await post(await key_for(client, site="weekly"), "elsewhere")
    await post(admin, "between")
    stream = await heard_from(await listening(mia, f"/console/stream?after={after}"))
    assert await stream.until("queued") == {"id": "between", "version": 1}


async def heard_from(response: Any) -> Heard:
    assert response.status == 200, await response.text()
    return Heard(response)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://elsewhere.example"}, 403),
    ],
)
async def test_another_sites_page_hears_nothing(as_role: Any, listening: Any, headers: Any, status: int) -> None:
    response = await listening(await as_role(Role.MODERATOR), **headers)
    assert response.status == status


async def test_nobody_hears_anything_without_a_session_or_from_a_wrong_place(
    as_role: Any, listening: Any, browser: Any
) -> None:
    assert (await listening(browser)).status == 303
    assert (await listening(await as_role(Role.MODERATOR), "/console/stream?after=nonsense")).status == 400


async def test_three_streams_are_enough_for_anybody(as_role: Any, listening: Any, app: Any) -> None:
    mia = await as_role(Role.MODERATOR)
    streams = [await heard(await listening(mia)) for _ in range(3)]
    refused = await listening(mia)
    assert refused.status == 429
    assert int(refused.headers["Retry-After"]) > 0
    await heard(await listening(await as_role(Role.AUDITOR)))
    streams[0].response.close()
    async with asyncio.timeout(60):
        while sum(each.transport is not None for each in app[STREAMS]["account:moderator"]) == 3:
            await asyncio.sleep(0.01)
    await heard(await listening(mia))


async def test_each_page_is_told_who_else_has_one_open_and_until_when(
    as_role: Any, listening: Any, admin: Any, decide_always: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "SAY_HERE_S", 0.0)  # at each turn of the stream: every event makes one
    await decide_always("review")
    mia, eva = await as_role(Role.MODERATOR, "mia"), await as_role(Role.MODERATOR, "eva")
    desk = await heard(await listening(mia))
    assert await desk.until("present") == []
    again = await heard(await listening(mia))
    assert await again.until("present") == []  # nobody is told of themselves
    card = await heard(await listening(eva, "/console/stream?comment=c-1"))
    assert await card.until("present") == [{"who": "mia", "comment": ""}]
    await post(admin, "c-1")
    assert await desk.until("present") == [{"who": "eva", "comment": "c-1"}]
    card.response.close()
    present, number = None, 1
    while present != []:
        number += 1
        await post(admin, f"c-{number}")
        kind, said = await desk.next()
        present = said if kind == "present" else present


async def test_people_of_another_site_are_not_told_of(as_role: Any, listening: Any, app: Any) -> None:
    await app[keys.STORE].presence.here("weekly", Here("page-1", "zoe", ""))
    await app[keys.STORE].presence.here("daily", Here("page-2", "zoe", "c-9"))
    stream = await heard(await listening(await as_role(Role.MODERATOR)))
    assert await stream.until("present") == [{"who": "zoe", "comment": "c-9"}]


async def test_a_stream_ends_with_its_session_and_with_the_role(as_role: Any, listening: Any, app: Any) -> None:
    mia, eva = await as_role(Role.MODERATOR, "mia"), await as_role(Role.MODERATOR, "eva")
    streams = [await heard(await listening(who)) for who in (mia, eva)]
    await mia.post("/console/sign-out")
    assert await streams[0].ends()
    account = await app[keys.STORE].accounts.get("eva")
    assert await app[keys.STORE].accounts.put(msgspec.structs.replace(account, roles={"weekly": Role.MODERATOR}))
    assert await streams[1].ends()


async def test_a_stream_ends_when_the_service_stops(as_role: Any, listening: Any, app: Any) -> None:
    response = await listening(await as_role(Role.MODERATOR))
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Type"] == "text/event-stream"
    stream = await heard(response)
    app[keys.STORE].changes.close()
    assert await stream.ends()


async def test_rows_are_those_that_the_list_would_show(as_role: Any, admin: Any, ann: Any, decide_always: Any) -> None:
    await decide_always("review")
    await post(admin, "c-1", "c-2")
    await post(admin, "c-3", article={"id": "other"})
    mia = await as_role(Role.MODERATOR)
    (held,) = (await ann.post("/v1/review/claim", {"count": 1})).body["items"]
    page = await mia.post("/console/rows", id=["c-1", "c-2", "c-3", "gone"])
    assert page.status == 200
    shown = {each for each in ("c-1", "c-2", "c-3") if f'data-id="{each}"' in page.text}
    assert shown == {"c-1", "c-2", "c-3"} - {held["id"]}
    page = await mia.post("/console/rows", id=["c-1", "c-2", "c-3"], article="other")
    assert 'data-id="c-3"' in page.text
    assert 'data-id="c-2"' not in page.text
    page = await mia.post("/console/rows", id=[held["id"]], queue="held")
    assert ">ann<" in page.text
    assert 'data-lease=""' in page.text
    assert (await mia.post("/console/rows", id=["c-1"], queue="escalated")).status == 404
    too_many = await mia.post("/console/rows", id=[f"c-{n}" for n in range(live.MOST_ROWS + 1)])
    assert too_many.status == 400


async def test_who_left_is_given_nothing_more(
    as_role: Any, client: Any, admin: Any, ann: Any, decide_always: Any
) -> None:
    """A page that waited for comments and was closed must not hold what came later."""
    await decide_always("review")
    mia = await as_role(Role.MODERATOR)
    cookies = "; ".join(f"{name}={value}" for name, value in mia.cookies.items())
    headers = {"Cookie": cookies, "Sec-Fetch-Site": "same-origin"}
    fields = {"csrf": mia.token, "fragment": "1", "count": "4", "wait": "20"}
    with pytest.raises(TimeoutError):
        await client.post("/console/queue/claim", data=fields, headers=headers, timeout=ClientTimeout(1))
    await post(admin, "c-1")
    given = (await ann.post("/v1/review/claim", {"count": 1, "wait": 3})).body["items"]
    assert [item["id"] for item in given] == ["c-1"]
