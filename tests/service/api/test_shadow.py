"""A model in shadow: counted beside the one in use, in the way of nothing."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from contrary import copied
from in_shadow import HARSH, KIND, PATH, counted, metric, pairs, policy, report, send, start, until

import classifier
from service import app_keys as keys
from service.cases import shadow as shadow_module
from service.cases.shadow import CPU_SHARE, MOST_WAITING

SHIPPED = classifier.SHIPPED.name


@pytest.fixture
def settings(settings: Any, contrary: Path) -> Any:
    copied(contrary, settings.data_path / "models", "contrary")
    return settings


@pytest.fixture(autouse=True)
def without_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadow_module, "CPU_SHARE", 1.0)


async def test_what_it_would_have_done_is_counted_beside_what_was_done(admin: Any) -> None:
    await policy(admin)
    setting = await start(admin)
    assert (setting["model"], setting["share"], setting["actor"]) == ("contrary", 1.0, "chief")
    differing = await metric(admin, "differs")
    await send(admin, 6)
    figures = await counted(admin, 6)
    assert pairs(figures) == {("approve", "reject"): 3, ("reject", "approve"): 3}
    assert {each["champion"] for each in figures["pairs"]} == {SHIPPED}
    assert (figures["days"], figures["differing"], figures["differing_share"]) == (1, 6, 1.0)
    assert await metric(admin, "differs") - differing == 6


async def test_it_decides_nothing_and_another_site_sees_only_its_own(admin: Any, client: Any, key_for: Any) -> None:
    await policy(admin)
    await start(admin)
    reply = await admin.post("/v1/comments", {"id": "c-1", "text": HARSH})
    assert (reply.body["decision"], reply.body["model"]) == ("reject", SHIPPED)
    await counted(admin, 1)
    assert (await report(await key_for(client, site="weekly")))["figures"]["comments"] == 0


async def test_the_same_comment_sent_again_is_not_counted_again(admin: Any) -> None:
    await policy(admin)
    await start(admin)
    for _ in range(3):
        await send(admin, 2)
    await send(admin, 1, "last")
    assert (await counted(admin, 3))["comments"] == 3


async def test_only_the_share_is_drawn(admin: Any, app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    await policy(admin)
    await start(admin, 0.25)
    drawn = iter([0.3, 0.2, 0.25, 0.0])
    monkeypatch.setattr(app[keys.SHADOW], "_draw", lambda: next(drawn))
    await send(admin, 4)
    assert pairs(await counted(admin, 2)) == {("reject", "approve"): 2}, "the second and the fourth"


@pytest.fixture
def held_up(app: Any, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Nothing is compared until it is set, as behind a long text."""
    gate, compare = asyncio.Event(), app[keys.SHADOW]._compare  # noqa: SLF001 - what is held up

    async def held(*args: Any) -> None:
        await gate.wait()
        await compare(*args)

    monkeypatch.setattr(app[keys.SHADOW], "_compare", held)
    return gate


async def test_a_full_queue_drops_and_counts_and_refuses_no_comment(admin: Any, held_up: asyncio.Event) -> None:
    await policy(admin)
    await start(admin)
    dropped = await metric(admin, "dropped")
    batch = [{"id": f"c-{n}", "text": f"{KIND} {n}"} for n in range(MOST_WAITING + 44)]
    reply = await admin.post("/v1/comments:batch", {"comments": batch})
    assert {each["decision"] for each in reply.body["results"]} == {"approve"}
    lost = await metric(admin, "dropped") - dropped
    assert lost in (43, 44), "one may be on its way"
    held_up.set()
    assert (await counted(admin, len(batch) - int(lost)))["comments"] == len(batch) - lost


async def test_what_waits_for_one_model_is_not_compared_with_another_that_takes_its_place(
    admin: Any, settings: Any, contrary: Path, held_up: asyncio.Event
) -> None:
    copied(contrary, settings.data_path / "models", "next")
    await policy(admin)
    await start(admin)
    dropped = await metric(admin, "dropped")
    await send(admin, 3)
    assert (await admin("PUT", "/v1/models/next/shadow", {"share": 0.1})).status == 200

    async def are_dropped() -> bool:
        return await metric(admin, "dropped") - dropped == 3

    held_up.set()
    await until(are_dropped)
    assert (await admin.get("/v1/models/next/shadow")).body["figures"]["comments"] == 0


async def test_it_rests_so_long_that_it_works_for_three_hundredths_of_the_time(
    admin: Any, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await policy(admin)
    await start(admin)
    now, rests = [0.0], []

    async def compare(*_: Any) -> None:
        now[0] += 2.0

    async def rest(s: float) -> None:
        rests.append(s)

    shadow = app[keys.SHADOW]
    shadow._waiting.extend(["one", "two"])  # noqa: SLF001 - not asked what they are
    monkeypatch.setattr(shadow, "_compare", compare)
    monkeypatch.setattr(shadow_module, "CPU_SHARE", CPU_SHARE)
    monkeypatch.setattr(shadow_module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(shadow_module.asyncio, "sleep", rest)
    shadow._arrived.set()  # noqa: SLF001 - one round of its work
    await shadow._work()  # noqa: SLF001 - one round of its work
    monkeypatch.undo()
    assert rests == pytest.approx([2.0 * 97 / 3] * 2)


async def test_a_stopped_model_counts_no_more_and_keeps_what_it_counted(admin: Any, problem: Any) -> None:
    await policy(admin)
    await start(admin)
    await send(admin, 2)
    await counted(admin, 2)
    assert (await admin("DELETE", PATH)).status == 204
    await send(admin, 2, "late")
    found = await report(admin)
    assert (found["running"], found["figures"]["comments"]) == (None, 2)
    problem(await admin("DELETE", PATH), 404)
    said = [each["details"] for each in (await admin.get("/v1/audit?limit=100")).body["entries"]]
    told = [each for each in said if each["action"].startswith("model_shadow")]
    assert {(each["action"], each["actor"], each["model"]) for each in told} == {
        ("model_shadow_started", "chief", "contrary"),
        ("model_shadow_stopped", "chief", "contrary"),
    }


async def test_what_a_client_sends_wrong_is_told(admin: Any, client: Any, key_for: Any, problem: Any) -> None:
    for share in (0, -1, 1.1, "much"):
        assert "share" in json.dumps(problem(await admin("PUT", PATH, {"share": share}), 400))
    problem(await admin("PUT", "/v1/models/none/shadow", {"share": 0.1}), 404)
    problem(await admin.get("/v1/models/none/shadow"), 404)
    assert problem(await admin("PUT", f"/v1/models/{SHIPPED}/shadow", {"share": 0.1}), 409)["code"] == "model_in_use"
    local = await key_for(client, "admin", name="local")
    problem(await local("PUT", PATH, {"share": 0.1}), 403)
    problem(await local("DELETE", PATH), 403)
    assert (await local.get(PATH)).status == 200


async def test_another_replica_follows_and_so_does_a_restarted_one(settings: Any, run: Any, key_for: Any) -> None:
    async with run(settings) as one, run(settings) as other:
        admin, there = await key_for(one), await key_for(other)
        await policy(admin)
        await start(admin)
        await other.server.app[keys.DIRECTORY].refresh()

        async def is_served() -> bool:
            return other.server.app[keys.SHADOW].setting("daily") is not None and await offers(other)

        await until(is_served)
        await send(there, 2)
        assert (await counted(admin, 2))["comments"] == 2
    async with run(settings) as again:
        admin = await key_for(again)
        await until(lambda: offers(again))
        await send(admin, 2, "again")
        assert (await counted(admin, 4))["comments"] == 4


async def offers(client: Any) -> bool:
    return client.server.app[keys.SHADOW]._places[""].model is not None  # noqa: SLF001 - whether it has looked


@pytest.mark.parametrize("spoil", ["removed", "exchanged", "damaged setting"])
async def test_a_model_that_is_gone_or_exchanged_hurts_nothing_and_is_said(
    settings: Any, run: Any, key_for: Any, spoil: str
) -> None:
    folder = settings.data_path / "models"
    async with run(settings) as client:
        await start(await key_for(client))
    if spoil == "removed":
        shutil.rmtree(folder / "contrary")
    elif spoil == "exchanged":
        manifest = json.loads((folder / "contrary" / "manifest.json").read_text())
        (folder / "contrary" / "manifest.json").unlink()  # it is a link to the one of the other tests
        (folder / "contrary" / "manifest.json").write_text(json.dumps(manifest | {"created_at": "2020-01-01"}))
    else:
        (folder / "shadow.json").write_bytes(b"{")
    async with run(settings) as client:
        admin = await key_for(client)

        async def is_seen() -> bool:
            return client.server.app[keys.SHADOW].problem("daily") is not None

        await until(is_seen)
        await policy(admin)
        await send(admin, 2)
        assert (await client.get("/readyz")).status == 200
        if spoil != "damaged setting":
            assert "contrary" in (await report(admin))["problem"]
            assert (await admin("DELETE", PATH)).status == 204
        else:
            await start(admin)
            assert (await report(admin))["problem"] is None


async def test_a_text_on_which_the_model_fails_is_counted_and_the_next_has_its_turn(
    admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await policy(admin)
    await start(admin)
    real = shadow_module.compared

    def failing(champion: Any, challenger: Any, offered: Any) -> Any:
        if offered.text == "bad":
            raise ValueError("of a model")
        return real(champion, challenger, offered)

    monkeypatch.setattr(shadow_module, "compared", failing)
    failed = await metric(admin, "failed")
    assert (await admin.post("/v1/comments", {"id": "bad", "text": "bad"})).status == 200
    await send(admin, 2)
    assert (await counted(admin, 2))["comments"] == 2
    assert await metric(admin, "failed") - failed == 1


async def test_a_promoted_challenger_is_no_longer_compared_with_itself(
    admin: Any, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await policy(admin)
    await start(admin)
    assert (await admin.post("/v1/models/contrary:promote")).status == 200
    taken: list[Any] = []

    async def compare(*each: Any) -> None:
        taken.append(each)

    monkeypatch.setattr(app[keys.SHADOW], "_compare", compare)
    await send(admin, 2)
    assert not taken
    assert not app[keys.SHADOW]._waiting  # noqa: SLF001 - it was not even offered


async def shadow_trail(admin: Any) -> list[tuple[str, str, str | None]]:
    """The oldest first."""
    said = [each["details"] for each in (await admin.get("/v1/audit?limit=100")).body["entries"]]
    told = [each for each in said if each["action"].startswith("model_")]
    return [(each["action"], each["model"], each.get("only")) for each in told]


async def test_a_promotion_ends_the_shadow_and_no_rollback_brings_it_back(
    admin: Any, settings: Any, contrary: Path, problem: Any
) -> None:
    copied(contrary, settings.data_path / "models", "next")
    await policy(admin)
    await start(admin)
    await send(admin, 2)
    await counted(admin, 2)
    assert (await admin.post("/v1/models/contrary:promote")).status == 200
    assert not (settings.data_path / "models" / "shadow.json").exists()
    found = await report(admin)
    assert (found["running"], found["figures"]["comments"]) == (None, 2)
    problem(await admin("DELETE", PATH), 404)
    assert (await admin.post("/v1/models:rollback")).body["version"] == SHIPPED
    assert (await admin.get("/v1/models")).body["roles"]["challenger"] is None
    assert await shadow_trail(admin) == [
        ("model_shadow_started", "contrary", None),
        ("model_promoted", "contrary", None),
        ("model_shadow_stopped", "contrary", None),
        ("model_rolled_back", SHIPPED, None),
    ]
    await start(admin)
    assert (await admin.post("/v1/models/next:promote")).status == 200
    assert (await report(admin))["running"]["model"] == "contrary", "another one was promoted"


async def test_a_rollback_ends_the_shadow_of_the_model_that_it_puts_in_use(
    admin: Any, settings: Any, contrary: Path
) -> None:
    copied(contrary, settings.data_path / "models", "next")
    for version in ("contrary", "next"):
        assert (await admin.post(f"/v1/models/{version}:promote")).status == 200
    await start(admin)
    assert (await admin.post("/v1/models:rollback")).body["version"] == "contrary"
    assert (await report(admin))["running"] is None
    assert (await shadow_trail(admin))[-1] == ("model_shadow_stopped", "contrary", None)


@pytest.mark.parametrize("change", ["/v1/models:rollback", "/v1/models/next:promote"])
async def test_what_an_earlier_release_left_in_shadow_is_no_challenger_later(
    admin: Any, settings: Any, contrary: Path, change: str
) -> None:
    folder = settings.data_path / "models"
    copied(contrary, folder, "next")
    await start(admin)
    left = (folder / "shadow.json").read_bytes()
    assert (await admin.post("/v1/models/contrary:promote")).status == 200
    (folder / "shadow.json").write_bytes(left)
    assert (await admin.post(change)).status == 200
    assert not (folder / "shadow.json").exists()
    assert (await admin.get("/v1/models")).body["roles"]["challenger"] is None


async def test_a_gate_asks_for_days_in_shadow(admin: Any, problem: Any) -> None:
    gate = {"held_out": False, "max_coverage_drop": None, "worse_at": None, "targets": False, "shadow_days": 1}
    await policy(admin, gate=gate)
    refused = problem(await admin.post("/v1/models/contrary:promote"), 409)
    assert (refused["code"], refused["current"]["failed"]) == ("gate_failed", ["shadow"])
    await start(admin)
    await send(admin, 2)
    await counted(admin, 2)
    checks = {each["name"]: each for each in (await admin.get("/v1/models/contrary/gate")).body["checks"]}
    assert (checks["shadow"]["passed"], checks["shadow"]["figures"]["comments"]) == (True, 2)
    assert (await admin.post("/v1/models/contrary:promote")).status == 200
