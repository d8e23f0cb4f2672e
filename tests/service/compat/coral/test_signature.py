"""The signature of Coral's requests: over the bytes as they came, by any secret that is good now."""

from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.fernet import Fernet, MultiFernet
from hypothesis import given
from hypothesis import strategies as st

from service import app_keys as keys
from service.compat.coral.signature import MOST_SIGNATURES, Secrets, expected, is_signed
from service.values.access import SigningSecret
from service.webhooks.sealing import Sealer

# coral-external-moderation.md, A2
VECTORS = {
    b"{}": "6fcb6eb8dbdd0edd1544f6e0fdd93f784bc66c6f89a65b7fc34a7c2df804f967",
    b'{\n  "action": "NEW"\n}': "cdd5ebb15881eef9e35eb8de9583c7194874b333b3d36bcbdd42ab8c7160b512",
}
BODY = b'{\n  "action": "NEW"\n}'
GOOD = f"sha256={VECTORS[BODY]}"


@pytest.mark.parametrize(("body", "signature"), VECTORS.items())
def test_the_signature_is_that_of_the_published_vectors(body: bytes, signature: str) -> None:
    assert expected("empsec_test", body) == signature
    assert is_signed(f"sha256={signature}", body, ["empsec_test"])


@pytest.mark.parametrize(
    "header",
    [
        GOOD,
        f"sha256={'0' * 64},{GOOD}",
        f"{GOOD},sha256=",
        f"sha1=abc,{GOOD}",
        f"sha256={'0' * 64}, {GOOD}",
        f"md5,,=,{GOOD}",
    ],
)
def test_one_signature_that_is_right_is_enough(header: str) -> None:
    assert is_signed(header, BODY, ["empsec_test"])
    assert is_signed(header, BODY, ["empsec_before", "empsec_test", "empsec_after"])


@pytest.mark.parametrize(
    "header",
    [
        "",
        "sha256",
        "sha256=",
        VECTORS[BODY],
        GOOD[:-1],
        f"{GOOD}0",
        f"{GOOD} ",
        GOOD.upper(),
        f"sha512={VECTORS[BODY]}",
        f"sha256=sha256={VECTORS[BODY]}",
        f"sha256={VECTORS[b'{}']}",
        "sha256=\u0660\xff\udcff",
        f"{'sha256=0,' * MOST_SIGNATURES}{GOOD}",
    ],
)
def test_any_other_header_opens_nothing(header: str) -> None:
    assert not is_signed(header, BODY, ["empsec_test"])


def test_the_same_json_printed_otherwise_is_another_body() -> None:
    assert not is_signed(GOOD, b'{"action":"NEW"}', ["empsec_test"])


def test_where_there_is_no_secret_nothing_opens() -> None:
    assert not is_signed(f"sha256={expected('empsec_nobody', BODY)}", BODY, [])


@given(st.text(st.characters(codec=None), max_size=200), st.binary(max_size=50))
def test_any_header_may_come(header: str, body: bytes) -> None:
    assert not is_signed(header, body, ["empsec_test"])


async def test_both_sides_may_have_several_secrets(app: Any, coral: Any, coral_of: Any, keep: Any) -> None:
    """Coral signs with all that have not expired; we hold all that were not removed."""
    new = await keep(app, "empsec_new")
    for secrets in (coral.secrets, ("empsec_new",), (*coral.secrets, "empsec_new"), ("empsec_old", "empsec_new")):
        assert (await coral_of(coral.caller, secrets=secrets)()).status == 204, secrets
    assert (await coral_of(coral.caller, secrets=("empsec_old", "empsec_older"))()).status == 401
    await app[keys.STORE].access.remove_signing_secret(new.id)
    await app[keys.DIRECTORY].refresh()
    assert (await coral_of(coral.caller, secrets=("empsec_new",))()).status == 401
    assert (await coral()).status == 204


async def test_a_secret_is_good_for_its_own_site_only(app: Any, coral: Any, coral_of: Any, keep: Any) -> None:
    await keep(app, "empsec_weekly", "weekly")
    assert (await coral_of(coral.caller, "weekly", ("empsec_weekly",))()).status == 204
    assert (await coral_of(coral.caller, "weekly")()).status == 401


async def test_who_does_not_sign_is_told_nothing_else(coral: Any, redis_server: Any) -> None:
    refused = [
        await coral.send(b"{}", signature=""),
        await coral.send(b"not json", signature="sha256=00"),
        await coral.send(b"{}", path="/coral/nowhere"),
        await coral.send(b"{}", path="/coral/%7Bdaily%7D"),
        await coral.send(b"{}", signature="sha256=" + "0" * 64, content_type="text/plain"),
    ]
    assert {(reply.status, reply.raw) for reply in refused} == {(401, b"")}
    assert all("WWW-Authenticate" not in reply.headers for reply in refused)
    with redis_server.client() as client:
        assert not client.keys("*item*")


def sealed(sealer: Sealer, text: str) -> SigningSecret:
    return SigningSecret("id", "daily", "x", sealer.seal(text), datetime.now(UTC))


def test_a_secret_that_was_sealed_with_a_lost_key_is_said_once_and_opens_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lost, sealer = (Sealer(MultiFernet([Fernet(Fernet.generate_key())])) for _ in range(2))
    kept = [sealed(lost, "empsec_lost"), sealed(sealer, "empsec_good")]
    secrets = Secrets(sealer)
    assert [secrets.of(kept) for _ in range(3)] == [["empsec_good"]] * 3
    assert len(caplog.records) == 1
    assert "empsec" not in caplog.text
