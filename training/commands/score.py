"""steward score."""

import os
from pathlib import Path

import click

from training.commands.options import file_options, of_files


@click.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--column", default="text", show_default=True, help="The column (or field) with the text.")
@click.option("--model", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Unset: the shipped one.")
@click.option("--jobs", type=click.IntRange(min=1), default=os.cpu_count(), show_default="all cores")
@of_files
def score(  # noqa: PLR0917 - one for each option
    source: Path,
    target: Path,
    column: str,
    model: Path | None,
    jobs: int,
    encoding: str | None,
    delimiter: str | None,
    lenient: bool,
    multiline: bool,
) -> None:
    """Score every row of SOURCE (CSV, TSV, NDJSON or Parquet) into TARGET, with a column for each attribute.

    The column `language` holds the language that a text was judged in. Scores are empty if the model does not judge it.
    """
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    import classifier
    from training.bulk import score_file
    from training.errors import TrainingError

    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} rows scored"), TimeElapsedColumn())
    try:
        loaded = classifier.load(model or classifier.SHIPPED)
        with Progress(*columns, transient=True) as bar:
            task = bar.add_task("scoring", total=None)
            count = score_file(
                loaded,
                source,
                target,
                column,
                jobs=jobs,
                advance=lambda rows: bar.advance(task, rows),
                options=file_options(encoding, delimiter, lenient, multiline),
            )
    except (TrainingError, classifier.ModelRefused) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{count:,} rows in {target}")
