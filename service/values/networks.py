"""Networks of IP addresses, by which floods are counted, and hosts in URLs."""

import re
from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

PREFIX_4, PREFIX_6 = 24, 48

# An IPv6 address has brackets around it then.
_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.%]{2,64})\](?::[0-9]{1,5})?|([0-9.]{7,15}):[0-9]{1,5}")


def network_of(address: str) -> str | None:
    """The /24 of an IPv4 address, or the /48 of an IPv6 address; None for what is no address.

    Takes it as proxies write it: perhaps with a port, or as the first of a list.
    """
    first = address.partition(",")[0].strip()
    with_port = _WITH_PORT.fullmatch(first)
    try:
        ip = ip_address((with_port[1] or with_port[2] if with_port else first).partition("%")[0])
    except ValueError:
        return None
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return str(ip_network((ip, PREFIX_4 if ip.version == 4 else PREFIX_6), strict=False))  # noqa: PLR2004 - of IP


def has_host(url: str) -> bool:
    """Whether a URL names a host, and a port that there can be if it names one."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
