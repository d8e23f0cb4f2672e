"""How many wrong labels `steward labels suspects` finds: it is shown real comments with some labels turned around."""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

import processes
import tables
from planted import NAME, SMALL, find, plant, precision
from rich.console import Console
from rich.table import Table

from training.fit import Recipe

DATA = Path("../shared/data")
COLUMNS = ("labels", "wrong ones", "suspects", "wrong among the first as many", "if drawn at random", "found at all")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=int, default=1_000)
    parser.add_argument("--wrong", type=int, nargs="+", default=[50], help="a row of the table for each")
    parser.add_argument("--rows", type=int, default=1_000, help="that the models learn beside the labels")
    parser.add_argument("--whole", action="store_true", help="train the models of the command, which takes minutes")
    parser.add_argument("--docs", type=Path, help="write the table into this Markdown file")
    asked = parser.parse_args()
    console = Console(width=120)
    if not (DATA / f"{NAME}.parquet").exists():
        console.print(f"bench_suspects: no comments in {DATA}; nothing is measured without real ones")
        return
    recipe, began = Recipe() if asked.whole else SMALL, time.process_time()
    found = [row(asked.labels, wrong, asked.rows, recipe) for wrong in asked.wrong]
    table = Table(*COLUMNS, title=f"{(time.process_time() - began) / len(found):,.0f} s of processor time each")
    for each in found:
        table.add_row(*each)
    console.print(table)
    if asked.docs:
        tables.write(asked.docs, "suspects", COLUMNS, found)


def row(labels: int, wrong: int, rows: int, recipe: Recipe) -> tuple[str, ...]:
    with processes.new_folder() as folder:
        planted = plant(Path(folder), DATA, labels, wrong)
        found = find(Path(folder), DATA, rows, recipe)
    first = precision(found, planted, wrong)
    hits = len({each.id for each in found} & planted)
    return f"{labels:,}", str(wrong), f"{len(found):,}", f"{first:.0%}", f"{wrong / labels:.0%}", f"{hits} of {wrong}"


if __name__ == "__main__":
    main()
