"""steward labels pull | prune."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from training.commands.options import of_service


@click.group()
def labels() -> None:
    """Moderators' decisions, as training data."""


@labels.command()
@of_service
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("labels"),
    show_default=True,
    help="Folder of the archive (Parquet).",
)
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
@click.option(
    "--to",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("labels"),
    show_default=True,
    help="Folder of the archive (Parquet).",
)
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
