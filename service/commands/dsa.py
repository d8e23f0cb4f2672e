"""steward dsa export | report: statements of reasons, and the figures of a year (docs/dsa.md)."""

import csv
import io
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
from msgspec import UNSET, Struct

from service.settings import from_env
from service.trail import entries, sites
from service.values.dsa import Dsa, Restriction, clause_of, for_database, personal_data_in, statement_of
from service.values.dsa_trail import YearFigures, restriction_in, year_figures
from service.values.errors import TrailUnusable
from service.values.statement_schema import problems, schema
from service.values.statement_words import facts
from service.values.statistics import Estimate

if TYPE_CHECKING:  # --help needs no Redis
    from service.store import Store
    from service.store.keyspace import Shard

# Statements that the database takes in one call, all or none.
AT_ONCE = 100
_STATE = "exported.json"


class _Exported(Struct, frozen=True):
    """How far an export has come: the last entry of each shard's trail, and how many files."""

    cursors: dict[str, str] = {}
    files: int = 0


@click.group()
def dsa() -> None:
    """Statements of reasons of the EU's Digital Services Act."""


@dsa.command()
@click.option("--site", required=True, help="The site.")
@click.option(
    "--to",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the files, one for each 100 statements; use the same one each time.",
)
def export(site: str, folder: Path) -> None:
    """Write the statements that are new since the last export, without personal data. May be repeated at any time.

    Each file is the body of one call of the database's API. A statement keeps its `puid`, so sending it twice does no
    harm. Decisions that can still be undone are left for the next export.
    """
    from service.commands.stored import with_store  # noqa: PLC0415 - --help needs no Redis

    settings = from_env(os.environ)
    before = datetime.now(UTC) - timedelta(seconds=settings.undo_window_s)

    folder.mkdir(parents=True, exist_ok=True)

    async def work(store: "Store") -> tuple[int, int]:
        return await export_new(store, site, folder, before)

    written, refused = with_store(work)
    click.echo(f"{site}: {written} statements written to {folder}")
    if refused:
        click.echo(f"{refused} statements were left out, see above", err=True)
        raise SystemExit(1)


@dsa.command()
@click.option("--site", required=True, help="The site.")
@click.option("--year", required=True, type=click.IntRange(2024, 9999), help="The calendar year (UTC).")
@click.option(
    "--folder",
    "root",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the exported trails.  [default: audit, in the service's data folder]",
)
@click.option(
    "--to", "target", required=True, type=click.Path(dir_okay=False, path_type=Path), help="A .html or .csv file."
)
def report(site: str, year: int, root: Path | None, target: Path) -> None:
    """Write the figures of a year for the transparency report (articles 15 and 24), as HTML or CSV.

    They are counted from the exported audit trail; run 'steward audit export' first.
    """
    from service.commands.stored import with_store  # noqa: PLC0415 - as above

    if target.suffix not in (".html", ".csv"):
        raise click.BadParameter("the name must end in .html or .csv", param_hint="--to")
    root = root or from_env(os.environ).data_path / "audit"
    if site not in sites(root):
        raise click.ClickException(f"no exported trail in {root / site}; 'steward audit export' writes it")
    found = with_store(lambda store: _dsa_of(store, site))
    told = ((entry.at, entry.details) for entry in entries(root / site))
    try:
        figures = year_figures(site, year, told, lambda restriction: clause_of(restriction, found))
    except TrailUnusable as error:
        raise click.ClickException(str(error)) from error
    target.write_text(_as_html(figures) if target.suffix == ".html" else _as_csv(figures), encoding="utf-8")
    click.echo(f"{site}: {figures.restrictions} restrictions, {figures.complaints} complaints in {year}, in {target}")


def sections(found: YearFigures) -> list[tuple[str, list[tuple[str, object]]]]:
    """What the report shows: sections, each with rows of a name and a value."""

    def shown(value: float | None) -> object:
        return "not known" if value is None else value

    def share(found: Estimate | None) -> str:
        if found is None:
            return "not known"
        return f"{found.value:.2%} ({found.lowest:.2%} to {found.highest:.2%})"

    return [
        ("Own-initiative moderation and notices", [("Restrictions (rejected comments)", found.restrictions)]),
        ("By category", [*found.by_category.items()]),
        ("By ground", [*found.by_ground.items()]),
        ("By detection", [*found.by_detection.items()]),
        ("By decision", [*found.by_decision.items()]),
        (
            "Notices (article 16)",
            [
                ("Reports by readers", found.reports),
                ("Restrictions after reports", found.reports_acted_on),
                ("Reports processed by automated means alone", 0),
                ("Median time to the decision, hours", shown(found.report_hours)),
                ("Notices with a receipt, among the reports", found.notices),
                ("Notices: comment restricted", found.notices_restricted),
                ("Notices: comment kept", found.notices_kept),
                ("Notices: not decided yet, or comment erased", _open_notices(found)),
                ("Notices: decided by automated means alone", found.notices_automatic),
                ("Notices: median time to the decision, hours", shown(found.notice_hours)),
            ],
        ),
        ("Notices by kind", [*found.notices_by_kind.items()]),
        (
            "Complaints (article 20)",
            [
                ("Complaints", found.complaints),
                ("Decision upheld", found.complaints_upheld),
                ("Decision reversed", found.complaints_reversed),
                ("Not decided yet", found.complaints - found.complaints_upheld - found.complaints_reversed),
                ("Median time to the decision, hours", shown(found.complaint_hours)),
            ],
        ),
        (
            "Automated means",
            [
                *((f"Automatic step: {name}", count) for name, count in found.automatic_decisions.items()),
                ("Decisions checked by people without knowing them", found.audits),
                ("Wrong automatic rejections (95 % interval)", share(found.wrong_rejections)),
                ("Wrong automatic approvals (95 % interval)", share(found.wrong_approvals)),
            ],
        ),
        ("People", [("Moderators who decided", found.moderators)]),
    ]


def _open_notices(found: YearFigures) -> int:
    return found.notices - found.notices_restricted - found.notices_kept


def _as_html(found: YearFigures) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - as above

    pages = Environment(loader=PackageLoader("service.commands"), autoescape=True, undefined=StrictUndefined)
    shown = [(title, rows) for title, rows in sections(found) if rows]
    dates = {"first": f"{found.year}-01-01", "last": f"{found.year}-12-31"}
    return pages.get_template("dsa_report.html").render(found=found, sections=shown, **dates) + "\n"


def _as_csv(found: YearFigures) -> str:
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(("site", "year", "section", "indicator", "value"))
    for title, shown in sections(found):
        rows.writerows((found.site, found.year, title, name, value) for name, value in shown)
    return written.getvalue()


async def _dsa_of(store: "Store", site: str) -> Dsa:
    """Raises ClickException if the site is not in scope."""
    policy = await store.access.policy(site)
    if policy is None or policy.dsa is UNSET or not policy.dsa.in_scope:
        raise click.ClickException(f"the policy of {site} does not say that it is in scope (dsa.in_scope)")
    return policy.dsa


async def export_new(store: "Store", site: str, folder: Path, before: datetime) -> tuple[int, int]:
    """Write the rejections before an instant that are not in the folder yet.

    Returns how many statements were written, and how many were left out. Raises ClickException.
    """
    found_dsa = await _dsa_of(store, site)
    state = _read(folder / _STATE)
    cursors, found = dict(state.cursors), list[Restriction]()
    for shard in store.audit.shards(site):
        if await store.audit.has_trimmed(shard, cursors.get(str(shard.number), "")):
            click.echo("the oldest entries of the trail are no longer in Redis; their statements are missing", err=True)
        some, cursors[str(shard.number)] = await _rejected(
            store, site, shard, cursors.get(str(shard.number), ""), before
        )
        found += some
    statements, refused = await _statements(store, site, sorted(found, key=lambda each: each.at), found_dsa)
    files = state.files
    for start in range(0, len(statements), AT_ONCE):
        files += 1
        _write(folder / f"statements-{files:08d}.json", {"statements": statements[start : start + AT_ONCE]})
    # Last: if the run is killed before, the next one writes the same files again.
    _write(folder / _STATE, _Exported(cursors, files))
    return len(statements), refused


async def _rejected(
    store: "Store", site: str, shard: "Shard", after: str, before: datetime
) -> tuple[list[Restriction], str]:
    """The rejections of one shard after the cursor that can no longer be undone, and the cursor to go on from."""
    found: dict[tuple[str, int], Restriction] = {}
    cursor = after
    undone = set[tuple[str, int]]()
    while page := await store.audit.entries(shard, after):
        for entry in page:
            comment = entry.details.get("comment", "")
            if entry.details.get("action") == "undone":
                undone.add((comment, int(entry.details["version"]) - 1))
            elif entry.at < before and (restriction := restriction_in(site, entry.at, entry.details)) is not None:
                found[comment, restriction.version] = restriction
            if entry.at < before:
                cursor = entry.cursor
        after = page[-1].cursor
    return [each for key, each in found.items() if key not in undone], cursor


async def _statements(
    store: "Store", site: str, found: Sequence[Restriction], dsa_: Dsa
) -> tuple[list[dict[str, Any]], int]:
    statements, refused = list[dict[str, Any]](), 0
    for each in found:
        statement = for_database(statement_of(await _completed(store, site, each), dsa_, facts(each)))
        wrong = personal_data_in(statement) or next(problems(statement, schema()), None)
        if wrong is None:
            statements.append(statement)
        else:
            refused += 1
            click.echo(f"{statement['puid']}: {wrong}", err=True)
    return statements, refused


async def _completed(store: "Store", site: str, restriction: Restriction) -> Restriction:
    """With the language and the date of the comment, as far as they are still known."""
    from service.values.errors import NotFound  # noqa: PLC0415 - as above

    try:
        record = await store.comments.get(site, restriction.comment)
    except NotFound:
        return restriction
    language = record.content.judgement.language if record.content else None
    return msgspec.structs.replace(restriction, sent_at=record.created_at, language=language)


def _read(path: Path) -> _Exported:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Exported)
    except FileNotFoundError:
        return _Exported()
    except (OSError, msgspec.DecodeError) as error:
        raise click.ClickException(f"{path}: {error}") from error


def _write(path: Path, content: Any) -> None:  # noqa: ANN401 - what becomes JSON
    fresh = path.with_suffix(".new")
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n")
    fresh.replace(path)
