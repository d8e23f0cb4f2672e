"""Reads the fields of a request from a form of either kind, from JSON, or from the query string."""

import re
from collections.abc import Iterable, Mapping
from encodings import normalize_encoding
from encodings.aliases import aliases
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from aiohttp import web
from aiohttp.helpers import parse_mimetype

from service.http import bodies
from service.values.errors import BadRequest, Fault

Fields = Mapping[str, str]

# URL encoding can triple the length of a text, and WordPress adds all of its server variables.
MAX_BODY_BYTES = 4 * bodies.MAX_BODY_BYTES
MAX_FIELDS = 1_000
FORM, PARTS, JSON = "application/x-www-form-urlencoded", "multipart/form-data", "application/json"
_NAME = re.compile(
    rb'^content-disposition:[^\r\n]*?[; ]name=(?:"([^"\r\n]*)"|([^";\s]+))', re.IGNORECASE | re.MULTILINE
)
_FILE = re.compile(rb"^content-disposition:[^\r\n]*?[; ]filename\*?=", re.IGNORECASE | re.MULTILINE)

# What MySQL calls UTF-8, such as utf8mb4 and utf8_general_ci.
_LIKE_UTF_8 = re.compile("utf_?8(mb[34])?(_[a-z0-9_]*(ci|cs|bin|ks))?")
_LONGEST_CHARSET = 40
_LONGEST_BOUNDARY = 200
# Charsets used on the web, by Python's modules; other codecs do more than decode text.
_MODULES = (
    *("utf_8", "ascii", "latin_1", *(f"iso8859_{part}" for part in (*range(2, 12), *range(13, 17)))),
    *(f"cp125{page}" for page in range(9)),
    *("cp866", "cp874", "koi8_r", "koi8_u", "mac_roman", "tis_620", "big5", "big5hkscs", "gb2312", "gbk", "gb18030"),
    *("euc_jp", "shift_jis", "cp932", "iso2022_jp", "euc_kr", "cp949", "cp950"),
)
# Read as browsers read them: by what everybody writes under these names.
_READ_AS = {"latin_1": "cp1252", "ascii": "cp1252", "shift_jis": "cp932", "euc_kr": "cp949", "gb2312": "gb18030"}
# Names in the Encoding Standard, and of PHP, that Python does not know.
_OTHER_NAMES = {
    **{f"x_cp125{page}": f"cp125{page}" for page in range(9)},
    "big5_hkscs": "big5hkscs",
    "cn_big5": "big5",
    "dos_874": "cp874",
    "eucjp_win": "euc_jp",
    "iso_8859_8_i": "iso8859_8",
    "logical": "iso8859_8",
    "sjis_win": "cp932",
    "unicode_1_1_utf_8": "utf_8",
    "windows_31j": "cp932",
    "windows_949": "cp949",
    "x_euc_jp": "euc_jp",
    "x_gbk": "gbk",
    "x_mac_roman": "mac_roman",
    "x_sjis": "cp932",
    "x_x_big5": "big5",
}
# Python's name of a codec and all others -> the codec.
_CHARSETS = {module: _READ_AS.get(module, module) for module in _MODULES}
_CHARSETS |= {name.replace(".", "_"): _CHARSETS[module] for name, module in aliases.items() if module in _CHARSETS}
_CHARSETS |= {name: _CHARSETS[module] for name, module in _OTHER_NAMES.items()}


async def fields_of(request: web.Request) -> Fields:
    """Raises BadRequest, TooLarge, TooSlow and WrongContentType. If a field is repeated, the last value counts."""
    if request.method == "GET":
        return dict(request.query)
    kind = request.content_type if request.content_type in (JSON, PARTS) else FORM
    raw = await bodies.read(request, kind, MAX_BODY_BYTES)
    if kind == JSON:
        return _from_json(raw)
    return _from_form(_parts(raw, request) if kind == PARTS else _pairs(raw), request.charset)


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


def _pairs(raw: bytes) -> dict[bytes, bytes]:
    pairs = [pair.partition(b"=") for pair in raw.split(b"&", MAX_FIELDS + 1)]
    if len(pairs) > MAX_FIELDS:
        raise BadRequest(f"more than {MAX_FIELDS} fields")
    return {_unquoted(name): _unquoted(value) for name, _, value in pairs if name}


def _parts(raw: bytes, request: web.Request) -> dict[bytes, bytes]:
    """The fields of multipart/form-data (RFC 7578), without files.

    Split by hand: Python's parser of e-mails takes 50 times as long, and aiohttp's reads only from a connection.
    """
    boundary = parse_mimetype(request.headers.get("Content-Type", "")).parameters.get("boundary", "")
    if not 0 < len(boundary) <= _LONGEST_BOUNDARY:
        raise BadRequest("the form has no boundary: send it as the Content-Type says, or as " + FORM)
    parts = (b"\r\n" + raw).split(b"\r\n--" + boundary.encode("utf-8", "replace"), MAX_FIELDS + 2)[1:]
    if len(parts) > MAX_FIELDS + 1:
        raise BadRequest(f"more than {MAX_FIELDS} fields")
    found = {}
    for part in parts:
        head, _, value = part.partition(b"\r\n\r\n")
        if (name := _NAME.search(head)) and not _FILE.search(head):
            found[name[1] or name[2] or b""] = value
    if not found:
        raise BadRequest("the form has no fields between its boundaries")
    return found


def _from_form(found: Mapping[bytes, bytes], charset: str | None) -> dict[str, str]:
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
    """The fields as a form would send them, without values that a form cannot express.

    Raises BadRequest for a text that is none: without it every comment would be an empty one.
    """
    for name, value in items:
        if name == "comment_content" and isinstance(value, (dict, list)):
            raise BadRequest("comment_content: must be text", [Fault("/comment_content", "must be text")])
        if isinstance(value, bool):
            yield name, "true" if value else "false"
        elif isinstance(value, str | int | float):
            yield name, str(value)
