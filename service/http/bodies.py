"""Bodies and parameters in: strict JSON, then the shape; what is wrong is named by its place."""

import asyncio
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeVar

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

Shape = TypeVar("Shape")

MAX_BODY_BYTES = 65_536
MAX_BATCH_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 20

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# Halves of characters, which may stand alone, and backslashes that may or may not belong to a quote behind them.
_AMBIGUOUS = re.compile(rb"\\(?:u[dD][89a-fA-F]|\\)")
_encode = msgspec.json.Encoder().encode
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


async def read(request: web.Request, content_type: str | None, limit: int) -> bytes:
    """The body, or an error that says why not; never more than `limit` bytes of it.

    `content_type`: None where a protocol does not insist on one.
    """
    said = request.headers.get("Content-Type")
    # request.content_type is parsed anew for each request: only where it must be.
    if content_type is not None and said != content_type and (said is None or request.content_type != content_type):
        raise WrongContentType(f"send {content_type}, not {(said or 'nothing')[:100]!r}")
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise WrongContentType("send the body uncompressed")
    try:
        if request.content.is_eof():  # all of it has come, as nearly always
            raw = request.content.read_nowait()
        elif (request.content_length or 0) > limit:
            raise TooLarge(f"the body is larger than {limit} bytes")
        else:
            raw = await _received(request, limit)
    except (ConnectionError, ClientError, web.RequestPayloadError) as error:
        # The client has gone, or its chunks are malformed: no error of ours, to be counted and logged as one.
        raise BadRequest("the body did not arrive whole") from error
    if len(raw) > limit:
        raise TooLarge(f"the body is larger than {limit} bytes")
    return raw


def decoded(raw: bytes) -> str:
    """As text; a byte order mark at its beginning is passed over (RFC 8259, section 8.1)."""
    try:
        return raw.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise BadRequest(f"the body is not UTF-8: byte {error.start}", [Fault("", "not UTF-8")]) from error


def shaped(raw: bytes, kind: type[Shape]) -> Shape:
    """What `parse` and `shape` make of it, read the quick way where that is the same."""
    found = at_once(raw, kind)
    return shape(parse(decoded(raw)), kind) if found is None else found


async def _received(request: web.Request, limit: int) -> bytes:
    """The body, or so much of it that it is over the limit: a chunked one does not say how long it will be."""
    raw = bytearray()
    try:
        async with asyncio.timeout(request.app[keys.SETTINGS].receipt_timeout_s):
            while len(raw) <= limit and (some := await request.content.readany()):
                raw += some
            return bytes(raw)
    except TimeoutError as error:
        raise TooSlow("the body did not come in time") from error


def parse(text: str) -> Any:  # noqa: ANN401 - any JSON
    """JSON as RFC 8259 has it: no NaN, no doubled names, not too deep. A lone surrogate becomes U+FFFD.

    The replacement is one code point for one, so offsets into the text as sent stay right.
    """
    try:
        value = _strict.decode(text)
    except RecursionError:
        _refuse("too deep")
    except ValueError as error:
        # Of the parser's own message only the place is ours to show; the rest may quote the body.
        _refuse(str(error) if isinstance(error, (json.JSONDecodeError, _NotJson)) else "a number out of range")
    if text.count("[") + text.count("{") > MAX_DEPTH and _is_deeper(value, MAX_DEPTH):
        _refuse(f"nested more than {MAX_DEPTH} deep")
    return _well_formed(value) if _ESCAPED_SURROGATE.search(text) else value


def shape(value: Any, kind: type[Shape], at: str = "") -> Shape:  # noqa: ANN401 - any JSON
    """`value` as `kind`; `at` is the JSON Pointer of `value` in the body. Raises BadRequest or TooLarge.

    An optional field that was sent empty counts as not sent where it does not fit otherwise.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        pass
    try:
        return msgspec.convert(without_empties(value, kind), kind)
    except msgspec.ValidationError as error:
        fault = fault_of(str(error), at, kind)
        raise BadRequest(f"{fault.pointer or 'the body'}: {fault.detail}", [fault]) from error


def parameters(request: web.Request, kind: type[Shape]) -> Shape:
    """The query string as `kind`. A parameter that we do not know is refused: it is a typo or a key."""
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
        raise BadRequest(f"{at}: blank", [Fault(at, "blank")])


def check_count(items: Sequence[object], at: str) -> None:
    if len(items) > MAX_BATCH_ITEMS:
        detail = f"more than {MAX_BATCH_ITEMS} items"
        raise TooLarge(f"{at}: {detail}", [Fault(at, detail)])


NOBODY = Author()


def _check_instant(instant: datetime | None, at: str) -> None:
    """The first and the last hours of the calendar may lie outside it in UTC."""
    try:
        if instant is not None:
            instant.astimezone(UTC)
    except OverflowError as error:
        raise BadRequest(f"{at}: outside the calendar in UTC", [Fault(at, "outside the calendar in UTC")]) from error


def check_comment(comment: Comment, at: str = "") -> Comment:
    """The comment as it is kept: checked for what the shape does not say; what is too long beside the text is cut."""
    check_text(comment.text, f"{at}/text")
    for where, at_time in (
        ("/created_at", comment.created_at),
        ("/author/created_at", (comment.author or NOBODY).created_at),
    ):
        _check_instant(at_time, f"{at}{where}")
    if comment.metadata and len(msgspec.json.encode(comment.metadata)) > MAX_METADATA_BYTES:
        detail = f"longer than {MAX_METADATA_BYTES} bytes of JSON"
        raise TooLarge(f"{at}/metadata: {detail}", [Fault(f"{at}/metadata", detail)])
    return _fitted(comment)


def _fitted(comment: Comment) -> Comment:
    """What only accompanies the text must not keep a comment from being judged."""
    author, article, parent = comment.author, comment.article, comment.parent
    changed: dict[str, Any] = {}
    if author is not None and len(author.name or "") > MAX_NAME:
        changed["author"] = replace(author, name=cut(author.name or "", MAX_NAME))
    if article is not None:
        url, title, section = article.url or "", article.title or "", article.section or ""
        if len(url) > MAX_URL or len(title) > MAX_TITLE or len(section) > MAX_SECTION:
            changed["article"] = replace(
                article,
                url=None if len(url) > MAX_URL else article.url,  # a part of an address leads elsewhere
                title=cut(title, MAX_TITLE) or None,
                section=section[:MAX_SECTION] or None,  # policies and filters compare it, so no ellipsis
            )
    if parent is not None and parent.text and len(parent.text) * _MOST_BYTES > MAX_TEXT_BYTES:
        changed["parent"] = replace(parent, text=_cut_bytes(parent.text, MAX_TEXT_BYTES))
    return replace(comment, **changed) if changed else comment


# Of one character in UTF-8.
_MOST_BYTES = 4
_ELLIPSIS = "…"


def cut(text: str, most: int) -> str:
    """At most so many characters; an ellipsis shows that there were more."""
    return text if len(text) <= most else text[: most - 1].rstrip() + _ELLIPSIS


def _cut_bytes(text: str, most: int) -> str:
    whole = text.encode()
    if len(whole) <= most:
        return text
    kept = whole[: most - len(_ELLIPSIS.encode())]
    return kept.decode(errors="ignore").rstrip() + _ELLIPSIS


_quick: dict[type, tuple[Callable[[bytes], Any], Callable[[Any], bool]]] = {}


def read_quickly(kind: type[Shape], is_plain: Callable[[Shape], bool] = lambda _: True) -> None:
    """Let msgspec alone read bodies of this kind where nobody can see the difference.

    `kind` must leave out what is not set when it is written. `is_plain` says of a value whether it is made of texts,
    flags and instants only: numbers, and what has no type and any depth, are not read alike by all.
    """
    _quick[kind] = msgspec.json.Decoder(kind).decode, is_plain


def at_once(raw: bytes, kind: type[Shape]) -> Shape | None:
    """`raw` read the quick way; None where it is not sure that `parse` and `shape` would say the same.

    msgspec keeps the last of two fields with one name, and they would refuse it. But what is read and not kept, or kept
    and not written, has two quotes or more: written again, the value has fewer of them than `raw`.
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
    """Those around strings. There must be no backslash before another in `raw`; if there is, some may be missed."""
    return raw.count(b'"') - raw.count(b'\\"')


read_quickly(Comment, lambda comment: not comment.metadata)


class _NotJson(ValueError):
    pass


def _refuse(detail: str) -> NoReturn:
    raise BadRequest(f"not valid JSON: {detail}", [Fault("", detail)])


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _NotJson("a name stands twice in one object")
    return found


def _not_finite(name: str) -> NoReturn:
    raise _NotJson(f"{name} is not a JSON number")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise _NotJson("a number out of range")
    return value


_strict = json.JSONDecoder(object_pairs_hook=_without_doubles, parse_constant=_not_finite, parse_float=_finite)


def _is_deeper(value: Any, most: int) -> bool:  # noqa: ANN401
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


def _well_formed(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, Mapping):
        return {_well_formed(name): _well_formed(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_well_formed(inner) for inner in value]
    return value
