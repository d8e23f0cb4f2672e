"""steward score."""

import os
from contextlib import ExitStack
from pathlib import Path

import click

from training.commands.options import connected, file_options, of_files, on_cluster


@click.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--column", default="text", show_default=True, help="The column (or field) with the text.")
@click.option("--model", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Unset: the shipped one.")
@click.option("--jobs", type=click.IntRange(min=1), default=os.cpu_count(), show_default="all cores")
@on_cluster
@of_files
def score(  # noqa: PLR0917 - one for each option
    source: Path,
    target: Path,
    column: str,
    model: Path | None,
    jobs: int,
    cluster: str | None,
    encoding: str | None,
    delimiter: str | None,
    lenient: bool,
    multiline: bool,
) -> None:
    """Score every row of SOURCE (CSV, TSV, NDJSON or Parquet) into TARGET, with a column for each attribute.

    The column `language` holds the language that a text was judged in. Scores are empty if the model does not judge it.
    A run that was interrupted is continued by the same command.
    """
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    import classifier
    from training.bulk import on_cores, score_file
    from training.errors import TrainingError
    from training.parts import folder_of

    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} rows scored"), TimeElapsedColumn())
    try:
        loaded = classifier.load(model or classifier.SHIPPED)
        with ExitStack() as opened:
            judging = on_cores(loaded, jobs)
            if cluster:
                folder = model.absolute() if model else None
                judging = opened.enter_context(connected(cluster)).judging(loaded, folder)
            bar = opened.enter_context(Progress(*columns, transient=True))
            task = bar.add_task("scoring", total=None)
            count = score_file(
                loaded,
                source,
                target,
                column,
                judging=judging,
                advance=lambda rows: bar.advance(task, rows),
                options=file_options(encoding, delimiter, lenient, multiline),
                tell=lambda message: click.echo(message, err=True),
            )
    except (TrainingError, classifier.ModelRefused) as error:
        raise click.ClickException(f"{error}{_going_on(folder_of(target))}") from error
    except KeyboardInterrupt:
        click.echo(f"interrupted{_going_on(folder_of(target))}", err=True)
        raise
    click.echo(f"{count:,} rows in {target}")


def _going_on(parts: Path) -> str:
    return "; what is scored is kept, and the same command goes on from there" if parts.is_dir() else ""
