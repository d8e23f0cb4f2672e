"""docs/data-sets.md and NOTICE agree with the code and with the shipped model's training data."""

import re
from pathlib import Path

import pyarrow.parquet
import pytest

import classifier
from training.datasets import DATA_SETS, DEFAULT, is_written, load
from training.row_weights import OTHER_SOURCE_WEIGHT, SOURCE_WEIGHTS

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"


def rows(heading: str) -> list[list[str]]:
    """The cells of the table whose header begins with `heading`."""
    lines = (ROOT / "docs" / "data-sets.md").read_text().split("\n")
    start = next(at for at, line in enumerate(lines) if line.startswith(heading)) + 2
    end = next(at for at in range(start, len(lines)) if not lines[at].startswith("|"))
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines[start:end]]


def test_the_table_is_what_the_loaders_do() -> None:
    documented = [
        (name, languages, teaches, float(weight)) for name, languages, teaches, weight, *_ in rows("| data set | l")
    ]
    loaded = [(name, ", ".join(each.languages), each.teaches, each.weight) for name, each in DATA_SETS.items()]
    assert documented == loaded


def test_the_publishers_files_are_those_that_are_looked_for() -> None:
    documented = {name: tuple(re.split("` or `|`, `", files)) for name, files, _ in rows("| data set | files")}
    assert documented == {name: each.published for name, each in DATA_SETS.items() if each.published}


def test_the_factor_of_foreign_sets_is_the_one_in_use() -> None:
    assert f"at a factor of {OTHER_SOURCE_WEIGHT:g}," in (ROOT / "docs" / "data-sets.md").read_text()
    assert set(SOURCE_WEIGHTS) == {"jigsaw_toxic_train", "wikipedia_debiasing_nontoxic", "spam_youtube", "spam_sms"}
    assert set(SOURCE_WEIGHTS.values()) == {1.0}


def test_the_documented_sentences_of_our_own_are_counted() -> None:
    documented = {name: int(count.replace(",", "")) for name, _, _, _, count, *_ in rows("| data set | l")}
    for name in filter(is_written, DATA_SETS):
        assert documented[name] == len(load(name, DATA)), (
            f"{name}: run python -m training.contrast.counts docs/data-sets.md"
        )


@pytest.mark.data
def test_the_documented_rows_are_counted() -> None:
    if not DATA.exists():
        pytest.skip("../shared/data is not there")
    for name, _, _, _, count, *_ in rows("| data set | l"):
        if is_written(name):
            continue
        assert int(count.replace(",", "")) == pyarrow.parquet.read_metadata(DATA / f"{name}.parquet").num_rows, name


def test_notice_credits_all_that_the_shipped_model_learnt_from_and_the_next_one_will() -> None:
    learned = {name for name in classifier.read_manifest(classifier.SHIPPED).data if not is_written(name)}
    credited = re.findall(r"^([a-z_0-9]+)$", (ROOT / "NOTICE").read_text(), re.MULTILINE)
    assert learned <= set(credited)
    assert sorted(credited) == sorted(name for name in DEFAULT if not is_written(name))


def test_notice_credits_what_is_vendored() -> None:
    vendored = (ROOT / "service" / "api" / "static" / "swagger-ui" / "NOTICE").read_text().splitlines()
    notice = (ROOT / "NOTICE").read_text()
    assert vendored
    assert all(line.strip() in notice for line in vendored)
