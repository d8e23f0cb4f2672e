"""Pulls labels from a running service into the archive."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from training import archive
from training.client import Service
from training.errors import ServiceRefused

PAGE = 1_000
NEXT = "Steward-Next-Cursor"

_decode = msgspec.json.Decoder(archive.LabelLine).decode


def pull(service: Service, folder: Path, advance: Callable[[int], None] = lambda _: None) -> int:
    """Fetch new labels page by page; each page is stored before the next one is requested.

    Returns the number of labels, and calls `advance` with the number on each page. Retractions are stored too, but not
    counted. The texts of comments that were erased must be removed next (`erasure.apply`).

    Raises ServiceRefused, and DataUnusable if the archive cannot be read or written.
    """
    number, count = archive.next_number(folder), 0
    cursor = archive.next_cursor(folder)
    while True:
        response = service.get("/v1/labels", after=cursor, limit=PAGE)
        labels = [_label(line) for line in response.content.splitlines() if line]
        if not labels:
            return count
        cursor = response.headers.get(NEXT) or labels[-1].cursor
        archive.append(folder, labels, cursor, number)
        number += 1
        new = sum(label.retracts is None for label in labels)
        count += new
        advance(new)


def _label(line: bytes) -> archive.LabelLine:
    try:
        return _decode(line)
    except msgspec.DecodeError as error:
        raise ServiceRefused(f"GET /v1/labels: a line is not a label: {error}") from error
