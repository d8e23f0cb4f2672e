"""Models: listed, promoted and rolled back under load; a bad one is refused and the old one stays."""

import asyncio
import json
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import classifier
from service import app_keys as keys
from service.cases.models import LOOK_S

SHIPPED = classifier.SHIPPED.name


@pytest.fixture
def folder(settings: Any) -> Path:
    path: Path = settings.data_path / "models"
    path.mkdir()
    return path


@pytest.fixture
def put(folder: Path) -> Callable[[str], Path]:
    """Puts a copy of the shipped model beside it, under another version."""

    def put(version: str, *, named: str | None = None) -> Path:
        path = folder / (named or version)
        shutil.copytree(classifier.SHIPPED, path)
        manifest = json.loads((path / "manifest.json").read_text())
        (path / "manifest.json").write_text(json.dumps(manifest | {"version": version}))
        return path

    return put


async def in_use(caller: Any) -> str:
    reply = await caller.post("/v1/score", {"text": "hello"})
    assert reply.status == 200
    version: str = reply.body["model"]
    return version


async def test_the_models_are_listed_with_the_one_in_use(admin: Any, put: Any) -> None:
    put("m-2")
    found = (await admin.get("/v1/models")).body
    assert found["active"] == SHIPPED
    described = {model["version"]: model for model in found["models"]}
    assert set(described) == {SHIPPED, "m-2"}
    assert (described[SHIPPED]["active"], described["m-2"]["active"]) == (True, False)
    assert (described[SHIPPED]["source"], described["m-2"]["source"]) == ("shipped", "local")
    assert described[SHIPPED]["labels"] == list(classifier.LABELS)
    assert (await admin.get("/v1/models/m-2")).body == described["m-2"]


async def test_a_promoted_model_is_in_use_and_written_down(admin: Any, put: Any) -> None:
    put("m-2")
    reply = await admin.post("/v1/models/m-2:promote")
    assert (reply.status, reply.body["version"], reply.body["generation"], reply.body["actor"]) == (
        200,
        "m-2",
        1,
        "chief",
    )
    assert await in_use(admin) == "m-2"
    assert (await admin.post("/v1/comments", {"text": "hello"})).body["model"] == "m-2"
    reply = await admin.post("/v1/models:rollback")
    assert (reply.status, reply.body["version"], reply.body["generation"]) == (200, SHIPPED, 2)
    assert await in_use(admin) == SHIPPED
    details = [entry["details"] for entry in (await admin.get("/v1/audit")).body["entries"]]
    assert [(each["action"], each["model"], each["actor"]) for each in details if "rolled" in each["action"]] == [
        ("model_rolled_back", SHIPPED, "chief")
    ]
    assert [(each["action"], each["model"]) for each in details if each["action"] == "model_promoted"] == [
        ("model_promoted", "m-2")
    ]


async def rolled_back(admin: Any) -> Any:
    reply = await admin.post("/v1/models:rollback")
    return reply.body["version"] if reply.status == 200 else reply.status


async def test_a_rollback_after_a_rollback_goes_further_back_and_never_to_the_model_that_was_taken_out(
    admin: Any, put: Any
) -> None:
    for version in ("good", "bad"):
        put(version)
        assert (await admin.post(f"/v1/models/{version}:promote")).status == 200
    assert [await rolled_back(admin) for _ in range(4)] == ["good", SHIPPED, 404, 404]
    assert await in_use(admin) == SHIPPED
    put("better")
    for version in ("good", "better"):
        assert (await admin.post(f"/v1/models/{version}:promote")).status == 200
    assert [await rolled_back(admin) for _ in range(3)] == ["good", SHIPPED, 404]


async def test_a_model_that_is_promoted_again_after_a_rollback_can_be_rolled_back_again(admin: Any, put: Any) -> None:
    for version in ("m-2", "m-3"):
        put(version)
    for version in ("m-2", "m-3", "m-2"):
        await admin.post(f"/v1/models/{version}:promote")
    assert await rolled_back(admin) == "m-3", "which was in use before"
    await admin.post("/v1/models/m-2:promote")
    assert [await rolled_back(admin) for _ in range(4)] == ["m-3", "m-2", SHIPPED, 404]


async def test_a_rollback_passes_over_a_model_whose_folder_is_gone(admin: Any, put: Any, folder: Path) -> None:
    for version in ("m-2", "m-3"):
        put(version)
        await admin.post(f"/v1/models/{version}:promote")
    shutil.rmtree(folder / "m-2")
    assert await rolled_back(admin) == SHIPPED


async def test_a_rollback_of_an_earlier_release_is_known_for_one(admin: Any, put: Any, folder: Path) -> None:
    for version in ("good", "bad"):
        put(version)
        await admin.post(f"/v1/models/{version}:promote")
    await admin.post("/v1/models:rollback")
    history = json.loads((folder / "active.json").read_text())
    for entry in history["entries"]:
        del entry["rolled_back"]
    (folder / "active.json").write_text(json.dumps(history))
    assert await rolled_back(admin) == SHIPPED


async def test_there_may_be_no_earlier_model(admin: Any, problem: Any) -> None:
    problem(await admin.post("/v1/models:rollback"), 404)


@pytest.mark.parametrize("version", ["none", "..", "%2e%2e", "m-2%2F..", "active.json", ".lock"])
async def test_a_model_that_is_not_there_is_404(admin: Any, put: Any, problem: Any, version: str) -> None:
    put("m-2")
    problem(await admin.post(f"/v1/models/{version}:promote"), 404)


async def test_no_request_fails_while_models_change(admin: Any, put: Any) -> None:
    put("m-2")
    done = asyncio.Event()

    async def ask(path: str) -> list[Any]:
        replies = []
        while not done.is_set():
            replies.append(await admin.post(path, {"text": "you stupid idiot"}))
        return replies

    asking = [asyncio.create_task(ask(path)) for path in ("/v1/score", "/v1/comments") * 2]
    for _ in range(3):
        assert (await admin.post("/v1/models/m-2:promote")).status == 200
        assert (await admin.post("/v1/models:rollback")).status == 200
    done.set()
    replies = [reply for found in await asyncio.gather(*asking) for reply in found]
    assert {reply.status for reply in replies} == {200}
    assert {reply.body["model"] for reply in replies} == {SHIPPED, "m-2"}


async def test_promotions_at_once_each_get_a_generation(admin: Any, put: Any) -> None:
    put("m-2")
    versions = ["m-2", SHIPPED] * 4
    replies = await asyncio.gather(*(admin.post(f"/v1/models/{version}:promote") for version in versions))
    assert sorted(reply.body["generation"] for reply in replies) == list(range(1, 9))


def truncated(path: Path) -> None:
    os.truncate(path / "rows.npy", 1000)


def swapped(path: Path) -> None:
    data = bytearray((path / "rows.npy").read_bytes())
    data[-1] ^= 1
    (path / "rows.npy").write_bytes(data)


def linked(path: Path) -> None:
    (path / "bias.npy").unlink()
    (path / "bias.npy").symlink_to(classifier.SHIPPED / "bias.npy")


def pickled(path: Path) -> None:
    (path / "model.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")


def without_manifest(path: Path) -> None:
    (path / "manifest.json").unlink()


def not_a_manifest(path: Path) -> None:
    (path / "manifest.json").write_bytes(b"\x80\x04.")


def of_the_future(path: Path) -> None:
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps(manifest | {"format": 999}))


def with_other_scores(path: Path) -> None:
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["golden"][0]["scores"][0] = 0.123
    (path / "manifest.json").write_text(json.dumps(manifest))


def reaching_out(path: Path) -> None:
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["files"]["../../active.json"] = manifest["files"]["bias.npy"]
    (path / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "spoil",
    [
        truncated,
        swapped,
        linked,
        pickled,
        without_manifest,
        not_a_manifest,
        of_the_future,
        with_other_scores,
        reaching_out,
    ],
)
async def test_a_bad_model_is_refused_and_the_old_one_stays(admin: Any, put: Any, problem: Any, spoil: Any) -> None:
    spoil(put("m-2"))
    assert problem(await admin.post("/v1/models/m-2:promote"), 409)["code"] == "model_unusable"
    assert await in_use(admin) == SHIPPED
    assert (await admin.get("/v1/models")).body["active"] == SHIPPED


async def test_a_folder_under_another_name_is_refused(admin: Any, put: Any, problem: Any) -> None:
    put("m-2", named="m-3")
    assert "m-2" in problem(await admin.post("/v1/models/m-3:promote"), 409)["detail"]
    assert await in_use(admin) == SHIPPED


async def test_a_promoted_model_is_served_after_a_restart(settings: Any, run: Any, key_for: Any, put: Any) -> None:
    put("m-2")
    async with run(settings) as client:
        await (await key_for(client)).post("/v1/models/m-2:promote")
    async with run(settings) as client:
        assert await in_use(await key_for(client)) == "m-2"


def exchanged(path: Path) -> None:
    """Whole and sound, but another model than the one that was promoted."""
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps(manifest | {"created_at": "2020-01-01"}))


@pytest.mark.parametrize("spoil", [truncated, swapped, exchanged, shutil.rmtree])
async def test_a_promoted_model_that_was_tampered_with_is_not_served_after_a_restart(
    settings: Any, run: Any, key_for: Any, put: Any, spoil: Any
) -> None:
    path = put("m-2")
    async with run(settings) as client:
        await (await key_for(client)).post("/v1/models/m-2:promote")
    spoil(path)
    async with run(settings) as client:
        assert await in_use(await key_for(client)) == SHIPPED


async def test_a_replica_serves_what_another_promoted(settings: Any, run: Any, key_for: Any, put: Any) -> None:
    put("m-2")
    async with run(settings) as one, run(settings) as other:
        await (await key_for(one)).post("/v1/models/m-2:promote")
        admin = await key_for(other)
        async with asyncio.timeout(60 * LOOK_S):
            while await in_use(admin) != "m-2":
                pass
        reply = await admin.post("/v1/models:rollback")
        assert (reply.body["version"], reply.body["generation"]) == (SHIPPED, 2)


async def test_a_damaged_history_is_said_and_mended_without_a_restart(
    settings: Any, app: Any, admin: Any, put: Any, problem: Any
) -> None:
    put("m-2")
    history = settings.data_path / "models" / "active.json"
    await admin.post(f"/v1/models/{SHIPPED}:promote")
    good = json.loads(history.read_text())
    history.write_bytes(b"{")
    assert problem(await admin.post("/v1/models/m-2:promote"), 409)["code"] == "model_unusable"
    models = app[keys.MODELS]
    async with asyncio.timeout(60 * LOOK_S):
        while models._seen != models._stamp():  # noqa: SLF001 - until the damage has been seen
            assert await in_use(admin) == SHIPPED
    digest = classifier.read_manifest(settings.data_path / "models" / "m-2").digest
    good["entries"].append(good["entries"][0] | {"generation": 2, "version": "m-2", "digest": digest})
    history.write_text(json.dumps(good))
    async with asyncio.timeout(60 * LOOK_S):
        while await in_use(admin) != "m-2":
            pass


async def test_a_promotion_and_a_rollback_are_logged_with_what_was_in_use(
    admin: Any, put: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    before = (await admin.get("/v1/models")).body["active"]
    put("next")
    assert (await admin.post("/v1/models/next:promote")).status == 200
    assert (await admin.post("/v1/models:rollback")).status == 200
    said = [each.getMessage() for each in caplog.records if "is in use, was" in each.getMessage()]
    assert said[0].startswith(f"model next is in use, was {before}: promoted by ")
    assert said[1].startswith(f"model {before} is in use, was next: rolled back by ")
