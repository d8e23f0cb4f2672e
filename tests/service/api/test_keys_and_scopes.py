"""Who may do what: keys, scopes, sites."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import one_service
import pytest
import pytest_asyncio

from service import app_keys as keys
from service.api.operation import Operation
from service.process.app import OPERATIONS
from service.values import access
from service.values.access import Scope, mint
from service.values.errors import Forbidden, KeyProblem

redis_server, settings, client, site, key_for, admin, ann, bob = one_service.FIXTURES

Row = pytest.mark.parametrize("row", OPERATIONS, ids=[row.name for row in OPERATIONS])


@pytest.fixture(scope="module")
def made() -> dict[Any, Any]:
    return {}


@pytest.fixture
def held(client: Any, key_for: Any, made: dict[Any, Any]) -> Callable[..., Awaitable[Any]]:
    """Makes each kind of key once for the rows, where nothing may be done with any of them."""

    async def held(*scopes: str, name: str | None = None, **more: Any) -> Any:
        kind = (*scopes, name)
        if kind not in made:
            made[kind] = await key_for(client, *scopes, site="rows", name=name, **more)
        return made[kind]

    return held


@pytest_asyncio.fixture(loop_scope="module")
async def chief(held: Any) -> Any:
    """May do everything."""
    return await held(name="chief")


def path_of(row: Operation) -> str:
    return row.path.format(id="c-1", version="v-1", name="default", note="n-1", notice="n-1", site="default")


@Row
async def test_without_a_key_nothing_opens(client: Any, chief: Any, problem: Any, row: Operation) -> None:
    stranger = type(chief)(client, None)
    reply = await stranger(row.method, path_of(row))
    problem(reply, 401)
    assert reply.headers["WWW-Authenticate"] == "Bearer"


@Row
async def test_a_key_without_the_scope_is_refused(held: Any, problem: Any, row: Operation) -> None:
    others = [scope for scope in ("score", "comments", "review", "admin") if scope not in row.scopes]
    problem(await (await held(*others))(row.method, path_of(row)), 403)


@Row
async def test_a_key_in_the_query_string_is_refused(chief: Any, problem: Any, row: Operation) -> None:
    stranger = type(chief)(chief.client, None)
    for caller in (chief, stranger):
        reply = await caller(row.method, f"{path_of(row)}?key={chief.key}")
        assert chief.key not in problem(reply, 400)["detail"]


@Row
async def test_each_kind_of_wrong_key_has_one_message_on_every_route(
    client: Any, chief: Any, held: Any, problem: Any, row: Operation
) -> None:
    unknown, _ = mint("daily", frozenset(), None, datetime.now(UTC))
    expired = await held(name="expired", expires_at=datetime.now(UTC) - timedelta(seconds=1))
    revoked = await held(name="revoked")
    await client.server.app[keys.STORE].access.revoke(revoked.key.split("_")[2])
    await client.server.app[keys.DIRECTORY].refresh()
    secret, other = chief.key[18:61], unknown[18:61]
    body = f"{chief.key[:18]}{other}"  # of the id that is known, with another secret and a right checksum
    mixed = f"{body}_{access._checksum(body)}"  # noqa: SLF001 - no seam shows it from outside
    lacking = [scope for scope in Scope if scope not in row.scopes]
    kinds: dict[KeyProblem | None, list[dict[str, str]]] = {
        KeyProblem.MISSING: [{}, {"X-API-Key": chief.key}],
        KeyProblem.MALFORMED: [
            *({"Authorization": f"Bearer {key}"} for key in ("x", chief.key[:-1], chief.key + "x", secret, "\xff\xfe")),
            *({"Authorization": said} for said in (chief.key, f"Basic {chief.key}", "Bearer", "", "Bearer  ")),
        ],
        KeyProblem.UNKNOWN: [
            {"Authorization": f"Bearer {key}"}
            for key in (unknown, expired.key, revoked.key, mixed, access.label_of(chief.key))
        ],
        None: [{"Authorization": f"Bearer {(await held(*lacking)).key}"}],
    }
    stranger = type(chief)(client, None)
    for kind, sent in kinds.items():
        replies = [await stranger(row.method, path_of(row), headers=headers) for headers in sent]
        told = [problem(reply, 403 if kind is None else 401) for reply in replies]
        assert {each["code"] for each in told} == {"forbidden" if kind is None else "unauthenticated"}
        assert {each["detail"] for each in told} == {str(Forbidden()) if kind is None else kind.value}


@pytest.mark.parametrize("scheme", ["Basic", "Token", ""])
async def test_another_scheme_is_no_key(client: Any, admin: Any, scheme: str) -> None:
    stranger = type(admin)(client, None)
    reply = await stranger.post("/v1/score", {"text": "a"}, headers={"Authorization": f"{scheme} {admin.key}"})
    assert reply.status == 401


async def test_the_scheme_is_read_in_any_case(client: Any, admin: Any) -> None:
    stranger = type(admin)(client, None)
    reply = await stranger.post("/v1/score", {"text": "a"}, headers={"Authorization": f"bEARER {admin.key}"})
    assert reply.status == 200


async def test_another_sites_comment_is_not_there(
    client: Any, admin: Any, key_for: Any, site: str, decide_always: Any, problem: Any
) -> None:
    await decide_always("review")
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello"})
    weekly = await key_for(client, site=f"weekly-{site}")
    problem(await weekly.get("/v1/comments/c-1"), 404)
    lease = (await admin.post("/v1/review/claim", {"count": 1})).body["items"][0]["lease"]
    for action in ("decision", "extend", "release"):
        body = {"lease": lease, **({"decision": "reject"} if action == "decision" else {})}
        problem(await weekly.post(f"/v1/review/c-1/{action}", body), 404)
    assert (await weekly.post("/v1/review/claim", {})).body["items"] == []
    assert (await weekly.get("/v1/review/items?state=claimed")).body["items"] == []
    assert (await weekly.get("/v1/audit")).body["entries"] == []
    assert (await weekly("DELETE", "/v1/comments/c-1")).status == 204
    await admin.post("/v1/review/c-1/decision", {"lease": lease, "decision": "reject"})
    (line,) = (await weekly.get("/v1/labels")).raw.splitlines()
    assert b'"retracts":"*"' in line, "what weekly erased itself; there are no labels"
    assert len((await admin.get("/v1/labels")).raw.splitlines()) == 1


async def test_a_site_may_use_the_same_id_as_another(client: Any, admin: Any, key_for: Any, site: str) -> None:
    weekly = await key_for(client, site=f"weekly-{site}")
    await admin.post("/v1/comments", {"id": "c-1", "text": "ours"})
    reply = await weekly.post("/v1/comments", {"id": "c-1", "text": "theirs"})
    assert (reply.status, reply.body["site"], reply.body["revision"]) == (200, f"weekly-{site}", 1)


async def test_a_policy_counts_for_its_site_only(client: Any, key_for: Any, site: str, decide_always: Any) -> None:
    await decide_always("reject")
    weekly = await key_for(client, site=f"weekly-{site}")
    assert (await weekly.get("/v1/policies/default")).body["version"] == 1
    assert (await weekly.post("/v1/comments", {"text": "good morning"})).body["decision"] == "approve"


async def test_a_new_key_works_at_once_and_a_revoked_one_no_more(client: Any, app: Any, admin: Any, site: str) -> None:
    access = app[keys.STORE].access
    text, record = mint(site, frozenset({"score"}), None, datetime.now(UTC))
    await access.keep(record)
    fresh = type(admin)(client, text)
    assert (await fresh.post("/v1/score", {"text": "a"})).status == 200
    assert await access.revoke(record.id) is True
    assert await access.revoke(record.id) is False
    await app[keys.DIRECTORY].refresh()
    assert (await fresh.post("/v1/score", {"text": "a"})).status == 401
