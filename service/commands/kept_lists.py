"""Word lists beside an exported trail: the trail has no terms, so that it can be kept for ever."""

import contextlib
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from service.values.errors import TrailUnusable
from service.values.lists import ListVersion, WordList

if TYPE_CHECKING:  # verify needs no Redis
    from service.store import Store

_NAME = re.compile(r"([a-z0-9][a-z0-9_-]*)@([0-9]+)\.json")
_decode = msgspec.json.Decoder(WordList).decode


async def keep_lists(store: "Store", site: str, folder: Path) -> None:
    """Write what changed of the lists that a site can use, and remove what is not current. Raises TrailUnusable."""
    from service.store.lists import ListUnreadable  # noqa: PLC0415 - only export needs Redis

    place = folder / "lists"
    versions, kept = await store.lists.versions(site), dict(_files(place))
    try:
        for name, version in versions.items():
            if (name, version) not in kept.values():
                with contextlib.suppress(ListUnreadable):  # of a newer release; the file of before stays
                    found = await store.lists.get(site, name)
                    if found is not None:
                        _write(place / f"{found}.json", msgspec.json.encode(found))
        newest = dict(sorted(key for _, key in _files(place)))
        for path, (name, version) in _files(place):
            if name not in versions or version != newest[name]:
                path.unlink()
    except OSError as error:
        raise TrailUnusable(f"{error.filename or place}: {error.strerror}") from error


def kept_lists(folder: Path) -> Iterator[WordList]:
    """Those beside an exported trail. Raises TrailUnusable for a file that is none of ours."""
    for path, _ in _files(folder / "lists"):
        try:
            yield _decode(path.read_bytes())
        except (OSError, msgspec.DecodeError) as error:
            raise TrailUnusable(f"{path}: not a list that 'steward audit export' wrote") from error


async def put_back_lists(store: "Store", site: str, found: list[WordList], actor: str) -> tuple[int, int]:
    """Restore the lists that are missing, as their first version. Returns how many, and how many were known."""
    known, put = await store.lists.versions(site), 0
    for each in found:
        change = ListVersion(1, datetime.now(UTC), actor, len(each.entries), added=len(each.entries))
        if each.name not in known:
            put += await store.lists.put(site, msgspec.structs.replace(each, version=1), change) == "ok"
    return put, len(found) - put


def _files(place: Path) -> list[tuple[Path, tuple[str, int]]]:
    """Each with the name and the version of its list."""
    found = ((path, _NAME.fullmatch(path.name)) for path in sorted(place.glob("*@*.json")))
    return [(path, (match[1], int(match[2]))) for path, match in found if match]


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        os.fsync(file.fileno())
    draft.replace(path)
