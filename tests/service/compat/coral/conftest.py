"""A site that a Coral sends its comments of, and the Coral: it signs as coral-external-moderation.md says."""

import copy
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from service import app_keys as keys
from service.values.access import SigningSecret, new_id
from service.webhooks.sealing import Sealer

SECRET = "empsec_4b1f0c9a7e"

QUESTION = {
    "action": "NEW",
    "comment": {"body": "<div>Thank you for this article.</div>", "parentID": None},
    "author": {"id": "u-1", "role": "COMMENTER"},
    "story": {"id": "s-1", "url": "https://news.example/story"},
    "site": {"id": "site-1"},
    "tenantID": "t-1",
    "tenantDomain": "comments.example",
}


def sign(body: bytes, *secrets: str) -> str:
    return ",".join(f"sha256={hmac.new(s.encode(), body, hashlib.sha256).hexdigest()}" for s in secrets)


def question(text: str = "", **more: Any) -> dict[str, Any]:
    asked: dict[str, Any] = copy.deepcopy(QUESTION) | more
    if text:
        asked["comment"]["body"] = text
    return asked


def printed(value: Any) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode()


@dataclass(frozen=True)
class Coral:
    """Asks like Coral's phase does; `secrets` are those that it signs with."""

    caller: Any
    site: str = "daily"
    secrets: tuple[str, ...] = (SECRET,)

    async def __call__(self, text: str = "", **more: Any) -> Any:
        return await self.send(printed(question(text, **more)))

    async def send(self, body: bytes, *, signature: str | None = None, **more: Any) -> Any:
        headers = {"X-Coral-Signature": sign(body, *self.secrets) if signature is None else signature}
        headers |= {"User-Agent": "Coral Moderation/9.11.8", **more.pop("headers", {})}
        return await self.caller.send(more.pop("path", f"/coral/{self.site}"), body, headers=headers, **more)


async def _keep(app: Any, secret: str, site: str = "daily", sealer: Sealer | None = None) -> SigningSecret:
    record = SigningSecret(new_id(), site, "newsroom", (sealer or Sealer()).seal(secret), datetime.now(UTC))
    await app[keys.STORE].access.keep_signing_secret(record)
    await app[keys.DIRECTORY].refresh()
    return record


@pytest.fixture(scope="session")
def keep() -> Callable[..., Awaitable[SigningSecret]]:
    """Adds a signing secret to a running service."""
    return _keep


@pytest.fixture(scope="session")
def coral_of() -> type[Coral]:
    return Coral


@pytest.fixture
async def coral(app: Any, client: Any, admin: Any) -> Coral:
    await _keep(app, SECRET)
    return Coral(type(admin)(client, None))


@pytest.fixture
def wish(admin: Any) -> Callable[..., Awaitable[None]]:
    """Sets thresholds and the site's wishes of Coral."""

    async def wish(decision: str | dict[str, Any] | None = None, **wishes: Any) -> None:
        always = {"approve": {"toxicity": {}}, "review": {"toxicity": {"review_at": 0}}}
        always["reject"] = {"toxicity": {"reject_at": 0}}
        limits = always[decision] if isinstance(decision, str) else decision or always["review"]
        body = {"thresholds": limits, "protocols": {"coral": {"budget_ms": 10_000, **wishes}}}
        reply = await admin("PUT", "/v1/policies/default", body)
        assert reply.status == 200, reply.body

    return wish
