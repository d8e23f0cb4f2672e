"""What an operator can change: one frozen object, read from the environment once."""

import ipaddress
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from platformdirs import user_data_path

from service import access
from service.errors import SettingsError

PREFIX = "STEWARD_"

_LOOPBACK_OR_TLS = re.compile(r"https://|http://(localhost|127\.0\.0\.1|\[::1\])[:/]?")


@lru_cache
def networks(text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """Of a list with commas. Raises ValueError."""
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


@lru_cache
def origins(text: str) -> frozenset[str]:
    """Of a list with commas, as browsers write them: no slash at the end."""
    return frozenset(part.strip().rstrip("/") for part in text.split(",") if part.strip())


def default_data_dir() -> Path:
    return user_data_path("steward")


class Settings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Every field is the environment variable STEWARD_<FIELD>. Defaults suit a laptop."""

    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on; 0 takes a free one.")] = 8080
    public_url: (
        Annotated[
            str,
            Meta(
                pattern=r"^https?://[^/\s@?#]+/?$(?!\n)",
                description="Scheme and host under which clients reach the service. Unset: those of each request.",
            ),
        ]
        | None
    ) = None
    trusted_proxies: Annotated[
        str,
        Meta(description="Addresses and networks, with commas, whose X-Forwarded-For, -Proto and -Host are believed."),
    ] = ""
    cors_origins: Annotated[
        str,
        Meta(description="Origins, with commas, or *, whose pages may call the Perspective API; empty: none may."),
    ] = ""
    akismet_domain: (
        Annotated[
            str,
            Meta(
                pattern=r"^[a-z0-9.-]{1,253}$(?!\n)",
                description="Domain of host names that begin with the label of a key, as <label>.akismet.example does; "
                "for Akismet clients that put the key there. `steward keys label` prints labels.",
            ),
        ]
        | None
    ) = None
    workers: Annotated[int, Meta(ge=1, le=256, description="Service processes that share the port.")] = 1
    metrics_port: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=65535,
                description="Serve /metrics on this port instead, to whoever reaches it. Unset: on the port of the "
                "service, to keys with the scope admin.",
            ),
        ]
        | None
    ) = None
    metrics_host: Annotated[
        str, Meta(description="Address for STEWARD_METRICS_PORT; another one only where nobody else reaches it.")
    ] = "127.0.0.1"
    redis_url: Annotated[
        str | None,
        Meta(
            description="Redis to use: redis://, rediss:// or unix:// for one server, "
            "redis+sentinel://[user:password@]host:port,host:port/name for a Sentinel set, "
            "redis+cluster://[user:password@]host:port,host:port for a Cluster; rediss+ for TLS. "
            "Unset: start the embedded Redis."
        ),
    ] = None
    wait_replicas: Annotated[
        int,
        Meta(
            ge=0,
            le=10,
            description="Replicas that must confirm a write before it is acknowledged, else 503; "
            "as many as could be promoted, if a failover must lose nothing.",
        ),
    ] = 0
    data_dir: Annotated[
        Path | None, Meta(description="Folder for the embedded Redis and for models. Unset: the user's data folder.")
    ] = None
    readers: Annotated[
        Literal["both", "fast"],
        Meta(
            description="Who reads a comment: both readers of the model, or the fast one alone, which judges fewer "
            "languages and understands no sentences."
        ),
    ] = "both"
    accept_loss: Annotated[
        bool, Meta(description="Start although Redis is set up so that acknowledged comments can be lost.")
    ] = False
    allow_py_parser: Annotated[bool, Meta(description="Start although aiohttp's compiled HTTP parser is missing.")] = (
        False
    )
    store_timeout_s: Annotated[
        float, Meta(gt=0, le=30, description="Seconds until a write to Redis that gets no reply is given up with 503.")
    ] = 0.45
    max_pending_writes: Annotated[
        int, Meta(ge=1, description="Writes waiting for Redis in one process; beyond it callers get 503 at once.")
    ] = 10_000
    max_connections: Annotated[
        int, Meta(ge=1, le=1_000_000, description="Connections that one process holds; beyond it new ones get 503.")
    ] = 10_000
    max_connections_per_address: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000_000,
            description="Those of one address; beyond it new ones get 429. Of STEWARD_TRUSTED_PROXIES any number.",
        ),
    ] = 2_000
    max_waiting_batches: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Batches to score that may wait for a processor in one process; beyond it callers get 503.",
        ),
    ] = 32
    max_queued: Annotated[
        int, Meta(ge=1, description="Comments of one site, in each of its shards, that may wait for moderators.")
    ] = 200_000
    lease_s: Annotated[int, Meta(ge=5, le=3600, description="Seconds a claimed comment stays with a moderator.")] = 300
    max_lease_age_s: Annotated[
        int, Meta(ge=60, le=86_400, description="Seconds after the claim beyond which a lease is not extended.")
    ] = 1800
    max_open_leases: Annotated[int, Meta(ge=1, le=100, description="Comments one moderator may hold at once.")] = 20
    key_rate_per_s: Annotated[
        float, Meta(ge=0, description="Requests a second for a key without its own limit, per process; 0: no limit.")
    ] = 0
    address_rate_per_s: Annotated[
        float,
        Meta(
            ge=0,
            description="Requests a second from one address that bring no valid key, or are for pages of the console "
            "before signing in, per process; ten times as many at once; 0: no limit. Behind a proxy, set "
            "STEWARD_TRUSTED_PROXIES, or all are one address.",
        ),
    ] = 20
    receipt_timeout_s: Annotated[
        float, Meta(gt=0, le=600, description="Seconds for a client to send headers, and again for the body.")
    ] = 10
    text_days: Annotated[
        int, Meta(ge=1, le=3650, description="Days the text of a decided comment is kept in Redis.")
    ] = 30
    label_days: Annotated[
        int, Meta(ge=1, le=3650, description="Days the text of a comment decided by a moderator is kept for training.")
    ] = 365
    event_days: Annotated[int, Meta(ge=1, le=365, description="Days that GET /v1/events goes back.")] = 7
    hash_authors: Annotated[
        bool, Meta(description="Keep authors' ids as keyed hashes, the same for the same author of a site.")
    ] = True
    index_authors: Annotated[
        bool,
        Meta(description="Find comments by author, to show, export or erase them; false: saves some memory in Redis."),
    ] = True
    undo_hold_s: Annotated[
        float,
        Meta(ge=0, le=60, description="Seconds a decision is held back, so that an undo tells nobody."),
    ] = 5
    undo_window_s: Annotated[
        int, Meta(ge=1, le=86_400, description="Seconds in which a moderator can take a decision back.")
    ] = 86_400
    shards: Annotated[
        int,
        Meta(ge=1, le=64, description="Parts of each site's queue, for a Cluster; fixed at the first start."),
    ] = 1
    relay: Annotated[
        bool, Meta(description="Deliver webhooks from within the service; false: only `steward relay` does.")
    ] = True
    webhook_timeout_s: Annotated[
        float, Meta(gt=0, le=60, description="Seconds that the receiver of a webhook has for its answer.")
    ] = 15
    webhook_schedule: Annotated[
        str,
        Meta(
            pattern=r"^[0-9]{1,6}(\.[0-9]{1,3})?(,[0-9]{1,6}(\.[0-9]{1,3})?)*$(?!\n)",
            description="Seconds before each attempt to deliver a webhook, counted from the one before, each ±20 %.",
        ),
    ] = "0,5,300,1800,7200,18000,36000,50400,72000,86400"
    webhook_allow_private: Annotated[
        bool,
        Meta(description="Let webhooks go to private addresses, to any port, and over http: for development."),
    ] = False
    webhook_proxy: (
        Annotated[
            str,
            Meta(
                pattern=r"^https?://[^@\s]+$(?!\n)",
                description="HTTP proxy for webhooks, http://host:port; it must refuse private addresses itself.",
            ),
        ]
        | None
    ) = None
    secret_file: Annotated[
        Path | None,
        Meta(
            description="File with keys that encrypt the secrets of webhooks and of Coral in Redis: 32 random bytes in "
            "base64 on a line; the first encrypts, all decrypt. Unset: the secrets are kept as they are."
        ),
    ] = None
    oidc_issuer: (
        Annotated[
            str,
            Meta(
                pattern=r"^https?://[^\s?#@]+$(?!\n)",
                description="OpenID provider by which moderators may sign in; https, but for the loopback.",
            ),
        ]
        | None
    ) = None
    oidc_client_id: Annotated[str, Meta(description="Our name at the OpenID provider.")] | None = None
    oidc_client_secret_file: Annotated[
        Path | None, Meta(description="File with our secret at the OpenID provider. Unset: we are a public client.")
    ] = None
    oidc_name: Annotated[str, Meta(max_length=64, description="What the console calls the OpenID provider.")] = "OpenID"
    demo: Annotated[
        bool,
        Meta(
            description="Serve a news story at /demo, to see how it all works: whoever reaches it can post comments to "
            "the site `default`."
        ),
    ] = False
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Meta(description="How much is logged.")] = "info"

    def __post_init__(self) -> None:
        try:
            networks(self.trusted_proxies)
        except ValueError as error:
            raise SettingsError(f"{PREFIX}TRUSTED_PROXIES: {error}") from error
        if (self.oidc_issuer is None) != (self.oidc_client_id is None):
            raise SettingsError(f"{PREFIX}OIDC_ISSUER and {PREFIX}OIDC_CLIENT_ID are set together, or neither")
        if self.oidc_issuer is not None and not _LOOPBACK_OR_TLS.match(self.oidc_issuer):
            raise SettingsError(f"{PREFIX}OIDC_ISSUER must be an https address")
        if self.max_lease_age_s < self.lease_s:
            raise SettingsError(
                f"{PREFIX}MAX_LEASE_AGE_S is {self.max_lease_age_s}; "
                f"it must not be below {PREFIX}LEASE_S ({self.lease_s})"
            )

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Without the password that may stand in the address of Redis; other secrets come in files."""
        shown = {name: getattr(self, name) for name in self.__struct_fields__}
        if self.redis_url is not None:
            shown["redis_url"] = access.address_without_password(self.redis_url)
        return list(shown.items())

    @property
    def allowed_origins(self) -> frozenset[str]:
        return origins(self.cors_origins)

    @property
    def data_path(self) -> Path:
        return (self.data_dir or default_data_dir()).expanduser().absolute()


def from_env(environ: Mapping[str, str], **overrides: Any) -> Settings:  # noqa: ANN401 - the fields' own types
    """Build the settings from STEWARD_* variables; an empty variable counts as unset.

    Raises SettingsError naming the variable that is wrong, also one that we do not know.
    """
    given = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(PREFIX) and value and name not in CLIENT_VARIABLES
    }
    unknown = given.keys() - set(Settings.__struct_fields__)
    if unknown:
        names = ", ".join(sorted(f"{PREFIX}{name.upper()}" for name in unknown))
        raise SettingsError(f"unknown setting: {names}")
    given |= {name: value for name, value in overrides.items() if value is not None}
    try:
        return msgspec.convert(given, Settings, strict=False, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise SettingsError(_named(str(error))) from error


# Read by the commands that call a running service and by the tests, not by the service.
CLIENT_VARIABLES = frozenset(f"{PREFIX}{name}" for name in ("URL", "KEY", "TRAIN_DATA", "CHROMIUM", "TEST_SERVER"))


def _decode(kind: type, value: object) -> object:
    if kind is Path:
        return Path(str(value))
    raise NotImplementedError(kind)


def _named(message: str) -> str:
    """From msgspec comes 'Expected `int` … - at `$.lease_s`'; an operator knows the variable."""
    detail, _, path = message.partition(" - at `$.")
    return f"{PREFIX}{path.rstrip('`').upper()}: {detail}" if path else message
