"""steward reconcile: which of a site's comments a running service does not know."""

import csv
import itertools
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

import click
import httpx
import msgspec

from service.api.reconcile import Known, Reconcile, ReconcileAnswer
from service.domain import MAX_BATCH_ITEMS


@click.command()
@click.argument("file", type=click.File("r", encoding="utf-8-sig"))
@click.option("--url", envvar="STEWARD_URL", default="http://127.0.0.1:8080", show_default=True, help="The service.")
@click.option("--key", envvar="STEWARD_KEY", required=True, help="A key with the scope comments (or STEWARD_KEY).")
def reconcile(file: TextIO, url: str, key: str) -> None:
    """Print the comments of FILE (- for standard input) that the service does not know, as NDJSON.

    One id a line; or NDJSON with id and, if you like, revision; or CSV with a header that has these columns. With a
    revision, a comment of which only older revisions are known counts as unknown. Submit again what is printed.
    """
    asked, unknown = 0, 0
    comments = _comments(iter(file))
    with _connected(url, key) as client:
        while batch := list(itertools.islice(comments, MAX_BATCH_ITEMS)):
            missing = _ask(client, batch)
            for each in missing:
                click.echo(msgspec.json.encode(each))
            asked, unknown = asked + len(batch), unknown + len(missing)
    click.echo(f"{unknown} of {asked} comments are unknown", err=True)


def _connected(url: str, key: str) -> httpx.Client:
    # httpx would quote a key that it cannot send, and so print a secret.
    if not (key.isascii() and key.isprintable()):
        raise click.ClickException("the key holds characters that no key has")
    try:
        return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30)
    except httpx.InvalidURL as error:
        raise click.ClickException(f"{url} is not the address of a service: {error}") from error


def _ask(client: httpx.Client, batch: list[Known]) -> list[Known]:
    body = msgspec.json.encode(Reconcile(batch))
    try:
        response = client.post("/v1/reconcile", content=body, headers={"Content-Type": "application/json"})
    except httpx.TransportError as error:
        raise click.ClickException(f"no service answers at {client.base_url}: {error}") from error
    if not response.is_success:
        raise click.ClickException(f"POST /v1/reconcile: {response.status_code}: {_detail(response)}")
    try:
        return msgspec.json.decode(response.content, type=ReconcileAnswer).unknown
    except msgspec.DecodeError as error:
        raise click.ClickException(f"{client.base_url}: the answer is not one of the service: {error}") from error


def _detail(response: httpx.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, LookupError, TypeError):
        return response.reason_phrase


def _comments(lines: Iterator[str]) -> Iterator[Known]:
    """What the lines name. Raises ClickException, with the number of a line that names no comment."""
    try:
        for at, found in _rows(lines):
            yield _known(at, found)
    except (UnicodeDecodeError, csv.Error) as error:
        raise click.ClickException(f"the file cannot be read: {error}") from error


def _known(at: int, found: dict[str, Any]) -> Known:
    try:
        return msgspec.convert(found, Known, strict=False)
    except msgspec.ValidationError as error:
        raise click.ClickException(f"line {at}: {error}") from error


def _rows(lines: Iterator[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    first = next(lines, "")
    if first.startswith("{"):
        yield from _json(itertools.chain([first], lines))
    elif "id" in (header := next(csv.reader([first]), [])):
        rows = csv.DictReader(lines, fieldnames=header)
        yield from ((rows.line_num + 1, _named(row)) for row in rows)
    else:
        ids = ((at, line.strip()) for at, line in enumerate(itertools.chain([first], lines), 1))
        yield from ((at, {"id": each}) for at, each in ids if each)


def _json(lines: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for at, line in enumerate(lines, 1):
        if not line.isspace():
            try:
                row = msgspec.json.decode(line, type=dict[str, Any])
            except msgspec.DecodeError as error:
                raise click.ClickException(f"line {at}: not a JSON object: {error}") from error
            yield at, _named(row)


def _named(row: dict[str, Any]) -> dict[str, Any]:
    """Whatever else an export holds is no matter; an empty cell is no revision."""
    return {name: row[name] for name in ("id", "revision") if row.get(name) not in (None, "")}
