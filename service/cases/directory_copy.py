"""The copy of keys and policies on disk, with which a service starts while Redis is unavailable."""

import hashlib
import logging
import os
import tempfile
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from service.values.access import ApiKey
from service.values.policy import Policy

log = logging.getLogger(__name__)

Kind = TypeVar("Kind")

# The first format had no number.
FORMAT = 2


class Snapshot(Struct):
    """Keys by id, the newest policy of each site, and the salt for random draws and pseudonyms.

    In `policies` None means that the site has set no policy; a site whose policy was never read has no entry.
    """

    keys: dict[str, ApiKey]
    policies: dict[str, Policy | None]
    salt: bytes = b""
    format: int = FORMAT


_KEY = msgspec.json.Decoder(ApiKey)
_POLICY: msgspec.json.Decoder[Policy | None] = msgspec.json.Decoder(Policy | None)


class _Copy(Struct):
    """As Snapshot, with undecoded records, so that an unreadable one does not affect the others."""

    keys: dict[str, msgspec.Raw]
    policies: dict[str, msgspec.Raw]
    salt: bytes = b""
    format: int = 1


def copy_of(path: Path) -> Snapshot | None:
    """The copy on disk, without records that this release cannot read; None: there is no readable file."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_Copy)
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    keys, policies = _readable(found.keys, _KEY), _readable(found.policies, _POLICY)
    if found.format < FORMAT:  # the first format had no entry for a site without a policy
        policies = dict.fromkeys({key.site for key in keys.values()} - found.policies.keys()) | policies
    return Snapshot(keys, policies, found.salt)


def _readable(found: dict[str, msgspec.Raw], decoder: msgspec.json.Decoder[Kind]) -> dict[str, Kind]:
    read: dict[str, Kind] = {}
    for name, raw in found.items():
        try:
            read[name] = decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            log.error("the copy of keys and policies: %s cannot be read (%s)", name, type(error).__name__)
    return read


def set_aside(path: Path, before: Snapshot) -> None:
    """Keep the copy of a replaced Redis for `steward rebuild --access`.

    There is one file for each lost Redis; the first process that notices writes it.
    """
    name = hashlib.blake2b(before.salt, digest_size=4).hexdigest()
    kept = path.with_name(f"{path.stem}.lost-{name}.json")
    log.error("Redis was replaced by another one; if the old one was lost, run 'steward rebuild --access %s'", kept)
    if not kept.exists():
        write(kept, before)


def write(path: Path, seen: Snapshot) -> None:
    """Write atomically. If the folder is not writable, the service goes on without a copy."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(msgspec.json.encode(seen))
        os.replace(file.name, path)  # noqa: PTH105 - a pair of names, not one path's method
    except OSError as error:
        log.warning("cannot keep a copy of keys and policies in %s: %s", path, error.strerror)
