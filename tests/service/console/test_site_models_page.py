"""A site's own model in the console: promoted, rolled back, in shadow, past the gate by two, by who may."""

from typing import Any

import pytest
from test_models_page import other_model

import classifier
from service.values.accounts import Role

SHIPPED = classifier.SHIPPED.name
OWN = {"only_site": "1"}


@pytest.fixture
def other(settings: Any) -> str:
    other_model(settings, "m-2")
    return "m-2"


async def active(admin: Any) -> tuple[str, str, bool]:
    """Of all sites and of the site, and whether the site's is its own."""
    found = (await admin.get("/v1/sites/daily/models")).body
    return (await admin.get("/v1/models")).body["active"], found["active"], found["is_own"]


async def test_a_site_gets_a_model_of_its_own_and_goes_back(as_role: Any, admin: Any, other: str) -> None:
    chief = await as_role()
    assert "The site takes the model of all sites." in (await chief.get("/console/models")).text
    page = await chief.post("/console/models/promote", version=other, **OWN)
    text = (await chief.get(page.location)).text
    assert "The site has this model now" in text
    assert "Roll back to that of all sites" in text
    assert await active(admin) == (SHIPPED, other, True)
    page = await chief.post("/console/models/roll-back", **OWN)
    assert "The model that the site used before is in use again." in (await chief.get(page.location)).text
    assert await active(admin) == (SHIPPED, SHIPPED, False)
    entries = (await admin.get("/v1/audit?actor=admin")).body["entries"]
    told = [(each["details"]["action"], each["details"].get("only")) for each in entries]
    assert told == [("model_promoted", "daily"), ("model_rolled_back", "daily")]


async def test_a_site_takes_that_of_all_sites_again(as_role: Any, admin: Any, other: str) -> None:
    chief = await as_role()
    await chief.post("/console/models/promote", version=other, **OWN)
    page = await chief.post("/console/models/promote", version="installation", meant="1", **OWN)
    assert page.status == 303, page.text
    assert await active(admin) == (SHIPPED, SHIPPED, False)


async def test_past_the_gate_of_the_site_it_takes_two(as_role: Any, admin: Any, other: str) -> None:
    policy = {"thresholds": {"toxicity": {"reject_at": 0.9}}, "gate": {"shadow_days": 2}}
    assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
    chief = await as_role()
    page = await chief.post("/console/models/promote", version=other, **OWN)
    assert page.status == 409
    assert "m-2 does not pass the gate" in page.text
    assert "only for daily" in page.text
    gate = (await chief.get("/console/models/gate?version=m-2&only_site=1")).text
    assert "0 days in shadow, 2 needed" in gate
    assert "Promote m-2 past the gate" in gate
    back = await chief.post("/console/models/propose", version=other, why="It knows the new insult", **OWN)
    assert "somebody else must approve it" in (await chief.get(back.location)).text
    (proposal,) = (await admin.get("/v1/approvals")).body["approvals"]
    assert proposal["deed"]["only_site"] is True
    deputy = await as_role(name="deputy")
    await deputy.get("/console/approvals")
    assert (await deputy.post("/console/approvals/approve", id=proposal["id"])).status == 303
    assert await active(admin) == (SHIPPED, other, True)


@pytest.mark.parametrize("own", [OWN, {"only_site": "0"}])
async def test_a_model_is_put_in_shadow_and_taken_out(as_role: Any, admin: Any, other: str, own: Any) -> None:
    chief = await as_role()
    page = await chief.post("/console/models/shadow", version=other, share="12,5", **own)
    text = (await chief.get(page.location)).text
    assert "The model is in shadow" in text
    assert "on 12.5% of new comments" in text
    running = (await admin.get("/v1/models/m-2/shadow")).body["running"]
    assert (running["share"], running.get("site", "")) == (0.125, "daily" if own is OWN else "")
    page = await chief.post("/console/models/shadow/stop", version=other, **own)
    assert "The model is out of shadow." in (await chief.get(page.location)).text
    assert (await admin.get("/v1/models/m-2/shadow")).body["running"] is None
    assert (await chief.post("/console/models/shadow/stop", version=other, **own)).status == 409


async def test_what_cannot_be_in_shadow_is_refused(as_role: Any, other: str) -> None:
    chief = await as_role()
    for share in ("0", "101", "much", ""):
        page = await chief.post("/console/models/shadow", version=other, share=share, **OWN)
        assert page.status == 400
        assert "Enter a number from 0.01 to 100." in page.text
    for version in (SHIPPED, "nothing"):
        assert (await chief.post("/console/models/shadow", version=version, share="10", **OWN)).status == 409


async def test_a_site_s_administrator_changes_its_own_model_and_not_that_of_all(
    as_role: Any, admin: Any, client: Any, key_for: Any, other: str
) -> None:
    await key_for(client, site="weekly")
    chief = await as_role()
    text = (await chief.get("/console/models")).text
    assert "Promote for daily" in text
    assert "Promote…" not in text
    for path, fields in (("promote", {}), ("shadow", {"share": "10"}), ("propose", {"why": "because"})):
        assert (await chief.post(f"/console/models/{path}", version=other, **fields)).status == 403, path
    assert (await chief.post("/console/models/promote", version=other, **OWN)).status == 303
    assert await active(admin) == (SHIPPED, other, True)


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.AUDITOR])
async def test_others_look_at_the_gate_and_change_nothing(as_role: Any, other: str, role: Role) -> None:
    somebody = await as_role(role)
    assert "Held-out texts" in (await somebody.get(f"/console/models/gate?version={other}&only_site=1")).text
    assert "Promote" not in (await somebody.get("/console/models")).text
    for path in ("promote", "roll-back", "shadow", "shadow/stop", "propose"):
        assert (await somebody.post(f"/console/models/{path}", version=other, **OWN)).status == 403
    assert (await somebody.get("/console/models/gate?version=nothing")).status == 409
    assert (await somebody.get("/console/models/gate")).status == 400
