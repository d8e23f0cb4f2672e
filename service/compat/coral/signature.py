"""Who asks: an HMAC over the body as it came, by any of the secrets of a site (coral-external-moderation.md, A2)."""

import hmac
import logging
from collections.abc import Sequence

from service.values.access import SigningSecret
from service.webhooks.vault import SecretUnreadable, Vault

log = logging.getLogger(__name__)

HEADER = "X-Coral-Signature"
ALGORITHM = "sha256"
# Coral signs with the newest secret and those not yet expired: a handful.
MOST_SIGNATURES = 16
# Where a site has no secret the same work is done with this one, which nobody has: an answer tells no sites apart.
_NOBODYS = "empsec_nobody"


def signatures(header: str) -> list[str]:
    """The hexadecimal signatures of a header, however many it names of whatever kind."""
    pieces = (piece.partition("=") for piece in header.split(","))
    return [value for name, _, value in pieces if name == ALGORITHM][:MOST_SIGNATURES]


def expected(secret: str, body: bytes) -> str:
    return hmac.digest(secret.encode(), body, ALGORITHM).hex()


def is_signed(header: str, body: bytes, secrets: Sequence[str]) -> bool:
    """Whether one of the signatures is one of a secret; all are compared, each in constant time."""
    given = [each.encode(errors="replace") for each in signatures(header)]
    is_good = False
    for secret in secrets or (_NOBODYS,):
        right = expected(secret, body).encode()
        for each in given:
            # Bytes of any length may be compared; text must be ASCII, and what a stranger sends need not be.
            is_good |= hmac.compare_digest(each, right) and bool(secrets)
    return is_good


class Secrets:
    """Unsealed once, not for each request."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._unsealed: dict[str, str | None] = {}

    def of(self, kept: Sequence[SigningSecret]) -> list[str]:
        """The texts of those that can be read."""
        return [text for each in kept if (text := self._text(each)) is not None]

    def _text(self, kept: SigningSecret) -> str | None:
        if kept.sealed not in self._unsealed:
            if len(self._unsealed) >= _MOST_KEPT:  # some were removed since
                self._unsealed.clear()
            self._unsealed[kept.sealed] = self._unseal(kept)
        return self._unsealed[kept.sealed]

    def _unseal(self, kept: SigningSecret) -> str | None:
        try:
            return self._vault.unseal(kept.sealed)
        except SecretUnreadable:
            log.error("STEWARD_SECRET_FILE lacks the key of the signing secret %s of %s", kept.id, kept.site)
            return None


_MOST_KEPT = 1000
