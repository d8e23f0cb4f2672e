"""What the audit trail cannot tell is not done to models: the answer and the model in use agree."""

import asyncio
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import classifier
from service import app_keys as keys
from service.values.errors import StoreUnavailable

SHIPPED = classifier.SHIPPED.name
UNTOLD = "nothing was changed: not every audit trail can be written"


@pytest.fixture(autouse=True)
def other_models(settings: Any) -> None:
    """Copies of the shipped model under other versions."""
    for version in ("m-2", "m-3"):
        path = settings.data_path / "models" / version
        shutil.copytree(classifier.SHIPPED, path)
        manifest = json.loads((path / "manifest.json").read_text())
        (path / "manifest.json").write_text(json.dumps(manifest | {"version": version}))


def fail_once(app: Any, monkeypatch: pytest.MonkeyPatch, action: str, site: str = "daily") -> None:
    """Redis is away when the first entry of this action is written into the trail of the site."""
    write, left = app[keys.STORE].audit.write, [action]

    async def written(at: str, what: str, actor: str, **details: str) -> None:
        if what in left and at == site:
            left.remove(what)
            raise StoreUnavailable("Redis is away")
        await write(at, what, actor, **details)

    monkeypatch.setattr(app[keys.STORE].audit, "write", written)


async def told(caller: Any) -> list[tuple[str, str, str | None]]:
    entries = [each["details"] for each in (await caller.get("/v1/audit?limit=100")).body["entries"]]
    return [
        (each["action"], each["model"], each.get("generation"))
        for each in entries
        if each["action"].startswith("model_")
    ]


async def state(admin: Any, root: str) -> tuple[str, str | None]:
    """The model in use, and the one in shadow."""
    found = (await admin.get(root)).body
    return found["active"], found["roles"]["challenger"]


@pytest.mark.parametrize("root", ["/v1/models", "/v1/sites/daily/models"])
async def test_a_promotion_that_cannot_be_recorded_is_not_done(
    app: Any, admin: Any, problem: Any, monkeypatch: pytest.MonkeyPatch, root: str
) -> None:
    fail_once(app, monkeypatch, "model_promoted")
    found = problem(await admin.post(f"{root}/m-2:promote"), 503)
    assert (found["code"], found["detail"]) == ("store_unavailable", UNTOLD)
    assert await state(admin, root) == (SHIPPED, None)
    assert await told(admin) == []
    assert (await admin.post(f"{root}/m-2:promote")).body["generation"] == 1
    fail_once(app, monkeypatch, "model_rolled_back")
    assert problem(await admin.post(f"{root}:rollback"), 503)["detail"] == UNTOLD
    assert await state(admin, root) == ("m-2", None)
    assert (await admin.post(f"{root}:rollback")).body["generation"] == 2
    assert await told(admin) == [("model_promoted", "m-2", "1"), ("model_rolled_back", SHIPPED, "2")]


async def test_a_promotion_is_not_done_when_the_trail_of_another_site_cannot_be_written(
    app: Any, client: Any, key_for: Any, admin: Any, problem: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    weekly = await key_for(client, "admin", site="weekly")
    fail_once(app, monkeypatch, "model_promoted", "weekly")
    problem(await admin.post("/v1/models/m-2:promote"), 503)
    assert await state(admin, "/v1/models") == (SHIPPED, None)
    assert (await admin.post("/v1/models/m-2:promote")).body["generation"] == 1
    assert await told(weekly) == [("model_promoted", "m-2", "1")]


async def test_a_promotion_that_cannot_tell_the_end_of_a_shadow_is_not_done(
    app: Any, admin: Any, problem: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await admin("PUT", "/v1/models/m-2/shadow", {})).status == 200
    fail_once(app, monkeypatch, "model_shadow_stopped")
    problem(await admin.post("/v1/models/m-2:promote"), 503)
    assert await state(admin, "/v1/models") == (SHIPPED, "m-2")
    assert (await admin.post("/v1/models/m-2:promote")).status == 200
    assert await state(admin, "/v1/models") == ("m-2", None)


async def test_a_shadow_that_cannot_be_recorded_does_not_begin_or_end(
    app: Any, admin: Any, problem: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_once(app, monkeypatch, "model_shadow_started")
    assert problem(await admin("PUT", "/v1/models/m-2/shadow", {}), 503)["detail"] == UNTOLD
    assert await state(admin, "/v1/models") == (SHIPPED, None)
    assert (await admin("PUT", "/v1/models/m-2/shadow", {})).status == 200
    fail_once(app, monkeypatch, "model_shadow_stopped")
    assert problem(await admin("DELETE", "/v1/models/m-2/shadow"), 503)["detail"] == UNTOLD
    assert await state(admin, "/v1/models") == (SHIPPED, "m-2")
    assert (await admin("DELETE", "/v1/models/m-2/shadow")).status == 204
    assert [each[0] for each in await told(admin)] == ["model_shadow_started", "model_shadow_stopped"]


async def test_what_is_refused_is_not_recorded(admin: Any, settings: Any, problem: Any) -> None:
    (settings.data_path / "models" / "m-3" / "manifest.json").write_text("{}")
    problem(await admin.post("/v1/models/m-3:promote"), 409)
    problem(await admin.post("/v1/models/m-9:promote"), 404)
    problem(await admin.post("/v1/models:rollback"), 404)
    problem(await admin("DELETE", "/v1/models/m-2/shadow"), 404)
    assert await told(admin) == []


async def test_a_promotion_is_recorded_while_all_other_threads_wait_for_the_files(admin: Any) -> None:
    assert (await admin("PUT", "/v1/models/m-2/shadow", {})).status == 200
    loop, only = asyncio.get_running_loop(), ThreadPoolExecutor(1)
    loop.set_default_executor(only)
    try:
        async with asyncio.timeout(20):
            assert (await admin.post("/v1/models/m-2:promote")).status == 200
    finally:
        loop.set_default_executor(ThreadPoolExecutor())
        only.shutdown(wait=False, cancel_futures=True)
    assert await state(admin, "/v1/models") == ("m-2", None)
