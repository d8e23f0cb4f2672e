"""Which labels were opened for a certificate: each may be used once, so the record is written before they are read."""

import os
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from training.errors import DataUnusable

NAME = "opened.jsonl"


class Opened(Struct, frozen=True, rename={"begins": "from", "ends": "to"}):
    """A fold whose labels were used. `policy`: for which version of which site."""

    site: str
    begins: datetime
    ends: datetime
    at: datetime
    policy: str


def last_end(folder: Path, site: str) -> datetime | None:
    """Up to when labels of a site were used; None: none were."""
    ends = [each.ends for each in read(folder) if each.site == site]
    return max(ends, default=None)


def read(folder: Path) -> list[Opened]:
    path = folder / NAME
    try:
        return [msgspec.json.decode(line, type=Opened) for line in path.read_bytes().splitlines() if line]
    except FileNotFoundError:
        return []
    except (OSError, msgspec.DecodeError) as error:
        raise DataUnusable(f"{path}: {error}") from error


def note(folder: Path, opened: Opened) -> None:
    """Returns when it is on the disk."""
    path = folder / NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(msgspec.json.encode(opened) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise DataUnusable(f"{path}: {error}") from error
