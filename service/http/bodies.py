"""Reads bodies and query parameters: strict JSON, then conversion to a type. Errors name the place."""

import asyncio
import codecs
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeGuard, TypeVar

import msgspec
from aiohttp import ClientError, web
from msgspec.structs import replace

from service import app_keys as keys
from service.http.shapes import fault_of, without_empties
from service.values.domain import (
    MAX_BATCH_ITEMS,
    MAX_METADATA_BYTES,
    MAX_NAME,
    MAX_SECTION,
    MAX_TEXT_BYTES,
    MAX_TITLE,
    MAX_URL,
    Author,
    Comment,
)
from service.values.errors import BadRequest, Fault, TooLarge, TooSlow, WrongContentType
from service.values.networks import network_of

Shape = TypeVar("Shape")

MAX_BODY_BYTES = 65_536
# Of a request to our own API. Context of a comment is cut, not refused, and an encoder may write each character as an
# escape: then a text of the largest size, and a parent of the same, take four times MAX_BODY_BYTES.
MAX_REQUEST_BYTES = 8 * MAX_BODY_BYTES
MAX_BATCH_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 20

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# Escaped surrogates, which may be unpaired, and escaped backslashes, which make a following quote ambiguous.
_AMBIGUOUS = re.compile(rb"\\(?:u[dD][89a-fA-F]|\\)")
_encode = msgspec.json.Encoder().encode
_MARKS_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


async def read(request: web.Request, content_type: str | None, limit: int, others: Sequence[str] = ()) -> bytes:
    """Read the body, at most `limit` bytes. Raises BadRequest, TooLarge, TooSlow or WrongContentType.

    `content_type`: the required one; None if the protocol accepts any. `others`: also named to whoever sends another.
    """
    said = request.headers.get("Content-Type")
    # request.content_type parses the header for each request, so compare the raw header first.
    if content_type is not None and said != content_type and (said is None or request.content_type != content_type):
        wanted = " or ".join((content_type, *others))
        raise WrongContentType(f"send {wanted}, not {(said or 'nothing')[:100]!r}")
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise WrongContentType("send the body uncompressed")
    try:
        if request.content.is_eof():  # all of it has arrived: the usual case
            raw = request.content.read_nowait()
        elif (request.content_length or 0) > limit:
            raise TooLarge(f"the body is larger than {limit} bytes")
        else:
            raw = await _received(request, limit)
    except (ConnectionError, ClientError, web.RequestPayloadError) as error:
        # The client has disconnected, or its chunks are malformed. This is not an internal error.
        raise BadRequest("the body did not arrive completely") from error
    if len(raw) > limit:
        raise TooLarge(f"the body is larger than {limit} bytes")
    return raw


def decoded(raw: bytes) -> str:
    """The body as text, without a byte order mark (RFC 8259, section 8.1)."""
    if raw[:2] in _MARKS_16 or b"\0" in raw[:2]:  # a NUL beside an ASCII character: it has no mark
        raise BadRequest("the body is not UTF-8: it looks like UTF-16", [Fault("", "not UTF-8")])
    try:
        return raw.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadRequest(
            f"the body is not UTF-8: byte {error.start}, in line {line}", [Fault("", "not UTF-8")]
        ) from error


def shaped(raw: bytes, kind: type[Shape]) -> Shape:
    """The result of `parse` and `shape`, by the fast path where it gives the same result."""
    found = at_once(raw, kind)
    return shape(parse(decoded(raw)), kind) if found is None else found


async def _received(request: web.Request, limit: int) -> bytes:
    """The body, or enough of it to exceed the limit: a chunked body does not announce its length."""
    raw = bytearray()
    try:
        async with asyncio.timeout(request.app[keys.SETTINGS].receipt_timeout_s):
            while len(raw) <= limit and (some := await request.content.readany()):
                raw += some
            return bytes(raw)
    except TimeoutError as error:
        raise TooSlow("the body did not arrive in time") from error


def parse(text: str) -> Any:  # noqa: ANN401 - any JSON
    """Parse JSON by RFC 8259: no NaN, no duplicate names, limited depth. A lone surrogate becomes U+FFFD.

    The replacement keeps the number of code points, so offsets into the text stay valid.
    """
    try:
        value = _strict.decode(text)
    except RecursionError:
        _refuse("too deep")
    except json.JSONDecodeError as error:
        _refuse(_cannot_be_read(text, error))
    except ValueError as error:
        # Other messages may quote the body.
        _refuse(str(error) if isinstance(error, _NotJson) else "a number out of range")
    if text.count("[") + text.count("{") > MAX_DEPTH and _is_deeper(value, MAX_DEPTH):
        _refuse(f"nested more than {MAX_DEPTH} deep")
    return _well_formed(value) if _ESCAPED_SURROGATE.search(text) else value


def shape(value: Any, kind: type[Shape], at: str = "") -> Shape:  # noqa: ANN401 - any JSON
    """`value` as `kind`; `at` is the JSON Pointer of `value` in the body. Raises BadRequest or TooLarge.

    If `value` does not fit, optional fields that are empty are ignored.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        pass
    value = without_empties(value, kind)
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        fault = fault_of(str(error), at, kind, value)
        raise BadRequest(f"{fault.pointer or 'the body'}: {fault.detail}", [fault]) from error


def parameters(request: web.Request, kind: type[Shape]) -> Shape:
    """The query string as `kind`. Unknown parameters are refused: they are typos, or keys."""
    given = dict(request.query)
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError:
        pass
    try:
        return msgspec.convert(without_empties(given, kind), kind, strict=False)
    except msgspec.ValidationError as error:
        fault = fault_of(str(error), "", kind)
        name = fault.pointer.removeprefix("/")
        raise BadRequest(f"query parameter '{name}': {fault.detail}" if name else fault.detail) from error


def check_text(text: str, at: str) -> None:
    if len(text) > MAX_TEXT_BYTES or len(text.encode()) > MAX_TEXT_BYTES:
        detail = f"longer than {MAX_TEXT_BYTES} bytes of UTF-8"
        raise TooLarge(f"{at}: {detail}", [Fault(at, detail)])
    if not text or text.isspace():
        raise BadRequest(f"{at}: must not be empty", [Fault(at, "must not be empty")])


def check_count(items: Sequence[object], at: str) -> None:
    if len(items) > MAX_BATCH_ITEMS:
        detail = f"more than {MAX_BATCH_ITEMS} items"
        raise TooLarge(f"{at}: {detail}", [Fault(at, detail)])


NOBODY = Author()
# What proxies write where they know none (RFC 7239, 6.2, and nginx).
_NO_ADDRESS = ("", "unknown", "-")


def _check_instant(instant: datetime | None, at: str) -> None:
    """Times in the first and last hours of the calendar may not be representable in UTC."""
    try:
        if instant is not None:
            instant.astimezone(UTC)
    except OverflowError as error:
        raise BadRequest(f"{at}: outside the calendar in UTC", [Fault(at, "outside the calendar in UTC")]) from error


def check_comment(comment: Comment, at: str = "") -> Comment:
    """Check what the type does not express. Returns the comment with overlong fields, except the text, cut."""
    check_text(comment.text, f"{at}/text")
    comment = _with_zones(comment)
    for where, at_time in (
        ("/created_at", comment.created_at),
        ("/author/created_at", (comment.author or NOBODY).created_at),
        ("/article/published_at", None if comment.article is None else comment.article.published_at),
    ):
        _check_instant(at_time, f"{at}{where}")
    if comment.metadata and len(msgspec.json.encode(comment.metadata)) > MAX_METADATA_BYTES:
        detail = f"longer than {MAX_METADATA_BYTES} bytes of JSON"
        raise TooLarge(f"{at}/metadata: {detail}", [Fault(f"{at}/metadata", detail)])
    address = "" if comment.sender is None else (comment.sender.ip or "").strip()
    if address.lower() not in _NO_ADDRESS and network_of(address) is None:
        raise BadRequest(f"{at}/sender/ip: not an IP address", [Fault(f"{at}/sender/ip", "not an IP address")])
    return _fitted(comment)


def _with_zones(comment: Comment) -> Comment:
    """With UTC as the zone of times without one."""
    author, article = comment.author, comment.article
    changed: dict[str, Any] = {}
    if _is_zoneless(comment.created_at):
        changed["created_at"] = comment.created_at.replace(tzinfo=UTC)
    if author is not None and _is_zoneless(author.created_at):
        changed["author"] = replace(author, created_at=author.created_at.replace(tzinfo=UTC))
    if article is not None and _is_zoneless(article.published_at):
        changed["article"] = replace(article, published_at=article.published_at.replace(tzinfo=UTC))
    return replace(comment, **changed) if changed else comment


def _is_zoneless(instant: datetime | None) -> TypeGuard[datetime]:
    return instant is not None and instant.tzinfo is None


def _fitted(comment: Comment) -> Comment:
    """Cut overlong fields. They must not prevent a comment from being judged."""
    author, article, parent = comment.author, comment.article, comment.parent
    changed: dict[str, Any] = {}
    if author is not None and len(author.name or "") > MAX_NAME:
        changed["author"] = replace(author, name=cut(author.name or "", MAX_NAME))
    if article is not None:
        url, title, section = article.url or "", article.title or "", article.section or ""
        if len(url) > MAX_URL or len(title) > MAX_TITLE or len(section) > MAX_SECTION:
            changed["article"] = replace(
                article,
                url=None if len(url) > MAX_URL else article.url,  # part of a URL would lead elsewhere
                title=cut(title, MAX_TITLE) or None,
                section=section[:MAX_SECTION] or None,  # policies and filters compare it, so no ellipsis
            )
    if parent is not None and parent.text and len(parent.text) * _MAX_CHARACTER_BYTES > MAX_TEXT_BYTES:
        changed["parent"] = replace(parent, text=_cut_bytes(parent.text, MAX_TEXT_BYTES))
    return replace(comment, **changed) if changed else comment


# The longest character in UTF-8.
_MAX_CHARACTER_BYTES = 4
_ELLIPSIS = "…"


def cut(text: str, most: int) -> str:
    """Cut to `most` characters, with an ellipsis at the end if something was cut."""
    return text if len(text) <= most else text[: most - 1].rstrip() + _ELLIPSIS


def _cut_bytes(text: str, most: int) -> str:
    whole = text.encode()
    if len(whole) <= most:
        return text
    kept = whole[: most - len(_ELLIPSIS.encode())]
    return kept.decode(errors="ignore").rstrip() + _ELLIPSIS


_quick: dict[type, tuple[Callable[[bytes], Any], Callable[[Any], bool]]] = {}


def read_quickly(kind: type[Shape], is_plain: Callable[[Shape], bool] = lambda _: True) -> None:
    """Register `kind` for the fast path, which decodes with msgspec alone.

    `kind` must omit default values when encoded. `is_plain` tells whether a value holds only texts, booleans and
    instants: parsers differ in how they read numbers, and values without a type may be nested to any depth.
    """
    _quick[kind] = msgspec.json.Decoder(kind).decode, is_plain


def at_once(raw: bytes, kind: type[Shape]) -> Shape | None:
    """Decode `raw` by the fast path; None if `parse` and `shape` might give another result.

    They refuse duplicate keys, but msgspec keeps the last one. Detects duplicate keys by encoding the value again and
    comparing the number of quote characters: a key that was dropped had at least two.
    """
    has_escapes = b"\\" in raw
    if kind not in _quick or (has_escapes and _AMBIGUOUS.search(raw)):
        return None
    decode, is_plain = _quick[kind]
    try:
        found: Shape = decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    quotes = _quotes if has_escapes else _all_quotes
    return found if quotes(raw) == quotes(_encode(found)) and is_plain(found) else None


def _all_quotes(raw: bytes) -> int:
    return raw.count(b'"')


def _quotes(raw: bytes) -> int:
    """Count the quotes around strings, not the escaped ones. Requires that `raw` holds no escaped backslash."""
    return raw.count(b'"') - raw.count(b'\\"')


read_quickly(Comment, lambda comment: not comment.metadata)


class _NotJson(ValueError):
    pass


def _cannot_be_read(text: str, error: json.JSONDecodeError) -> str:
    if not text or text.isspace():
        return "it is empty"
    return f"it cannot be read from line {error.lineno}, column {error.colno} on"


def _refuse(detail: str) -> NoReturn:
    raise BadRequest(f"not valid JSON: {detail}", [Fault("", detail)])


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _NotJson("a name appears twice in one object")
    return found


def _not_finite(name: str) -> NoReturn:
    raise _NotJson(f"{name} is not a JSON number")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise _NotJson("a number out of range")
    return value


_strict = json.JSONDecoder(object_pairs_hook=_without_duplicates, parse_constant=_not_finite, parse_float=_finite)


def _is_deeper(value: Any, most: int) -> bool:  # noqa: ANN401 - decoded JSON
    level = [value]
    for _ in range(most):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each if isinstance(each, list) else ())
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True


def _well_formed(value: Any) -> Any:  # noqa: ANN401 - decoded JSON
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, Mapping):
        return {_well_formed(name): _well_formed(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_well_formed(inner) for inner in value]
    return value
