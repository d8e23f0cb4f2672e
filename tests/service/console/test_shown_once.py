"""What is shown only once is shown, or not stored, though Redis goes away in the middle of the request."""

import re
from datetime import UTC, datetime
from typing import Any

import msgspec
import pyotp
import pytest
from lost_redis import away_after

from service import app_keys as keys
from service.values.accounts import RECOVERY_CODES, recovery_digests

DAILY, URL = "daily", "https://127.0.0.1/hook"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
LOST = "0000-1111-2222-3333"


@pytest.fixture
def settings(settings: Any) -> Any:
    return msgspec.structs.replace(settings, webhook_allow_private=True, relay=False, shards=3)


@pytest.fixture
def store(client: Any) -> Any:
    return client.server.app[keys.STORE]


async def in_force(client: Any, store: Any) -> list[str]:
    endpoint = await store.outbox.endpoints.get(DAILY)
    return [client.server.app[keys.WEBHOOKS]._sealer.unseal(each) for each in endpoint.secrets]  # noqa: SLF001 - a secret is read nowhere else


async def test_a_secret_of_webhooks_in_the_console(as_role: Any, client: Any, store: Any) -> None:
    chief = await as_role()
    with away_after(store, "put_endpoint", 3):
        page = await chief.post("/console/webhooks", url=URL, include_text="1")
    (first,) = re.findall(r'id="secret">(whsec_[^<]+)<', page.text)
    assert "1 active secret" in page.text
    assert f'value="{URL}"' in page.text
    with away_after(store, "rotate_secret"):
        page = await chief.post("/console/webhooks/rotate")
    (second,) = re.findall(r'id="secret">(whsec_[^<]+)<', page.text)
    assert "2 active secrets" in page.text
    assert await in_force(client, store) == [second, first]


async def test_a_secret_of_webhooks_in_the_api(admin: Any, client: Any, store: Any) -> None:
    with away_after(store, "put_endpoint", 3):
        reply = await admin("PUT", "/v1/webhooks", {"url": URL, "include_text": True})
    assert reply.status == 200, reply.body
    assert await in_force(client, store) == [reply.body["secret"]]
    assert reply.body == {**(await admin.get("/v1/webhooks")).body, "secret": reply.body["secret"]}


@pytest.mark.parametrize("shards", [1, 2])
async def test_an_endpoint_that_could_not_be_set_leaves_no_secret(
    admin: Any, client: Any, store: Any, shards: int
) -> None:
    with away_after(store, "put_endpoint", shards):
        assert (await admin("PUT", "/v1/webhooks", {"url": URL})).status == 503
    shown = (await admin.get("/v1/webhooks")).body
    assert (shown["url"], shown["has_secret"]) == (None, False)
    again = await admin("PUT", "/v1/webhooks", {"url": URL})
    assert await in_force(client, store) == [again.body["secret"]]


@pytest.mark.parametrize("path", ["/console/moderators", "/console/moderators/link"])
async def test_a_link_for_a_moderator(as_role: Any, browser: Any, account: Any, store: Any, path: str) -> None:
    chief = await as_role()
    if path.endswith("link"):
        await account("eve")
    with away_after(store, "issue_ticket"):
        page = await chief.post(path, name="eve", role="moderator")
    assert page.status == 200
    (ticket,) = re.findall(r"/console/sign-in/link\?ticket=([\w-]+)", page.text)
    await browser.post("/console/sign-in/link", ticket=ticket)
    assert "eve" in (await browser.get("/console/account")).text


async def test_recovery_codes_of_whoever_lost_the_app(signed_in: Any, store: Any) -> None:
    ann = await signed_in(totp=f"plain:{SECRET}", recovery=recovery_digests("ann", [LOST]))
    with away_after(store, "put_account", 2):  # the code is used up, then the new ones are stored
        page = await ann.post("/console/account/recovery-codes", code=LOST)
    await codes_are_those_of(store, page)


async def test_recovery_codes_with_a_new_second_factor(signed_in: Any, store: Any) -> None:
    ann = await signed_in()
    code = pyotp.TOTP(SECRET).at(datetime.now(UTC))
    with away_after(store, "put_account"):
        page = await ann.post("/console/account/second-factor", secret=SECRET, code=code)
    await codes_are_those_of(store, page)


async def codes_are_those_of(store: Any, page: Any) -> None:
    assert page.status == 200, page.text
    codes = re.findall(r'<code class="recovery">([^<]+)</code>', page.text)
    assert len(codes) == RECOVERY_CODES
    assert (await store.accounts.get("ann")).recovery == recovery_digests("ann", codes)


async def test_no_change_of_an_account_is_without_its_entry_in_the_trail(signed_in: Any, store: Any) -> None:
    ann = await signed_in(totp=f"plain:{SECRET}")
    with away_after(store, "put_account"):
        await ann.post("/console/account/recovery-codes", code=pyotp.TOTP(SECRET).at(datetime.now(UTC)))
    entries, _ = await store.audit.page(DAILY, "", 100)
    assert "recovery_codes_made" in [each.details["action"] for each in entries]
