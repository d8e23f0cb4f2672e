"""What `steward score --cluster` does with a file, beside `steward score` in one process and in two, in the same run.

The scheduler, the workers and the command share the processors of this machine with each other and with whatever else
runs there. So the texts a second say little of more machines; the processor time of a text says what a cluster costs.
Starting the commands and loading the model, once in each process, count. All outputs are compared.
"""

import argparse
import csv
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

import numpy as np
import processes
import tables
from dask_processes import DaskProcesses, dask_processes
from rich.console import Console
from rich.table import Table

from training.datasets import load

DATA, NAME = Path("../shared/data"), "jigsaw_toxic_train"
# As in bench_classifier: about as long as the average comment of a talk page.
SHORTEST, LONGEST = 280, 480
# The scores of the outputs may differ by this much.
TOLERANCE = 1e-6
COLUMNS = (
    "how the file is scored",
    "texts a second",
    "times the first",
    "CPU ms a text",
    "largest difference of a score",
)


class Way(NamedTuple):
    """`workers`: of a Dask cluster; 0: none. `halves`: how many processes have a part of the file each."""

    name: str
    workers: int = 0
    halves: int = 1
    options: tuple[str, ...] = ()


class Run(NamedTuple):
    """`took_s`: the commands, from start to end. `cpu_s`: of the commands, the scheduler and the workers."""

    took_s: float
    cpu_s: float
    rows: list[list[str]]


WAYS = (
    Way("one process, `--jobs 1`", options=("--jobs", "1")),
    Way("two processes with half of the file each, `--jobs 1`", halves=2, options=("--jobs", "1")),
    Way("Dask, one worker with one thread", workers=1),
    Way("Dask, two workers with one thread each", workers=2),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=32_768, help="rows of the file; a worker takes 4,096 at a time")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--docs", type=Path, help="write the table into this Markdown file")
    asked = parser.parse_args()
    console = Console(width=120)
    if not (DATA / f"{NAME}.parquet").exists():
        console.print(f"bench_cluster: no comments in {DATA}; nothing is measured without real ones")
        return
    with processes.new_folder() as folder:
        found = measured(Path(folder), _texts(asked.rows), asked.rounds)
    title = f"{asked.rows:,} comments, medians of {asked.rounds} rounds, {os.cpu_count()} processors"
    table = Table(*COLUMNS, title=title)
    for each in found:
        table.add_row(*each)
    console.print(table)
    if asked.docs:
        tables.write(asked.docs, "cluster", COLUMNS, found)


def measured(folder: Path, texts: Sequence[str], rounds: int) -> list[tuple[str, ...]]:
    """A row for each of WAYS. They take turns, so that a machine that slows down slows them all."""
    found: dict[str, list[Run]] = {way.name: [] for way in WAYS}
    for _ in range(rounds):
        for way in WAYS:
            found[way.name].append(scored(folder, texts, way))
    return [row(way.name, len(texts), found) for way in WAYS]


def row(name: str, texts: int, found: Mapping[str, Sequence[Run]]) -> tuple[str, ...]:
    first, ours = found[WAYS[0].name], found[name]
    ratio = statistics.median(base.took_s / each.took_s for base, each in zip(first, ours, strict=True))
    difference = max(largest_difference(first[0].rows, each.rows) for each in ours)
    assert difference <= TOLERANCE, f"{name}: a score differs by {difference}"
    return (
        name,
        f"{texts / statistics.median(each.took_s for each in ours):,.0f}",
        f"{ratio:.2f}",
        f"{1000 * statistics.median(each.cpu_s for each in ours) / texts:.2f}",
        f"{difference:.1g}",
    )


def largest_difference(expected: Sequence[Sequence[str]], found: Sequence[Sequence[str]]) -> float:
    """Between the scores of two outputs of the same rows. Raises AssertionError if anything else differs."""
    assert [row[:2] for row in found] == [row[:2] for row in expected], "other rows, or other languages"
    first, second = (
        np.array([[float(cell or "nan") for cell in row[2:]] for row in each[1:]]) for each in (expected, found)
    )
    assert np.array_equal(np.isnan(first), np.isnan(second)), "other attributes"
    return float(np.nanmax(np.abs(first - second), initial=0.0))


def scored(folder: Path, texts: Sequence[str], way: Way) -> Run:
    home = folder / "run"
    home.mkdir()
    try:
        with _cluster(home, way.workers) as cluster:
            options, pids = way.options, list[int]()
            if cluster is not None:
                options, pids = ("--cluster", cluster.address), cluster.pids
                cluster.wait_for_workers(way.workers)
            size = -(-len(texts) // way.halves)
            before = sum(map(processes.cpu_s, pids))
            found = _score(home, [texts[at : at + size] for at in range(0, len(texts), size)], options)
            return found._replace(cpu_s=found.cpu_s + sum(map(processes.cpu_s, pids)) - before)
    finally:
        shutil.rmtree(home)


def _cluster(folder: Path, workers: int) -> AbstractContextManager[DaskProcesses | None]:
    return dask_processes(folder, workers) if workers else nullcontext()


def _score(folder: Path, parts: Sequence[Sequence[str]], options: Sequence[str]) -> Run:
    """One process for each part, all at once; without the processor time of others that they use."""
    files = [(folder / f"{number}.csv", folder / f"{number}-out.csv") for number in range(len(parts))]
    for (source, _), texts in zip(files, parts, strict=True):
        with source.open("w", newline="") as file:
            csv.writer(file).writerows([["text"], *([text] for text in texts)])
    command = [sys.executable, "-m", "service", "score"]
    began, cpu_s = time.perf_counter(), _cpu_of_children_s()
    running = [
        subprocess.Popen([*command, str(source), str(target), *options], stdout=subprocess.DEVNULL)
        for source, target in files
    ]
    assert [each.wait() for each in running] == [0] * len(running), "steward score failed"
    return Run(time.perf_counter() - began, _cpu_of_children_s() - cpu_s, _rows([target for _, target in files]))


def _cpu_of_children_s() -> float:
    """Of those that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _rows(targets: Sequence[Path]) -> list[list[str]]:
    """With one header."""
    found: list[list[str]] = []
    for target in targets:
        with target.open(newline="") as file:
            rows = list(csv.reader(file))
        found += rows[1:] if found else rows
    return found


def _texts(count: int) -> list[str]:
    texts = [text for text in load(NAME, DATA).texts if SHORTEST <= len(text) <= LONGEST]
    return [texts[at % len(texts)] for at in range(count)]


if __name__ == "__main__":
    main()
