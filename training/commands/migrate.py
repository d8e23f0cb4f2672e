"""steward migrate perspective."""

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from training.commands.options import file_options, of_files

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from training.metrics import Estimate
    from training.migration.perspective_scores import PerspectiveScores
    from training.migration.run import Migration

# Of what is printed to a file; a terminal has its own.
WIDTH = 110
KEY = "PERSPECTIVE_API_KEY"
_FILE = click.Path(dir_okay=False, path_type=Path)
_ATTRIBUTE = re.compile(r"[A-Z_]+")


def _pairs(kind: str) -> Callable[[click.Context, click.Parameter, tuple[str, ...]], list[tuple[str, str]]]:
    def read(_: click.Context, option: click.Parameter, values: tuple[str, ...]) -> list[tuple[str, str]]:
        pairs = [value.partition("=") for value in values]
        for value, (name, _sign, rest) in zip(values, pairs, strict=True):
            if not rest or not _ATTRIBUTE.fullmatch(name):
                raise click.BadParameter(f"{value!r} must be ATTRIBUTE={kind}", param=option)
        return [(name, rest) for name, _, rest in pairs]

    return read


def _thresholds(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for name, text in _pairs("NUMBER")(context, option, values):
        try:
            number = float(text)
        except ValueError:
            number = -1
        if not 0 <= number <= 1:
            raise click.BadParameter(f"{text!r} must be a number between 0 and 1", param=option)
        found.setdefault(name, []).append(number)
    return found


@click.group()
def migrate() -> None:
    """Move from another service to this one and keep what its scores meant to a site."""


@migrate.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--text", help="The column with the text. Unset: guessed by name.")
@click.option(
    "--score",
    "columns",
    multiple=True,
    callback=_pairs("COLUMN"),
    metavar="ATTRIBUTE=COLUMN",
    help="The column with an attribute's scores; may be given several times. Unset: guessed by name.",
)
@click.option("--label", help="The column with people's decisions: 1 or 0, reject or approve.")
@click.option(
    "--threshold",
    "thresholds",
    multiple=True,
    callback=_thresholds,
    metavar="ATTRIBUTE=NUMBER",
    help="The score above which your code acts, as in TOXICITY=0.8; may be given several times. Unset: 0.8 for each.",
)
@click.option("--from-api", is_flag=True, help=f"Get the scores from Perspective's API, with the key in {KEY}.")
@click.option(
    "--attribute",
    "attributes",
    multiple=True,
    default=("TOXICITY",),
    show_default=True,
    help="With --from-api: what to ask for; may be given several times.",
)
@click.option(
    "--rate",
    type=click.FloatRange(min=0.001, max=1000),
    default=1.0,
    show_default=True,
    help="With --from-api: requests a second; Perspective's usual quota is one.",
)
@click.option("--answers", type=_FILE, help="With --from-api: where to keep them. [default: FILE.perspective.ndjson]")
@click.option("--api", default=None, help="With --from-api: the API's address up to /v1alpha1, if it is not Google's.")
@click.option("--model", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Unset: the shipped one.")
@click.option("--json", "json_path", type=_FILE, help="Also write all figures to this file.")
@click.option("--html", "html_path", type=_FILE, help="Write the figures as one self-contained page.")
@click.option("--map", "map_path", type=_FILE, help="Write maps that keep your thresholds, for the site's policy.")
@click.option("--put", is_flag=True, help="Put the maps into the site's policy (--url, --key).")
@click.option("--url", envvar="STEWARD_URL", default="http://127.0.0.1:8080", show_default=True, help="The service.")
@click.option("--key", envvar="STEWARD_KEY", help="With --put: a key with the scope admin (or STEWARD_KEY).")
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Seed of the intervals; the same seed gives the same output."
)
@of_files
def perspective(  # noqa: PLR0917 - one for each option
    file: Path,
    text: str | None,
    columns: list[tuple[str, str]],
    label: str | None,
    thresholds: dict[str, list[float]],
    from_api: bool,
    attributes: tuple[str, ...],
    rate: float,
    answers: Path | None,
    api: str | None,
    model: Path | None,
    json_path: Path | None,
    html_path: Path | None,
    map_path: Path | None,
    put: bool,
    url: str,
    key: str | None,
    seed: int,
    encoding: str | None,
    delimiter: str | None,
    lenient: bool,
    multiline: bool,
) -> None:
    """Compare the scores that a site has stored with ours, and find the thresholds that flag the same share of texts.

    FILE (CSV, TSV, NDJSON or Parquet) holds texts with Perspective's scores, or with --from-api the texts alone.
    """
    from rich.console import Console

    import classifier
    from training.errors import TrainingError
    from training.migration import perspective_scores, run
    from training.text_files import check_output

    if put and not key:
        raise click.UsageError("--put needs --key, or STEWARD_KEY")
    options = file_options(encoding, delimiter, lenient, multiline)
    kept = answers or file.with_suffix(".perspective.ndjson")
    try:
        for output in (json_path, html_path, map_path, kept if from_api else None):
            if output is not None:
                check_output(output, file)
        _check(from_api, columns, attributes)
        loaded = classifier.load(model or classifier.SHIPPED)
        if from_api:
            unscored = perspective_scores.read_texts(file, text, label, options)
            found = _fetched(unscored, attributes, rate, kept, api)
        else:
            found = perspective_scores.read(file, text, dict(columns), label, options)
        unknown = sorted(thresholds.keys() - found.scores.keys())
        if unknown:
            raise click.UsageError(f"--threshold: no scores of {', '.join(unknown)} in {file}")
        migration = run.migrate(loaded, found, thresholds, seed)
        _print(Console(width=None if os.isatty(1) else WIDTH), migration)
        _write(migration, json_path, html_path, map_path)
        if put:
            _put(migration, url, key or "")
        else:
            click.echo("next: --put writes these maps to the policy of a running service", err=True)
    except (TrainingError, classifier.ModelRefused) as error:
        raise click.ClickException(str(error)) from error


def _check(from_api: bool, columns: Sequence[tuple[str, str]], attributes: Sequence[str]) -> None:
    from training.migration.perspective_scores import LABEL_OF

    for name in (*(name for name, _ in columns), *(attributes if from_api else ())):
        if name not in LABEL_OF:
            raise click.UsageError(f"'{name}' matches none of our scores; use one of {', '.join(LABEL_OF)}")


def _fetched(
    texts: "PerspectiveScores", attributes: Sequence[str], rate: float, file: Path, address: str | None
) -> "PerspectiveScores":
    from rich.progress import Progress

    from training.migration import perspective_client

    if KEY not in os.environ:
        raise click.UsageError(f"--from-api reads the key from the environment: set {KEY}")
    address = address or perspective_client.ADDRESS
    with perspective_client.connected(address, os.environ[KEY]) as client, Progress(transient=True) as bar:
        task = bar.add_task("asking Perspective", total=len(texts.texts))
        api = perspective_client.PerspectiveClient(client, attributes, rate)
        perspective_client.fetch_answers(texts, api, file, lambda count: bar.advance(task, count))
    found: PerspectiveScores = perspective_client.with_answers(texts, file, attributes)
    return found


def _print(console: "Console", migration: "Migration") -> None:
    console.print(
        f"{migration.texts:,} texts, {migration.blank:,} blank; model {migration.model.version}", highlight=False
    )
    console.print(_agreement(migration))
    console.print(_matches(migration))
    for each in migration.compared:
        at_thresholds = (f"at {m.theirs}: {w}" for m in each.agreement.matches for w in m.warnings)
        for warning in (*each.agreement.warnings, *at_thresholds):
            console.print(f"[yellow]warning, {each.agreement.attribute}: {warning}[/]", highlight=False)
    for attribute, why in migration.left_out.items():
        console.print(f"[yellow]{attribute} is left out: {why}[/]", highlight=False)
    if migration.not_judged:
        languages = ", ".join(f"{language} {count:,}" for language, count in migration.not_judged.items())
        console.print(
            f"[yellow]left out because the model does not judge their language: {languages}[/]", highlight=False
        )


def _agreement(migration: "Migration") -> "Table":
    from rich.table import Table

    table = Table("Perspective's", "ours", "texts", "rank correlation", "ROC AUC, Perspective", "ROC AUC, ours")
    table.title, table.title_justify = "Agreement", "left"
    for each in migration.compared:
        found = each.agreement
        table.add_row(
            found.attribute,
            found.label,
            f"{found.texts:,}",
            *(_shown(figure) for figure in (found.rank_correlation, found.auc_theirs, found.auc_ours)),
        )
    return table


def _matches(migration: "Migration") -> "Table":
    from rich.table import Table

    flagged = ("flagged there", "flagged here", "by both", "only there", "only here")
    table = Table("attribute", "above, there", "from, here", *flagged)
    table.title, table.title_justify = "Thresholds that flag the same share", "left"
    for each in migration.compared:
        for match in each.agreement.matches:
            shares = (match.flagged_theirs, match.flagged_ours, match.both, match.only_theirs, match.only_ours)
            table.add_row(each.agreement.attribute, f"{match.theirs}", _shown(match.ours), *(map(_percent, shares)))
    return table


def _shown(estimate: "Estimate | None") -> str:
    """The range stands below the value, so that the tables fit a terminal."""
    if estimate is None:
        return ""
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f}\n{estimate.low:.3f}–{estimate.high:.3f}"  # noqa: RUF001 - of a range


def _percent(estimate: "Estimate") -> str:
    return f"{estimate.value:.1%}\n{estimate.low:.1%}–{estimate.high:.1%}"  # noqa: RUF001 - of a range


def _write(migration: "Migration", json_path: Path | None, html_path: Path | None, map_path: Path | None) -> None:
    import msgspec

    for path, content in ((json_path, migration.plain), (map_path, migration.maps)):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(msgspec.json.format(msgspec.json.encode(content())) + b"\n")
            click.echo(f"wrote {path}", err=True)
    if html_path is not None:
        from training.migration.page import render

        html_path.parent.mkdir(parents=True, exist_ok=True)
        html_path.write_text(render(migration), encoding="utf-8")
        click.echo(f"wrote {html_path}", err=True)


def _put(migration: "Migration", url: str, key: str) -> None:
    from training.client import connected
    from training.migration.run import put_maps

    with connected(url, key) as service:
        version = put_maps(service, migration.maps())
    click.echo(f"the maps of {', '.join(migration.maps())} are in {version}")
