"""The webhook endpoint of a site and its signing secrets."""

from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from service.redis.pipe import Pipe
from service.store.base import fields
from service.store.keyspace import Shard, Shards
from service.store.scripts import script

# Secrets from before rotations that are valid at the same time. Each adds a signature to every webhook.
MOST_OLDER = 5


class TooManySecrets(Exception):
    """MOST_OLDER secrets before the current one are still valid. `until`: when the oldest of them ends."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until


class Endpoint(Struct, frozen=True):
    """A site's own endpoint, and the secrets that sign all its webhooks.

    `url`: None if none is set. `secrets`: the currently valid ones in stored form, newest first; empty until the first
    is created. `disabled_at`: since when nothing is sent, because the receiver answered 410. `previous_until`: when the
    one before the newest ends; those before it end earlier.
    """

    url: str | None = None
    include_text: bool = False
    disabled_at: datetime | None = None
    secrets: tuple[str, ...] = ()
    previous_until: datetime | None = None


class Endpoints:
    def __init__(self, pipe: Pipe, shards: Shards) -> None:
        self._pipe = pipe
        self._shards = shards

    async def get(self, site: str) -> Endpoint:
        endpoint, secrets, now = await self._pipe.run(_GET, [Shard(site).prefix])
        return _read(fields(endpoint), fields(secrets), int(now))

    async def put(self, site: str, url: str, *, include_text: bool, actor: str, first_secret: str = "") -> bool:
        """Set and enable the endpoint. Repeat the call after an error: some shards may have the change already.

        `first_secret`: sealed, stored if the site has no secret yet, in the last step, so that an error before it
        leaves none that nobody has seen. Returns whether it was stored.
        """
        endpoint = {"url": url, "include_text": "1" if include_text else ""}
        return await self._write(site, "webhook_set", actor, first_secret, **endpoint)

    async def remove(self, site: str, actor: str) -> None:
        """Remove the endpoint. Its pending events become dead letters; the secrets stay, for callbacks."""
        await self._write(site, "webhook_removed", actor)

    async def disable(self, site: str, url: str) -> None:
        """Stop sending to `url`, whose receiver answered 410. Changes nothing if the endpoint was replaced."""
        await self._pipe.run(_DISABLE, [Shard(site).prefix], url)

    async def rotate(self, site: str, sealed: str, overlap_s: int, actor: str) -> datetime | None:
        """Add a new secret. Returns until when the previous one stays valid (None: there was none).

        The ones before that stay valid for as long as they would have. Raises TooManySecrets.
        """
        asked = (sealed, overlap_s * 1000, actor, MOST_OLDER)
        is_made, until = await self._pipe.run(_ROTATE, [Shard(site).prefix], *asked)
        if not is_made:
            raise TooManySecrets(datetime.fromtimestamp(until / 1000, UTC))
        return _instant(until)

    async def _write(self, site: str, action: str, actor: str, secret: str = "", **kept: str) -> bool:
        flat = [part for pair in kept.items() for part in pair]
        copies = [shard for shard in self._shards.each(site) if shard.number]
        for shard in copies:
            await self._pipe.run(_PUT, [shard.prefix], "", actor, "", *flat)
        # The first shard, which is authoritative, comes last: until then the site has the endpoint that it had.
        return bool(await self._pipe.run(_PUT, [Shard(site).prefix], action, actor, secret, *flat))


_GET, _PUT, _DISABLE = script("endpoint"), script("put_endpoint"), script("disable_endpoint")
_ROTATE = script("rotate_secret")


def _read(endpoint: dict[str, str], secrets: dict[str, str], now_ms: int) -> Endpoint:
    until = int(secrets.get("until", 0))
    is_rotating = "previous" in secrets and now_ms < until
    good = [secrets["current"]] if "current" in secrets else []
    good += [secrets["previous"]] if is_rotating else []
    good += [secret for ends, secret in _older(secrets.get("older", "[]")) if now_ms < int(ends)]
    return Endpoint(
        endpoint.get("url"),
        bool(endpoint.get("include_text")),
        _instant(int(endpoint.get("disabled", 0))),
        tuple(good),
        _instant(until) if is_rotating else None,
    )


# As rotate_secret.lua writes them: until when (ms), and the sealed secret; newest first.
_older = msgspec.json.Decoder(list[tuple[str, str]]).decode


def _instant(ms: int) -> datetime | None:
    return datetime.fromtimestamp(ms / 1000, UTC) if ms else None
