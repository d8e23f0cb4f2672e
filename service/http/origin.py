"""The client's address and the origin it requested. Headers of proxies count only if the proxy is trusted."""

import ipaddress
import re

from aiohttp import web

from service import app_keys as keys
from service.settings import networks

_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](?::[0-9]{1,5})?")


def own_origin(request: web.Request) -> str:
    """The origin under which the client reached the service, without a trailing slash."""
    settings, scheme = request.app[keys.SETTINGS], request.scheme
    if settings.public_url:
        return settings.public_url.rstrip("/")
    if _is_trusted(request.remote, settings.trusted_proxies):
        scheme = "https" if _last(request, "X-Forwarded-Proto", scheme) == "https" else scheme
    return f"{scheme}://{asked_host(request) or 'localhost'}"


def asked_host(request: web.Request) -> str:
    """The host that the client requested, with its port if given; empty if it is not valid."""
    host = request.headers.get("Host", "")
    if _is_trusted(request.remote, request.app[keys.SETTINGS].trusted_proxies):
        host = _last(request, "X-Forwarded-Host", host)
    return host if _HOST.fullmatch(host) else ""


def client_address(request: web.Request) -> str:
    """The nearest address that is not a trusted proxy; "unknown" if there is none."""
    trusted = request.app[keys.SETTINGS].trusted_proxies
    address = request.remote
    # A proxy may add a header line of its own after the client's.
    for hop in reversed(",".join(request.headers.getall("X-Forwarded-For", ())).split(",")):
        if not _is_trusted(address, trusted) or parsed(hop) is None:
            break
        address = hop
    found = parsed(address or "")
    return "unknown" if found is None else str(found)


def client_network(request: web.Request) -> str:
    """The client's address for rate limits; for IPv6 the /64 network, because one client may own all of it."""
    return network_of(client_address(request))


def network_of(address: str) -> str:
    found = parsed(address)
    if found is None or found.version == 4:  # noqa: PLR2004 - of the protocol
        return address
    return str(ipaddress.ip_network((int(found) >> 64 << 64, 64)))


def is_from_proxy(request: web.Request) -> bool:
    """Whether the request came through a trusted proxy."""
    return _is_trusted(request.remote, request.app[keys.SETTINGS].trusted_proxies)


def parsed(hop: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Parse an address as proxies write it, some with a port; None if invalid. IPv4-mapped addresses become IPv4."""
    match = _HOP.fullmatch(hop.strip())
    try:
        found = ipaddress.ip_address((match[1] or match[2] or match[3]) if match else "")
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


# With or without a port. No zone: it has a meaning only on its own machine.
_HOP = re.compile(r"\[([0-9A-Fa-f:.]{2,45})\](?::[0-9]{1,5})?|([0-9.]{7,15})(?::[0-9]{1,5})?|([0-9A-Fa-f:.]{2,45})")


def _is_trusted(address: str | None, trusted: str) -> bool:
    found = parsed(address or "") if trusted else None
    return found is not None and any(found in network for network in networks(trusted))


def _last(request: web.Request, name: str, otherwise: str) -> str:
    """The last value of the header: the one that the nearest proxy set."""
    return request.headers.getall(name, (otherwise,))[-1].rpartition(",")[2].strip()
