"""Checks the signature: an HMAC of the raw body with any secret of the site (coral-external-moderation.md, A2)."""

import hmac
import logging
from collections.abc import Sequence

from service.values.access import SigningSecret
from service.webhooks.sealing import Sealer, SecretUnreadable

log = logging.getLogger(__name__)

HEADER = "X-Coral-Signature"
ALGORITHM = "sha256"
# Coral signs with the newest secret and those not yet expired: a handful.
MOST_SIGNATURES = 16
# Used for a site without secrets, so that the timing of the answer does not reveal which sites exist.
_NOBODYS = "empsec_nobody"


def signatures(header: str) -> list[str]:
    """The hexadecimal signatures in a header, which may hold several of different kinds."""
    pieces = (piece.partition("=") for piece in header.split(","))
    return [value for name, _, value in pieces if name.strip() == ALGORITHM][:MOST_SIGNATURES]


def expected(secret: str, body: bytes) -> str:
    return hmac.digest(secret.encode(), body, ALGORITHM).hex()


def is_signed(header: str, body: bytes, secrets: Sequence[str]) -> bool:
    """Whether any signature matches any secret. Compares all of them, each in constant time."""
    given = [each.encode(errors="replace") for each in signatures(header)]
    is_good = False
    for secret in secrets or (_NOBODYS,):
        right = expected(secret, body).encode()
        for each in given:
            # compare_digest accepts any bytes, but only ASCII text, and the header may hold anything.
            is_good |= hmac.compare_digest(each, right) and bool(secrets)
    return is_good


class Secrets:
    """Decrypts each secret once instead of for each request."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._unsealed: dict[str, str | None] = {}

    def of(self, kept: Sequence[SigningSecret]) -> list[str]:
        """The secrets that can be decrypted."""
        return [text for each in kept if (text := self._text(each)) is not None]

    def _text(self, kept: SigningSecret) -> str | None:
        if kept.sealed not in self._unsealed:
            if len(self._unsealed) >= _MOST_KEPT:  # drop those removed since
                self._unsealed.clear()
            self._unsealed[kept.sealed] = self._unseal(kept)
        return self._unsealed[kept.sealed]

    def _unseal(self, kept: SigningSecret) -> str | None:
        try:
            return self._sealer.unseal(kept.sealed)
        except SecretUnreadable:
            log.error("STEWARD_SECRET_FILE lacks the key of the signing secret %s of %s", kept.id, kept.site)
            return None


_MOST_KEPT = 1000
