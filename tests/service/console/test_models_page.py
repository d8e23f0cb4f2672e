"""Models in the console: what they were measured to be worth, promoted, rolled back, refused."""

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

import classifier
from service import app_keys as keys
from service.cases.model_folders import Described
from service.console.comparison import verdict
from service.console.models import measured
from service.values.accounts import Role


def other_model(settings: Any, version: str) -> Path:
    """The shipped model again, under another name."""
    folder = settings.data_path / "models" / version
    shutil.copytree(classifier.SHIPPED, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"version": version}))
    return folder


async def test_a_model_is_promoted_and_rolled_back(as_role: Any, admin: Any, settings: Any) -> None:
    other_model(settings, "2026-12-01-1")
    chief = await as_role()
    page = await chief.get("/console/models")
    assert "Roll back" not in page.text
    page = await chief.post("/console/models/promote", version="2026-12-01-1")
    text = (await chief.get(page.location)).text
    assert "The model is in use" in text
    assert f"Roll back to {classifier.SHIPPED.name}" in text
    assert (await admin.get("/v1/models")).body["active"] == "2026-12-01-1"
    page = await chief.post("/console/models/roll-back")
    assert "in use again" in (await chief.get(page.location)).text
    assert (await admin.get("/v1/models")).body["active"] == classifier.SHIPPED.name
    entries = (await admin.get("/v1/audit?actor=admin")).body["entries"]
    assert [each["details"]["action"] for each in entries] == ["model_promoted", "model_rolled_back"]


async def test_the_model_that_the_site_has_of_its_own_is_marked(as_role: Any, admin: Any, settings: Any) -> None:
    other_model(settings, "m-2")
    chief = await as_role()
    assert "in use at daily" not in (await chief.get("/console/models")).text
    assert (await admin.post("/v1/sites/daily/models/m-2:promote")).status == 200
    text = (await chief.get("/console/models")).text
    assert text.count("in use at daily") == 1
    assert text.index("m-2") < text.index("in use at daily")


async def test_a_model_that_the_gate_stops_is_promoted_by_two(as_role: Any, admin: Any, settings: Any) -> None:
    other_model(settings, "m-2")
    policy = {"thresholds": {"toxicity": {"reject_at": 0.9}}, "gate": {}}
    assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
    chief = await as_role()
    page = await chief.post("/console/models/promote", version="m-2")
    assert page.status == 409
    assert "m-2 does not pass the gate" in page.text
    assert "Promote m-2 past the gate" in page.text
    back = await chief.post("/console/models/propose", version="m-2", why="A new insult that the old one misses")
    assert "somebody else must approve it" in (await chief.get(back.location)).text
    assert (await admin.get("/v1/models")).body["active"] == classifier.SHIPPED.name
    deputy = await as_role(name="deputy")
    page = await deputy.get("/console/approvals")
    assert "A new insult that the old one misses" in page.text
    (proposal,) = (await admin.get("/v1/approvals")).body["approvals"]
    done = await deputy.post("/console/approvals/approve", id=proposal["id"])
    assert "Generation 1 is in use." in (await deputy.get(done.location)).text
    assert (await admin.get("/v1/models")).body["active"] == "m-2"


async def test_a_promotion_past_the_gate_needs_a_reason_and_a_model(as_role: Any, settings: Any) -> None:
    other_model(settings, "m-2")
    chief = await as_role()
    assert (await chief.post("/console/models/propose", version="m-2", why=" ")).status == 400
    assert (await chief.post("/console/models/propose", version="nothing", why="because")).status == 409


async def test_what_cannot_be_served_is_shown_with_the_reason_and_not_promoted(
    as_role: Any, admin: Any, settings: Any
) -> None:
    broken = other_model(settings, "2026-12-01-2")
    next(file for file in broken.iterdir() if file.suffix == ".npy").write_bytes(b"broken")
    chief = await as_role()
    for version in ("2026-12-01-2", "nothing"):
        page = await chief.post("/console/models/promote", version=version)
        assert page.status == 409
        assert "Nothing was changed:" in page.text
    assert (await chief.post("/console/models/roll-back")).status == 409
    assert (await admin.get("/v1/models")).body["active"] == classifier.SHIPPED.name


async def test_metrics_of_the_manifest_are_shown(as_role: Any) -> None:
    text = (await (await as_role()).get("/console/models")).text
    manifest = json.loads((classifier.SHIPPED / "manifest.json").read_text())
    assert "jigsaw_toxic_test_public" in text
    assert f"{manifest['metrics']['held_out']['jigsaw_toxic_test_public']['toxicity']['roc_auc']:.3f}" in text


def test_a_manifest_of_another_shape_shows_what_it_has() -> None:
    def described(**metrics: Any) -> Described:
        return Described("v", "local", active=False, metrics=metrics)

    assert list(measured(described())) == []
    assert list(measured(described(held_out=3))) == []
    assert list(measured(described(held_out={"a": 3, "b": {"insult": None}}))) == []
    (line,) = measured(described(held_out={"a": {"insult": {"texts": 5, "roc_auc": "good"}}}))
    assert (line.data_set, line.attribute, line.texts, line.positive, line.roc_auc) == ("a", "insult", 5, 0, None)


async def test_a_challenger_is_held_against_the_model_in_use(
    as_role: Any, admin: Any, ann: Any, settings: Any, decide_always: Any
) -> None:
    other_model(settings, "2026-12-01-1")
    chief = await as_role()
    path = "/console/models/compare?challenger=2026-12-01-1"
    assert "have decided nothing yet" in (await chief.get(path)).text
    await decide_always("review")
    await admin.post("/v1/comments", {"id": "c-1", "text": "You are an idiot."})
    (item,) = (await ann.post("/v1/review/claim", {})).body["items"]
    body = {"decision": "reject", "lease": item["lease"], "labels": {"insult": True}}
    await ann.post("/v1/review/c-1/decision", body)
    text = (await chief.get(path)).text
    assert "<dt>Comments that people decided</dt><dd>1" in text
    assert "No blind audit tells the two apart." in text
    assert '<th scope="row">Insult</th>' in text
    assert (await chief.get("/console/models/compare?challenger=nothing")).status == 404


def test_the_fair_test_is_put_into_words() -> None:
    assert "No blind audit" in verdict(0, 0, 1.0)
    assert "by chance" in verdict(3, 1, 0.6)
    assert "The challenger is wrong less often" in verdict(20, 4, 0.002)
    assert "The model in use is wrong less often" in verdict(4, 20, 0.002)


def worse_model(settings: Any, version: str) -> None:
    """It judges Swedish in place of French, and no threats in English, and is worse on one data set."""
    folder = other_model(settings, version)
    manifest = json.loads((folder / "manifest.json").read_text())
    for reader in (manifest, manifest["deep"]):
        judged = {"sv" if language == "fr" else language: labels for language, labels in reader["languages"].items()}
        reader["languages"] = judged | {"en": [label for label in judged["en"] if label != "threat"]}
    manifest["metrics"]["held_out"]["jigsaw_toxic_train"]["toxicity"]["roc_auc"] = 0.9
    (folder / "manifest.json").write_text(json.dumps(manifest))


async def test_a_model_that_is_worse_than_the_one_in_use_is_promoted_only_when_it_is_meant(
    as_role: Any, admin: Any, ann: Any, settings: Any, decide_always: Any
) -> None:
    await decide_always("review")
    await admin.post("/v1/comments", {"id": "c-1", "text": "You are an idiot."})
    (item,) = (await ann.post("/v1/review/claim", {})).body["items"]
    await ann.post("/v1/review/c-1/decision", {"decision": "reject", "lease": item["lease"]})
    worse_model(settings, "2026-12-01-1")
    held_out = classifier.read_manifest(classifier.SHIPPED).metrics["held_out"]
    in_use = held_out["jigsaw_toxic_train"]["toxicity"]["roc_auc"]
    chief = await as_role()
    for path in ("/console/models", "/console/models/compare?challenger=2026-12-01-1"):
        text = (await chief.get(path)).text
        assert "These languages are not judged any more: fr" in text, path
        assert "Threat is not judged any more (en)" in text
        assert f"Toxicity on jigsaw_toxic_train: ROC AUC 0.9, in use {in_use:.3f}; that is more than chance" in text
        assert 'name="meant" value="1" required' in text
    page = await chief.post("/console/models/promote", version="2026-12-01-1")
    assert page.status == 409
    assert "worse than the one in use" in page.text
    assert (await admin.get("/v1/models")).body["active"] == classifier.SHIPPED.name
    assert (await chief.post("/console/models/promote", version="2026-12-01-1", meant="1")).status == 303
    assert (await admin.get("/v1/models")).body["active"] == "2026-12-01-1"


async def test_a_model_that_is_as_good_is_promoted_without_a_question(as_role: Any, settings: Any) -> None:
    other_model(settings, "2026-12-01-1")
    chief = await as_role()
    text = (await chief.get("/console/models")).text
    assert "Promote 2026-12-01-1" in text
    assert "worse than the model in use" not in text
    assert 'name="meant"' not in text


async def test_who_administers_some_of_the_sites_does_not_choose_the_model_of_all(
    client: Any, key_for: Any, as_role: Any, admin: Any, settings: Any
) -> None:
    other_model(settings, "2026-12-01-1")
    chief = await as_role()
    assert "Promote…" in (await chief.get("/console/models")).text
    await key_for(client, "comments", site="weekly")
    assert "Promote…" not in (await chief.get("/console/models")).text
    for path in ("promote", "roll-back"):
        assert (await chief.post(f"/console/models/{path}", version="2026-12-01-1")).status == 403
    assert (await admin.get("/v1/models")).body["active"] == classifier.SHIPPED.name


@pytest.mark.parametrize("by", ["key", "moderator"])
async def test_a_mistyped_site_keeps_nobody_from_promoting_once_it_has_no_key_and_no_moderator(
    client: Any, as_role: Any, store: Any, key_for: Any, account: Any, settings: Any, by: str
) -> None:
    other_model(settings, "2026-12-01-1")
    chief = await as_role()
    if by == "key":
        await key_for(client, "comments", site="dialy")
        (mistyped,) = (each.id for each in (await store.access.keys()).values() if each.site == "dialy")
    else:
        await account("bob", roles={"dialy": Role.MODERATOR})
    await client.server.app[keys.DIRECTORY].refresh()
    assert (await chief.post("/console/models/promote", version="2026-12-01-1")).status == 403
    if by == "key":
        assert await store.access.revoke(mistyped)
    else:
        kept = await store.accounts.get("bob")
        assert await store.accounts.put(msgspec.structs.replace(kept, roles={}))
    await client.server.app[keys.DIRECTORY].refresh()
    assert (await chief.post("/console/models/promote", version="2026-12-01-1")).status == 303


async def test_who_administers_some_of_the_sites_makes_no_key_that_chooses_the_model(
    client: Any, key_for: Any, as_role: Any
) -> None:
    chief = await as_role()
    assert 'value="operate"' in (await chief.get("/console/keys")).text
    await key_for(client, "comments", site="weekly")
    assert 'value="operate"' not in (await chief.get("/console/keys")).text
    page = await chief.post("/console/keys", name="robot", days="", scope="operate")
    assert page.status == 400
