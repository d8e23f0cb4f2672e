"""Reads the fields of a request from a form in any charset, from JSON, or from the query string."""

import re
from collections.abc import Iterable, Mapping
from encodings import normalize_encoding
from encodings.aliases import aliases
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from aiohttp import web

from service.http import bodies
from service.values.errors import BadRequest, Fault

Fields = Mapping[str, str]

# URL encoding can triple the length of a text, and WordPress adds all of its server variables.
MAX_BODY_BYTES = 4 * bodies.MAX_BODY_BYTES
MAX_FIELDS = 1_000
FORM, JSON = "application/x-www-form-urlencoded", "application/json"

# What MySQL calls UTF-8, such as utf8mb4 and utf8_general_ci.
_LIKE_UTF_8 = re.compile("utf_?8(mb[34])?(_[a-z0-9_]*(ci|cs|bin|ks))?")
_LONGEST_CHARSET = 40
# Charsets used on the web, by Python's modules; other codecs do more than decode text.
_MODULES = (
    *("utf_8", "ascii", "latin_1", *(f"iso8859_{part}" for part in (*range(2, 12), *range(13, 17)))),
    *(f"cp125{page}" for page in range(9)),
    *("cp866", "cp874", "koi8_r", "koi8_u", "mac_roman", "tis_620", "big5", "big5hkscs", "gb2312", "gbk", "gb18030"),
    *("euc_jp", "shift_jis", "iso2022_jp", "euc_kr"),
)
# Two are read as browsers read them.
_READ_AS = {"latin_1": "cp1252", "ascii": "cp1252"}
# Python's name of a codec and all others -> the codec.
_CHARSETS = {module: _READ_AS.get(module, module) for module in _MODULES}
_CHARSETS |= {name.replace(".", "_"): _CHARSETS[module] for name, module in aliases.items() if module in _CHARSETS}


async def fields_of(request: web.Request) -> Fields:
    """Raises BadRequest, TooLarge, TooSlow and WrongContentType. If a field is repeated, the last value counts."""
    if request.method == "GET":
        return dict(request.query)
    kind = JSON if request.content_type == JSON else FORM
    raw = await bodies.read(request, kind, MAX_BODY_BYTES)
    return _from_json(raw) if kind == JSON else _from_form(raw, request.charset)


def required(fields: Fields, name: str, *, may_be_empty: bool = False) -> str:
    value = fields.get(name)
    if value is None or not (value or may_be_empty):
        raise _missing(name)
    return value


def blog_of(fields: Fields, *, is_required: bool) -> str | None:
    """The part of an address that identifies the site: host, port, path; 200 characters at most. Raises BadRequest."""
    said = required(fields, "blog") if is_required else fields.get("blog")
    if not said:
        return None
    try:
        parts = urlsplit(said.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        detail = "blog: send the full address of the site, as https://example.com"
        raise BadRequest(detail, [Fault("/blog", "not a full address")])
    place = f"{host}:{port}" if port else host
    return (place + parts.path.rstrip("/"))[:200].encode("ascii", "backslashreplace").decode()[:200]


def is_true(fields: Fields, name: str) -> bool:
    return fields.get(name, "").strip().lower() in ("1", "true", "yes", "on")


def _missing(name: str) -> BadRequest:
    return BadRequest(f"{name}: missing", [Fault(f"/{name}", "missing")])


def _from_form(raw: bytes, charset: str | None) -> dict[str, str]:
    pairs = [pair.partition(b"=") for pair in raw.split(b"&", MAX_FIELDS + 1)]
    if len(pairs) > MAX_FIELDS:
        raise BadRequest(f"more than {MAX_FIELDS} fields")
    found = {_unquoted(name): _unquoted(value) for name, _, value in pairs if name}
    codec = _codec(charset or found.get(b"blog_charset", b"").decode("ascii", "replace") or "utf-8")
    return {name.decode(codec, "replace"): value.decode(codec, "replace") for name, value in found.items()}


def _unquoted(part: bytes) -> bytes:
    return unquote_to_bytes(part.replace(b"+", b" "))


def _codec(charset: str) -> str:
    """Raises BadRequest for a charset that is not used on the web."""
    # codecs.lookup would keep every name that it does not know.
    is_short = charset.isascii() and len(charset) <= _LONGEST_CHARSET
    asked = normalize_encoding(charset.replace(".", "_")).lower() if is_short else ""
    name = "utf-8" if _LIKE_UTF_8.fullmatch(asked) else _CHARSETS.get(asked)
    if name is None:
        raise BadRequest("charset: none that we know; send UTF-8", [Fault("", "unknown charset")])
    return name


def _from_json(raw: bytes) -> dict[str, str]:
    value = bodies.parse(bodies.decoded(raw))
    if not isinstance(value, dict):
        raise BadRequest("the body must be a JSON object of fields")
    if len(value) > MAX_FIELDS:
        raise BadRequest(f"more than {MAX_FIELDS} fields")
    return dict(_flat(value.items()))


def _flat(items: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, str]]:
    """The fields as a form would send them, without values that a form cannot express."""
    for name, value in items:
        if isinstance(value, bool):
            yield name, "true" if value else "false"
        elif isinstance(value, str | int | float):
            yield name, str(value)
