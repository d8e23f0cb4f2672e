"""Finds links, bare domains, e-mail addresses and phone numbers in a text, in linear time."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from service.rules.domains import (
    GENERIC,
    INTERNATIONAL,
    LIKE_WORDS,
    NATIONAL,
    SECOND_LEVEL,
    SHARED_HOSTS,
    SHARED_SUFFIXES,
    SHORTENERS,
)


class LinkKind(StrEnum):
    URL = "url"
    BARE = "bare"
    EMAIL = "email"
    PHONE = "phone"


class TextLink(NamedTuple):
    """A link from `start` to before `end`, in code points. `host`: in small letters, Unicode; empty for a number.

    `path`: what follows the host, or the number's digits.
    """

    start: int
    end: int
    kind: LinkKind
    host: str
    path: str = ""

    @property
    def is_international(self) -> bool:
        return not self.host.isascii()

    @property
    def is_shortened(self) -> bool:
        return is_under(self.host, SHORTENERS)


_HOST = r"(?:[\w-]{1,63}\.){1,8}(?:[^\W\d_]{2,24}|xn--[a-z0-9-]{2,59})"
_DOMAIN = re.compile(r"(?:[\w-]{1,63}\.){0,8}[\w-]{2,63}")
_URL = re.compile(r"h(?:tt|xx)ps?://([^\s/?#\\<>\"'(){}|^`,;]{1,300})([^\s<>\"]*+)", re.IGNORECASE)
_BARE = re.compile(rf"(?<![\w@./:-])({_HOST})(?![\w@-])(?::\d{{1,5}})?(/[^\s<>\"]*+)?", re.IGNORECASE)
_EMAIL = re.compile(rf"(?<![\w.+-])[\w.+-]{{1,64}}@({_HOST})(?![\w-])", re.IGNORECASE)
_PHONE = re.compile(r"(?<![\w.,/:+-])(?:\+ ?|00)?\(?[0-9][0-9() ./-]{5,22}[0-9](?!\w)")
# A dot that is spelled out, so that a link is not seen: example[.]org, example (dot) org.
_SPELLED_DOT = re.compile(r" ?[\[({] ?(?:\.|dot) ?[\])}] ?", re.IGNORECASE)
_WIDE_DOTS = "\u3002\uff0e\uff61"
_DOTS = str.maketrans(_WIDE_DOTS, "...")
_TRAILING = ".,;:!?)]}'\u2019\u201d\u00bb*_"
_DIGITS = re.compile(r"\D++")
_GROUPS = re.compile(r"\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}|1[ .-]\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}")
_FEWEST_DIGITS, _MOST_DIGITS = 7, 15
_FEWEST_INTERNATIONAL, _FEWEST_NATIONAL, _MOST_NATIONAL = 8, 9, 12
_NORTH_AMERICAN = 10


def find_links(text: str) -> tuple[TextLink, ...]:
    """In the order of the text; none within another. Accepts any str."""
    if not text.isascii() and any(each in text for each in _WIDE_DOTS):
        text = text.translate(_DOTS)
    if ("(" in text or "[" in text or "{" in text) and _SPELLED_DOT.search(text):
        text, origins = _with_dots(text)
        return tuple(each._replace(start=origins[each.start], end=origins[each.end - 1] + 1) for each in _found(text))
    may_link, has_digits = "." in text or "://" in text, _has_digits(text)
    return tuple(_found(text, may_link=may_link, has_digits=has_digits)) if may_link or has_digits else ()


def _found(text: str, *, may_link: bool = True, has_digits: bool = True) -> Iterator[TextLink]:
    some = list(_links(text)) if may_link else []
    if has_digits:
        some += _phones(text)
    end = 0
    for each in sorted(some):
        if each.start >= end:
            yield each
            end = each.end


def _has_digits(text: str) -> bool:
    raw = text.encode("utf-8", "replace")
    return len(raw) - len(raw.translate(None, b"0123456789")) >= _FEWEST_DIGITS


def _links(text: str) -> Iterator[TextLink]:
    urls = []
    if "://" in text:
        for match in _URL.finditer(text):
            path = match[2].rstrip(_TRAILING)
            end = match.end() - len(match[2]) + len(path)
            if host := _host(match[1]):
                urls.append(TextLink(match.start(), end, LinkKind.URL, host, path))
    yield from urls
    if "@" in text:
        for match in _EMAIL.finditer(text):
            yield TextLink(match.start(), match.end(), LinkKind.EMAIL, normalized_domain(match[1]))
    if _has_dot_outside(text, urls):
        for match in _BARE.finditer(text):
            if _is_domain(match[1], match[2] or ""):
                path = (match[2] or "").rstrip(_TRAILING)
                end = match.end() - len(match[2] or "") + len(path)
                yield TextLink(match.start(), end, LinkKind.BARE, normalized_domain(match[1]), path)


def _has_dot_outside(text: str, urls: Sequence[TextLink]) -> bool:
    """Whether there may be a domain that is not in one of these links, which stand in the order of the text."""
    done = 0
    for each in urls:
        if _INNER_DOT.search(text, done, each.start):
            return True
        done = each.end
    return _INNER_DOT.search(text, done) is not None


# Begins with a plain character, which Python finds faster than the host itself.
_INNER_DOT = re.compile(r"\.[^\W\d_][\w-]")


def _host(authority: str) -> str:
    """Without user and port."""
    host = authority.rpartition("@")[2].rstrip(_TRAILING)
    name, _, port = host.partition(":")
    return normalized_domain(name) if not port or port.isdecimal() else ""


def _is_domain(written: str, path: str) -> bool:
    """Whether it is a domain, and not the end of a sentence without a space behind: "the end.Then", "do it.so"."""
    name, _, last = written.rpartition(".")
    ending = normalized_domain(last)
    if last.isascii() and last != ending and not last.isupper():
        return False
    if not ending.isascii():
        return ending in INTERNATIONAL
    if ending in GENERIC:
        return True
    is_sure = bool(path) or "." in name or any(each.isdigit() or each == "-" for each in name)
    return ending in NATIONAL and (is_sure or ending not in LIKE_WORDS)


def _phones(text: str) -> Iterator[TextLink]:
    for match in _PHONE.finditer(text):
        written = match[0]
        digits = _DIGITS.sub("", written)
        if _is_phone(written, digits):
            yield TextLink(match.start(), match.end(), LinkKind.PHONE, "", digits)


def _is_phone(written: str, digits: str) -> bool:
    count = len(digits)
    if count > _MOST_DIGITS:
        return False
    if written.startswith("+"):
        return count >= _FEWEST_INTERNATIONAL
    if written.startswith("00"):
        return count > _FEWEST_NATIONAL
    if written.startswith(("0", "(")):
        return _FEWEST_NATIONAL <= count <= _MOST_NATIONAL
    return _GROUPS.fullmatch(written) is not None or (count == _NORTH_AMERICAN == len(written) and digits[0] > "1")


def _with_dots(text: str) -> tuple[str, list[int]]:
    pieces, origins = [], list[int]()
    done = 0
    for match in _SPELLED_DOT.finditer(text):
        pieces += [text[done : match.start()], "."]
        origins += [*range(done, match.start()), match.start()]
        done = match.end()
    return "".join([*pieces, text[done:]]), [*origins, *range(done, len(text))]


def is_domain(written: str) -> bool:
    """Whether a site may name it in a rule; a whole top-level domain too."""
    return _DOMAIN.fullmatch(written.translate(_DOTS)) is not None


def normalized_domain(domain: str) -> str:
    """In small letters and Unicode, without a dot at either end."""
    if domain.isascii() and "xn--" not in domain.lower():
        return domain.lower().strip(".")
    labels = unicodedata.normalize("NFKC", domain.translate(_DOTS)).casefold().strip(".").split(".")
    return ".".join(map(_decoded, labels))


def _decoded(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode").casefold()
    except (UnicodeError, OverflowError, IndexError):
        return label


def is_under(host: str, domains: Collection[str]) -> bool:
    """Whether the host is one of the normalized domains, or a subdomain of one. Quick for a frozenset."""
    while host:
        if host in domains:
            return True
        host = host.partition(".")[2]
    return False


def suffixes(host: str) -> Iterator[str]:
    """a.b.c, b.c, c"""
    while host:
        yield host
        host = host.partition(".")[2]


@lru_cache(maxsize=4_096)
def registered_domain(host: str) -> str:
    """What somebody registered, as far as is known without a list of all public suffixes."""
    if host.replace(".", "").isdecimal():
        return host
    known = [*suffixes(host)]
    for shorter, longer in pairwise(reversed(known)):
        if shorter in SHARED_SUFFIXES:
            return longer
        if "." in shorter and not _is_second_level(shorter):
            return shorter
    return host


def _is_second_level(domain: str) -> bool:
    name, _, last = domain.partition(".")
    return last in NATIONAL and name in SECOND_LEVEL


def target_of(link: TextLink) -> str:
    """The registered domain; for hosts that many share, also the path: that is whom the link is for."""
    if link.kind is LinkKind.PHONE:
        return link.path
    if is_under(link.host, SHARED_HOSTS):
        return f"{link.host.removeprefix('www.')}{link.path.rstrip('/')}"
    return registered_domain(link.host)
