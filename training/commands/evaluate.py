"""steward evaluate."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table

    from training.evaluation import Evaluated
    from training.metrics import Estimate

# Holds every table in one line for each attribute.
WIDTH = 140


@click.command()
@click.argument("model", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="STEWARD_TRAIN_DATA",
    default=Path("../shared/data"),
    show_default=True,
    help="Folder of the data sets.",
)
@click.option("--data-set", "names", multiple=True, help="Only this data set; may be given several times.")
@click.option(
    "--json", "json_path", type=click.Path(dir_okay=False, path_type=Path), help="Write all figures here, too."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the intervals; the same seed, the same bytes.")
def evaluate(model: Path | None, data: Path, names: tuple[str, ...], json_path: Path | None, seed: int) -> None:
    """Print what a MODEL folder (unset: the shipped one) is worth on text that no training run sees."""
    import msgspec  # noqa: PLC0415 - heavy, not for --help
    from rich.console import Console  # noqa: PLC0415

    import classifier  # noqa: PLC0415
    from training import evaluation  # noqa: PLC0415
    from training.errors import TrainingError  # noqa: PLC0415

    try:
        found = evaluation.evaluate(classifier.load(model or classifier.SHIPPED), data, names or None, seed)
    except (TrainingError, classifier.ModelRefused) as error:
        raise click.ClickException(str(error)) from error
    if not found.results:
        raise click.ClickException(f"{data} holds none of the data sets; see docs/data-sets.md")
    console = Console()
    if not console.is_terminal:  # into a file or a pipe: nothing is cut short
        console.width = max(console.width, WIDTH)
    console.print(f"model {found.model} ({found.digest[:12]}), 95 % bootstrap intervals\n")
    for result in found.results:
        console.print(_table(result))
        if result.mean_auc_six is not None:
            console.print(f"mean ROC AUC over the six Jigsaw labels: [bold]{_shown(result.mean_auc_six)}[/bold]\n")
    if json_path is not None:
        json_path.parent.mkdir(parents=True, exist_ok=True)
        json_path.write_bytes(msgspec.json.format(msgspec.json.encode(found.plain())) + b"\n")


def _table(result: "Evaluated") -> "Table":
    from rich.table import Column, Table  # noqa: PLC0415

    table = Table(
        Column("attribute", no_wrap=True),
        "texts",
        "positive",
        "ROC AUC",
        "average precision",
        "Brier",
        "ECE",
        "ECE (equal mass)",
    )
    table.title, table.title_justify = f"{result.data_set}: {result.part}", "left"
    for attribute, figures in result.attributes.items():
        table.add_row(
            attribute,
            f"{figures.texts:,}",
            f"{figures.positive:,}",
            _shown(figures.auc),
            _shown(figures.average_precision),
            f"{figures.brier:.4f}",
            f"{figures.ece_equal_width:.4f}",
            f"{figures.ece_equal_mass:.4f}",
        )
    return table


def _shown(estimate: "Estimate") -> str:
    return f"{estimate.value:.4f} [{estimate.low:.4f}, {estimate.high:.4f}]".replace("[", "\\[")
