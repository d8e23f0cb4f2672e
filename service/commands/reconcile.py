"""steward reconcile: lists a site's comments that a running service does not know."""

import csv
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO

import click
import httpx
import msgspec

from service.api.reconcile import KnownComment, ReconcileRequest, ReconcileResponse
from service.http import bodies
from service.http.shapes import fault_of
from service.values.domain import MAX_BATCH_ITEMS
from service.values.errors import BadRequest


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
    click.echo(f"{unknown} of {asked} comments are unknown to {url}", err=True)


def _connected(url: str, key: str) -> httpx.Client:
    # httpx quotes a key that it cannot encode, and would print the secret.
    if not (key.isascii() and key.isprintable()):
        raise click.ClickException("the key holds characters that no key has")
    try:
        return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30)
    except httpx.InvalidURL as error:
        raise click.ClickException(f"{url} is not the address of a service: {error}") from error


def _ask(client: httpx.Client, batch: list[KnownComment]) -> list[KnownComment]:
    body = msgspec.json.encode(ReconcileRequest(batch))
    try:
        response = client.post("/v1/reconcile", content=body, headers={"Content-Type": "application/json"})
    except httpx.TransportError as error:
        raise click.ClickException(f"no service answers at {client.base_url}: {error}") from error
    if not response.is_success:
        raise click.ClickException(f"POST /v1/reconcile: {response.status_code}: {_detail(response)}")
    try:
        return msgspec.json.decode(response.content, type=ReconcileResponse).unknown
    except msgspec.DecodeError as error:
        raise click.ClickException(f"{client.base_url}: the answer is not one of the service: {error}") from error


def _detail(response: httpx.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, LookupError, TypeError):
        return response.reason_phrase


def _comments(lines: Iterator[str]) -> Iterator[KnownComment]:
    """Parse the lines. Raises ClickException with the number of an invalid line."""
    try:
        for at, found in _rows(lines):
            yield _known(at, found)
    except UnicodeDecodeError as error:
        raise click.ClickException(
            "the file cannot be read: it is not UTF-8; convert it first, as with iconv"
        ) from error


def _known(at: int, found: dict[str, Any]) -> KnownComment:
    try:
        return msgspec.convert(found, KnownComment, strict=False)
    except msgspec.ValidationError as error:
        fault = fault_of(str(error), "", KnownComment)
        raise click.ClickException(f"line {at}: {fault.pointer.removeprefix('/') or 'it'} {fault.detail}") from error


def _rows(lines: Iterator[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    numbered = ((at, line) for at, line in enumerate(lines, 1) if line.strip(_EMPTY))
    at, first = next(numbered, (1, ""))
    if sep := _SEP.fullmatch(first.strip("\r\n")):
        at, first = next(numbered, (at, ""))
    if _ARRAY.match(first):
        raise click.ClickException(f"line {at}: a JSON array; write one object a line, as with jq -c '.[]'")
    if first.lstrip().startswith("{"):
        yield from _json(at, itertools.chain([first], lines))
    elif found := _header(first, sep[1] if sep else _DELIMITERS):
        yield from _table(at, lines, *found)
    elif sep or _NAME_AND_MORE.match(first):
        raise click.ClickException(f"line {at}: no column id")
    else:
        ids = ((at, _unquoted(line.strip())) for at, line in enumerate(itertools.chain([first], lines), at))
        yield from ((at, {"id": each}) for at, each in ids if each)


def _unquoted(line: str) -> str:
    """An id as a spreadsheet writes it that quotes every cell."""
    is_quoted = len(line) > 2 and line[0] == line[-1] == '"' and '"' not in line[1:-1].replace('""', "")  # noqa: PLR2004 - both quotes
    return line[1:-1].replace('""', '"') if is_quoted else line


_DELIMITERS = ",;\t|"
_ARRAY = re.compile(r'\s*\[\s*(?:[{"\[]|$)')
# A header whose id has another name. Ids may hold these signs, but hardly in a list that begins with a word and one.
_NAME_AND_MORE = re.compile(r'"?[A-Za-z]*_?id"?[,;\t|]', re.IGNORECASE)
# What a line consists of that a spreadsheet writes for an empty row.
_EMPTY = f'{_DELIMITERS}" \r\n\f\v'
# How Excel names the delimiter.
_SEP = re.compile(r'"?sep=([^"])"?', re.IGNORECASE)
# Characters; a longer first line is no header.
_LONGEST_HEADER = 10_000
_LONGEST_CELL = 1 << 20


def _header(line: str, delimiters: str) -> tuple[list[str], str] | None:
    """The columns and what separates them; None if there is no column id. Ignores case where no name is exact."""
    for mark in delimiters if len(line) <= _LONGEST_HEADER else "":
        names = [cell.strip() for cell in next(csv.reader([line], delimiter=mark), [])]
        for name in ("id", "revision"):
            if name not in names:
                names = [name if each.lower() == name else each for each in names]
            if names.count("id") and names.count(name) > 1:
                raise click.ClickException(f"two columns are called {name}")
        if "id" in names:
            return names, mark
    return None


def _table(at: int, lines: Iterator[str], header: list[str], delimiter: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Parse strictly: an unbalanced quote would swallow the following rows. `at`: the line of the header."""
    csv.field_size_limit(_LONGEST_CELL)  # of the whole process
    taken = list[str]()
    rows = csv.DictReader(_remembered(lines, taken), fieldnames=header, delimiter=delimiter, strict=True)
    begins = at + 1
    try:
        for row in rows:
            if any(row.get(None) or ()):  # DictReader's place for them
                raise click.ClickException(
                    f"line {begins}: more cells than the header has; quote a text with {delimiter!r}"
                )
            if len(taken) > 1 and any(_is_row(line, header, delimiter, row["id"] or "") for line in taken):
                raise click.ClickException(
                    f"line {begins}: its quoted text contains lines that look like rows, so a quote may not be closed; "
                    "send a file with the ids alone"
                )
            yield begins, _named(row)
            begins = at + rows.line_num + 1
            taken.clear()
    except csv.Error as error:
        cause = "a quote is not closed where its cell ends; double a quote that belongs to the text"
        if "field limit" in str(error):
            cause = f"a cell has more than {_LONGEST_CELL:,} characters, or a quote is not closed"
        raise click.ClickException(f"line {begins}: {cause}") from error


def _remembered(lines: Iterator[str], taken: list[str]) -> Iterator[str]:
    for line in lines:
        taken.append(line)
        yield line


def _is_row(line: str, header: Sequence[str], delimiter: str, known_id: str) -> bool:
    """Whether a line within a quoted text has as many cells as the header, and an id that is like the row's."""
    cells = line.strip("\r\n").split(delimiter)
    at = header.index("id")
    return len(cells) == len(header) and _shape(cells[at]) == _shape(known_id) and cells[at] != known_id


def _shape(value: str) -> str:
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", value.strip().strip('"')))


def _json(first: int, lines: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for at, line in enumerate(lines, first):
        if not line.isspace():
            try:
                row = bodies.parse(line)
            except BadRequest as error:
                raise click.ClickException(f"line {at}: not a JSON object: {error}") from error
            if not isinstance(row, dict):
                raise click.ClickException(f"line {at}: not a JSON object")
            yield at, _named(row)


def _named(row: dict[str, Any]) -> dict[str, Any]:
    """Ignore other columns. An empty cell means no revision."""
    return {name: row[name] for name in ("id", "revision") if row.get(name) not in (None, "")}
