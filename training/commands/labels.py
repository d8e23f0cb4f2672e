"""steward labels pull | suspects | prune."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from training.commands.options import DATA, FOLDER, of_archive, of_service, of_waiting

if TYPE_CHECKING:
    from training.suspects import Suspect

# Of a text in the table.
TEXT_CHARS = 80


@click.group()
def labels() -> None:
    """Moderators' decisions, as training data."""


@labels.command()
@of_service
@of_archive("--to", "folder", exists=False)
def pull(url: str, key: str, folder: Path) -> None:
    """Fetch the labels that are new since the last pull, and remove texts that were erased at the service.

    Safe to run at any time, and again after it was killed.
    """
    from rich.progress import Progress, SpinnerColumn, TextColumn

    from training import erasure
    from training.client import connected
    from training.errors import TrainingError
    from training.pull import pull as pull_labels

    columns = (SpinnerColumn(), TextColumn("pulling labels: {task.completed:.0f}"))
    click.echo(f"service: {url}", err=True)
    try:
        with connected(url, key) as service, Progress(*columns, transient=True) as bar:
            task = bar.add_task("pulling", total=None)
            count = pull_labels(service, folder, lambda more: bar.advance(task, more))
        removed = erasure.apply(folder) if folder.is_dir() else []
        if folder.is_dir():
            erasure.note_pull(folder)
    except TrainingError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{count} new labels in {folder}")
    if removed:
        labels_gone = sum(receipt.labels for receipt in removed)
        click.echo(f"{len(removed)} comments were erased; {labels_gone} labels with their texts removed from {folder}")


@labels.command()
@of_archive("--labels", "archive")
@click.option("--data", "folder", type=FOLDER, envvar="STEWARD_TRAIN_DATA", default=DATA, show_default=True)
@click.option("--data-set", "names", multiple=True, help="Learn only from this data set beside the labels.")
@click.option("--rows", type=click.IntRange(min=100), default=30_000, show_default=True, help="Of the data sets.")
@click.option("--jobs", type=click.IntRange(min=1), default=os.cpu_count(), show_default="all cores")
@click.option("--seed", type=int, default=0, show_default=True)
@of_waiting
@click.option("--most", type=click.IntRange(min=1), default=100, show_default=True, help="Labels to show, or to send.")
@click.option("--send", "is_sent", is_flag=True, help="Send them back to the queue, for somebody else to judge.")
@click.option("--url", envvar="STEWARD_URL", default="http://127.0.0.1:8080", show_default=True, help="For --send.")
@click.option("--key", envvar="STEWARD_KEY", help="For --send: a key with the scope admin (or STEWARD_KEY).")
@click.option("--json", "is_json", is_flag=True, help="Print JSON, for programs.")
def suspects(  # noqa: PLR0917 - one for each option
    archive: Path,
    folder: Path,
    names: tuple[str, ...],
    rows: int,
    jobs: int,
    seed: int,
    wait_hours: int,
    most: int,
    url: str,
    key: str | None,
    *,
    is_sent: bool,
    is_json: bool,
) -> None:
    """Show labels that may be wrong: copies of the text have another one, or a model contradicts that did not learn it.

    Trains five models, each without a fifth of the labels, which takes some minutes. Changes nothing without --send;
    sent again, a label that waits or that two people have judged is left alone.
    """
    import msgspec

    from training.errors import TrainingError
    from training.suspects import SuspectOptions
    from training.suspects import suspects as find

    if is_sent and not key:
        raise click.UsageError("--send needs a key: --key, or STEWARD_KEY")
    options = SuspectOptions(labels=archive, folder=folder, rows=rows, names=names, jobs=jobs, seed=seed)
    before = datetime.now(UTC) - timedelta(hours=wait_hours)
    try:
        found = find(options, before, lambda said: click.echo(said, err=True))
        if is_json:
            click.echo(msgspec.json.format(msgspec.json.encode(found[:most])))
        else:
            _show(found, most)
        if is_sent and key:
            _send([each for each in found if each.can_be_sent][:most], url, key)
    except TrainingError as error:
        raise click.ClickException(str(error)) from error


def _show(found: "list[Suspect]", most: int) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("comment", "label", "why", "text")
    for each in found[:most]:
        said = f"{'' if each.said else 'not '}{each.attribute}"
        # As text: an id may hold square brackets.
        table.add_row(Text(each.id), said, Text(each.why), Text(each.text[:TEXT_CHARS]))
    Console().print(table)
    click.echo(f"{len(found)} labels may be wrong" + (f"; the first {most} are shown" if len(found) > most else ""))


def _send(found: "list[Suspect]", url: str, key: str) -> None:
    from training.client import connected
    from training.sending import send

    click.echo(f"service: {url}", err=True)
    with connected(url, key) as service:
        sent = send(service, found)
    click.echo(
        f"{sent.queued} sent back to the queue; {sent.known} wait already or were judged by two people; "
        f"{sent.gone} are replaced, expired or unknown at the service, or nobody else may judge them",
        err=True,
    )


@labels.command()
@of_archive("--to", "folder")
@click.option(
    "--keep-days",
    type=click.IntRange(1, 36_500),
    default=365,
    show_default=True,
    help="Days that labels stay in the archive, from the day of the decision.",
)
def prune(folder: Path, keep_days: int) -> None:
    """Remove labels, with their texts, that are older than the archive should keep. For cron."""
    from training import erasure
    from training.errors import TrainingError

    try:
        count = erasure.prune(folder, datetime.now(UTC) - timedelta(days=keep_days))
    except TrainingError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{count} labels older than {keep_days} days removed from {folder}")
