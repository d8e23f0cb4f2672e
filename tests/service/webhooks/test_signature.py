"""Signatures as the Standard Webhooks specification has them."""

import base64

import pytest

from service.webhooks.signature import key_of, new_secret, sign

# The vector of the specification (specs: review queue, 10).
SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
BODY = b'{"type":"decision.created","data":{"comment_id":"c1","decision":"reject","version":2}}'
SIGNED = "v1,g3mzIxG5G73UGuHBdr/T+A3Sfv9SRFmmU3CnkjFgAJc="


def test_the_vector_of_the_specification() -> None:
    assert sign([SECRET], "msg_01", 1760000000, BODY) == SIGNED


def test_while_a_secret_is_rotated_both_sign() -> None:
    other = new_secret()
    both = sign([other, SECRET], "msg_01", 1760000000, BODY).split(" ")
    assert both == [sign([other], "msg_01", 1760000000, BODY), SIGNED]


def test_every_part_is_signed() -> None:
    said = {
        sign([SECRET], "msg_01", 1760000000, BODY),
        sign([SECRET], "msg_02", 1760000000, BODY),
        sign([SECRET], "msg_01", 1760000001, BODY),
        sign([SECRET], "msg_01", 1760000000, BODY + b" "),
    }
    assert len(said) == 4


def test_new_secrets_are_long_and_unlike() -> None:
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(len(key_of(secret)) == 32 for secret in made)


@pytest.mark.parametrize("size", [24, 64])
def test_secrets_of_24_to_64_bytes_are_good(size: int) -> None:
    assert len(key_of("whsec_" + base64.b64encode(bytes(size)).decode())) == size


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_????",
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        base64.b64encode(bytes(32)).decode(),
    ],
)
def test_what_is_no_secret_is_refused_and_not_quoted(secret: str) -> None:
    with pytest.raises(ValueError, match="a webhook secret is whsec_") as refused:
        key_of(secret)
    assert not secret.removeprefix("whsec_") or secret.removeprefix("whsec_") not in str(refused.value)
