"""Parses STEWARD_REDIS_URL: the address of one server, a Sentinel set or a Cluster.

    redis://, rediss://, unix://                                  one server, as redis-py reads it
    redis+sentinel://[user:password@]host[:port],.../name[/db]    the Sentinels that monitor the service `name`
    redis+cluster://[user:password@]host[:port],...               some nodes of a Cluster

rediss+... uses TLS. Options after "?" are redis-py's. User and password are those of the servers; the options
sentinel_username and sentinel_password are those of the Sentinels.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Never
from urllib.parse import unquote, urlsplit

from redis.asyncio.connection import SSLConnection, parse_url

from service.values.errors import SettingsError

Node = tuple[str, int]

_DEFAULT_PORT = {"sentinel": 26379, "cluster": 6379}
_FORMS = "redis://, rediss://, unix://, redis+sentinel://, rediss+sentinel://, redis+cluster:// or rediss+cluster://"


@dataclass(frozen=True, slots=True)
class Address:
    """`options`: redis-py's options for a connection to a server; for a single server they include its address."""

    kind: Literal["server", "sentinel", "cluster"]
    options: Mapping[str, Any]
    nodes: tuple[Node, ...] = ()
    service: str = ""
    sentinel_options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Where it is, without user and password, for people."""
        if self.nodes:
            return ",".join(f"{host}:{port}" for host, port in self.nodes)
        host, port = self.options.get("host", "localhost"), self.options.get("port", 6379)
        return str(self.options.get("path") or f"{host}:{port}")

    def at(self, host: str, port: int) -> "Address":
        """The address of one node of the Cluster."""
        return Address("server", {**self.options, "host": host, "port": port})


def parse(url: str) -> Address:
    """Raises SettingsError; its message holds no part of the URL that could be secret."""
    scheme, found, rest = url.partition("://")
    base, _, kind = scheme.partition("+")
    if not found or base not in {"redis", "rediss", "unix"}:
        _refuse(f"must begin with {_FORMS}")
    if not kind:
        return Address("server", _server_options(url))
    if base == "unix" or kind not in _DEFAULT_PORT:
        _refuse(f"must begin with {_FORMS}")
    place, _, query = rest.partition("?")
    authority, _, path = place.partition("/")
    credentials, at, hosts = authority.rpartition("@")
    nodes = tuple(_node(host, _DEFAULT_PORT[kind]) for host in hosts.split(","))
    service, db = _service(path) if kind == "sentinel" else ("", _no_database(path))
    options = _parsed(f"{base}://{credentials}{at}unused/{db}?{query}")
    del options["host"]
    if kind == "cluster":
        return Address("cluster", options, nodes)
    if options.pop("connection_class", None) is SSLConnection:
        options["ssl"] = True
    of_sentinels = {name: value for name, value in options.items() if name.startswith(("ssl", "sentinel_"))}
    return Address(
        "sentinel",
        {name: value for name, value in options.items() if not name.startswith("sentinel_")},
        nodes,
        service,
        {name.removeprefix("sentinel_"): value for name, value in of_sentinels.items()},
    )


def _server_options(url: str) -> dict[str, Any]:
    options = _parsed(url)
    if url.startswith("unix:") and "path" not in options:
        _refuse("unix:// needs the path of a socket")
    return options


def _parsed(url: str) -> dict[str, Any]:
    try:
        return dict(parse_url(url))
    except ValueError as error:
        # The message, "Port could not be cast to integer value as 'secret'", may quote a part of the password.
        raise SettingsError(_problem("has a host, port or option that cannot be read")) from error


def _node(host: str, default_port: int) -> Node:
    try:
        parts = urlsplit(f"//{host}")
        name, port = parts.hostname, parts.port
    except ValueError:
        name, port = None, None
    if not name:
        _refuse("must name its hosts as host1:port1,host2:port2")
    return unquote(name), default_port if port is None else port


def _service(path: str) -> tuple[str, int]:
    service, _, db = path.partition("/")
    if not service:
        _refuse("needs the name that the Sentinels know the server by: redis+sentinel://host1,host2/name")
    return unquote(service), _number(db)


def _no_database(path: str) -> int:
    if _number(path) != 0:
        _refuse("names a database; a Cluster has only database 0")
    return 0


def _number(db: str) -> int:
    if db and not db.isdecimal():
        _refuse("names a database that is no number")
    return int(db or 0)


def _refuse(problem: str) -> Never:
    raise SettingsError(_problem(problem))


def _problem(problem: str) -> str:
    return f"STEWARD_REDIS_URL {problem}"
