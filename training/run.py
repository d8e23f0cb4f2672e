"""One training run: data sets and decisions in, a checked model folder out."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from platformdirs import user_data_path
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

import classifier
from classifier import Worth, losses
from classifier.folder import write_folder
from classifier.kernel import Weights
from classifier.manifest import DEEP_FORMAT, FORMAT, Golden, Manifest
from training import archive, checkpoint, own_file, sentences
from training.calibration import NATURAL
from training.datasets import DATA_SETS, DEFAULT, available, is_written, load
from training.deep import EPOCHS
from training.errors import DataUnusable
from training.evaluation import PUBLIC_TEST
from training.examples import FIRST_LANGUAGE, Examples, joined
from training.fit import STEPS, Fitted, Recipe, adjusted, fit, never_yes
from training.leaks import without_leaks
from training.losses import in_use, in_use_folder, said
from training.reading import Reading
from training.report import Report, report
from training.trust import trusted
from training.words import words

if TYPE_CHECKING:
    from training.deep.second import Second

# A moderator judged one site's comments by that site's rules: worth several rows of a crowd that judged something else.
DECISION_WEIGHT = 10.0
OWN_WEIGHT = 2.0

REPORTED_ON = (NATURAL, PUBLIC_TEST, "semeval2021_toxic_spans")

GOLDEN = (
    "",
    "Thank you for this thoughtful article.",
    "You are an idiot and everybody knows it.",
    "Y\u00f3u \uff49\uff44\uff49\uff4f\uff54\u200b!!! loooooser \U0001f595",
    "Check out my channel and win a free phone http://example.com",
    "Das ist Unsinn. \u042d\u0442\u043e \u0435\u0440\u0443\u043d\u0434\u0430.",
)
# What a site may begin with, for scores that are calibrated; docs/experiments.md shows the precision behind them.
THRESHOLDS = {
    "toxicity": {"review_at": 0.25, "reject_at": 0.98},
    "severe_toxicity": {"review_at": 0.3, "reject_at": 0.98},
    "identity_attack": {"review_at": 0.2, "reject_at": 0.98},
    "insult": {"review_at": 0.3, "reject_at": 0.98},
    "profanity": {"review_at": 0.5, "reject_at": 0.98},
    "threat": {"review_at": 0.12, "reject_at": 0.98},
    "spam": {"review_at": 0.5, "reject_at": 0.98},
}
Ask = Callable[[list[str]], None]
LIBRARIES = ("comment-steward", "numpy", "scipy", "scikit-learn")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asked for; None: the default that its help names."""

    folder: Path
    names: tuple[str, ...] = ()
    labels: Path | None = None
    files: tuple[Path, ...] = ()
    out: Path | None = None
    rows: int | None = None
    jobs: int = 1
    seed: int = 0
    data_dir: Path | None = None
    reading: Reading = field(default_factory=Reading)
    readers: str = "both"
    epochs: float = EPOCHS
    begin_from: Path | None = None
    resume: bool = False


def run(wishes: Wishes, console: Console | None = None, ask: Ask = lambda *_: None) -> Path:
    """Train, report and write. Returns the new folder. Raises TrainingError, before the work where it can.

    `ask` hears before the work what the model will lack that the one in use has; it raises to end the run. What turns
    out later is printed.
    """
    console = console or Console()
    models = _models(wishes.data_dir)
    out = wishes.out or models / f"{datetime.now(UTC):%Y-%m-%d-%H%M%S}"
    if out.exists():
        raise DataUnusable(f"{out} is there already; a model is never written over another")
    started = datetime.now(UTC)
    examples = gather(wishes)
    console.print(f"{len(examples):,} texts from {', '.join(sorted(set(examples.sources)))}")
    for attribute in never_yes(examples):
        console.print(f"{attribute}: no text has it, so this model will not judge it; add a data set that has some")
    before = in_use(models)
    expected = losses(_worth(before)._replace(metrics={}), Worth(_to_be_judged(examples, wishes.readers), {}))
    if expected.is_any:
        ask(list(said(expected, before.version)))
    fitted = _first(wishes, examples, console)
    public = load(PUBLIC_TEST, wishes.folder) if DATA_SETS[PUBLIC_TEST].files(wishes.folder) else None
    if public is not None:
        fitted = adjusted(fitted, public)
    second = None if wishes.readers == "fast" else _second(wishes, examples, fitted, public, console)
    manifest, arrays, known_words = _manifest(out.name, examples, fitted), dict(fitted.arrays), words(examples)
    if second is not None:
        manifest, arrays = with_second(manifest, second), arrays | dict(second.arrays)
    model = classifier.Model(manifest, Weights(arrays), known_words, second.stack if second else None)
    console.print("judging held-out texts")
    found = report(model, wishes.folder, examples)
    minutes = (datetime.now(UTC) - started).total_seconds() / 60
    manifest = msgspec.structs.replace(manifest, metrics={"training_minutes": round(minutes, 2), "held_out": found})
    write_folder(out, manifest, arrays, known_words)
    classifier.load(out)
    _print(console, found)
    for each in said(losses(_worth(before), _worth(manifest)), before.version):
        console.print(f"Warning: {each}")
    console.print(f"wrote {out} in {minutes:.1f} minutes; `steward models promote {out.name}` puts it in use")
    return out


def _first(wishes: Wishes, examples: Examples, console: Console) -> Fitted:
    recipe = Recipe(jobs=wishes.jobs, seed=wishes.seed)
    if wishes.resume and (kept := checkpoint.read(_checkpoints(wishes), examples, recipe)):
        console.print("the fast reader is as the run that was stopped left it")
        return kept
    with _progress(console) as step:
        fitted = fit(examples, recipe, step)
    if wishes.readers == "both":
        checkpoint.save(_checkpoints(wishes), examples, recipe, fitted)
    return fitted


def _checkpoints(wishes: Wishes) -> Path:
    return _models(wishes.data_dir).parent / "training"


def _second(wishes: Wishes, examples: Examples, fitted: Fitted, public: Examples | None, console: Console) -> "Second":
    from training.deep.fit import DeepRecipe  # noqa: PLC0415 - PyTorch takes seconds, and the fast reader needs none
    from training.deep.second import Begin, kept, taught, weighed  # noqa: PLC0415 - only this command pays for it

    if wishes.readers == "keep":
        arrays = kept(in_use_folder(_models(wishes.data_dir)))
    else:
        recipe = DeepRecipe(epochs=wishes.epochs, threads=wishes.jobs, seed=wishes.seed)
        begin = Begin(wishes.resume, wishes.begin_from)
        arrays = taught(examples, recipe, _checkpoints(wishes), begin, console.print)
    console.print("weighing what both readers say")
    return weighed(arrays, fitted, examples, public, GOLDEN)


def with_second(manifest: Manifest, second: "Second") -> Manifest:
    return msgspec.structs.replace(manifest, format=DEEP_FORMAT, deep=second.described)


def gather(wishes: Wishes) -> Examples:
    """The data sets, at most `rows` of them, and in full what the user brings."""
    names = wishes.names or tuple(available(wishes.folder, DEFAULT))
    parts = []
    if names:
        public = joined([trusted(load(name, wishes.folder)) for name in names])
        reported_on = [_reported_on(name, wishes.folder) for name in available(wishes.folder, DATA_SETS)]
        # What is reported on must not come back in another data set, nor in the sentences that it quotes.
        public = without_leaks(public, joined([*reported_on, sentences.as_examples(wishes.folder)]))
        parts.append(public.sampled(wishes.rows, wishes.seed) if wishes.rows else public)
    if wishes.labels:
        parts.append(archive.read(wishes.labels, _languages(names)).weighted(DECISION_WEIGHT))
    parts.extend(own_file.read(path, wishes.reading).weighted(OWN_WEIGHT) for path in wishes.files)
    if not parts:
        raise DataUnusable(f"{wishes.folder} holds none of the data sets; name another with --data, or give --examples")
    return joined(parts)


def _reported_on(name: str, folder: Path) -> Examples:
    """Of these all that is held out, of the others what their publishers called a test."""
    found = load(name, folder)
    return found.held_out() if name in REPORTED_ON else found.published_test()


def _languages(names: Iterable[str]) -> set[str]:
    """Those in which the data sets hold comments: sentences of our own calibrate nothing. What moderators decided in
    another language cannot be calibrated either.
    """
    natural = [DATA_SETS[name] for name in names if not is_written(name)]
    return {FIRST_LANGUAGE} | {language for each in natural for language in each.languages}


def _models(data_dir: Path | None) -> Path:
    """Where the service looks for models."""
    return (data_dir or user_data_path("steward")).expanduser() / "models"


def _to_be_judged(examples: Examples, readers: str) -> dict[str, set[str]]:
    """What can be taught at best: whether a language carries an attribute is known when the model is fitted."""
    if readers == "fast":
        languages = _languages(source for source in set(examples.sources) if source in DATA_SETS)
    else:
        from training.deep.second import judged_in  # noqa: PLC0415 - as in _second

        measured, transferred = judged_in(examples)
        languages = {*measured, *transferred}
    return {language: set(classifier.LABELS) - set(never_yes(examples)) for language in languages}


def _worth(manifest: Manifest) -> Worth:
    return Worth(manifest.judged_by_both or manifest.judged, manifest.metrics)


def _manifest(version: str, examples: Examples, fitted: Fitted) -> Manifest:
    """Of the fast reader, without figures and files."""
    weights, unjudged = Weights(fitted.arrays), never_yes(examples)
    sources, counts = np.unique(examples.training().sources, return_counts=True)
    return Manifest(
        format=FORMAT,
        version=version,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        labels=list(classifier.LABELS),
        unjudged=unjudged,
        languages={
            language: [label for label in labels if label not in unjudged]
            for language, labels in fitted.languages.items()
        },
        files={},
        golden=[Golden(text, list(weights.score(text))) for text in GOLDEN],
        data={str(source): int(count) for source, count in zip(sources, counts, strict=True)},
        thresholds=THRESHOLDS,
        libraries={name: installed(name) for name in LIBRARIES},
    )


@contextmanager
def _progress(console: Console) -> Iterator["_Step"]:
    columns = (TextColumn("{task.description:40}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        yield _Step(bar)


class _Step:
    """Called when a step begins; the bar moves on by one."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=STEPS)

    def __call__(self, description: str) -> None:
        self._bar.update(self._task, description=description, advance=1)


def _print(console: Console, found: Report) -> None:
    table = Table(
        "data set", "attribute", "texts", "positive", "ROC AUC", "calibration error", title="On held-out texts"
    )
    for source, attributes in found.items():
        for attribute, figures in attributes.items():
            table.add_row(
                source,
                attribute,
                str(figures["texts"]),
                str(figures["positive"]),
                f"{figures['roc_auc']:.4f}",
                f"{figures['calibration_error']:.4f}" if "calibration_error" in figures else "",
            )
    console.print(table)
