"""make bench: what a score costs, beside scikit-learn on the same texts in the same run.

Two baselines. "The same model" is classifier/reference.py: the shipped model as a scikit-learn classifier, which gives
the same probabilities. "The textbook" is what scikit-learn itself makes of the task: tf-idf of words and of
characters, a logistic regression for each attribute; what it is taught does not matter to its speed.

Both readers of the model are measured on comments of TOKENS pieces of the deep reader's vocabulary, beside the fast
reader alone.
"""

import json
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
from classifier.deep.encoder import SHIPPED as ENCODERS
from classifier.deep.encoder import load_encoder
from classifier.deep.tokenizer import Tokenizer
from classifier.folder import read_folder
from classifier.kernel import Weights
from classifier.reference import Reference
from training.datasets import load

DATA = Path("../shared/data")
# The comments of the data set that are about as long as the average comment of a talk page.
SHORTEST, LONGEST = 280, 480
TAUGHT, BATCH = 4_000, 10_000
ONE, SLOW = 200, 400
ROUNDS, BATCH_ROUNDS = 5, 3
TOKENS = 60
BATCH_COLUMN = 2
WORKERS, ANSWERED = 2, 100
WHOLE = "model: kernel, and disguise seen through"
FAST, BOTH = "the fast reader alone", "both readers"
SAME_MODEL, TEXTBOOK = "scikit-learn, the same model", "scikit-learn, the textbook"


def main() -> None:
    console = Console(width=120)
    if not (DATA / "jigsaw_toxic_train.parquet").exists():
        console.print(f"bench_classifier: no comments in {DATA}; nothing is measured without real ones")
        return
    texts = [text for text in load("jigsaw_toxic_train", DATA).texts if SHORTEST <= len(text) <= LONGEST]
    deep = read_folder(classifier.SHIPPED)[0].deep
    with threadpool_limits(1):
        textbook = _textbook(texts[:TAUGHT])
        console.print(_speed(texts, textbook))
        if deep:
            console.print(_speed_of_both(texts, load_encoder(ENCODERS / deep.encoder).tokenizer, textbook))
        else:
            frame = "!" * 100
            console.print(f"{frame}\nWARNING: the model that ships has no deep reader; it is NOT measured.\n{frame}")
    console.print(_memory())
    console.print(_start())


def _speed(texts: Sequence[str], textbook: Pipeline) -> Table:
    """Of the fast reader."""
    _, arrays, _ = read_folder(classifier.SHIPPED)
    model = classifier.load(classifier.SHIPPED, both=False)
    kernel, reference = Weights(arrays), Reference(arrays)
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


def _speed_of_both(texts: Sequence[str], tokenizer: Tokenizer, textbook: Pipeline) -> Table:
    fast, both = (classifier.load(classifier.SHIPPED, both=reads_deep) for reads_deep in (False, True))
    comments = [cut for text in texts if (cut := _cut(text, tokenizer))]
    one = comments[:ONE]
    batch = [comments[at % len(comments)] for at in range(BATCH)]
    found = [
        _rounds(
            {
                FAST: (lambda: [fast.score(text) for text in one], ONE),
                BOTH: (lambda: [both.score(text) for text in one], ONE),
                TEXTBOOK: (lambda: [textbook.predict_proba([text]) for text in one], ONE),
            }
        ),
        _rounds(
            {
                FAST: (lambda: [fast.assess(text).spans() for text in one], ONE),
                BOTH: (lambda: [both.assess(text).spans() for text in one], ONE),
            }
        ),
        _rounds(
            {
                FAST: (lambda: fast.score_many(batch), BATCH),
                BOTH: (lambda: both.score_many(batch), BATCH),
                TEXTBOOK: (lambda: textbook.predict_proba(batch[:SLOW]), SLOW),
            },
            BATCH_ROUNDS,
        ),
    ]
    columns = (
        *("one: µs", "over fast", "over textbook", "with spans: µs", "over fast"),
        *(f"{BATCH:,}, two threads: comments/s", "over fast", "over textbook"),
    )
    title = (
        f"{len(comments):,} comments of {TOKENS} pieces of the deep reader's vocabulary; 'over': how many times as fast"
    )
    table = Table("", *columns, title=title)
    for name in (FAST, BOTH, TEXTBOOK):
        table.add_row(name, *(cell for at, measured in enumerate(found) for cell in _cells_of_both(measured, name, at)))
    return table


def _cells_of_both(found: dict[str, list[float]], name: str, at: int) -> tuple[str, ...]:
    """One comment, its spans, and a batch: the last is told by the second, and spans are no task of the textbook."""
    if name not in found:
        return "", ""
    us = statistics.median(found[name])
    shown = f"{1e6 / us:,.0f}" if at == BATCH_COLUMN else f"{us:,.0f}"
    over = [
        f"{statistics.median(b / o for b, o in zip(found[base], found[name], strict=True)):.2g}"
        for base in (FAST, TEXTBOOK)
        if base in found
    ]
    return shown, *over


def _cut(text: str, tokenizer: Tokenizer) -> str | None:
    """As many of its first words as make TOKENS pieces; None where no number of words does."""
    words, pieces = text.split(), 0
    for count, word in enumerate(words):
        pieces += len(tokenizer.of_chunk(word))
        if pieces >= TOKENS:
            return " ".join(words[: count + 1]) if pieces == TOKENS else None
    return None


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


def _rounds(measured: dict[str, tuple[Callable[[], object], int]], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Microseconds a comment. The measured take turns, so that a machine that slows down slows them all."""
    found: dict[str, list[float]] = {name: [] for name in measured}
    for number in range(rounds + 1):
        for name, (run, count) in measured.items():
            started = time.perf_counter()
            run()
            if number:  # the first round warms up
                found[name].append((time.perf_counter() - started) / count * 1e6)
    return found


def _ratio(slow: Sequence[float], fast: Sequence[float]) -> str:
    return f"{statistics.median(one / other for one, other in zip(slow, fast, strict=True)):,.0f}"


def _memory() -> Table:
    title = f"memory of {WORKERS} workers that have answered, and their supervisor; pages that they share count once"
    table = Table("", "MiB", "over bare", "over fast", title=title)
    with processes.noop(100, WORKERS) as bare:
        base = bare.shared_once_mib
    table.add_row(f"aiohttp and uvloop alone, {WORKERS} processes", f"{base:.0f}", "", "")
    fast = 0.0
    for readers in ("fast", "both"):
        with processes.service(readers, WORKERS) as steward:
            for number in range(ANSWERED):  # each over a connection of its own, so that every worker gets some
                text = f"Nobody has read comment {number} before, and nobody will again."
                processes.ask(steward, "v1/score", json.dumps({"text": text}).encode())
            used = steward.shared_once_mib
        over = f"+{used - fast:.0f}" if fast else ""
        table.add_row(f"steward serve, STEWARD_READERS={readers}", f"{used:.0f}", f"+{used - base:.0f}", over)
        fast = fast or used
    return table


def _start() -> Table:
    table = Table("", "s", "over the imports", title="from process start, medians of 7 rounds")
    bare = "import aiohttp, uvloop, numpy"
    fast, both = (
        f"import classifier; classifier.load(classifier.SHIPPED, both={reads_deep}).score('You are an idiot.')"
        for reads_deep in (False, True)
    )
    programs = {
        bare: bare,
        f"the same, and the first score, {FAST}": f"{bare}; {fast}",
        f"the same, and the first score, {BOTH}": f"{bare}; {both}",
        f"the first score, {FAST}": fast,
        f"the first score, {BOTH}": both,
    }
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
