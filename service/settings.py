"""The settings: one frozen object, read from the environment once."""

import ipaddress
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from platformdirs import user_data_path

from service.values import access
from service.values.errors import SettingsError
from service.values.networks import has_host

PREFIX = "STEWARD_"

_LOOPBACK_OR_TLS = re.compile(r"https://|http://(localhost|127\.0\.0\.1|\[::1\])[:/]?")


@lru_cache
def networks(text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """Parses a list separated by commas. Raises ValueError."""
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def default_data_dir() -> Path:
    return user_data_path("steward")


class Settings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Every field is the environment variable STEWARD_<FIELD>. Defaults suit a laptop."""

    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on; 0: a free port.")] = 8080
    public_url: (
        Annotated[
            str,
            Meta(
                pattern=r"^https?://[^/\s@?#]+/?$(?!\n)",
                description="Scheme and host by which clients reach the service. Unset: those of each request.",
            ),
        ]
        | None
    ) = None
    trusted_proxies: Annotated[
        str,
        Meta(
            description="Addresses and networks of proxies, separated by commas, whose X-Forwarded-For, -Proto and "
            "-Host are trusted."
        ),
    ] = ""
    cors_origins: Annotated[
        str,
        Meta(
            description="Origins, separated by commas, whose pages may call the Perspective API; *: all; empty: none."
        ),
    ] = ""
    akismet_domain: (
        Annotated[
            str,
            Meta(
                pattern=r"^[a-z0-9.-]{1,253}$(?!\n)",
                description="For Akismet clients that put the key into the host name: the domain of host names that "
                "begin with the label of a key, such as <label>.akismet.example. `steward keys label` prints labels.",
            ),
        ]
        | None
    ) = None
    workers: Annotated[int, Meta(ge=1, le=256, description="Number of service processes that share the port.")] = 1
    metrics_port: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=65535,
                description="Serve /metrics on this port without a key. Unset: on the port of the service, to keys "
                "with the scope admin.",
            ),
        ]
        | None
    ) = None
    metrics_host: Annotated[
        str,
        Meta(description="Address for STEWARD_METRICS_PORT. Use another one only if strangers cannot reach it."),
    ] = "127.0.0.1"
    redis_url: Annotated[
        str | None,
        Meta(
            description="Redis to use: redis://, rediss:// or unix:// for one server, "
            "redis+sentinel://[user:password@]host:port,host:port/name for a Sentinel set, "
            "redis+cluster://[user:password@]host:port,host:port for a Cluster; rediss+ for TLS. Unset: start the "
            "embedded Redis."
        ),
    ] = None
    audit_new_sites: Annotated[
        bool,
        Meta(
            description="New sites begin with blind audits: of 1 % of the automatic approvals and 5 % of the "
            "rejections, at most 50 a day. Without audits nobody knows how often these decisions are wrong."
        ),
    ] = True
    wait_replicas: Annotated[
        int,
        Meta(
            ge=0,
            le=10,
            description="Number of replicas that must confirm a write before it is acknowledged, else 503. If a "
            "failover must lose nothing, set it to the number of replicas that could be promoted.",
        ),
    ] = 0
    data_dir: Annotated[
        Path | None, Meta(description="Folder for the embedded Redis and for models. Unset: the user's data folder.")
    ] = None
    readers: Annotated[
        Literal["both", "fast"],
        Meta(
            description="Which readers of the model score a comment: both, or only the fast one, which judges fewer "
            "languages and does not understand sentences."
        ),
    ] = "both"
    max_models: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="Maximum number of different models in memory beside the one of all sites: those of single "
            "sites, and those in shadow. A further one is not put in use.",
        ),
    ] = 8
    accept_loss: Annotated[
        bool, Meta(description="Start even if Redis is configured so that acknowledged comments can be lost.")
    ] = False
    allow_py_parser: Annotated[bool, Meta(description="Start even if aiohttp's compiled HTTP parser is missing.")] = (
        False
    )
    store_timeout_s: Annotated[
        float, Meta(gt=0, le=30, description="Seconds to wait for the reply to a write to Redis, then 503.")
    ] = 0.45
    max_pending_writes: Annotated[
        int,
        Meta(
            ge=1,
            description="Maximum number of writes waiting for Redis in one process; above it callers get 503 at once.",
        ),
    ] = 10_000
    max_connections: Annotated[
        int,
        Meta(
            ge=1, le=1_000_000, description="Maximum number of connections of one process; above it new ones get 503."
        ),
    ] = 10_000
    max_connections_per_address: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000_000,
            description="Maximum number of connections from one address to one process; above it new ones get 429. No "
            "limit for STEWARD_TRUSTED_PROXIES.",
        ),
    ] = 2_000
    max_waiting_batches: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Maximum number of batches waiting to be scored in one process; above it callers get 503.",
        ),
    ] = 32
    max_queued: Annotated[
        int, Meta(ge=1, description="Maximum number of waiting comments in each shard of a site.")
    ] = 200_000
    lease_s: Annotated[
        int, Meta(ge=5, le=3600, description="Seconds that a moderator's lease on a claimed comment lasts.")
    ] = 300
    max_lease_age_s: Annotated[
        int, Meta(ge=60, le=86_400, description="Maximum seconds from the claim to the end of an extended lease.")
    ] = 1800
    max_open_leases: Annotated[
        int, Meta(ge=1, le=100, description="Maximum number of comments that one moderator may hold at once.")
    ] = 20
    key_rate_per_s: Annotated[
        float,
        Meta(ge=0, description="Requests per second and process for a key without a limit of its own; 0: no limit."),
    ] = 0
    address_rate_per_s: Annotated[
        float,
        Meta(
            ge=0,
            description="Requests per second and process from one address without a valid key, or to the console "
            "before signing in; bursts of ten times as many; 0: no limit. Behind a proxy, set "
            "STEWARD_TRUSTED_PROXIES, or all clients count as one address.",
        ),
    ] = 20
    receipt_timeout_s: Annotated[
        float,
        Meta(gt=0, le=600, description="Seconds that a client has to send the headers, and again to send the body."),
    ] = 10
    text_days: Annotated[
        int, Meta(ge=1, le=3650, description="Days that Redis keeps the text of a decided comment.")
    ] = 30
    label_days: Annotated[
        int,
        Meta(
            ge=1,
            le=3650,
            description="Days that Redis keeps the text of a comment decided by a moderator, for training.",
        ),
    ] = 365
    event_days: Annotated[int, Meta(ge=1, le=365, description="Days that GET /v1/events goes back.")] = 7
    hash_authors: Annotated[
        bool,
        Meta(description="Store pseudonyms (keyed hashes) of authors' ids: the same for the same author of a site."),
    ] = True
    index_authors: Annotated[
        bool,
        Meta(
            description="Index comments by author, so that they can be shown, exported or erased; false: uses less "
            "memory in Redis."
        ),
    ] = True
    undo_hold_s: Annotated[
        float,
        Meta(
            ge=0,
            le=60,
            description="Seconds between a decision and its notice to the site. The site is not told of a decision "
            "that is undone before.",
        ),
    ] = 5
    undo_window_s: Annotated[
        int, Meta(ge=1, le=86_400, description="Seconds within which a moderator can undo a decision.")
    ] = 86_400
    shards: Annotated[
        int,
        Meta(
            ge=1, le=64, description="Number of shards of each site's queue, for a Cluster; fixed at the first start."
        ),
    ] = 1
    relay: Annotated[
        bool, Meta(description="Deliver webhooks from the service processes; false: only `steward relay` does.")
    ] = True
    webhook_timeout_s: Annotated[
        float, Meta(gt=0, le=60, description="Seconds to wait for the answer of a webhook's receiver.")
    ] = 15
    webhook_schedule: Annotated[
        str,
        Meta(
            pattern=r"^[0-9]{1,6}(\.[0-9]{1,3})?(,[0-9]{1,6}(\.[0-9]{1,3})?)*$(?!\n)",
            description="Seconds before each attempt to deliver a webhook, counted from the previous one, each ±20 %.",
        ),
    ] = "0,5,300,1800,7200,18000,36000,50400,72000,86400"
    webhook_allow_private: Annotated[
        bool,
        Meta(description="For development: allow webhooks to private addresses, to any port, and over http."),
    ] = False
    webhook_proxy: (
        Annotated[
            str,
            Meta(
                pattern=r"^https?://[^@\s]+$(?!\n)",
                description="HTTP proxy for webhooks, http://host:port; the proxy must refuse private addresses "
                "itself.",
            ),
        ]
        | None
    ) = None
    secret_file: Annotated[
        Path | None,
        Meta(
            description="File with keys to encrypt webhook, Coral and second-factor secrets in Redis. Each line holds "
            "32 random bytes in base64; the first key encrypts, all decrypt. Unset: the secrets are not encrypted."
        ),
    ] = None
    oidc_issuer: (
        Annotated[
            str,
            Meta(
                pattern=r"^https?://[^\s?#@]+$(?!\n)",
                description="OpenID provider through which moderators may sign in; https, except on the loopback.",
            ),
        ]
        | None
    ) = None
    oidc_client_id: Annotated[str, Meta(description="Client id of Steward at the OpenID provider.")] | None = None
    oidc_client_secret_file: Annotated[
        Path | None,
        Meta(description="File with the client secret for the OpenID provider. Unset: Steward is a public client."),
    ] = None
    oidc_name: Annotated[str, Meta(max_length=64, description="What the console calls the OpenID provider.")] = "OpenID"
    demo: Annotated[
        bool,
        Meta(
            description="Serve a demonstration at /demo, a news story with comments. Everybody who can reach it can "
            "post comments to the site `default`."
        ),
    ] = False
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="Lowest level of messages that are logged.")
    ] = "info"

    log: Annotated[
        Literal["text", "json"],
        Meta(description="Form of the log on standard error: text, or one JSON object on each line."),
    ] = "text"

    def __post_init__(self) -> None:
        for name, parse, text in (
            ("TRUSTED_PROXIES", networks, self.trusted_proxies),
            ("CORS_ORIGINS", access.origins, self.cors_origins),
        ):
            try:
                parse(text)
            except ValueError as error:
                raise SettingsError(f"{PREFIX}{name}: {error}") from error
        for name, url in (("PUBLIC_URL", self.public_url), ("WEBHOOK_PROXY", self.webhook_proxy)):
            if url is not None and not has_host(url):
                raise SettingsError(f"{PREFIX}{name}: has no valid host and port")
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
        """All settings, without the password in the address of Redis. Other secrets are in files."""
        shown = {name: getattr(self, name) for name in self.__struct_fields__}
        if self.redis_url is not None:
            shown["redis_url"] = access.address_without_password(self.redis_url)
        return list(shown.items())

    @property
    def allowed_origins(self) -> frozenset[str]:
        return access.origins(self.cors_origins)

    @property
    def data_path(self) -> Path:
        return (self.data_dir or default_data_dir()).expanduser().absolute()


def from_env(environ: Mapping[str, str], **overrides: Any) -> Settings:  # noqa: ANN401 - the types of the fields
    """Build the settings from STEWARD_* variables; an empty variable counts as unset.

    Raises SettingsError, naming the variable that is wrong or unknown.
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
    for name, value in given.items():
        if not _is_text(value):
            raise SettingsError(f"{PREFIX}{name.upper()}: is not UTF-8")
    given |= {name: value for name, value in overrides.items() if value is not None}
    try:
        return msgspec.convert(given, Settings, strict=False, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise SettingsError(_named(str(error))) from error


def _is_text(value: str) -> bool:
    """Bytes of the environment that are not UTF-8 come as halves of surrogate pairs."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


# Read by the commands that call a running service and by the tests, not by the service.
CLIENT_VARIABLES = frozenset(f"{PREFIX}{name}" for name in ("URL", "KEY", "TRAIN_DATA", "CHROMIUM", "TEST_SERVER"))


def _decode(kind: type, value: object) -> object:
    if kind is Path:
        return Path(str(value))
    raise NotImplementedError(kind)


def _named(message: str) -> str:
    """Replace the path in a message of msgspec ('Expected `int` … - at `$.lease_s`') by the name of the variable."""
    detail, _, path = message.partition(" - at `$.")
    return f"{PREFIX}{path.rstrip('`').upper()}: {detail}" if path else message
