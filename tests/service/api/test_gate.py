"""The gate before a promotion, over HTTP: shown with its figures, in force where the site has one, past it by two."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

import classifier

SHIPPED = classifier.SHIPPED.name
KIND, HARSH = "what a lovely morning this is", "you are a stupid idiot"
THRESHOLDS = {"insult": {"review_at": 0.3, "reject_at": 0.9}}


@pytest.fixture
def other(settings: Any) -> Path:
    """The shipped model again, under another name."""
    folder: Path = settings.data_path / "models" / "m-2"
    shutil.copytree(classifier.SHIPPED, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"version": "m-2"}))
    return folder


@pytest.fixture
async def deputy(client: TestClient[Any, Any], key_for: Any) -> Any:
    return await key_for(client, name="deputy")


async def want(admin: Any, **more: Any) -> None:
    review = {"audit_approved": 1.0, "audit_rejected": 1.0}
    reply = await admin("PUT", "/v1/policies/default", {"thresholds": THRESHOLDS, "review": review, **more})
    assert reply.status == 200, reply.body


async def audited(admin: Any, count: int = 4) -> None:
    """Comments that the model decides, each audited by somebody who agrees."""
    batch = [{"id": f"c-{n}", "text": f"{HARSH if n % 2 else KIND} {n}"} for n in range(count)]
    assert (await admin.post("/v1/comments:batch", {"comments": batch})).status == 200
    while items := (await admin.post("/v1/review/claim", {"count": 20})).body["items"]:
        for item in items:
            said = {"decision": "reject" if "idiot" in item["text"] else "approve", "lease": item["lease"]}
            assert (await admin.post(f"/v1/review/{item['id']}/decision", said)).status == 200


async def gate(admin: Any) -> Any:
    reply = await admin.get("/v1/models/m-2/gate")
    assert reply.status == 200, reply.body
    return reply.body


def passed(found: Any) -> dict[str, bool]:
    return {each["name"]: each["passed"] for each in found["checks"]}


async def active(admin: Any) -> str:
    version: str = (await admin.get("/v1/models")).body["active"]
    return version


@pytest.mark.usefixtures("other")
async def test_a_model_as_good_as_the_one_in_use_passes_and_is_promoted(admin: Any) -> None:
    await want(admin, gate={})
    await audited(admin)
    found = await gate(admin)
    assert (found["model"], found["champion"], found["is_required"], found["passed"]) == ("m-2", SHIPPED, True, True)
    assert passed(found) == {"held_out": True, "golden": True, "coverage": True, "audits": True}
    figures = {each["name"]: each["figures"] for each in found["checks"]}
    assert figures["audits"]["audits"] == 4
    assert figures["coverage"]["champion"] == figures["coverage"]["challenger"] == 1.0
    assert (await admin.post("/v1/models/m-2:promote")).status == 200
    assert await active(admin) == "m-2"


@pytest.mark.usefixtures("other")
async def test_what_audits_did_not_show_is_not_promoted_alone_but_by_two_with_a_reason(admin: Any, deputy: Any) -> None:
    await want(admin, gate={}, targets={"max_wrong_approve": 0.05})
    found = await gate(admin)
    assert passed(found) == {
        "held_out": True,
        "golden": True,
        "coverage": False,
        "audits": False,
        "max_wrong_approve": False,
    }
    refused = await admin.post("/v1/models/m-2:promote")
    assert (refused.status, refused.body["code"]) == (409, "gate_failed")
    assert refused.body["current"]["failed"] == ["coverage", "audits", "max_wrong_approve"]
    assert await active(admin) == SHIPPED
    deed = {"kind": "promote_model", "model": "m-2", "why": "the old one is blind to a new insult"}
    proposed = (await admin.post("/v1/approvals", {"deed": deed})).body
    path = f"/v1/approvals/{proposed['id']}:approve"
    assert (await admin.post(path)).body["code"] == "own_proposal"
    done = (await deputy.post(path)).body
    assert (done["state"], done["outcome"]) == ("done", {"generation": 1})
    assert await active(admin) == "m-2"
    entries = [each["details"] for each in (await admin.get("/v1/audit?limit=100")).body["entries"]]
    (told,) = [each for each in entries if each["action"] == "model_promoted"]
    assert (told["actor"], told["proposed_by"], told["why"]) == ("deputy", "chief", deed["why"])


@pytest.mark.usefixtures("other")
async def test_where_the_site_has_no_gate_it_is_shown_and_stops_nobody(admin: Any) -> None:
    await want(admin)
    found = await gate(admin)
    assert (found["is_required"], found["passed"]) == (False, False)
    assert (await admin.post("/v1/models/m-2:promote")).status == 200


@pytest.mark.usefixtures("other")
async def test_each_check_can_be_left_out(admin: Any) -> None:
    await want(admin, gate={"held_out": False, "max_coverage_drop": None, "worse_at": None, "targets": False})
    assert passed(await gate(admin)) == {"golden": True}
    assert (await admin.post("/v1/models/m-2:promote")).status == 200


async def test_a_model_that_is_worse_on_held_out_texts_does_not_pass(admin: Any, other: Path) -> None:
    manifest = json.loads((other / "manifest.json").read_text())
    manifest["metrics"]["held_out"]["contrast_de"]["insult"]["roc_auc"] = 0.6
    (other / "manifest.json").write_text(json.dumps(manifest))
    await want(admin, gate={})
    await audited(admin)
    assert passed(await gate(admin))["held_out"] is False
    assert (await admin.post("/v1/models/m-2:promote")).body["current"]["failed"] == ["held_out"]


def with_groups(folder: Path, **flagged: int) -> None:
    """Of 100 harmless texts on each group so many are flagged, as `steward train` notes it."""
    manifest = json.loads((folder / "manifest.json").read_text())
    harmless = {group: {"texts": 100, "flagged": each} for group, each in flagged.items()}
    manifest["metrics"]["groups"] = {"data_set": "d", "attribute": "toxicity", "threshold": 0.3, "harmless": harmless}
    (folder / "manifest.json").write_text(json.dumps(manifest))


async def groups_check(admin: Any) -> Any:
    (found,) = [each for each in (await gate(admin))["checks"] if each["name"] == "groups"]
    return found


async def test_a_model_that_flags_one_group_much_more_often_than_others_does_not_pass(admin: Any, other: Path) -> None:
    with_groups(other, women=5, jewish=5, black=20)
    await want(admin, gate={"max_group_ratio": 2})
    await audited(admin)
    found = await groups_check(admin)
    assert (found["passed"], found["figures"]["most"]) == (True, 2.0)
    assert found["figures"]["worst_over_mean"] == pytest.approx(2)
    assert (found["figures"]["groups"], found["figures"]["worst_share"]) == (3, 0.2)
    assert found["figures"]["mean_share"] == pytest.approx(0.1)
    await want(admin, gate={"max_group_ratio": 1.99})
    found = await groups_check(admin)
    assert not found["passed"]
    assert "black" in found["detail"]
    refused = await admin.post("/v1/models/m-2:promote")
    assert (refused.status, refused.body["current"]["failed"]) == (409, ["groups"])


async def test_a_model_without_figures_by_group_is_listed_and_the_check_says_that_they_are_missing(
    admin: Any, other: Path
) -> None:
    manifest = json.loads((other / "manifest.json").read_text())
    manifest["metrics"].pop("groups", None)
    (other / "manifest.json").write_text(json.dumps(manifest))
    await want(admin, gate={"max_group_ratio": 2})
    assert "m-2" in {each["version"] for each in (await admin.get("/v1/models")).body["models"]}
    found = await groups_check(admin)
    assert (found["passed"], found["figures"]["worst_over_mean"]) == (False, None)
    assert "has no figures by identity group" in found["detail"]


@pytest.mark.parametrize("ratio", [0.5, 0, -1, 101, "two", True])
async def test_a_ratio_of_groups_below_one_or_no_number_is_refused_by_name(
    admin: Any, problem: Any, ratio: Any
) -> None:
    reply = await admin("PUT", "/v1/policies/default", {"thresholds": THRESHOLDS, "gate": {"max_group_ratio": ratio}})
    problem(reply, 400)
    assert "/gate/max_group_ratio" in reply.body["detail"]


async def test_a_model_that_was_swapped_after_the_proposal_is_not_promoted(
    admin: Any, deputy: Any, other: Path
) -> None:
    deed = {"kind": "promote_model", "model": "m-2", "why": "because"}
    proposed = (await admin.post("/v1/approvals", {"deed": deed})).body
    manifest = json.loads((other / "manifest.json").read_text())
    (other / "manifest.json").write_text(json.dumps(manifest | {"created_at": "2026-12-24T00:00:00Z"}))
    refused = await deputy.post(f"/v1/approvals/{proposed['id']}:approve")
    assert (refused.status, refused.body["code"]) == (409, "model_changed")
    assert await active(admin) == SHIPPED


@pytest.mark.usefixtures("other")
async def test_a_promotion_past_the_gate_takes_the_scope_of_a_promotion(
    admin: Any, client: Any, key_for: Any, problem: Any
) -> None:
    deed = {"kind": "promote_model", "model": "m-2", "why": "because"}
    local = await key_for(client, "admin", name="local")
    problem(await local.post("/v1/approvals", {"deed": deed}), 403)
    proposed = (await admin.post("/v1/approvals", {"deed": deed})).body
    problem(await local.post(f"/v1/approvals/{proposed['id']}:approve"), 403)
    problem(await admin.post("/v1/approvals", {"deed": deed | {"model": "nothing"}}), 404)
    problem(await admin.get("/v1/models/nothing/gate"), 404)
