"""What a Redis server says of itself, for operators."""

from datetime import UTC, datetime

from msgspec import Struct

from service.redis.pipe import Pipe


class ServerFacts(Struct, frozen=True):
    """`max_bytes`: 0: no limit. `at`: the server's clock."""

    version: str
    used_bytes: int
    max_bytes: int
    at: datetime

    @property
    def fullness(self) -> float:
        return self.used_bytes / self.max_bytes if self.max_bytes else 0.0


async def facts(pipe: Pipe) -> ServerFacts:
    """Of one server; of a Cluster, of one node. Raises StoreUnavailable."""
    server, memory = await pipe.call("INFO", "server"), await pipe.call("INFO", "memory")
    seconds, micros = await pipe.call("TIME")
    return ServerFacts(
        _field(server, "valkey_version") or _field(server, "redis_version"),
        int(_field(memory, "used_memory") or 0),
        int(_field(memory, "maxmemory") or 0),
        datetime.fromtimestamp(int(seconds) + int(micros) / 1e6, UTC),
    )


def _field(info: bytes, name: str) -> str:
    lines = (line.partition(":") for line in info.decode(errors="replace").splitlines())
    return next((value.strip() for key, _, value in lines if key == name), "")
