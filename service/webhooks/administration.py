"""Administers a site's webhooks: set, rotate the secret, send a test. Also starts the relay."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import datetime

from yarl import URL

from service.cases.statements import PAGES
from service.settings import Settings
from service.store import Store
from service.store.endpoint import MOST_OLDER, Endpoint, TooManySecrets
from service.store.outbox import Event
from service.values.errors import Conflict
from service.webhooks import guard, message
from service.webhooks.delivery import DeliveryOutcome, WebhookSender, open_sender
from service.webhooks.relay import PARALLEL, Relay
from service.webhooks.schedule import Schedule
from service.webhooks.sealing import Sealer
from service.webhooks.signature import new_secret

# How long a replaced secret stays valid.
OVERLAP_S = 86_400
LOOK_UP_S = 5.0


class Webhooks:
    def __init__(self, settings: Settings, store: Store, sender: WebhookSender, sealer: Sealer) -> None:
        self._settings = settings
        self._store = store
        self._sender = sender
        self._sealer = sealer

    def refusal(self, url: str) -> str | None:
        """Why no webhook may go to this URL; None if it is acceptable. Makes no DNS query."""
        return guard.refusal(url, self._settings.webhook_allow_private)

    async def refusal_now(self, url: str) -> str | None:
        """Like `refusal`, and resolves the name too. Every connection checks the addresses again."""
        if problem := self.refusal(url):
            return problem
        if self._settings.webhook_proxy is not None:
            return None  # the proxy resolves the name, perhaps one that we cannot
        parsed = URL(url)
        try:
            async with asyncio.timeout(LOOK_UP_S):
                await guard.CheckedResolver(self._settings.webhook_allow_private).resolve(
                    parsed.raw_host or "", parsed.port or 0
                )
        except guard.AddressRefused as error:
            return str(error)
        except OSError:
            return "names a host that cannot be found"
        return None

    async def put(self, site: str, url: str, *, include_text: bool, actor: str) -> str | None:
        """Set and enable the endpoint. Returns the secret if it is the site's first; it is not shown again."""
        secret = new_secret()
        is_first = await self._store.outbox.endpoints.put(
            site, url, include_text=include_text, actor=actor, first_secret=self._sealer.seal(secret)
        )
        return secret if is_first else None

    async def rotate(self, site: str, actor: str) -> tuple[str, datetime | None]:
        """A new secret, and until when the previous one stays valid (None: there was none).

        Raises Conflict if too many from before are still valid.
        """
        secret, endpoints = new_secret(), self._store.outbox.endpoints
        try:
            return secret, await endpoints.rotate(site, self._sealer.seal(secret), OVERLAP_S, actor)
        except TooManySecrets as error:
            until = error.until.isoformat(timespec="seconds")
            detail = f"{MOST_OLDER} older secrets still sign; the next one can be made at {until}, when the oldest ends"
            raise Conflict("too_many_secrets", detail, {"until": until}) from error

    async def test(self, site: str, endpoint: Endpoint) -> tuple[str, DeliveryOutcome]:
        """Send a webhook.test now and return its message id and outcome. The endpoint must have a URL and a secret."""
        now_ms = time.time_ns() // 1_000_000
        event = Event(
            comment="test",
            revision=1,
            version=now_ms,
            at=now_ms,
            type="webhook.test",
            status="pending",
            decided_by="model",
        )
        message_id = message.message_id(site, event)
        secrets = [self._sealer.unseal(kept) for kept in endpoint.secrets]
        body = message.body(site, event, "A test." if endpoint.include_text else None)
        return message_id, await self._sender.post(endpoint.url or "", message_id, body, secrets)

    @contextlib.asynccontextmanager
    async def relayed(self) -> AsyncIterator[None]:
        """Runs a relay, which delivers the events in the outbox."""
        schedule, public_url = Schedule.parse(self._settings.webhook_schedule), self._settings.public_url
        relay = Relay(
            self._store,
            self._sender,
            self._sealer,
            schedule,
            self._settings.webhook_timeout_s,
            pages=None if public_url is None else public_url.rstrip("/") + PAGES,
            background=self._store.background,
        )
        async with relay.running():
            yield


@contextlib.asynccontextmanager
async def open_webhooks(settings: Settings, store: Store) -> AsyncIterator[Webhooks]:
    """Raises SettingsError if the keys for secrets cannot be read."""
    sealer = Sealer.open(settings.secret_file)
    async with open_sender(
        timeout_s=settings.webhook_timeout_s,
        connections=2 * PARALLEL,
        allow_private=settings.webhook_allow_private,
        proxy=settings.webhook_proxy,
    ) as sender:
        yield Webhooks(settings, store, sender, sealer)
