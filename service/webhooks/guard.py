"""Which addresses a webhook may go to. Keeps it out of the operator's network (specs: security, section 6)."""

import asyncio
import re
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

MAX_URL_LENGTH = 2048
PORTS = (443, 8443)

# Not for the public internet: IANA's registries of special-purpose addresses (RFC 6890) as of 2025, and multicast.
_SPECIAL_4 = tuple(
    map(
        IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24"),
            *("192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
            *("224.0.0.0/4", "240.0.0.0/4"),
        ),
    )
)
_GLOBAL_6 = IPv6Network("2000::/3")
# Teredo and 6to4 embed IPv4 addresses that would escape the check.
_SPECIAL_6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")))
_NAT64 = IPv6Network("64:ff9b::/96")
# Private networks: allowed with `allow_private`.
_PRIVATE_4 = tuple(map(IPv4Network, ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
_PRIVATE_6 = tuple(map(IPv6Network, ("::1/128", "fc00::/7")))
# Metadata services, from which cloud machines read their credentials. Some lie in private ranges, some in public ones.
_METADATA = frozenset(
    map(
        ip_address,
        (
            *("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
            *("fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:c1::a9fe:a9fe", "fe80::a9fe:a9fe"),
        ),
    )
)

_MAX_LABEL_LENGTH = 63  # RFC 1035, section 2.3.4
_LOCAL_NAME = re.compile(r"(.*\.)?(localhost|local|internal|localdomain|home\.arpa)\.?", re.IGNORECASE)
# Addresses to the C library but not in RFC 3986: 2130706433, 0x7f.1, 0177.0.0.1, 127.1.
_NUMERIC = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}\.?", re.IGNORECASE)


class AddressRefused(OSError):
    """The name resolves to an address that webhooks must not go to."""


def refusal(url: str, allow_private: bool) -> str | None:
    """Why no webhook may go to this URL, whatever its name resolves to; None if the URL is acceptable."""
    if len(url) > MAX_URL_LENGTH or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return f"must be at most {MAX_URL_LENGTH} printable ASCII characters, without spaces"
    try:
        parsed = URL(url)
    except ValueError:
        return "is not a URL"
    if "@" in parsed.raw_authority:
        return "must not hold a user or a password"
    return _scheme_refusal(parsed, allow_private) or _host_refusal(parsed.raw_host or "", allow_private)


def _scheme_refusal(parsed: URL, allow_private: bool) -> str | None:
    if parsed.scheme != "https" and not (allow_private and parsed.scheme == "http"):
        return "must begin with https://"
    if parsed.port not in PORTS and not allow_private:
        return f"must go to port {PORTS[0]} or {PORTS[1]}"
    return None


def address_refusal(address: str, allow_private: bool) -> str | None:
    """Why no webhook may go to this IP address; None if it may."""
    try:
        ip = _embedded(ip_address(address))
    except ValueError:
        return "is no address"
    if ip in _METADATA:
        return "is where a cloud keeps its machines' credentials"
    if _is_among(ip, _PRIVATE_4, _PRIVATE_6):
        return None if allow_private else "is a private address"
    if isinstance(ip, IPv6Address) and ip not in _GLOBAL_6:
        return "is not an address of the public internet"
    return "is not an address of the public internet" if _is_among(ip, _SPECIAL_4, _SPECIAL_6) else None


class CheckedResolver(AbstractResolver):
    """Returns only checked addresses. The connection goes to one of them, without a second look-up."""

    def __init__(self, allow_private: bool) -> None:
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises AddressRefused if any address is refused: a name with addresses of both kinds is suspicious."""
        found = await self.look_up(host, port, family)
        for _, _, address in found:
            if problem := address_refusal(address, self._allow_private):
                raise AddressRefused(f"its address {problem}")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, protocol, address in found
        ]

    async def look_up(
        self, host: str, port: int, family: socket.AddressFamily
    ) -> list[tuple[socket.AddressFamily, int, str]]:
        """Family, protocol and address for each address of the host."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family, flags=socket.AI_ADDRCONFIG)
        return [(kind, protocol, str(where[0])) for kind, _, protocol, _, where in found]

    async def close(self) -> None:
        """Nothing is kept open."""


def _host_refusal(host: str, allow_private: bool) -> str | None:
    if not host:
        return "names no host"
    if "%" in host:
        return "must not name a network interface"
    try:
        ip_address(host)
    except ValueError:
        return _name_refusal(host, allow_private)
    return address_refusal(host, allow_private)


def _name_refusal(name: str, allow_private: bool) -> str | None:
    if _NUMERIC.fullmatch(name):
        return "writes an address in a form that not everybody reads the same"
    if not allow_private and _LOCAL_NAME.fullmatch(name):
        return "is a name of the local network"
    if not all(0 < len(label) <= _MAX_LABEL_LENGTH for label in name.removesuffix(".").split(".")):
        return "names a host that cannot be found"  # the look-up would raise UnicodeError
    return None


def _embedded(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address inside a mapped (::ffff:0:0/96) or translated (NAT64) one; any other address as it is."""
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is not None:
            return ip.ipv4_mapped
        if ip in _NAT64:
            return IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip


def _is_among(ip: IPv4Address | IPv6Address, four: tuple[IPv4Network, ...], six: tuple[IPv6Network, ...]) -> bool:
    if isinstance(ip, IPv4Address):
        return any(ip in network for network in four)
    return any(ip in network for network in six)
