"""Perspective's scores are found in whatever columns a site stores them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from training.errors import DataUnusable
from training.migration.perspective_scores import attribute_of, read, read_texts

RESPONSE = {
    "attributeScores": {"TOXICITY": {"summaryScore": {"value": 0.7, "type": "PROBABILITY"}}},
    "languages": ["en"],
}


@pytest.mark.parametrize(
    ("column", "attribute"),
    [
        ("TOXICITY", "TOXICITY"),
        ("toxicity", "TOXICITY"),
        ("perspective_toxicity", "TOXICITY"),
        ("Toxicity Score", "TOXICITY"),
        ("severe toxicity", "SEVERE_TOXICITY"),
        ("TOXICITY@6", "TOXICITY"),
        ("TOXICITY_EXPERIMENTAL", "TOXICITY"),
        ("attributeScores.IDENTITY_ATTACK.summaryScore.value", "IDENTITY_ATTACK"),
        ("response.attributeScores.OBSCENE.summaryScore.value", "OBSCENE"),
        ("persp.insult.value", "INSULT"),
        ("LIKELY_TO_REJECT", None),
        ("scores.TOXICITY", "TOXICITY"),
        ("perspective.scores.SEVERE_TOXICITY@6", "SEVERE_TOXICITY"),
        ("scores.toxicity", None),
        ("scores_toxicity", None),
        ("attributeScores.TOXICITY", "TOXICITY"),
        ("attributeScores.TOXICITY.spanScores", None),
        ("text", None),
        ("", None),
    ],
)
def test_a_column_is_known_by_its_name(column: str, attribute: str | None) -> None:
    assert attribute_of(column) == attribute


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".ndjson", ".parquet"])
def test_texts_and_scores_come_out_of_every_format(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"kept{suffix}"
    rows = [{"Comment": "a, b", "TOXICITY": 0.25, "spam": 1}, {"Comment": "c", "TOXICITY": None, "spam": 0}]
    if suffix == ".parquet":
        pyarrow.parquet.write_table(pa.Table.from_pylist(rows), path)
    elif suffix == ".ndjson":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        sign = "," if suffix == ".csv" else "\t"
        path.write_text(f'Comment{sign}TOXICITY{sign}spam\n"a, b"{sign}0.25{sign}1\nc{sign}{sign}0\n')
    kept = read(path)
    assert kept.texts == ["a, b", "c"]
    assert kept.scores.keys() == {"TOXICITY", "SPAM"}
    assert kept.scores["TOXICITY"][0] == 0.25
    assert np.isnan(kept.scores["TOXICITY"][1])
    assert list(kept.scores["SPAM"]) == [1, 0]


def written(tmp_path: Path, *rows: dict[str, Any]) -> Path:
    path = tmp_path / "kept.ndjson"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_whole_answers_of_perspective_are_read(tmp_path: Path) -> None:
    assert list(read(written(tmp_path, {"text": "a", "response": RESPONSE})).scores["TOXICITY"]) == [0.7]


@pytest.mark.parametrize("missing", [[], "", None, {}], ids=repr)
def test_an_answer_without_scores_has_none(tmp_path: Path, missing: Any) -> None:
    """PHP writes an empty map as `[]`."""
    rows = ({"text": "a", "response": each} for each in (RESPONSE, missing))
    scores = read(written(tmp_path, *rows)).scores["TOXICITY"]
    assert scores[0] == 0.7
    assert np.isnan(scores[1])


@pytest.mark.parametrize(
    ("name", "value", "odd", "where"),
    [
        ("response", RESPONSE, "quota exceeded", "response"),
        ("attributeScores", RESPONSE["attributeScores"], False, "attributeScores"),
        ("response", RESPONSE, {"attributeScores": []}, "response.attributeScores"),
        (
            "response",
            RESPONSE,
            {"attributeScores": {"TOXICITY": {"summaryScore": {"value": "0.7"}}}},
            "response.attributeScores.TOXICITY.summaryScore.value",
        ),
        ("response", {**RESPONSE, "clientToken": 1}, {**RESPONSE, "clientToken": True}, "response.clientToken"),
        ("scores", {"TOXICITY": 0.7}, {"TOXICITY": "0.7"}, "scores.TOXICITY"),
        ("perspective", {"toxicity": 0.7}, "quota", "perspective"),
        ("perspective", {"SEVERE_TOXICITY@6": 0.7}, "{quota", "perspective"),
        ("google", {"Toxicity Score": 0.7}, '{"quota": [', "google"),
    ],
)
def test_answers_are_not_passed_over_beside_values_of_another_type(
    tmp_path: Path, name: str, value: Any, odd: Any, where: str
) -> None:
    """The columns of our own scores must not stand in for Perspective's."""
    path = written(tmp_path, *({"text": "a", "toxicity": 0.1, name: each} for each in (value, None, odd, value)))
    with pytest.raises(DataUnusable, match=f"line 3: '{where}' has another type"):
        read(path)
    assert read(path, columns={"TOXICITY": "toxicity"}).scores["TOXICITY"].tolist() == [0.1] * 4
    for named in ({"text": f"{name}.said"}, {"columns": {"TOXICITY": f"{name}.TOXICITY.value"}}):
        with pytest.raises(DataUnusable, match=f"line 3: '{where}' has another type"):
            read(path, **named)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("meta", ({"reason": "SPAM"}, "TOXICITY", [{"TOXICITY": 1}])),
        ("meta", ({"answers": [RESPONSE]}, "quota")),
        ("attributeScores.TOXICITY.summaryScore.value", (0.7, "0.2", None)),
    ],
)
def test_a_mixed_column_is_no_matter_if_nothing_is_hidden_in_it(
    tmp_path: Path, name: str, values: tuple[Any, ...]
) -> None:
    scores = {"TOXICITY": 0.7} if name == "meta" else {}
    kept = read(written(tmp_path, *({"text": "a", **scores, name: value} for value in values)))
    assert kept.scores["TOXICITY"][0] == 0.7


def test_scores_of_other_models_beside_perspectives_are_no_matter(tmp_path: Path) -> None:
    """Our own API answers `scores.toxicity`."""
    path = written(tmp_path, {"text": "a", "response": RESPONSE, "scores": {"toxicity": 0.1, "spam": "low"}})
    assert {name: each.tolist() for name, each in read(path).scores.items()} == {"TOXICITY": [0.7]}


def test_a_name_with_a_dot_is_no_path_into_a_mixed_column(tmp_path: Path) -> None:
    rows = ({"c.said": "a", "c.t": 0.7, "c.label": 1, "c": each} for each in (5, "u"))
    path = written(tmp_path, *rows)
    assert read(path, "c.said", {"TOXICITY": "c.t"}, "c.label").scores["TOXICITY"].tolist() == [0.7, 0.7]
    for named in ({"text": "c.body"}, {"text": "c.said", "label": "c.odd"}):
        with pytest.raises(DataUnusable, match="line 2: 'c' has another type"):
            read_texts(path, **named)


def test_columns_that_nobody_needs_may_have_one_name(tmp_path: Path) -> None:
    path = tmp_path / "kept.csv"
    path.write_text("text,TOXICITY,x,x\na,0.7,1,2\n")
    assert read(path).scores["TOXICITY"].tolist() == [0.7]
    twice = pa.Table.from_arrays([pa.array(each) for each in (["a"], [0.7], [1], [2])], ["text", "TOXICITY", "x", "x"])
    pyarrow.parquet.write_table(twice, tmp_path / "kept.parquet")
    assert read(tmp_path / "kept.parquet").scores["TOXICITY"].tolist() == [0.7]
    flattened = written(tmp_path, {"text": "a", "TOXICITY": 0.7, "a.b": 1, "a": {"b": 2}})
    assert read(flattened).scores["TOXICITY"].tolist() == [0.7]


def test_a_language_that_is_no_text_is_unknown(tmp_path: Path) -> None:
    rows = ({"text": "a", "TOXICITY": 0.7, "language": each} for each in ("de", 5, ["en"], True, None, "NA"))
    assert read(written(tmp_path, *rows)).languages == ["de", *[None] * 5]


def test_beside_scores_of_our_own_perspectives_are_taken(tmp_path: Path) -> None:
    """`steward score` writes columns in lower case."""
    path = tmp_path / "kept.csv"
    path.write_text("text,TOXICITY,toxicity,language\nx,0.9,0.1,en\n")
    kept = read(path)
    assert list(kept.scores["TOXICITY"]) == [0.9]
    assert kept.languages == ["en"]


def test_what_is_named_is_taken_whatever_it_is_called(tmp_path: Path) -> None:
    path = tmp_path / "kept.csv"
    path.write_text("said,t,people\nx,0.9,reject\ny,N/A,approve\nz,0.2,\n")
    kept = read(path, "said", {"TOXICITY": "t"}, "people")
    assert kept.labels is not None
    assert kept.labels[:2].tolist() == [1, 0]
    assert np.isnan(kept.labels[2])
    assert np.isnan(kept.scores["TOXICITY"][1])
    assert read_texts(path, "said", "people").texts == ["x", "y", "z"]


@pytest.mark.parametrize("missing", ["NA", "nan", "\\N", "null"])
def test_a_label_may_be_missing_in_any_way(tmp_path: Path, missing: str) -> None:
    path = tmp_path / "kept.csv"
    path.write_text(f"text,TOXICITY,l\nx,0.9,1\ny,0.1,{missing}\n")
    labels = read(path, label="l").labels
    assert labels is not None
    assert np.isnan(labels).tolist() == [False, True]


@pytest.mark.parametrize(("said", "score"), [("0,5", 0.5), (",5", 0.5), ("5,0E-02", 0.05), ("1,23e-05", 1.23e-05)])
def test_a_decimal_comma_may_have_an_exponent(tmp_path: Path, said: str, score: float) -> None:
    path = tmp_path / "kept.csv"
    path.write_text(f"text;TOXICITY\nx;{said}\n")
    assert read(path).scores["TOXICITY"].tolist() == [score]


def test_an_instant_that_python_cannot_hold_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "kept.parquet"
    instants = pa.array([1, 1_001], pa.timestamp("ns"))
    pyarrow.parquet.write_table(pa.table({"text": ["a", "b"], "TOXICITY": [0.1, 0.9], "l": instants}), path)
    with pytest.raises(DataUnusable, match=r"column 'l' of type timestamp\[ns\] cannot be read"):
        read(path, label="l")


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        ("a,TOXICITY\nx,0.5\n", {}, "choose one with --text: a, TOXICITY"),
        ("text,TOXICITY,toxicity_score\nx,0.5,0.5\n", {}, "TOXICITY and toxicity_score may all be TOXICITY"),
        ("text,TOXICITY\nx,87\n", {}, "row 1: 'TOXICITY' must be a number between 0 and 1"),
        ("text,TOXICITY\nx,0.1\ny,high\n", {}, "row 2: 'TOXICITY' must be a number"),
        ("text,TOXICITY\nx,0.1\n", {"columns": {"SPAM": "s"}}, "no column 's'"),
        ("text,TOXICITY\nx,0.1\n", {"label": "l"}, "no column 'l'"),
        ("text,TOXICITY,l\nx,0.1,perhaps\n", {"label": "l"}, "row 1: 'l' must be 1 or 0"),
        ("", {}, "kept.csv"),
    ],
)
def test_what_cannot_be_read_is_said_by_place(tmp_path: Path, content: str, options: dict[str, str], said: str) -> None:
    path = tmp_path / "kept.csv"
    path.write_text(content)
    with pytest.raises(DataUnusable) as caught:
        read(path, **options)  # type: ignore[arg-type]
    assert said in str(caught.value)
