"""Styles, scripts and images: a fixed map built at start, so that no request accesses the file system."""

import gzip
import hashlib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from aiohttp import web

from service.console.protection import PREFIX

_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
A_YEAR = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """`packed`: the body with gzip. Only what is the same for everybody is packed, so lengths tell no secret."""

    body: bytes
    packed: bytes
    content_type: str
    etag: str


class Assets:
    """The files in `static/`. The version in their URLs covers all of them, so browsers may cache them for ever."""

    def __init__(self) -> None:
        found = sorted(files("service.console").joinpath("static").iterdir(), key=lambda each: each.name)
        self._assets = {each.name: _asset(each) for each in found if each.name.rpartition(".")[2] in _TYPES}
        self.version = _digest(b"".join(asset.etag.encode() for asset in self._assets.values()))[:12]

    def path(self, name: str) -> str:
        """Raises KeyError for an unknown name, so that a typo in a template fails on the server."""
        self._assets[name]
        return f"{PREFIX}/static/{self.version}/{name}"

    def scripts(self) -> list[str]:
        """The texts of our own scripts. Vendored ones hold no messages and take long to parse."""
        own = (name for name in self._assets if name.endswith(".js") and not name.endswith(".min.js"))
        return [self._assets[name].body.decode() for name in own]

    def plain(self, name: str, caching: str) -> web.Response:
        """A file at an address without a version."""
        asset = self._assets[name]
        headers = {"ETag": f'"{asset.etag}"', "Cache-Control": caching}
        return web.Response(body=asset.body, content_type=asset.content_type, charset="utf-8", headers=headers)

    def answer(self, request: web.Request) -> web.StreamResponse:
        """Serve a file. A page of another release asks for another version: it gets this one, without caching."""
        asset = self._assets.get(request.match_info["name"])
        if asset is None:
            raise web.HTTPNotFound
        is_ours = request.match_info["version"] == self.version
        is_packed = "gzip" in request.headers.get("Accept-Encoding", "")
        etag = f"{asset.etag}-gz" if is_packed else asset.etag
        caching = A_YEAR if is_ours else "no-cache"
        headers = {"ETag": f'"{etag}"', "Cache-Control": caching, "Vary": "Accept-Encoding"}
        if any(tag.value == etag for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        if is_packed:
            headers["Content-Encoding"] = "gzip"
        body = asset.packed if is_packed else asset.body
        return web.Response(body=body, content_type=asset.content_type, charset="utf-8", headers=headers)


def _asset(file: Traversable) -> Asset:
    body = file.read_bytes()
    return Asset(body, gzip.compress(body, mtime=0), _TYPES[file.name.rpartition(".")[2]], _digest(body))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
