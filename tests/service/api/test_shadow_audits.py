"""Audits of comments on which the model in use and a model in shadow differ: which of them was wrong."""

from pathlib import Path
from typing import Any

import pytest
from contrary import copied
from in_shadow import HARSH, KIND, PATH, counted, policy, report, send, start

import classifier
from service import app_keys as keys
from service.cases import shadow as shadow_module
from service.values.audits import ModelPair


@pytest.fixture
def settings(settings: Any, contrary: Path) -> Any:
    copied(contrary, settings.data_path / "models", "contrary")
    return settings


@pytest.fixture(autouse=True)
def without_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadow_module, "CPU_SHARE", 1.0)


async def judged(caller: Any, decision: str) -> list[str]:
    items = (await caller.post("/v1/review/claim", {"count": 20})).body["items"]
    for item in items:
        assert (item["status"], item["decision"], item["review"]["why"]) == ("pending", "review", "uncertain")
        body = {"decision": decision, "lease": item["lease"]}
        assert (await caller.post(f"/v1/review/{item['id']}/decision", body)).status == 200
    return [item["id"] for item in items]


async def test_comments_on_which_the_models_differ_are_audited_blind_and_say_which_was_wrong(
    admin: Any, ann: Any, app: Any
) -> None:
    await policy(admin, review={"audit_differing": 1.0})
    await start(admin)
    await send(admin, 4)
    await counted(admin, 4, 4)
    found = (await report(admin))["audited"]
    assert (found["audits"], found["compared"]) == ({"drawn": 4, "answered": 0, "open": 4, "lost": {}}, 0)
    assert {(await admin.get(f"/v1/comments/c-{n}")).body["status"] for n in (0, 2)} == {"approved"}, "it stands"
    assert sorted(await judged(ann, "reject")) == ["c-0", "c-1", "c-2", "c-3"]
    found = (await report(admin))["audited"]
    assert found["audits"]["answered"] == found["compared"] == 4
    assert (found["champion_wrong"], found["challenger_wrong"], found["p_value"]) == (2, 2, 1.0)
    figures = (await admin.get("/v1/review/audits")).body["all"]
    assert figures["approvals"]["audits"]["drawn"] == figures["rejections"]["audits"]["drawn"] == 0, "no other estimate"
    labels = await app[keys.STORE].labels.newest("daily", 10)
    assert {(each.source, each.inclusion) for each in labels} == {("shadow", None)}


async def test_the_stored_probability_is_that_of_both_draws(
    admin: Any, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await policy(admin, review={"audit_differing": 0.5})
    await start(admin, 0.25)
    chances = iter([0.2, 0.4])  # of the comparison, and of the audit
    monkeypatch.setattr(app[keys.SHADOW], "_draw", lambda: next(chances))
    await send(admin, 1)
    await counted(admin, 1, 1)
    said = app[keys.SHADOW].setting("daily")
    models = ModelPair(app[keys.MODELS].digest("daily"), said.digest)
    (draw,) = await app[keys.STORE].draws.sampled_since("daily", said.since, models)
    assert (draw.comment, draw.decision, draw.would, draw.inclusion) == ("c-0", "approve", "reject", 0.125)


async def test_no_more_than_the_number_of_a_day_are_audited(admin: Any) -> None:
    await policy(admin, review={"audit_differing": 1.0, "differing_per_day": 2})
    await start(admin)
    await send(admin, 12)
    await counted(admin, 12, 1)
    assert (await report(admin))["audited"]["audits"]["drawn"] <= 2


async def test_where_the_site_does_not_say_so_no_difference_is_audited(admin: Any) -> None:
    await policy(admin)
    await start(admin)
    await send(admin, 2)
    await counted(admin, 2)
    assert (await report(admin))["audited"]["audits"]["drawn"] == 0


async def test_an_edited_comment_loses_its_audit_and_an_undone_answer_opens_it_again(admin: Any, ann: Any) -> None:
    await policy(admin, review={"audit_differing": 1.0})
    await start(admin)
    await send(admin, 2)
    await counted(admin, 2, 2)
    await admin("DELETE", PATH)
    await admin.post("/v1/comments", {"id": "c-0", "text": f"{KIND}, edited"})
    assert await judged(ann, "approve") == ["c-1"]
    assert (await report(admin))["audited"]["audits"] == {"drawn": 2, "answered": 1, "open": 0, "lost": {"edited": 1}}
    await ann.post("/v1/review/c-1/undo", {})
    assert (await report(admin))["audited"]["audits"] == {"drawn": 2, "answered": 0, "open": 1, "lost": {"edited": 1}}


async def test_the_gate_stops_a_model_that_is_wrong_where_they_differ(admin: Any, ann: Any) -> None:
    await policy(
        admin, review={"audit_differing": 1.0}, gate={"held_out": False, "max_coverage_drop": None, "worse_at": 0.05}
    )
    await start(admin)
    for n in range(6):
        await admin.post("/v1/comments", {"id": f"c-{n}", "text": f"{HARSH} {n}"})
    await counted(admin, 6, 6)
    await judged(ann, "reject")
    found = (await admin.get("/v1/models/contrary/gate")).body["checks"]
    (check,) = [each for each in found if each["name"] == "differing"]
    assert (check["passed"], check["figures"]["only_challenger_wrong"], check["figures"]["audits"]) == (False, 6, 6)
    assert check["figures"]["p_value"] == pytest.approx(2 * 0.5**6)


async def test_an_audit_counts_only_for_the_two_models_that_were_compared(
    admin: Any, ann: Any, settings: Any, contrary: Path
) -> None:
    await policy(admin, review={"audit_differing": 1.0})
    await start(admin)
    await send(admin, 4)
    await counted(admin, 4, 4)
    await judged(ann, "reject")
    models = settings.data_path / "models"
    copied(classifier.SHIPPED, models, "again")
    copied(contrary, models, "next")

    async def audited(version: str) -> tuple[int, int]:
        """In the report, and in the gate."""
        found = (await admin.get(f"/v1/models/{version}/shadow")).body["audited"]["compared"]
        checks = (await admin.get(f"/v1/models/{version}/gate")).body["checks"]
        return found, next(each["figures"]["audits"] for each in checks if each["name"] == "differing")

    assert await audited("contrary") == (4, 4)
    assert await audited("next") == (0, 0), "another challenger"
    assert (await admin.post("/v1/models/again:promote")).status == 200
    assert await audited("contrary") == (0, 0), "another model in use"
    assert (await admin.post("/v1/models:rollback")).status == 200
    assert await audited("contrary") == (4, 4)


async def test_a_challenger_of_one_site_is_audited_there_alone(client: Any, key_for: Any, ann: Any) -> None:
    local = await key_for(client, "admin", "comments", "review", name="local")
    weekly = await key_for(client, "admin", "comments", "review", site="weekly", name="editor")
    for caller in (local, weekly):
        await policy(caller, review={"audit_differing": 1.0})
    here = "/v1/sites/daily/models/contrary"
    assert (await local("PUT", f"{here}/shadow", {"share": 1.0})).status == 200
    for caller in (weekly, local):
        await send(caller, 4)
    await counted(local, 4, 4)
    assert sorted(await judged(ann, "reject")) == ["c-0", "c-1", "c-2", "c-3"]
    found = (await local.get(f"{here}/shadow")).body
    assert (found["running"]["site"], found["figures"]["comments"], found["audited"]["compared"]) == ("daily", 4, 4)
    assert (found["audited"]["champion_wrong"], found["audited"]["challenger_wrong"]) == (2, 2)
    (check,) = [each for each in (await local.get(f"{here}/gate")).body["checks"] if each["name"] == "differing"]
    assert check["figures"]["audits"] == 4
    assert (await weekly.post("/v1/review/claim", {"count": 20})).body["items"] == []
    elsewhere = await report(weekly)
    assert (elsewhere["running"], elsewhere["figures"]["comments"]) == (None, 0)
    assert elsewhere["audited"]["audits"]["drawn"] == 0


async def test_an_audit_of_a_site_counts_for_the_model_of_the_site_that_was_in_use(
    client: Any, key_for: Any, ann: Any, settings: Any
) -> None:
    local = await key_for(client, "admin", "comments", "review", name="local")
    copied(classifier.SHIPPED, settings.data_path / "models", "own")
    await policy(local, review={"audit_differing": 1.0})
    here = "/v1/sites/daily/models"
    assert (await local.post(f"{here}/own:promote")).status == 200
    assert (await local("PUT", f"{here}/contrary/shadow", {"share": 1.0})).status == 200
    await send(local, 2)
    await counted(local, 2, 2)
    await judged(ann, "reject")
    assert (await report(local))["audited"]["compared"] == 2
    assert (await local.post(f"{here}:rollback")).status == 200
    assert (await report(local))["audited"]["compared"] == 0, "of all sites: it was not compared"
