"""Scripts and styles: packed for browsers that can unpack, whole for the others, and known by their ETag."""

import gzip
from importlib.resources import files
from typing import Any

from service.console.assets import Assets

STATIC = files("service.console").joinpath("static")


async def test_files_are_sent_packed_to_browsers_that_say_they_can_unpack_them(client: Any) -> None:
    path = Assets().path("base.css")
    sizes = {}
    for accepted in ("gzip, br", "identity"):
        async with client.get(path, headers={"Accept-Encoding": accepted}, auto_decompress=False) as answer:
            body = await answer.read()
            sizes[accepted] = len(body)
            packed = accepted.startswith("gzip")
            assert (answer.headers.get("Content-Encoding") == "gzip") is packed
            assert answer.headers["Vary"] == "Accept-Encoding"
            assert (gzip.decompress(body) if packed else body) == STATIC.joinpath("base.css").read_bytes()
            known = {"Accept-Encoding": accepted, "If-None-Match": answer.headers["ETag"]}
        async with client.get(path, headers=known) as answer:
            assert answer.status == 304
    assert sizes["gzip, br"] < sizes["identity"] / 2
