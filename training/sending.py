"""Sends labels that may be wrong back to the queue of the service that they came from."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import quote

from training.client import Service
from training.errors import ServiceRefused
from training.suspects import Suspect

# The label was replaced, the text expired, nobody else may judge the comment, or it was erased or is of another site.
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)


class SentLabels(NamedTuple):
    """How many labels the service queued, knew already, or has no comment for any more, or nobody to judge it."""

    queued: int
    known: int
    gone: int


def send(service: Service, suspects: Sequence[Suspect]) -> SentLabels:
    """Safe to repeat. Raises ServiceRefused, for example if the queue is full; what was sent before stays sent."""
    queued = known = gone = 0
    for each in suspects:
        try:
            answer = service.post(f"/v1/review/{quote(each.id, safe='')}/recheck", {"label": each.cursor})
        except ServiceRefused as error:
            if error.status not in _GONE:
                raise
            gone += 1
            continue
        if answer["queued"]:
            queued += 1
        else:
            known += 1
    return SentLabels(queued, known, gone)
