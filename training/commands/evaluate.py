"""steward evaluate."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.table import Table

    from classifier import Model
    from training.assessment import EvaluationReport
    from training.evaluation import DataSetFigures
    from training.metrics import Estimate
    from training.published_tests import PublishedTestFigures
    from training.sentences import CaseFigures, DilutionFigures, FrameFigures
    from training.skip_curve import SkipCurve
    from training.spam_tests import SpamFigures, SpamLeftOutFigures

# Wide enough for every table to keep each attribute on one line.
WIDTH = 160
_FILE = click.Path(dir_okay=False, path_type=Path)
# As long as the average talk page comment.
COMMENT = (
    "I spent the night in the metro with my two kids and half of our street. Thank you to the crews who had the "
    "lifts running again by six in the morning. The minister said in March that the transformers were already on "
    "the way. It is November now. Somebody should be made to resign over this, and the sooner the better for us "
    "all, whatever you think of his party."
)


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
    "--baseline", is_flag=True, help="Also measure scikit-learn's textbook pipeline; takes minutes the first time."
)
@click.option(
    "--cross-validate",
    is_flag=True,
    help="Cross-validate on Fox News comments, split by article, and on each source of spam; takes many minutes.",
)
@click.option("--jobs", type=int, default=2, show_default=True, help="Processors for --baseline and --cross-validate.")
@click.option("--json", "json_path", type=_FILE, help="Also write all figures to this file.")
@click.option("--html", "html_path", type=_FILE, help="Write the figures as one self-contained page.")
@click.option("--card", "card_path", type=_FILE, help="Write the model card.")
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Seed of the intervals; the same seed gives the same output."
)
def evaluate(  # noqa: PLR0917 - one for each option
    model: Path | None,
    data: Path,
    names: tuple[str, ...],
    baseline: bool,
    cross_validate: bool,
    jobs: int,
    json_path: Path | None,
    html_path: Path | None,
    card_path: Path | None,
    seed: int,
) -> None:
    """Print how good a MODEL folder (unset: the shipped one) is on texts that no training run sees."""
    from rich.console import Console

    import classifier
    from training import assessment
    from training.errors import TrainingError

    console = Console()
    if not console.is_terminal:  # a file or a pipe: do not truncate
        console.width = max(console.width, WIDTH)
    options = assessment.EvaluationOptions(data, names, seed, jobs, baseline=baseline, crossed=cross_validate)
    try:
        judged = classifier.load(model or classifier.SHIPPED)
        with console.status("") as status:
            found = assessment.assess(judged, options, status.update)
    except (TrainingError, classifier.ModelRefused) as error:
        raise click.ClickException(str(error)) from error
    if not found.data_sets:
        raise click.ClickException(f"{data} holds none of the data sets; see docs/data-sets.md")
    console.print(f"model {judged.version} ({judged.digest[:12]}), 95 % bootstrap intervals\n")
    _print(console, found)
    _write(judged, found, {"json": json_path, "html": html_path, "card": card_path})


def _print(console: "Console", found: "EvaluationReport") -> None:
    for result in found.data_sets:
        console.print(_table(result))
        if result.mean_auc_six is not None:
            console.print(f"mean ROC AUC over the six Jigsaw labels: [bold]{_shown(result.mean_auc_six)}[/bold]\n")
    if found.tests:
        console.print(_tests(found.tests))
    spam = [
        *([_spam(found.spam)] if found.spam else []),
        *([_spam_left_out(found.spam_left_out)] if found.spam_left_out else []),
    ]
    for table in spam:
        console.print(table)
    if found.cases:
        console.print(_cases(found.cases))
    if found.written:
        console.print(_written(found.written))
    for table in [*([_diluted(found.diluted)] if found.diluted else []), *map(_skipped, found.skipped)]:
        console.print(table)
    if found.spans:
        console.print(f"character F1 of spans, {found.spans.data_set}, test posts: {_shown(found.spans.f1)}\n")
    if found.summary:
        console.print(summary_table(found))


def _write(model: "Model", found: "EvaluationReport", paths: dict[str, Path | None]) -> None:
    import msgspec

    figures = msgspec.json.decode(msgspec.json.encode(found.plain()))
    for kind, path in paths.items():
        if path is None:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "json":
            path.write_bytes(msgspec.json.format(msgspec.json.encode(figures)) + b"\n")
        elif kind == "html":
            from training.page import render

            path.write_text(render(figures, _speed(model)), encoding="utf-8")
        else:
            from training.model_card import card

            path.write_text(card(figures, model.manifest), encoding="utf-8")


def _speed(model: "Model") -> dict[str, float]:
    """Microseconds for one comment of 359 characters; the fastest round, since the machine may be shared."""
    import timeit

    text = COMMENT
    alone = min(timeit.repeat(lambda: model.score(text), number=200, repeat=15)) / 200
    together = min(timeit.repeat(lambda: model.score_many([text] * 1_000), number=1, repeat=9)) / 1_000
    return {"one comment, microseconds": alone * 1e6, "in a batch, microseconds a comment": together * 1e6}


def summary_table(found: "EvaluationReport") -> "Table":
    from rich.table import Table

    table = Table("what", "textbook", "ours", "must", "aim", title="Summary", title_justify="left")
    for row in found.summary:
        ours = _shown(row.ours)
        if row.must is not None:
            is_met = row.ours.value >= row.must if row.higher_is_better else row.ours.value <= row.must
            ours = f"[{'green' if is_met else 'red'}]{ours}[/]"
        table.add_row(row.what, _figure(row.textbook), ours, _figure(row.must), _figure(row.aim))
    return table


def _cases(found: "CaseFigures") -> "Table":
    from rich.table import Column, Table

    table = Table(Column("kind", no_wrap=True), "sentences", "harmful: caught", "harmless: approved", "rejected")
    table.title = (
        f"Sentences by kind, means over kinds: {_shown(found.caught)} of the harmful caught, "
        f"{_shown(found.approved)} of the harmless approved, {found.rejected} rejected"
    )
    table.title_justify = "left"
    for each in found.kinds:
        right = f"{each.right}"
        counts = (right, "", "") if each.is_harmful else ("", right, f"{each.rejected}")
        table.add_row(each.kind, f"{each.sentences}", *counts)
    return table


def _written(found: "FrameFigures") -> "Table":
    from rich.table import Column, Table

    table = Table(
        Column("function", no_wrap=True), "language", "sentences", "toxicity taught", "stopped", title_justify="left"
    )
    auc = "; ".join(f"{language} {_shown(each)}" for language, each in found.auc.items())
    table.title = f"Our own sentences, from test frames; ROC AUC of toxicity: {auc or 'none'}"
    for each in found.functions:
        taught = "" if each.toxicity is None else f"{each.toxicity:.2f}"
        table.add_row(each.function, each.language, f"{each.sentences:,}", taught, f"{each.stopped:.1%}")
    return table


def _diluted(found: "Sequence[DilutionFigures]") -> "Table":
    from rich.table import Table

    table = Table("harmless sentences around it", "threats and insults", "approved", title_justify="left")
    table.title = "A threat or an insult among harmless sentences"
    for each in found:
        table.add_row(f"{each.among}", f"{each.sentences}", f"{each.approved}")
    return table


def _skipped(found: "SkipCurve") -> "Table":
    from rich.table import Table

    table = Table("read by the deep reader", "ROC AUC", "gain lost", "harmful approved", "harmless held")
    table.title = f"If the deep reader skips what the fast one is sure of: {found.data_set}, {found.texts:,} texts"
    table.title_justify = "left"
    for each in found.points:
        lost = "" if each.lost is None else f"{each.lost:.1%}"
        table.add_row(f"{each.read:.0%}", f"{each.auc:.4f}", lost, f"{each.missed:.1%}", f"{each.held:.1%}")
    return table


def _tests(found: "Sequence[PublishedTestFigures]") -> "Table":
    from rich.table import Column, Table

    table = Table(
        Column("data set", no_wrap=True),
        "part",
        "language",
        "attribute",
        "texts",
        "positive",
        "ROC AUC",
        "textbook",
        "judged",
    )
    table.title, table.title_justify = "Publishers' tests", "left"
    for each in found:
        table.add_row(
            each.data_set,
            each.part,
            each.language,
            each.attribute,
            f"{each.texts:,}",
            f"{each.positive:,}",
            _shown(each.auc),
            "" if each.textbook is None else f"{each.textbook:.4f}",
            "yes" if each.is_judged else "no",
        )
    return table


def _spam(found: "SpamFigures") -> "Table":
    from rich.table import Column, Table

    table = Table(Column("place", no_wrap=True), "part", "spam", "found", "harmless", "of these flagged")
    share = f"{found.harmless_flagged:.0%} of {found.harmless:,} harmless comments is flagged"
    table.title = f"Spam found where {share} (threshold {found.threshold:.4f}): {found.mean_found:.4f} on average"
    table.title_justify = "left"
    for each in found.places:
        wrong = "" if each.flagged is None else _shown(each.flagged)
        table.add_row(each.data_set, each.part, f"{each.spam:,}", _shown(each.found), f"{each.harmless:,}", wrong)
    return table


def _spam_left_out(found: "SpamLeftOutFigures") -> "Table":
    from rich.table import Column, Table

    table = Table(
        Column("source left out", no_wrap=True),
        "data set",
        "threshold",
        "spam",
        "found",
        "harmless",
        "of these flagged",
    )
    share = f"{found.harmless_flagged:.0%} of {found.harmless:,} harmless comments is flagged"
    table.title = (
        f"Spam found by smaller models that each left out a source, where {share}: {found.mean_found:.4f} on average"
    )
    table.title_justify = "left"
    for each in found.data_sets:
        wrong = "" if each.flagged is None else _shown(each.flagged)
        counts = f"{each.spam:,}", _shown(each.found), f"{each.harmless:,}"
        table.add_row(each.source, each.data_set, f"{each.threshold:.4f}", *counts, wrong)
    return table


def _table(result: "DataSetFigures") -> "Table":
    from rich.table import Column, Table

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
    value, low, high = (_figure(each) for each in (estimate.value, estimate.low, estimate.high))
    return f"{value} \\[{low}, {high}]" if low and high else value


def _figure(value: float | None) -> str:
    """A count is printed without decimals."""
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"
