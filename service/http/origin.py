"""Where a request came from and which address it asked for; what a proxy says counts only if it is a trusted one."""

import ipaddress
import re

from aiohttp import web

from service import app_keys as keys
from service.settings import networks

_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](?::[0-9]{1,5})?")


def own_origin(request: web.Request) -> str:
    """Scheme and host under which the client reached us, without a slash at the end."""
    settings, scheme = request.app[keys.SETTINGS], request.scheme
    if settings.public_url:
        return settings.public_url.rstrip("/")
    if _is_trusted(request.remote, settings.trusted_proxies):
        scheme = "https" if _last(request, "X-Forwarded-Proto", scheme) == "https" else scheme
    return f"{scheme}://{asked_host(request) or 'localhost'}"


def asked_host(request: web.Request) -> str:
    """Host, and port where there is one, that the client wrote; empty for what is none."""
    host = request.headers.get("Host", "")
    if _is_trusted(request.remote, request.app[keys.SETTINGS].trusted_proxies):
        host = _last(request, "X-Forwarded-Host", host)
    return host if _HOST.fullmatch(host) else ""


def client_address(request: web.Request) -> str:
    """Of whoever asks: the nearest address that is not one of our own proxies; "unknown" where there is none."""
    trusted = request.app[keys.SETTINGS].trusted_proxies
    address = request.remote
    # A proxy may add a line of its own and leave the client's before it.
    for hop in reversed(",".join(request.headers.getall("X-Forwarded-For", ())).split(",")):
        if not _is_trusted(address, trusted) or parsed(hop) is None:
            break
        address = hop
    found = parsed(address or "")
    return "unknown" if found is None else str(found)


def client_network(request: web.Request) -> str:
    """The same for limits: of IPv6 the network of 64 bits, all of which one client may have."""
    return network_of(client_address(request))


def network_of(address: str) -> str:
    found = parsed(address)
    if found is None or found.version == 4:  # noqa: PLR2004 - of the protocol
        return address
    return str(ipaddress.ip_network((int(found) >> 64 << 64, 64)))


def is_from_proxy(request: web.Request) -> bool:
    """Whether a proxy that the operator named sent this."""
    return _is_trusted(request.remote, request.app[keys.SETTINGS].trusted_proxies)


def parsed(hop: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address as proxies write it, some with a port; None for what is none. IPv4 within IPv6 is IPv4."""
    match = _HOP.fullmatch(hop.strip())
    try:
        found = ipaddress.ip_address((match[1] or match[2] or match[3]) if match else "")
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


# With or without a port; no zone, which says something only on its own machine.
_HOP = re.compile(r"\[([0-9A-Fa-f:.]{2,45})\](?::[0-9]{1,5})?|([0-9.]{7,15})(?::[0-9]{1,5})?|([0-9A-Fa-f:.]{2,45})")


def _is_trusted(address: str | None, trusted: str) -> bool:
    found = parsed(address or "") if trusted else None
    return found is not None and any(found in network for network in networks(trusted))


def _last(request: web.Request, name: str, otherwise: str) -> str:
    """What the proxy nearest to us said in this header."""
    return request.headers.getall(name, (otherwise,))[-1].rpartition(",")[2].strip()
