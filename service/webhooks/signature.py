"""Standard Webhooks signatures (https://github.com/standard-webhooks/standard-webhooks, spec version 1)."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable

PREFIX = "whsec_"
SECRET_BYTES = 32
MIN_BYTES, MAX_BYTES = 24, 64


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sign(secrets_: Iterable[str], message_id: str, timestamp: int, body: bytes) -> str:
    """The header webhook-signature: one signature for each secret. There are more than one for a day after a rotation.

    `timestamp`: Unix seconds of this attempt. `body`: the exact bytes sent.
    """
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    return " ".join("v1," + _mac(key_of(secret), signed) for secret in secrets_)


def key_of(secret: str) -> bytes:
    """The key bytes of a secret in its text form. Raises ValueError; the message does not quote the secret."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"a webhook secret is {PREFIX} and base64") from None
    if not secret.startswith(PREFIX) or not MIN_BYTES <= len(key) <= MAX_BYTES:
        raise ValueError(f"a webhook secret is {PREFIX} and base64 of {MIN_BYTES} to {MAX_BYTES} bytes")
    return key


def _mac(key: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
