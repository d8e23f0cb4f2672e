"""`steward train`: data sets and moderators' labels in; a model folder and its report out."""

import os
import re
from contextlib import ExitStack
from pathlib import Path

import click

from training.commands.options import DATA, FOLDER, ask, connected, file_options, of_files, of_waiting, on_cluster
from training.deep import EPOCHS

# As the service writes it.
_SITE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def _site(_: click.Context, option: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _SITE.fullmatch(value):
        raise click.BadParameter("lower-case letters, digits and '-', at most 63", param=option)
    return value


@click.command()
@click.option("--data", "folder", type=FOLDER, envvar="STEWARD_TRAIN_DATA", default=DATA, show_default=True)
@click.option(
    "--data-set",
    "names",
    multiple=True,
    help="Learn only from this data set; repeat for more. Default: all in the folder with a weight above 0.",
)
@click.option(
    "--labels", type=click.Path(exists=True, path_type=Path), help="Archive written by `steward labels pull`."
)
@click.option(
    "--examples",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Your own CSV, TSV, NDJSON or Parquet file: a column `text`, and one for each attribute it labels.",
)
@click.option("--out", type=FOLDER, help="Folder of the new model. Default: <data-dir>/models/<now>.")
@click.option(
    "--rows", type=click.IntRange(min=100), help="Learn from at most this many rows of the data sets, for a quick run."
)
@click.option("--jobs", type=click.IntRange(min=1), default=os.cpu_count(), show_default="all cores")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--data-dir", type=FOLDER, envvar="STEWARD_DATA_DIR", help="Data folder of the service. Default: the user's."
)
@click.option(
    "--readers",
    type=click.Choice(["both", "keep", "deep", "fast"]),
    default="both",
    show_default=True,
    help="Train both; keep the deep reader of the model in use, for a quick run; train only the deep one and keep the "
    "fast one of the model in use; or train a model with only a fast one.",
)
@click.option(
    "--epochs", type=click.FloatRange(min=0.01), default=EPOCHS, show_default=True, help="Epochs of the deep reader."
)
@click.option(
    "--begin-from",
    type=click.Path(exists=True, path_type=Path),
    help="Model folder, or checkpoint (training/deep.pt) of an earlier run: continue training its deep reader.",
)
@click.option(
    "--site",
    callback=_site,
    help="For this site: compare with the model in use there, and take readers from it. Default: that of all sites.",
)
@click.option("--resume", is_flag=True, help="Continue a run that was interrupted.")
@of_waiting
@click.option("--yes", is_flag=True, help="Do not ask, even if the model will lack what the one in use has.")
@on_cluster
@of_files
def train(  # noqa: PLR0917 - one for each option
    folder: Path,
    names: tuple[str, ...],
    labels: Path | None,
    files: tuple[Path, ...],
    out: Path | None,
    rows: int | None,
    jobs: int,
    seed: int,
    data_dir: Path | None,
    cluster: str | None,
    encoding: str | None,
    delimiter: str | None,
    lenient: bool,
    multiline: bool,
    readers: str,
    epochs: float,
    begin_from: Path | None,
    wait_hours: int,
    site: str | None,
    *,
    resume: bool,
    yes: bool,
) -> None:
    """Train a model and write it as a folder that `steward models promote` can put in use.

    Asks before training if the model in use judges languages or attributes that this data cannot teach. Warns after
    training if the figures on held-out texts are significantly worse.
    """
    from training.errors import TrainingError
    from training.run import TrainingOptions, run

    if cluster and readers == "deep":
        raise click.UsageError("--cluster trains the fast reader on a cluster, and --readers deep trains none")
    reading = file_options(encoding, delimiter, lenient, multiline)
    try:
        with ExitStack() as opened:
            machines = opened.enter_context(connected(cluster)) if cluster else None
            run(
                TrainingOptions(
                    folder=folder,
                    names=names,
                    labels=labels,
                    files=files,
                    out=out,
                    rows=rows,
                    jobs=jobs,
                    seed=seed,
                    data_dir=data_dir,
                    reading=reading,
                    readers=readers,
                    epochs=epochs,
                    begin_from=begin_from,
                    site=site,
                    resume=resume,
                    wait_hours=wait_hours,
                    machines=machines,
                ),
                ask=lambda lost: ask("the model will be worse than the one in use:", lost, "Train it anyway?", yes=yes),
            )
    except TrainingError as error:
        raise click.ClickException(str(error)) from error
