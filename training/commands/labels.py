"""steward labels pull."""

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
    """Fetch the labels that are new since the last pull. Safe to run at any time, and again after it was killed."""
    from rich.progress import Progress, SpinnerColumn, TextColumn

    from training.client import connected
    from training.errors import TrainingError
    from training.pull import pull as pull_labels

    columns = (SpinnerColumn(), TextColumn("pulling labels: {task.completed:.0f}"))
    click.echo(f"service: {url}", err=True)
    try:
        with connected(url, key) as service, Progress(*columns, transient=True) as bar:
            task = bar.add_task("pulling", total=None)
            count = pull_labels(service, folder, lambda more: bar.advance(task, more))
    except TrainingError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{count} new labels in {folder}")
