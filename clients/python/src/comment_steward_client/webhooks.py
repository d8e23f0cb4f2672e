"""Checks webhooks of Steward (Standard Webhooks)."""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Iterable, Mapping

from comment_steward_client.errors import BadSignature
from comment_steward_client.values import Event, event

TOLERANCE_S = 300
# Seconds since 1970 have ten digits; int() and the comparison refuse much longer numbers in ways of their own.
MOST_DIGITS = 15


def verify(
    secret: str | Iterable[str],
    headers: Mapping[str, str],
    body: bytes,
    *,
    tolerance_s: float = TOLERANCE_S,
    now: float | None = None,
) -> Event:
    """The event of a webhook. `body`: the bytes as received, before parsing. `secret`: `whsec_…`, or several.

    Raises BadSignature if it is not ours, or older than `tolerance_s`. An event may arrive twice: see Event.
    """
    named = {name.lower(): value for name, value in headers.items()}
    message_id, sent_at = named.get("webhook-id", ""), named.get("webhook-timestamp", "")
    if not (sent_at.isascii() and sent_at.isdigit() and len(sent_at) <= MOST_DIGITS):
        raise BadSignature("the header webhook-timestamp is missing or not a number")
    if abs((time.time() if now is None else now) - int(sent_at)) > tolerance_s:
        raise BadSignature("the webhook is too old, or the clocks differ")
    secrets = [secret] if isinstance(secret, str) else list(secret)
    signed = f"{message_id}.{sent_at}.".encode() + body
    given = named.get("webhook-signature", "").split(" ")
    if not any(_is_signature(each, signed, given) for each in secrets):
        raise BadSignature("the signature is missing or wrong")
    told = json.loads(body)
    return event({**told.get("data", {}), "type": told["type"]})


def _is_signature(secret: str, signed: bytes, given: Iterable[str]) -> bool:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise ValueError("the secret must begin with whsec_ and go on in base64") from None
    expected = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return any(hmac.compare_digest(expected.encode(), each.encode()) for each in given)
