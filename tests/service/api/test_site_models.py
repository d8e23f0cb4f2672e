"""A model of one site over HTTP: it judges there and nowhere else, in every protocol; who may change it; the gate."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from contrary import copied

import classifier
from service import app_keys as keys

SHIPPED = classifier.SHIPPED.name
HERE = "/v1/sites/daily/models"
HARSH = "you are a stupid idiot"


@pytest.fixture(autouse=True)
def folder(settings: Any) -> Path:
    """The shipped model again, as m-1, m-2 and m-3."""
    found: Path = settings.data_path / "models"
    for version in ("m-1", "m-2", "m-3"):
        copied(classifier.SHIPPED, found, version)
    return found


@pytest.fixture
async def local(client: Any, key_for: Any) -> Any:
    """May do everything for the site daily, and nothing for all sites."""
    return await key_for(client, "admin", "score", "comments", "review", name="local")


@pytest.fixture
async def weekly(client: Any, key_for: Any) -> Any:
    return await key_for(client, "admin", "score", "comments", site="weekly", name="editor")


async def judging(caller: Any) -> set[str]:
    """The models that judge for the caller, in each protocol."""
    said = [await caller.post("/v1/score", {"text": HARSH}), await caller.post("/v1/comments", {"text": HARSH})]
    batch = await caller.post("/v1/comments:batch", {"comments": [{"text": HARSH}, {"text": "hello"}]})
    openai = await caller.post("/v1/moderations", {"input": HARSH})
    assert {each.status for each in (*said, batch, openai)} == {200}
    names = {each["id"] for each in (await caller.get("/v1/models")).body["data"] if "moderation" not in each["id"]}
    return {
        *(each.body["model"] for each in said),
        *(each["model"] for each in batch.body["results"]),
        openai.headers["X-Moderation-Model"],
        *names,
    }


async def trail(caller: Any) -> list[dict[str, str]]:
    entries = (await caller.get("/v1/audit?limit=100")).body["entries"]
    return [each["details"] for each in entries if each["details"]["action"].startswith("model_")]


async def test_a_site_is_judged_by_its_own_model_in_every_protocol_and_others_by_that_of_all(
    local: Any, weekly: Any
) -> None:
    reply = await local.post(f"{HERE}/m-1:promote")
    assert (reply.status, reply.body["version"], reply.body["generation"], reply.body["site"]) == (
        200,
        "m-1",
        1,
        "daily",
    )
    assert await judging(local) == {"m-1"}
    assert await judging(weekly) == {SHIPPED}
    found = (await local.get(HERE)).body
    assert (found["site"], found["active"], found["is_own"], found["problem"]) == ("daily", "m-1", True, None)
    assert found["roles"] == {"champion": "m-1", "challenger": None, "previous": SHIPPED}
    assert [each["version"] for each in found["models"] if each["active"]] == ["m-1"]
    everywhere = (await local.get("/v1/models")).body
    assert (everywhere["active"], everywhere["roles"]["champion"]) == (SHIPPED, SHIPPED)
    assert [each["version"] for each in everywhere["models"] if each["active"]] == [SHIPPED]


async def test_only_the_trail_of_the_site_tells_of_its_model(local: Any, weekly: Any) -> None:
    await local.post(f"{HERE}/m-1:promote")
    await local.post(f"{HERE}:rollback")
    told = [
        (each["action"], each["actor"], each["model"], each["only"], each.get("follows")) for each in await trail(local)
    ]
    assert told == [
        ("model_promoted", "local", "m-1", "daily", None),
        ("model_rolled_back", "local", SHIPPED, "daily", "all sites"),
    ]
    assert await trail(weekly) == []


async def test_repeated_rollbacks_of_a_site_go_further_back_and_leave_the_others_alone(
    admin: Any, local: Any, weekly: Any
) -> None:
    await admin.post("/v1/models/m-3:promote")
    for version in ("m-1", "m-2"):
        assert (await local.post(f"{HERE}/{version}:promote")).status == 200
    assert await judging(weekly) == {"m-3"}
    found = [await local.post(f"{HERE}:rollback") for _ in range(3)]
    assert [(each.status, each.body.get("version"), each.body.get("follows")) for each in found] == [
        (200, "m-1", None),
        (200, "m-3", True),
        (404, None, None),
    ]
    assert (await judging(local), await judging(weekly)) == ({"m-3"}, {"m-3"})
    assert (await local.get(HERE)).body["is_own"] is False


async def test_a_key_chooses_the_model_of_its_own_site_and_of_no_other(
    client: Any, key_for: Any, local: Any, weekly: Any, problem: Any
) -> None:
    reader = await key_for(client, "score", name="reader")
    problem(await local.post("/v1/models/m-1:promote"), 403)
    for path, caller in (
        (f"{HERE}/m-1:promote", weekly),
        (f"{HERE}:rollback", weekly),
        (f"{HERE}/m-1:promote", reader),
    ):
        problem(await caller.post(path), 403)
    problem(await weekly("PUT", f"{HERE}/m-1/shadow", {"share": 0.1}), 403)
    problem(await weekly.get(HERE), 403)
    problem(await weekly.get(f"{HERE}/m-1/gate"), 403)
    assert (await local.get(HERE)).body["active"] == SHIPPED
    found = (await reader.get(HERE)).body
    assert (found["active"], found["models"], found["roles"]) == (SHIPPED, [], None)


async def test_who_has_which_model_is_known_to_whoever_operates_the_service_alone(
    admin: Any, local: Any, weekly: Any
) -> None:
    await local.post(f"{HERE}/m-1:promote")
    for caller, sites in ((admin, ["daily"]), (local, ["daily"]), (weekly, None)):
        assert (await caller.get("/v1/models/m-1")).body.get("sites") == sites


async def test_roles_stand_for_versions(admin: Any, local: Any, problem: Any) -> None:
    problem(await local.post(f"{HERE}/challenger:promote"), 404)
    problem(await local.post(f"{HERE}/previous:promote"), 404)
    assert (await local("PUT", f"{HERE}/m-1/shadow", {"share": 0.5})).body["site"] == "daily"
    assert (await local.get(f"{HERE}/challenger")).body["version"] == "m-1"
    assert (await local.post(f"{HERE}/challenger:promote")).body["version"] == "m-1"
    assert (await local.get(HERE)).body["roles"]["challenger"] is None, "nothing is compared with itself"
    problem(await local.post(f"{HERE}/challenger:promote"), 404)
    assert (await local.post(f"{HERE}/m-2:promote")).body["version"] == "m-2"
    assert (await local.get(f"{HERE}/champion")).body["version"] == "m-2"
    assert (await local.get(f"{HERE}/m-2/comparison?against=previous")).body["champion"] == "m-1"
    assert (await local.post(f"{HERE}/previous:promote")).body["version"] == "m-1"
    assert (await local.post(f"{HERE}/installation:promote")).body["follows"] is True
    assert (await local.get(HERE)).body["is_own"] is False
    assert (await local.post(f"{HERE}:rollback")).body["version"] == "m-1"
    problem(await admin.post("/v1/models/installation:promote"), 404)
    assert (await admin.get("/v1/models/champion")).body["version"] == SHIPPED


async def test_a_folder_that_has_the_name_of_a_role_is_the_model_of_this_name(
    local: Any, folder: Path, problem: Any
) -> None:
    (folder / "m-3").rename(folder / "previous")
    manifest = json.loads((folder / "previous" / "manifest.json").read_text())
    (folder / "previous" / "manifest.json").write_text(json.dumps(manifest | {"version": "previous"}))
    assert (await local.post(f"{HERE}/previous:promote")).body["version"] == "previous"
    problem(await local.post(f"{HERE}/champions:promote"), 404)


async def test_a_model_too_many_is_refused_with_what_to_do(settings: Any, run: Any, key_for: Any, problem: Any) -> None:
    async with run(msgspec.structs.replace(settings, max_models=1)) as client:
        local, weekly = [await key_for(client, "admin", "score", "comments", site=site) for site in ("daily", "weekly")]
        assert (await local.post(f"{HERE}/m-1:promote")).status == 200
        for reply in (
            await weekly.post("/v1/sites/weekly/models/m-2:promote"),
            await weekly("PUT", "/v1/sites/weekly/models/m-2/shadow", {"share": 0.1}),
        ):
            refused = problem(reply, 409)
            assert (refused["code"], refused["current"]) == ("too_many_models", {"limit": 1, "models": ["m-1"]})
            assert "STEWARD_MAX_MODELS" in refused["detail"]
        assert await judging(weekly) == {SHIPPED}
        assert (await weekly.post("/v1/sites/weekly/models/m-1:promote")).status == 200, "the same one is there already"
        assert (await local.post(f"{HERE}/m-2:promote")).status == 409, "weekly still needs m-1"


async def test_the_gate_of_the_site_compares_with_the_model_of_the_site(local: Any, problem: Any) -> None:
    await local.post(f"{HERE}/m-1:promote")
    gate = {"held_out": False, "max_coverage_drop": None, "targets": False, "worse_at": 0.05}
    reply = await local(
        "PUT", "/v1/policies/default", {"thresholds": {"insult": {"review_at": 0.3, "reject_at": 0.9}}, "gate": gate}
    )
    assert reply.status == 200, reply.body
    assert (await local.get(f"{HERE}/m-2/gate")).body["champion"] == "m-1"
    assert (await local.get("/v1/models/m-2/gate")).body["champion"] == SHIPPED
    assert problem(await local.post(f"{HERE}/m-2:promote"), 409)["code"] == "gate_failed"
    assert (await local.post(f"{HERE}:rollback")).status == 200, "a rollback asks no gate"


async def test_two_people_promote_a_model_of_the_site_past_its_gate_without_operating_the_service(
    client: Any, key_for: Any, local: Any, weekly: Any, problem: Any
) -> None:
    deputy = await key_for(client, "admin", "score", name="deputy")
    reply = await local("PUT", "/v1/policies/default", {"thresholds": {"insult": {"reject_at": 0.9}}, "gate": {}})
    assert reply.status == 200, reply.body
    deed = {"kind": "promote_model", "model": "m-1", "why": "the old one is blind to a new insult"}
    problem(await local.post("/v1/approvals", {"deed": deed}), 403)
    proposed = (await local.post("/v1/approvals", {"deed": deed | {"only_site": True}})).body
    done = (await deputy.post(f"/v1/approvals/{proposed['id']}:approve")).body
    assert (done["state"], done["outcome"], done["deed"]["only_site"]) == ("done", {"generation": 1}, True)
    assert (await judging(local), await judging(weekly)) == ({"m-1"}, {SHIPPED})
    back = {"deed": deed | {"model": "installation", "only_site": True}}
    proposed = (await local.post("/v1/approvals", back)).body
    assert (await deputy.post(f"/v1/approvals/{proposed['id']}:approve")).body["state"] == "done"
    assert (await local.get(HERE)).body["is_own"] is False


async def test_a_model_in_shadow_for_a_site_takes_the_place_of_the_one_for_all_there(
    admin: Any, local: Any, weekly: Any, problem: Any
) -> None:
    assert (await admin("PUT", "/v1/models/m-1/shadow", {"share": 1})).status == 200
    assert (await local("PUT", f"{HERE}/m-2/shadow", {"share": 1})).status == 200
    assert (await local.get(HERE)).body["roles"]["challenger"] == "m-2"
    assert (await weekly.get("/v1/sites/weekly/models")).body["roles"]["challenger"] == "m-1"
    for caller, version in ((local, "m-2"), (weekly, "m-1")):
        assert (await caller.post("/v1/comments", {"text": HARSH})).status == 200
        async with asyncio.timeout(60):
            while (await caller.get(f"/v1/models/{version}/shadow")).body["figures"]["comments"] < 1:
                await asyncio.sleep(0.05)
    assert (await local.get("/v1/models/m-1/shadow")).body["figures"]["comments"] == 0
    assert (await local("DELETE", f"{HERE}/m-2/shadow")).status == 204
    problem(await local("DELETE", f"{HERE}/m-2/shadow"), 404)
    assert (await local.get(HERE)).body["roles"]["challenger"] == "m-1"


async def in_shadow(caller: Any, site: str) -> str | None:
    running = (await caller.get(f"/v1/sites/{site}/models/m-1/shadow")).body["running"]
    return running["site"] if running and "site" in running else running and "all"


async def test_a_promotion_for_a_site_ends_its_own_shadow_alone(admin: Any, local: Any, weekly: Any) -> None:
    assert (await admin("PUT", "/v1/models/m-1/shadow", {"share": 1})).status == 200
    assert (await local("PUT", f"{HERE}/m-1/shadow", {"share": 1})).status == 200
    assert (await local.post(f"{HERE}/m-1:promote")).status == 200
    assert (await in_shadow(local, "daily"), await in_shadow(weekly, "weekly")) == ("all", "all")
    assert [(each["action"], each["only"]) for each in (await trail(local))[-2:]] == [
        ("model_promoted", "daily"),
        ("model_shadow_stopped", "daily"),
    ]


async def test_a_promotion_for_all_ends_the_shadow_of_each_site_that_takes_that_model(
    admin: Any, client: Any, local: Any, weekly: Any, key_for: Any
) -> None:
    monthly = await key_for(client, "admin", site="monthly")
    assert (await weekly.post("/v1/sites/weekly/models/m-2:promote")).status == 200
    for caller, site in ((local, "daily"), (weekly, "weekly"), (monthly, "monthly")):
        version = "m-3" if site == "monthly" else "m-1"
        assert (await caller("PUT", f"/v1/sites/{site}/models/{version}/shadow", {"share": 1})).status == 200
    assert (await admin.post("/v1/models/m-1:promote")).status == 200
    assert (await admin.post("/v1/models:rollback")).status == 200
    assert await in_shadow(local, "daily") is None
    assert await in_shadow(weekly, "weekly") == "weekly", "m-2 is in use there"
    assert (await monthly.get("/v1/sites/monthly/models")).body["roles"]["challenger"] == "m-3"
    stopped = [each for each in await trail(local) if each["action"] == "model_shadow_stopped"]
    assert [(each["model"], each["only"]) for each in stopped] == [("m-1", "daily")]


async def test_targets_are_promised_by_a_certificate_of_the_model_of_the_site(client: Any, local: Any) -> None:
    """Whether a certificate fits is asked of the digest; that of another site's model is another one."""
    app = client.server.app
    before = app[keys.MODELS].digest("daily")
    await local.post(f"{HERE}/m-1:promote")
    digest = classifier.read_manifest(app[keys.SETTINGS].data_path / "models" / "m-1").digest
    assert (app[keys.MODELS].digest("daily"), app[keys.MODELS].digest("weekly")) == (digest, before)
    sample = await local.get("/v1/policies/default/certifiable")
    assert sample.status == 200
    assert (sample.body["model"], sample.body["model_version"]) == (digest, "m-1")


async def test_a_site_whose_model_is_gone_says_so_and_the_service_stays_ready(
    settings: Any, run: Any, key_for: Any, folder: Path
) -> None:
    async with run(settings) as client:
        await (await key_for(client)).post(f"{HERE}/m-1:promote")
    shutil.rmtree(folder / "m-1")
    async with run(settings) as client:
        admin = await key_for(client)
        assert (await client.get("/readyz")).status == 200
        assert await judging(admin) == {SHIPPED}
        found = (await admin.get(HERE)).body
        assert (found["active"], "m-1" in found["problem"]) == (SHIPPED, True)
        lines = (await admin.get("/metrics")).raw.decode().splitlines()
        assert 'steward_site_model_problem{site="daily"} 1.0' in lines
        assert (await admin.post(f"{HERE}/m-2:promote")).status == 200
        assert (await admin.get(HERE)).body["problem"] is None
        lines = (await admin.get("/metrics")).raw.decode().splitlines()
        assert 'steward_site_model_problem{site="daily"} 0.0' in lines


async def test_after_a_start_a_site_loads_its_model_with_its_first_request_and_nothing_else_does(
    settings: Any, run: Any, key_for: Any
) -> None:
    async with run(settings) as client:
        admin = await key_for(client)
        assert (await admin.post(f"{HERE}/m-1:promote")).status == 200
        assert (await admin("PUT", f"{HERE}/m-2/shadow", {"share": 1})).status == 200
    async with run(settings) as client:
        app = client.server.app
        models = app[keys.MODELS]
        await app[keys.DIRECTORY].refresh()
        assert app[keys.DIRECTORY].policy("daily").rules
        await app[keys.RULEBOOK].refresh()
        async with asyncio.timeout(60):
            while app[keys.SHADOW]._places["daily"].model is None:  # noqa: SLF001 - whether it has looked
                await asyncio.sleep(0.05)
        assert models.is_waiting("daily"), "a load would hold up the requests of all sites"
        admin = await key_for(client)
        assert await judging(admin) == {"m-1"}
        assert not models.is_waiting("daily")


@pytest.mark.parametrize("path", ["/v1/models", HERE])
async def test_a_gate_that_lacks_the_folder_of_the_model_in_use_says_so(
    admin: Any, folder: Path, problem: Any, path: str
) -> None:
    assert (await admin.post(f"{path}/m-1:promote")).status == 200
    shutil.rmtree(folder / "m-1")
    assert "the model in use" in problem(await admin.get(f"{path}/m-2/gate"), 409)["detail"]
