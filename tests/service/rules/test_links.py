"""Links are found as people read them, with their places; what only looks like one is not."""

import pytest
from growth import assert_linear
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules.links import (
    LinkKind,
    find_links,
    is_domain,
    is_under,
    normalized_domain,
    registered_domain,
    target_of,
)

WIDE = "\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45\uff0e\uff43\uff4f\uff4d"
CYRILLIC = "\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444"


def found(text: str) -> list[tuple[str, str, str]]:
    return [(each.kind.value, text[each.start : each.end], each.host) for each in find_links(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see https://Example.org/a?b=c.", [("url", "https://Example.org/a?b=c", "example.org")]),
        ("(http://user:pw@example.org:8080/x)", [("url", "http://user:pw@example.org:8080/x", "example.org")]),
        ("hxxps://evil.ru now", [("url", "hxxps://evil.ru", "evil.ru")]),
        ("http://192.168.1.1/x", [("url", "http://192.168.1.1/x", "192.168.1.1")]),
        ("www.example.com/x), ok", [("bare", "www.example.com/x", "www.example.com")]),
        ("bit.ly/abc", [("bare", "bit.ly/abc", "bit.ly")]),
        ("FREE-PILLS.COM", [("bare", "FREE-PILLS.COM", "free-pills.com")]),
        ("example.de or example.co", [("bare", "example.de", "example.de"), ("bare", "example.co", "example.co")]),
        ("example[.]com", [("bare", "example[.]com", "example.com")]),
        ("buy at example (dot) com!", [("bare", "example (dot) com", "example.com")]),
        (WIDE, [("bare", WIDE, "example.com")]),
        ("m\u00fcnchen.de", [("bare", "m\u00fcnchen.de", "m\u00fcnchen.de")]),
        ("xn--mnchen-3ya.de", [("bare", "xn--mnchen-3ya.de", "m\u00fcnchen.de")]),
        (CYRILLIC, [("bare", CYRILLIC, CYRILLIC)]),
        ("mail me@example.co.uk, please", [("email", "me@example.co.uk", "example.co.uk")]),
        ("\U0001f600 see https://a.example", [("url", "https://a.example", "a.example")]),
        ("call +49 176 1234567 now", [("phone", "+49 176 1234567", "")]),
        ("555-123-4567 or (555) 123-4567", [("phone", "555-123-4567", ""), ("phone", "(555) 123-4567", "")]),
        ("0176 12345678", [("phone", "0176 12345678", "")]),
        ("The end.Then we left", []),
        ("\u5ba2\u670d\u4eba\u5458\u3002\u8c22\u8c22", []),
        ("do it.so what", []),
        ("I lost my pen.is it here", []),
        ("Mr.Smith, e.g. U.S.A. a.b.c", []),
        ("node.js and 3.14 and 1,000,000.00", []),
        ("on 2026-11-30 and 30.11.2026, from 1999-2005", []),
        ("192.168.1.1 and 1234567", []),
        ("foo@bar and @somebody", []),
        ("https:// and http://", []),
    ],
)  # fmt: skip
def test_links_are_found(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert found(text) == expected


def test_a_shortened_link_is_known() -> None:
    assert [each.is_shortened for each in find_links("https://bit.ly/x https://notbit.ly/x t.co/y")] == [
        True,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("host", "registered"),
    [
        ("www.example.org", "example.org"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("example.co.uk", "example.co.uk"),
        ("shop.example.com.au", "example.com.au"),
        ("me.github.io", "me.github.io"),
        ("a.me.github.io", "me.github.io"),
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "localhost"),
    ],
)
def test_the_registered_domain_is_who_the_link_is_for(host: str, registered: str) -> None:
    assert registered_domain(host) == registered


def test_on_a_host_of_many_the_path_says_who_the_link_is_for() -> None:
    targets = [target_of(each) for each in find_links("https://t.me/spam https://t.me/ham www.a.example/x")]
    assert targets == ["t.me/spam", "t.me/ham", "a.example"]


def test_a_domain_stands_for_its_subdomains() -> None:
    assert is_under("a.example.org", {"example.org"})
    assert is_under("example.org", {"example.org"})
    assert is_under("example.org", {"org"})
    assert not is_under("badexample.org", {"example.org"})
    assert normalized_domain("EXAMPLE.org.") == "example.org"


@pytest.mark.parametrize("said", ["", "a", "https://a.org", "a.org/x", "a b.org", "a@b.org", "*.org"])
def test_what_is_no_domain_cannot_be_named(said: str) -> None:
    assert not is_domain(said)


@pytest.mark.parametrize(
    "unit",
    [
        "a.",
        "a.co ",
        "1",
        "1 ",
        "+1",
        "http://",
        "a@",
        "a-",
        "(",
        "[.]",
        "@a.co",
        "www.",
        "://",
        "a.co/",
        "0 (0",
        " (dot) ",
    ],
)
def test_a_hostile_text_is_read_in_linear_time(unit: str) -> None:
    assert_linear(find_links, lambda length: unit * (length // len(unit)), 80_000)


@given(st.text("aB1.:/@-+() [dot]xn\u00fc\u3002\ud800", max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read(text: str) -> None:
    end = 0
    for each in find_links(text):
        assert end <= each.start < each.end <= len(text)
        assert each.kind in LinkKind
        end = each.end


@pytest.mark.parametrize(
    "text",
    [
        "https://a.example/x then b.example",
        "b.example, https://a.example/x.",
        "https://a.example/x and b.example and https://c.example",
        "b.example/https://a.example/x",
    ],
)
def test_a_domain_without_a_scheme_is_found_beside_links_that_have_one(text: str) -> None:
    assert [each.host for each in find_links(text) if each.kind is LinkKind.BARE] == ["b.example"]


def test_a_text_whose_dots_are_all_in_its_links_has_no_other_domain() -> None:
    assert [each.host for each in find_links("https://a.example/x.html or https://b.example/?u=c.example")] == [
        "a.example",
        "b.example",
    ]
