"""Where webhooks may go: the table of addresses, and a name that changes its mind."""

import socket
from typing import Any

import pytest

from service.webhooks.delivery import open_sender
from service.webhooks.guard import AddressRefused, CheckedResolver, address_refusal, refusal

PUBLIC = ["93.184.215.14", "8.8.8.8", "1.1.1.1", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "2a00:1450:4001:80b::200e"]
PUBLIC += ["64:ff9b::808:808", "::ffff:8.8.8.8"]
PRIVATE = ["127.0.0.1", "127.255.255.254", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1"]
PRIVATE += ["100.64.0.1", "::1", "fc00::1", "fd12:3456:789a::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"]
PRIVATE += ["64:ff9b::7f00:1", "64:ff9b::a00:1"]
NEVER = ["0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.1.1", "169.254.170.2", "100.100.100.200", "168.63.129.16"]  # noqa: S104 - addresses to refuse
NEVER += ["192.0.0.192", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1"]
NEVER += ["224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"]
NEVER += ["::", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fe80::1", "fe80::1%eth0", "fe80::a9fe:a9fe"]
NEVER += ["fec0::1", "ff02::1", "fd00:ec2::254", "fd20:ce::254", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001::1"]
NEVER += ["2001:db8::1", "3fff::1", "100::1", "::127.0.0.1", "::7f00:1", "64:ff9b:1::a00:1", "5f00::1", "4000::1"]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_open(address: str) -> None:
    assert address_refusal(address, allow_private=False) is None


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_open_only_to_who_says_so(address: str) -> None:
    assert address_refusal(address, allow_private=False)
    assert address_refusal(address, allow_private=True) is None


@pytest.mark.parametrize("address", NEVER)
def test_these_addresses_are_never_open(address: str) -> None:
    assert address_refusal(address, allow_private=False)
    assert address_refusal(address, allow_private=True)


@pytest.mark.parametrize("literal", [*PRIVATE, *NEVER])
def test_an_address_in_a_url_is_checked_too(literal: str) -> None:
    host = f"[{literal}]" if ":" in literal else literal
    assert refusal(f"https://{host}/hook", allow_private=False)


@pytest.mark.parametrize(
    "url",
    [
        "https://site.example/hook",
        "https://site.example:8443/a/b?c=d",
        "https://xn--bcher-kva.example/",
        "https://93.184.215.14/",
        "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/",
        "HTTPS://SITE.EXAMPLE/",
    ],
)
def test_urls_of_the_public_internet_are_fine(url: str) -> None:
    assert refusal(url, allow_private=False) is None


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://site.example/", "https"),
        ("ftp://site.example/", "https"),
        ("file:///etc/passwd", "https"),
        ("gopher://site.example/", "https"),
        ("javascript:alert(1)", "https"),
        ("site.example/hook", "https"),
        ("//site.example/hook", "https"),
        ("https://", "host"),
        ("https:///hook", "host"),
        ("https://site.example:22/", "port"),
        ("https://site.example:80/", "port"),
        ("https://site.example:0/", "port"),
        ("https://site.example:99999/", "URL"),
        ("https://user@site.example/", "user"),
        ("https://user:pass@site.example/", "user"),
        ("https://site.example@127.0.0.1/", "user"),
        ("https://127.0.0.1\\@site.example/", "characters"),
        ("https://site.example/a b", "characters"),
        ("https://site.example/\r\nX: y", "characters"),
        ("https://bücher.example/", "characters"),
        ("https://site.example/" + "a" * 2048, "characters"),
        ("https://localhost/", "local"),
        ("https://LOCALHOST./", "local"),
        ("https://a.localhost/", "local"),
        ("https://printer.local/", "local"),
        ("https://metadata.google.internal/", "local"),
        ("https://2130706433/", "form"),
        ("https://0x7f000001/", "form"),
        ("https://0x7f.1/", "form"),
        ("https://0177.0.0.1/", "form"),
        ("https://127.1/", "form"),
        ("https://127.0.0.1./", "form"),
        ("https://[fe80::1%25eth0]/", ""),
        ("https://a..example/", "host"),
        ("https://.example/", "host"),
        (f"https://{'a' * 64}.example/", "host"),
        ("https://[::1/", "URL"),
    ],
)
def test_urls_that_are_never_fine(url: str, why: str) -> None:
    said = refusal(url, allow_private=False)
    assert said is not None
    assert why in said


@pytest.mark.parametrize("url", ["http://localhost:3000/hook", "http://127.0.0.1:9/", "https://backend.internal:8000/"])
def test_for_development_more_is_open(url: str) -> None:
    assert refusal(url, allow_private=False)
    assert refusal(url, allow_private=True) is None


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest/meta-data", "http://[fd00:ec2::254]/", "http://0.0.0.0:80/", "ftp://a/"]
)
def test_even_for_development_not_everything_is(url: str) -> None:
    assert refusal(url, allow_private=True)


class Names(CheckedResolver):
    """Names whose addresses change with every look-up."""

    def __init__(self, *answers: list[str], allow_private: bool = False) -> None:
        super().__init__(allow_private)
        self._answers = list(answers)
        self.asked = 0

    async def look_up(self, *_: Any) -> list[tuple[socket.AddressFamily, int, str]]:
        self.asked += 1
        addresses = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        kinds = [socket.AF_INET6 if ":" in each else socket.AF_INET for each in addresses]
        return [(kind, socket.IPPROTO_TCP, address) for kind, address in zip(kinds, addresses, strict=True)]


async def test_a_name_with_one_bad_address_is_refused() -> None:
    with pytest.raises(AddressRefused, match="private"):
        await Names(["8.8.8.8", "10.0.0.1"]).resolve("both.example", 443)
    with pytest.raises(AddressRefused, match="private"):
        await Names(["::ffff:127.0.0.1"]).resolve("mapped.example", 443)


async def test_the_system_is_asked_for_addresses_of_names() -> None:
    (first, *_) = await CheckedResolver(allow_private=True).resolve("localhost", 443, socket.AF_INET)
    assert (first["host"], first["port"]) == ("127.0.0.1", 443)
    with pytest.raises(AddressRefused):
        await CheckedResolver(allow_private=False).resolve("localhost", 443)


async def test_a_name_that_changes_its_address_after_the_check_is_not_followed(receiver: Any) -> None:
    """DNS rebinding: public when the URL was checked, the operator's own network when we connect."""
    names = Names(["8.8.8.8"], ["127.0.0.1"])
    await names.resolve("rebinding.example", 443)  # as PUT /v1/webhooks does
    async with open_sender(timeout_s=30, connections=1, allow_private=False, resolver=names) as sender:
        outcome = await sender.post("https://rebinding.example:8443/", "evt_1", b"{}", [])
    assert (outcome.result, outcome.because) == ("failed", "address_refused")
    assert receiver.came == []


async def test_the_address_that_was_checked_is_the_one_connected_to(receiver: Any) -> None:
    """One look-up for a connection: were there a second, it would lead elsewhere."""
    names = Names(["127.0.0.1"], ["127.0.0.2"], allow_private=True)
    url = receiver.url.replace("127.0.0.1", "receiver.example")
    async with open_sender(timeout_s=30, connections=1, allow_private=True, resolver=names) as sender:
        outcome = await sender.post(url, "evt_1", b"{}", [])
    assert outcome.result == "delivered"
    assert names.asked == 1
    assert receiver.came[0][0]["Host"].startswith("receiver.example:")


async def test_behind_a_proxy_the_proxy_looks_names_up(receiver: Any) -> None:
    async with open_sender(
        timeout_s=30, connections=1, allow_private=True, proxy=receiver.url.removesuffix("/hook")
    ) as sender:
        outcome = await sender.post("http://nowhere.example:8080/hook", "evt_1", b"{}", [])
        literal = await sender.post("http://169.254.169.254/", "evt_1", b"{}", [])
    assert outcome.result == "delivered"
    assert receiver.came[0][0]["Host"] == "nowhere.example:8080"
    assert literal.because == "url_refused"
    assert len(receiver.came) == 1
