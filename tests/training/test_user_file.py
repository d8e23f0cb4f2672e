"""A user's own labeled file, and the error messages for other files."""

import json
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from classifier import LABELS
from training import user_file
from training.errors import DataUnusable
from training.examples import Examples

TEXTS = ["first, with a comma", 'a "quoted" one\nover two lines', "third"]
INSULT, SPAM = [1.0, 0.0, 0.25], [math.nan, 1.0, 0.0]
ROWS = [
    {"text": text, "insult": insult, "spam": None if math.isnan(spam) else spam}
    for text, insult, spam in zip(TEXTS, INSULT, SPAM, strict=True)
]


def written(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def delimited(mark: str) -> str:
    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    lines = [
        mark.join((quoted(text), f"{insult:g}", "" if math.isnan(spam) else f"{spam:g}"))
        for text, insult, spam in zip(TEXTS, INSULT, SPAM, strict=True)
    ]
    return "\n".join([mark.join(("text", "insult", "spam")), *lines, ""])


def assert_read(found: Examples) -> None:
    assert found.texts == TEXTS
    np.testing.assert_array_equal(found.labels[:, LABELS.index("insult")], INSULT)
    np.testing.assert_array_equal(found.labels[:, LABELS.index("spam")], SPAM)
    assert np.isnan(found.labels[:, LABELS.index("toxicity")]).all()
    assert set(found.sources) == {"own"}


@pytest.mark.parametrize(("name", "mark"), [("mine.csv", ","), ("mine.tsv", "\t"), ("MINE.CSV", ",")])
def test_a_delimited_file_is_read(tmp_path: Path, name: str, mark: str) -> None:
    assert_read(user_file.read(written(tmp_path, name, delimited(mark))))


@pytest.mark.parametrize("name", ["mine.ndjson", "mine.jsonl", "mine.json"])
def test_ndjson_is_read(tmp_path: Path, name: str) -> None:
    assert_read(user_file.read(written(tmp_path, name, "\n".join(json.dumps(row) for row in ROWS))))


def test_parquet_is_read(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pa.Table.from_pylist(ROWS), tmp_path / "mine.parquet")
    assert_read(user_file.read(tmp_path / "mine.parquet"))


def test_true_and_false_are_labels(tmp_path: Path) -> None:
    found = user_file.read(written(tmp_path, "mine.csv", "text,spam\na,true\nb,false\nc,\n"))
    np.testing.assert_array_equal(found.labels[:, LABELS.index("spam")], [1, 0, np.nan])


def test_texts_that_look_like_numbers_stay_as_they_are(tmp_path: Path) -> None:
    assert user_file.read(written(tmp_path, "mine.csv", "text,spam\n007,1\n1e3,0\n,0\n")).texts == ["007", "1e3", ""]


def test_labels_may_begin_far_below(tmp_path: Path) -> None:
    """Types are guessed from the beginning of a file, where this one says nothing of threats."""
    silent = "".join(f"an ordinary comment with the number {n},0,\n" for n in range(30_000))
    found = user_file.read(written(tmp_path, "mine.csv", f"text,toxicity,threat\n{silent}I will find you,1,1\n"))
    threat = found.labels[:, LABELS.index("threat")]
    assert threat[-1] == 1
    assert np.isnan(threat[:-1]).all()


def test_rows_of_one_id_stay_in_one_fold(tmp_path: Path) -> None:
    rows = "".join(f"comment {n},1,thread-{n % 5}\n" for n in range(50))
    found = user_file.read(written(tmp_path, "mine.csv", f"text,spam,id\n{rows}"))
    assert len(set(zip(found.groups, found.folds.tolist(), strict=True))) == 5


def test_columns_of_several_types_are_read_unless_they_hold_the_texts(tmp_path: Path) -> None:
    """Ids and labels are read as in a CSV file; nobody needs `meta`."""
    rows = (
        '{"id": 7, "text": "a", "insult": 1, "meta": {"by": "x"}}\n'
        '{"id": "b8", "text": "b", "insult": "0", "meta": "none"}\n'
        f'{{"id": {10**30}, "text": "c", "insult": true, "meta": [1]}}\n'
        '{"id": null, "text": "d", "insult": null}\n'
        '{"id": {"post": 1, "by": "é"}, "text": "e"}\n'
        '{"id": {"by": "é", "post": 1}, "text": "f"}\n'
    )
    found = user_file.read(written(tmp_path, "mine.ndjson", rows))
    same = 'own:{"by": "é", "post": 1}'
    assert found.groups == ["own:7", "own:b8", f"own:{10**30}", "own:", same, same]
    assert found.texts == ["a", "b", "c", "d", "e", "f"]
    np.testing.assert_array_equal(found.labels[:, LABELS.index("insult")], [1, 0, 1, *[np.nan] * 3])


def test_metadata_of_others_is_not_ours(tmp_path: Path) -> None:
    fields = [pa.field("text", pa.string(), metadata={"fault": b"\xff"}), pa.field("spam", pa.int8())]
    pyarrow.parquet.write_table(pa.Table.from_pylist(ROWS, pa.schema(fields)), tmp_path / "mine.parquet")
    assert user_file.read(tmp_path / "mine.parquet").texts == [row["text"] for row in ROWS]


@pytest.mark.parametrize("values", [(5, 2**63, -1), (5, -(2**63) - 1, 7), (0.5, 2**60 + 1, 7)])
def test_the_line_of_a_number_that_fits_with_no_other_is_named(tmp_path: Path, values: tuple[float, ...]) -> None:
    rows = "".join(f'{{"text": {{"id": {value}}}, "spam": 0}}\n' for value in values)
    with pytest.raises(DataUnusable, match="line 2: 'text' has another type than in the lines before, or is too large"):
        user_file.read(written(tmp_path, "mine.ndjson", rows))


@pytest.mark.parametrize("place", [2, 257, 999])
def test_the_first_line_of_another_type_is_named(tmp_path: Path, place: int) -> None:
    rows = "".join(f'{{"text": {json.dumps("a") if at < place else at}, "spam": 0}}\n' for at in range(1, 1_001))
    with pytest.raises(DataUnusable, match=f"line {place}: 'text' has another type"):
        user_file.read(written(tmp_path, "mine.ndjson", rows))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("mine.ndjson", '{"text": "a", "spam": 0}\n{"text": 5, "spam": 0}\n', "line 2: 'text' has another type"),
        (
            "mine.ndjson",
            '{"text": null, "spam": 0}\n{"text": {"a": 1}, "spam": 0}\n\n{"text": {"a": []}, "spam": 0}\n',
            "line 4: 'text.a' has another type",
        ),
        (
            "mine.ndjson",
            f'{{"text": "a", "spam": 0.5}}\n{{"text": "b", "spam": {10**400}}}\n',
            "row 2, column 'spam': inf is not between 0 and 1",
        ),
        (
            "mine.ndjson",
            '{"text": "a", "spam": 0}\n{"text": "b", "spam": [1]}\n',
            r"row 2, column 'spam': '\[1\]' is not",
        ),
        ("mine.csv", "comment,insult\nhello,1\n", "no column 'text'; it has comment, insult"),
        ("mine.csv", "text,rude\nhello,1\n", r"no column named after an attribute \(toxicity.*\); it has text, rude"),
        ("mine.csv", "text,insult\nhello,1\nyou,2\n", "row 2, column 'insult': 2 is not between 0 and 1"),
        ("mine.csv", "text,insult\nhello,-1\n", "row 1, column 'insult': -1 is not between 0 and 1"),
        ("mine.csv", "text,insult\nhello,inf\n", "row 1, column 'insult': inf is not between 0 and 1"),
        ("mine.csv", "text,insult\nhello,0\nyou,maybe\n", "row 2, column 'insult': 'maybe' is not a number"),
        ("mine.ndjson", '{"text": "a", "spam": [1]}\n', r"row 1, column 'spam': \[1\] is not a number"),
        ("mine.csv", "text,insult\nhello\n", r"row 1 \(line 2\) has 1 column where the header has 2"),
        ("mine.csv", "", "is empty"),
        ("mine.csv", "text,insult\n", "has no rows"),
        ("mine.ndjson", "", "has no rows"),
        ("mine.csv", "text,toxicity,Insult\na,1,1\n", "column 'Insult' must be called insult; remove it if"),
        (
            "mine.csv",
            "text,toxicity,identity-attack\na,1,1\n",
            "column 'identity-attack' must be called identity_attack",
        ),
        ("mine.csv", "text, insult\na,1\n", "column ' insult' must be called insult"),
        ("mine.ndjson", '{"text": "a", "spam": 1, "spam": 0}\n', "line 1: an object has a duplicate key"),
        ("mine.ndjson", '{"text": "a", "spam": 1', "line 1: not JSON"),
        ("mine.parquet", "no parquet", "Parquet"),
        ("mine.xlsx", "text", r"the name must end in \.parquet"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, content: str, said: str) -> None:
    path = written(tmp_path, name, content)
    with pytest.raises(DataUnusable, match=said) as caught:
        user_file.read(path)
    assert str(path) in str(caught.value)


def test_scores_of_others_beside_labels_are_no_mistake(tmp_path: Path) -> None:
    path = written(tmp_path, "mine.csv", "text,insult,INSULT\nhello,1,0.3\n")
    assert user_file.read(path).labels[0, LABELS.index("insult")] == 1


def test_a_text_in_the_wrong_column_is_not_printed(tmp_path: Path) -> None:
    path = written(tmp_path, "mine.csv", "spam,text\na private remark about somebody,1\n")
    with pytest.raises(DataUnusable, match="row 1, column 'spam'") as caught:
        user_file.read(path)
    assert "private" not in str(caught.value)


def test_text_that_is_not_utf_8_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes("text,spam\ncafé,1\n".encode("latin-1"))
    with pytest.raises(DataUnusable, match=f"{path}: line 2 is not UTF-8.*--encoding cp1252"):
        user_file.read(path)
