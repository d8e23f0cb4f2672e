"""Moderators from the console: added by a link, given another role, kept out; nobody of another site, nor oneself."""

import re
from typing import Any

from service import app_keys as keys
from service.values.accounts import Role


async def test_somebody_new_comes_in_by_the_link_that_is_shown_once(as_role: Any, browser: Any, admin: Any) -> None:
    chief = await as_role()
    page = await chief.post("/console/moderators", name="eve", role="moderator")
    (ticket,) = re.findall(r"/console/sign-in/link\?ticket=([\w-]+)", page.text)
    assert ticket not in (await chief.get("/console/moderators")).text
    await browser.post("/console/sign-in/link", ticket=ticket)
    assert "eve" in (await browser.get("/console/account")).text
    assert (await chief.post("/console/moderators", name="eve", role="admin")).status == 409
    assert (await chief.post("/console/moderators", name="no spaces", role="moderator")).status == 400
    assert (await chief.post("/console/moderators", name="bob", role="king")).status == 400
    entries = [entry["details"] for entry in (await admin.get("/v1/audit?actor=admin")).body["entries"]]
    assert [each["action"] for each in entries] == ["moderator_added", "link_made"]
    assert ticket not in str(entries)


async def test_a_role_is_changed_and_taken_away(as_role: Any) -> None:
    chief, bob = await as_role(), await as_role(Role.MODERATOR, "bob")
    assert (await bob.get("/console/appeals")).status == 403
    await chief.post("/console/moderators/role", name="bob", role="auditor")
    assert (await bob.get("/console/appeals")).status == 200
    page = await chief.post("/console/moderators/role", name="bob", role="")
    assert page.location == "/console/moderators?said=removed"
    assert (await bob.get("/console/appeals")).status == 303
    assert "bob" not in (await chief.get("/console/moderators")).text


async def test_an_account_is_disabled_and_its_sessions_end(as_role: Any) -> None:
    chief, bob = await as_role(), await as_role(Role.MODERATOR, "bob")
    await chief.post("/console/moderators/sessions", name="bob")
    assert (await bob.get("/console/account")).status == 303
    await chief.post("/console/moderators/disable", name="bob")
    assert "disabled" in (await chief.get("/console/moderators")).text
    page = await chief.post("/console/moderators/disable", name="bob", enable="1")
    assert "enabled again" in (await chief.get(page.location)).text
    page = await chief.post("/console/moderators/link", name="bob")
    assert "lets bob in once" in page.text


async def test_nobody_locks_himself_out(as_role: Any) -> None:
    chief = await as_role()
    for path in ("role", "disable", "sessions", "link"):
        assert (await chief.post(f"/console/moderators/{path}", name="admin", role="moderator")).status == 409, path
    assert (await chief.get("/console/moderators")).status == 200


async def test_who_also_works_elsewhere_is_not_ours_to_keep_out(as_role: Any, account: Any, client: Any) -> None:
    chief = await as_role()
    await account("bob", roles={"daily": Role.MODERATOR, "weekly": Role.ADMIN})
    await account("eve", roles={"weekly": Role.ADMIN})
    for path in ("disable", "sessions", "link"):
        assert (await chief.post(f"/console/moderators/{path}", name="bob")).status == 409, path
    for path in ("role", "disable", "sessions", "link"):
        assert (await chief.post(f"/console/moderators/{path}", name="eve", role="moderator")).status == 404, path
    await chief.post("/console/moderators/role", name="bob", role="")
    assert (await client.server.app[keys.STORE].accounts.get("bob")).roles == {"weekly": Role.ADMIN}
    # An account that is there gets the site, and no link: its owner has a way in.
    page = await chief.post("/console/moderators", name="eve", role="auditor")
    assert page.location == "/console/moderators?said=role"
    assert (await client.server.app[keys.STORE].accounts.get("eve")).roles["daily"] is Role.AUDITOR
