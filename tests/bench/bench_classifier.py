"""make bench: what a score costs, beside scikit-learn on the same texts in the same run.

Two baselines. "The same model" is classifier/reference.py: the shipped model as a scikit-learn classifier, which gives
the same probabilities. "The textbook" is what scikit-learn itself makes of the task: tf-idf of words and of
characters, a logistic regression for each attribute; what it is taught does not matter to its speed.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import processes
from rich.console import Console
from rich.table import Table
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import FeatureUnion, Pipeline
from threadpoolctl import threadpool_limits

import classifier
from classifier.folder import read_folder
from classifier.kernel import Weights
from classifier.reference import Reference
from training.datasets import load

DATA = Path("../shared/data")
# The comments of the data set that are about as long as the average comment of a talk page.
SHORTEST, LONGEST = 280, 480
TAUGHT, BATCH = 4_000, 10_000
ONE, SLOW = 200, 400
ROUNDS = 5
WHOLE = "model: kernel, and disguise seen through"
SAME_MODEL, TEXTBOOK = "scikit-learn, the same model", "scikit-learn, the textbook"


def main() -> None:
    console = Console(width=120)
    if not (DATA / "jigsaw_toxic_train.parquet").exists():
        console.print(f"bench_classifier: no comments in {DATA}; nothing is measured without real ones")
        return
    texts = [text for text in load("jigsaw_toxic_train", DATA).texts if SHORTEST <= len(text) <= LONGEST]
    with threadpool_limits(1):
        console.print(_speed(texts))
    console.print(_memory())
    console.print(_start())


def _speed(texts: Sequence[str]) -> Table:
    _, arrays, _ = read_folder(classifier.SHIPPED)
    model, kernel, reference = classifier.load(classifier.SHIPPED), Weights(arrays), Reference(arrays)
    textbook = _textbook(texts[:TAUGHT])
    batch = [texts[at % len(texts)] for at in range(BATCH)]
    average = sum(map(len, batch)) / len(batch)
    title = f"microseconds a comment, one core, {average:.0f} characters on average, medians of {ROUNDS} rounds"
    columns = [
        f"{how}{what}" for how in ("one: ", f"{BATCH:,}: ") for what in ("µs", "over same model", "over textbook")
    ]
    table = Table("", *columns, title=title)
    ones = {
        "kernel": lambda: [kernel.score(text) for text in batch[:ONE]],
        WHOLE: lambda: [model.score(text) for text in batch[:ONE]],
        SAME_MODEL: lambda: [reference.predict_proba([text]) for text in batch[:ONE]],
        TEXTBOOK: lambda: [textbook.predict_proba([text]) for text in batch[:ONE]],
    }
    many = {
        "kernel": (lambda: kernel.score_many(batch), BATCH),
        WHOLE: (lambda: model.score_many(batch), BATCH),
        SAME_MODEL: (lambda: reference.predict_proba(batch[:SLOW]), SLOW),
        TEXTBOOK: (lambda: textbook.predict_proba(batch[:SLOW]), SLOW),
    }
    one_us, many_us = _rounds({name: (run, ONE) for name, run in ones.items()}), _rounds(many)
    for name in ones:
        table.add_row(name, *(cell for found in (one_us, many_us) for cell in _cells(found, name)))
    return table


def _cells(found: dict[str, list[float]], name: str) -> tuple[str, str, str]:
    ours, model, textbook = (found[each] for each in (name, SAME_MODEL, TEXTBOOK))
    return f"{statistics.median(ours):,.1f}", _ratio(model, ours), _ratio(textbook, ours)


def _textbook(texts: Sequence[str]) -> Pipeline:
    features = FeatureUnion(
        [
            ("words", TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)),
            ("characters", TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)),
        ]
    )
    labels = np.random.default_rng(0).random((len(texts), len(classifier.LABELS))) < 0.1
    pipeline = Pipeline([("features", features), ("labels", OneVsRestClassifier(LogisticRegression()))])
    return pipeline.fit(texts, labels)


def _rounds(measured: dict[str, tuple[Callable[[], object], int]]) -> dict[str, list[float]]:
    """Microseconds a comment. The measured take turns, so that a machine that slows down slows them all."""
    found: dict[str, list[float]] = {name: [] for name in measured}
    for number in range(ROUNDS + 1):
        for name, (run, count) in measured.items():
            started = time.perf_counter()
            run()
            if number:  # the first round warms up
                found[name].append((time.perf_counter() - started) / count * 1e6)
    return found


def _ratio(slow: Sequence[float], fast: Sequence[float]) -> str:
    return f"{statistics.median(one / other for one, other in zip(slow, fast, strict=True)):,.0f}"


def _memory() -> Table:
    table = Table("", "resident MiB", "over bare", title="memory of a serving process that has answered")
    with processes.noop(100) as bare:
        base = bare.resident_mib
    table.add_row("aiohttp and uvloop alone", f"{base:.0f}", "")
    with processes.service() as steward:
        processes.ask(steward, "v1/score", b'{"text": "Nobody has read this before, and nobody will again."}')
        table.add_row("steward serve", f"{steward.resident_mib:.0f}", f"+{steward.resident_mib - base:.0f}")
    return table


def _start() -> Table:
    table = Table("", "s", "over the imports", title="from process start, medians of 7 rounds")
    bare = "import aiohttp, uvloop, numpy"
    score = "import classifier; classifier.load(classifier.SHIPPED).score('You are an idiot.')"
    programs = {bare: bare, "the same, and the first score": f"{bare}; {score}", "the first score alone": score}
    found: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(7):
        for name, program in programs.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", program], check=True)
            found[name].append(time.perf_counter() - started)
    for name, seconds in found.items():
        ratio = statistics.median(one / other for one, other in zip(seconds, found[bare], strict=True))
        table.add_row(name, f"{statistics.median(seconds):.2f}", f"{ratio:.2f}")
    return table


if __name__ == "__main__":
    main()
