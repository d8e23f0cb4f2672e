"""Pages of the origins that a key names may call the API and read its answers; others are told nothing."""

from typing import Any

import pytest

from service import app_keys as keys

ORIGIN, OTHER = "https://www.example.org", "https://evil.example"
ASKED = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,x-stainless-os",
}


@pytest.fixture
async def page(client: Any, key_for: Any) -> Any:
    return await key_for(client, "score", origins=frozenset({ORIGIN}))


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/score", {"POST"}),
        ("/v1/comments", {"POST", "GET", "HEAD"}),
        ("/v1/comments/c-1/report", {"POST"}),
        ("/v1/moderations", {"POST"}),
        ("/moderations", {"POST"}),
        ("/v1alpha1/comments:analyze", {"POST", "GET", "OPTIONS"}),
    ],
)
async def test_a_page_that_a_key_names_may_ask_before_it_calls(page: Any, path: str, methods: set[str]) -> None:
    nobody = type(page)(page.client, None)
    reply = await nobody("OPTIONS", path, headers={"Origin": ORIGIN, **ASKED})
    assert (reply.status, reply.raw) == (204, b"")
    assert reply.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert set(reply.headers["Access-Control-Allow-Methods"].split(", ")) == methods
    assert {"authorization", "content-type", "x-stainless-os"} <= set(
        reply.headers["Access-Control-Allow-Headers"].split(", ")
    )
    assert int(reply.headers["Access-Control-Max-Age"]) > 0
    assert "Origin" in reply.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in reply.headers


@pytest.mark.parametrize("origin", [OTHER, "null", f"{ORIGIN}.evil.example", ""])
async def test_a_page_that_no_key_names_is_told_nothing(page: Any, admin: Any, origin: str) -> None:
    for path in ("/v1/score", "/v1/comments", "/v1/moderations"):
        reply = await page("OPTIONS", path, headers={"Origin": origin, **ASKED})
        assert reply.status == 405
        assert not [name for name in reply.headers if name.startswith("Access-Control")]
    reply = await admin.post("/v1/score", {"text": "a"}, headers={"Origin": origin})
    assert reply.status == 200
    assert not [name for name in reply.headers if name.startswith("Access-Control")]


async def test_answers_and_errors_can_be_read_by_the_page_that_asked(page: Any) -> None:
    for path, body, status in (
        ("/v1/score", {"text": "a"}, 200),
        ("/v1/score", {"text": ""}, 400),
        ("/v1/comments", {"text": "a"}, 403),
        ("/v1/nowhere", {}, 404),
        ("/v1/moderations", {"input": "a"}, 200),
    ):
        reply = await page.post(path, body, headers={"Origin": ORIGIN})
        assert (reply.status, reply.headers["Access-Control-Allow-Origin"]) == (status, ORIGIN), path
        assert "Retry-After" in reply.headers["Access-Control-Expose-Headers"]
    assert len(reply.headers.getall("Vary")) == 1
    reply = await type(page)(page.client, None).post("/v1/score", {"text": "a"}, headers={"Origin": ORIGIN})
    assert (reply.status, reply.headers["Access-Control-Allow-Origin"]) == (401, ORIGIN)


async def test_the_console_is_read_by_no_page_but_its_own(page: Any) -> None:
    for path in ("/console/sign-in", "/metrics", "/readyz", "/"):
        reply = await page.get(path, headers={"Origin": ORIGIN})
        assert "Access-Control-Allow-Origin" not in reply.headers, path


async def test_when_the_key_is_revoked_its_pages_may_ask_no_more(client: Any, page: Any) -> None:
    app = client.server.app
    assert await app[keys.STORE].access.revoke(page.key.split("_")[2])
    await app[keys.DIRECTORY].refresh()
    reply = await page("OPTIONS", "/v1/score", headers={"Origin": ORIGIN, **ASKED})
    assert reply.status == 405
