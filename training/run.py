"""One training run: data sets and decisions in, a checked model folder out."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from platformdirs import user_data_path
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import classifier
from classifier import Worth, losses
from classifier.fast import own_bags
from classifier.folder import write_folder
from classifier.kernel import Weights
from classifier.manifest import NAME, Golden, LabelsRead, Manifest, format_of, read_manifest
from training import archive, checkpoint, erasure, sentences, user_file
from training.calibration import NATURAL
from training.datasets import DATA_SETS, DEFAULT, available, is_written, load
from training.deep import EPOCHS
from training.errors import DataUnusable
from training.evaluation import PUBLIC_TEST
from training.examples import FIRST_LANGUAGE, Examples, joined
from training.fit import STEPS, Fitted, Recipe, adjusted, fit, never_yes
from training.leaks import without_leaks
from training.machines import Machines
from training.own_bags import judged_among
from training.promotion_losses import describe, in_use, in_use_folder
from training.report import report, show
from training.row_weights import with_row_weights
from training.text_files import FileOptions
from training.vocabulary import words

if TYPE_CHECKING:
    from classifier.deep.stack import Stack
    from classifier.words import Words
    from training.deep.build import Arrays, TrainedReader
    from training.deep.exchange import KeptModel

# A moderator applied the site's own rules to the site's own comments, so one decision counts as several crowd labels.
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
# Default thresholds for calibrated scores; docs/experiments.md shows the precision behind them.
THRESHOLDS = {
    "toxicity": {"review_at": 0.55, "reject_at": 0.98},
    "severe_toxicity": {"review_at": 0.20, "reject_at": 0.98},
    "identity_attack": {"review_at": 0.65, "reject_at": 0.98},
    "insult": {"review_at": 0.20, "reject_at": 0.98},
    "profanity": {"review_at": 0.45, "reject_at": 0.98},
    "threat": {"review_at": 0.07, "reject_at": 0.98},
    "spam": {"review_at": 0.45, "reject_at": 0.98},
}
Ask = Callable[[list[str]], None]
# The choices of `readers` that train a deep reader.
NEW_DEEP = ("both", "deep")
LIBRARIES = ("comment-steward", "numpy", "scipy", "scikit-learn")


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """The options of the command line. None means the default that the help text names.

    `before`: decisions count from before this time; None: from `wait_hours` ago.
    """

    folder: Path
    names: tuple[str, ...] = ()
    labels: Path | None = None
    files: tuple[Path, ...] = ()
    out: Path | None = None
    rows: int | None = None
    jobs: int = 1
    seed: int = 0
    data_dir: Path | None = None
    reading: FileOptions = field(default_factory=FileOptions)
    readers: str = "both"
    epochs: float = EPOCHS
    begin_from: Path | None = None
    site: str | None = None
    resume: bool = False
    wait_hours: int = archive.WAIT_HOURS
    before: datetime | None = None
    machines: Machines | None = None


def run(options: TrainingOptions, console: Console | None = None, ask: Ask = lambda *_: None) -> Path:
    """Train, report and write. Returns the new folder. Raises TrainingError, before training starts where possible.

    `ask` is called before training with what the new model will lack compared to the one in use; it raises to stop the
    run. Losses that only show after training are printed.
    """
    console = console or Console()
    models = _models(options.data_dir)
    out = options.out or models / f"{datetime.now(UTC):%Y-%m-%d-%H%M%S}"
    if out.exists():
        raise DataUnusable(f"{out} already exists; a model never overwrites another one")
    started = datetime.now(UTC)
    options = replace(options, out=out, before=_settled_for_run(options))
    existing, kept = _existing_reader(options), _kept_model(options)
    read = erasure.labels_read(options.labels) if options.labels else None
    if options.labels and (young := archive.count_young(options.labels, _settled(options))):
        console.print(f"{young} labels are younger than {options.wait_hours} hours and wait (--wait-hours)")
    age = erasure.pull_age(options.labels) if options.labels else timedelta()
    if age is None or age > erasure.MOST_PULL_AGE:
        console.print("Warning: texts that readers had erased may still be in the labels; run 'steward labels pull'")
    examples = gather(options)
    labels_read = _inherited(options)
    if options.labels and read:
        labels_read = [*labels_read, erasure.all_parts(options.labels, read)]
    console.print(f"{len(examples):,} texts from {', '.join(sorted(set(examples.sources)))}")
    for attribute in never_yes(examples) if kept is None else ():
        console.print(
            f"{attribute}: no text has this label, so the model will not judge it; add a data set that has some"
        )
    before = in_use(models, options.site)
    expected = losses(_worth(before)._replace(metrics={}), Worth(_to_be_judged(examples, options.readers), {}))
    if expected.is_any and not kept:
        ask(list(describe(expected, before.version)))
    built = (
        _exchanged(options, kept, existing, examples, console) if kept else _built(options, existing, examples, console)
    )
    model = classifier.Model(built.manifest, Weights(built.arrays), built.words, built.stack, own_bags(built.arrays))
    console.print("scoring held-out texts")
    found = report(model, options.folder, examples)
    minutes = (datetime.now(UTC) - started).total_seconds() / 60
    metrics: dict[str, Any] = {"training_minutes": round(minutes, 2), "held_out": found.figures}
    if found.groups is not None:
        metrics["groups"] = found.groups
    manifest = msgspec.structs.replace(built.manifest, metrics=metrics, labels_read=labels_read)
    write_folder(out, manifest, built.arrays, built.words)
    classifier.load(out)
    show(found, console)
    for loss in describe(losses(_worth(before), _worth(manifest)), before.version):
        console.print(f"Warning: {loss}")
    promote = f"steward models promote {out.name}" + (f" --site {options.site}" if options.site else "")
    console.print(f"wrote {out} in {minutes:.1f} minutes; `{promote}` puts it in use")
    return out


def _inherited(options: TrainingOptions) -> list[LabelsRead]:
    """What the model was trained on from which this run takes a reader."""
    folder = (
        in_use_folder(_models(options.data_dir), options.site)
        if options.readers in ("keep", "deep")
        else options.begin_from
    )
    return read_manifest(folder).labels_read if folder is not None and (folder / NAME).is_file() else []


@dataclass(frozen=True, slots=True)
class _Built:
    """A model that was not scored or written yet. `stack`: None without a deep reader."""

    manifest: Manifest
    arrays: "Arrays"
    words: "Words | None"
    stack: "Stack | None"


def _built(options: TrainingOptions, existing: "Arrays | None", examples: Examples, console: Console) -> _Built:
    fitted = _fast_reader(options, examples, console)
    public = load(PUBLIC_TEST, options.folder) if DATA_SETS[PUBLIC_TEST].files(options.folder) else None
    if public is not None:
        fitted = adjusted(fitted, public)
    manifest, arrays, known_words = _manifest(_version(options), examples, fitted), dict(fitted.arrays), words(examples)
    if options.readers == "fast":
        return _Built(manifest, arrays, known_words, None)
    deep = _deep_reader(options, existing, examples, fitted, public, console)
    manifest = msgspec.structs.replace(manifest, own=fitted.own)
    return _Built(with_deep_reader(manifest, deep), arrays | dict(deep.arrays), known_words, deep.stack)


def _exchanged(
    options: TrainingOptions, kept: "KeptModel", existing: "Arrays | None", examples: Examples, console: Console
) -> _Built:
    """The model in use with a new deep reader."""
    from training.deep.exchange import exchanged  # noqa: PLC0415 - PyTorch takes seconds, and `fast` needs none

    arrays = _trained_reader(options, existing, examples, console)
    console.print("fitting the scale of the new reader")
    deep = exchanged(kept, arrays, examples)
    manifest = msgspec.structs.replace(
        with_deep_reader(kept.manifest, deep),
        version=_version(options),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        data=_counts(examples),
        libraries=_libraries(),
    )
    return _Built(manifest, kept.fast | dict(deep.arrays), kept.words, deep.stack)


def _fast_reader(options: TrainingOptions, examples: Examples, console: Console) -> Fitted:
    recipe = Recipe(jobs=options.jobs, seed=options.seed)
    if options.resume and (saved := checkpoint.read(_checkpoints(options), examples, recipe)):
        console.print("reusing the fast reader of the interrupted run")
        return saved
    with _progress(console) as step:
        fitted = fit(examples, recipe, step, options.machines)
    if options.readers == "both":
        checkpoint.save(_checkpoints(options), examples, recipe, fitted)
    return fitted


def _version(options: TrainingOptions) -> str:
    assert options.out is not None, "run has chosen it"  # noqa: S101 - for the type checker; it cannot happen
    return options.out.name


def _checkpoints(options: TrainingOptions) -> Path:
    return _models(options.data_dir).parent / "training"


def _existing_reader(options: TrainingOptions) -> "Arrays | None":
    """The deep reader that the run keeps or continues. Read before the work that an unusable folder would waste."""
    folder = options.begin_from if options.readers in NEW_DEEP else None
    if options.readers == "keep":
        folder = in_use_folder(_models(options.data_dir), options.site)
    if folder is None or not folder.is_dir():
        return None
    from training.deep.build import existing_arrays  # noqa: PLC0415 - PyTorch takes seconds, and `fast` needs none

    return existing_arrays(folder)


def _kept_model(options: TrainingOptions) -> "KeptModel | None":
    if options.readers != "deep":
        return None
    from training.deep.exchange import kept_model  # noqa: PLC0415 - as above

    return kept_model(in_use_folder(_models(options.data_dir), options.site))


def _trained_reader(
    options: TrainingOptions, existing: "Arrays | None", examples: Examples, console: Console
) -> "Arrays":
    from training.deep.build import StartFrom, train_reader  # noqa: PLC0415 - as above
    from training.deep.fit import DeepRecipe  # noqa: PLC0415 - as above

    recipe = DeepRecipe(epochs=options.epochs, threads=options.jobs, seed=options.seed)
    start = StartFrom(options.resume, existing, options.begin_from)
    return train_reader(examples, recipe, _checkpoints(options), start, console.print)


def _deep_reader(  # noqa: PLR0917 - all that the run has found so far
    options: TrainingOptions,
    existing: "Arrays | None",
    examples: Examples,
    fitted: Fitted,
    public: Examples | None,
    console: Console,
) -> "TrainedReader":
    from training.deep.build import combine_readers  # noqa: PLC0415 - as above

    arrays = existing if options.readers == "keep" else None
    if arrays is None:
        arrays = _trained_reader(options, existing, examples, console)
    console.print("fitting the weights of the two readers")
    return combine_readers(arrays, fitted, examples, public, GOLDEN)


def with_deep_reader(manifest: Manifest, reader: "TrainedReader") -> Manifest:
    own = judged_among(manifest.own, {*manifest.judged, *reader.described.languages})
    return msgspec.structs.replace(manifest, format=format_of(reader.described, own), deep=reader.described, own=own)


def gather(options: TrainingOptions) -> Examples:
    """At most `rows` rows of the data sets, and all of the user's own files and labels."""
    names = options.names or tuple(available(options.folder, DEFAULT))
    parts = []
    if names:
        public = joined([with_row_weights(load(name, options.folder)) for name in names])
        reported_on = [_reported_on(name, options.folder) for name in available(options.folder, DATA_SETS)]
        # Texts that the report uses must not appear in another data set, whole or as a quotation.
        public = without_leaks(public, joined([*reported_on, sentences.as_examples(options.folder)]))
        parts.append(public.sampled(options.rows, options.seed) if options.rows else public)
    if options.labels:
        found = archive.read(options.labels, languages_of(names), _settled(options))
        parts.append(found.weighted(DECISION_WEIGHT))
    parts.extend(user_file.read(path, options.reading).weighted(OWN_WEIGHT) for path in options.files)
    if not parts:
        raise DataUnusable(
            f"{options.folder} holds none of the data sets; name another with --data, or give --examples"
        )
    return joined(parts)


def _settled(options: TrainingOptions) -> datetime:
    return options.before or datetime.now(UTC) - timedelta(hours=options.wait_hours)


def _settled_for_run(options: TrainingOptions) -> datetime:
    """The same again for a run that is resumed."""
    before = _settled(options)
    if not options.labels or options.readers not in NEW_DEEP:  # no checkpoint depends on decisions
        return before
    return checkpoint.settled(_checkpoints(options), options.wait_hours, before, resume=options.resume)


def _reported_on(name: str, folder: Path) -> Examples:
    """The held-out rows of the data sets in REPORTED_ON; the published test split of the others."""
    found = load(name, folder)
    return found.held_out() if name in REPORTED_ON else found.published_test()


def languages_of(names: Iterable[str]) -> set[str]:
    """The languages in which the data sets hold real comments.

    Generated sentences calibrate nothing, and moderators' decisions in another language cannot be calibrated either.
    """
    natural = [DATA_SETS[name] for name in names if not is_written(name)]
    return {FIRST_LANGUAGE} | {language for each in natural for language in each.languages}


def _models(data_dir: Path | None) -> Path:
    """Where the service looks for models."""
    return (data_dir or user_data_path("steward")).expanduser() / "models"


def _to_be_judged(examples: Examples, readers: str) -> dict[str, set[str]]:
    """The most that these examples can teach. Which attributes a language supports is known only after fitting."""
    if readers == "fast":
        languages = languages_of(source for source in set(examples.sources) if source in DATA_SETS)
    else:
        from training.deep.build import judged_in  # noqa: PLC0415 - as in _deep_reader

        measured, transferred = judged_in(examples)
        languages = {*measured, *transferred}
    return {language: set(classifier.LABELS) - set(never_yes(examples)) for language in languages}


def _worth(manifest: Manifest) -> Worth:
    return Worth(manifest.judged_by_both or manifest.judged, manifest.metrics)


def _manifest(version: str, examples: Examples, fitted: Fitted) -> Manifest:
    """The manifest of the fast reader, without metrics and files."""
    weights, unjudged = Weights(fitted.arrays), never_yes(examples)
    return Manifest(
        format=format_of(None, judged_among(fitted.own, fitted.languages)),
        version=version,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        labels=list(classifier.LABELS),
        unjudged=unjudged,
        languages={
            language: [label for label in labels if label not in unjudged]
            for language, labels in fitted.languages.items()
        },
        own=judged_among(fitted.own, fitted.languages),
        files={},
        golden=[Golden(text, list(weights.score(text))) for text in GOLDEN],
        data=_counts(examples),
        thresholds=THRESHOLDS,
        libraries=_libraries(),
    )


def _counts(examples: Examples) -> dict[str, int]:
    """The training texts of each source."""
    sources, counts = np.unique(examples.training().sources, return_counts=True)
    return {str(source): int(count) for source, count in zip(sources, counts, strict=True)}


def _libraries() -> dict[str, str]:
    return {name: installed(name) for name in LIBRARIES}


@contextmanager
def _progress(console: Console) -> Iterator["_Step"]:
    columns = (TextColumn("{task.description:40}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        yield _Step(bar)


class _Step:
    """Called at the start of each step; advances the bar by one."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=STEPS)

    def __call__(self, description: str) -> None:
        self._bar.update(self._task, description=description, advance=1)
