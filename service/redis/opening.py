"""Opens the kind of connection that STEWARD_REDIS_URL asks for."""

from service.redis.address import parse
from service.redis.cluster import ClusterPipe
from service.redis.connect import Durability, Link
from service.redis.pipe import Pipe, ServerPipe
from service.settings import Settings


def open_pipe(settings: Settings, url: str, durability: Durability) -> Pipe:
    """Connects on first use. Raises SettingsError if the URL is invalid."""
    address = parse(url)
    timeout_s, max_pending = settings.store_timeout_s, settings.max_pending_writes
    if address.kind == "cluster":
        return ClusterPipe(address, durability, timeout_s, max_pending, settings.wait_replicas)
    link = Link(address, durability, timeout_s)
    return ServerPipe(link, timeout_s, max_pending, settings.wait_replicas)
