"""Where a request came from and which address it asked for; what a proxy says counts only if it is a trusted one."""

import ipaddress
import re

from aiohttp import web

from service import keys
from service.settings import networks

_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](?::[0-9]{1,5})?")


def own_origin(request: web.Request) -> str:
    """Scheme and host under which the client reached us, without a slash at the end."""
    settings = request.app[keys.SETTINGS]
    if settings.public_url:
        return settings.public_url.rstrip("/")
    said, scheme = request.headers, request.scheme
    if _is_trusted(request.remote, settings.trusted_proxies):
        scheme = "https" if said.get("X-Forwarded-Proto", scheme).rpartition(",")[2].strip() == "https" else scheme
    return f"{scheme}://{asked_host(request) or 'localhost'}"


def asked_host(request: web.Request) -> str:
    """Host, and port where there is one, that the client wrote; empty for what is none."""
    said, host = request.headers, request.headers.get("Host", "")
    if _is_trusted(request.remote, request.app[keys.SETTINGS].trusted_proxies):
        host = said.get("X-Forwarded-Host", host).rpartition(",")[2].strip()
    return host if _HOST.fullmatch(host) else ""


def client_address(request: web.Request) -> str:
    """Of whoever asks: the nearest address that is not one of our own proxies."""
    trusted = request.app[keys.SETTINGS].trusted_proxies
    address = request.remote or "unknown"
    for hop in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
        if not hop.strip() or not _is_trusted(address, trusted):
            break
        address = hop.strip()
    return address if len(address) <= _LONGEST else "unknown"


_LONGEST = 45  # an IPv6 address with an IPv4 one at its end


def _is_trusted(address: str | None, trusted: str) -> bool:
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    return any(found in network for network in networks(trusted))
