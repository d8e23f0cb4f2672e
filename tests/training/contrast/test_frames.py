"""Frame files: their format, and the error messages for mistakes."""

from pathlib import Path

import pytest

from training.contrast.expansion import expand
from training.contrast.frames import read_frames
from training.errors import DataUnusable

HEAD = "# About something.\ntoxicity: 1\nspam: 0\n\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "fillers").mkdir()
    (tmp_path / "fillers" / "groups.txt").write_text("columns: kind; groups; a_group\na; Xs; an X\nb; Ys; a Y\n")
    (tmp_path / "fillers" / "town.txt").write_text("# Towns.\nhere\nthere\n")
    return tmp_path


def written(folder: Path, frames: str, name: str = "rude", head: str = HEAD) -> Path:
    (folder / f"{name}.txt").write_text(head + frames + "\n")
    return folder


def made(folder: Path) -> list[str]:
    return [row.text for row in expand(read_frames(folder, "xx"), 0)]


def test_a_table_fills_all_its_columns_from_one_row(folder: Path) -> None:
    plain = HEAD.replace("spam", "surface: plain\nspam")
    found = made(written(folder, "{a_group} is of the {groups}, not of the {groups2}", head=plain))
    assert set(found) == {"an X is of the Xs, not of the Ys", "a Y is of the Ys, not of the Xs"}


def test_a_slot_may_ask_for_a_kind(folder: Path) -> None:
    plain = HEAD.replace("spam", "surface: plain\nspam")
    found = made(written(folder, "{groups:b} live {town}", head=plain))
    assert sorted(found) == ["Ys live here", "Ys live there"]


def test_a_filler_that_begins_a_sentence_takes_a_capital(folder: Path) -> None:
    found = made(written(folder, "{town} it is. {a_group}."))
    assert any(text.startswith("Here it is. A") for text in found)


def test_a_backslash_and_n_are_a_line_break(folder: Path) -> None:
    plain = HEAD.replace("spam", "surface: plain\nspam")
    assert made(written(folder, r"# one\ntwo", head=plain)) == ["# one\ntwo"]


def test_what_is_sad_has_no_emoji_tag_or_opening(folder: Path) -> None:
    for name, filler in (("opening", "Well,"), ("tag", "lol"), ("surface_emoji", "\U0001f602")):
        (folder / "fillers" / f"{name}.txt").write_text(filler)
    frames = "\n".join(f"Mourners number {n} came from {{town}} to the grave." for n in range(60))
    decorated = ("Well", "well", "lol", "\U0001f602")
    assert any(mark in text for text in made(written(folder, frames)) for mark in decorated)
    sober = HEAD.replace("spam", "surface: sober\nspam")
    found = made(written(folder, frames, head=sober))
    assert not [text for text in found if any(mark in text for mark in decorated)]
    assert len({text.islower() for text in found}) == 2


def test_the_short_spellings_of_chat_take_the_place_of_the_long(folder: Path) -> None:
    (folder / "fillers" / "shorthand.txt").write_text("columns: longhand; shorthand\nyou; u\n")
    found = made(written(folder, "\n".join(f"Did you read number {n} {{town}}?" for n in range(40))))
    assert any(" u " in text for text in found)
    assert sum(" you " in text.lower() for text in found) > len(found) / 2


def test_frames_of_other_functions_are_of_the_same_part(folder: Path) -> None:
    """So a sentence to learn from never holds a frame that is for tests."""
    written(folder, "\n".join(f"you are number{n}" for n in range(40)), "told")
    written(folder, "\n".join(f'she said "{{from told}}" {n} times' for n in range(40)), "quoted")
    frames = read_frames(folder, "xx")
    tested = {frame.text for frame in frames.functions["told"].frames if frame.is_test}
    for row in expand(frames, 0):
        if row.function == "quoted":
            held = [word.strip('"\u201d') for word in row.text.lower().split() if word.startswith("number")]
            for number in held:
                if number.removeprefix("number").isdigit():
                    assert (f"you are {number}" in tested) == row.is_test


@pytest.mark.parametrize(
    ("frames", "head", "said"),
    [
        ("one", "toxic: 1\nspam: 0\n\n", "line 1: 'toxic' is neither an attribute nor a setting"),
        ("one", "toxicity: much\n\n", "toxicity: 'much' is not a number"),
        ("one", "toxicity: 1.5\n\n", "toxicity is 1.5; it must lie between 0 and 1"),
        ("one", "spam: 0\n\n", "the label of toxicity is missing"),
        ("go {where}", HEAD, "no fillers for {where}"),
        ("go {town:big}", HEAD, "no fillers of that kind for {town:big}"),
        ("{groups:c} go", HEAD, "no fillers of that kind for {groups:c}"),
        ("{from nowhere}", HEAD, "no function 'nowhere'"),
        ("go {town", HEAD, "has an open brace"),
        ("go\ngo", HEAD, "is also in rude"),
        ("one", "toxicity: 1\nmost: many\n\n", "most: 'many' is not a whole number"),
        ("one", "toxicity: 1\nsurface: rough\n\n", "surface: 'rough' is none of varied, sober, plain"),
    ],
)
def test_a_mistake_is_named_with_its_file(folder: Path, frames: str, head: str, said: str) -> None:
    with pytest.raises(DataUnusable, match="rude") as caught:
        read_frames(written(folder, frames, head=head), "xx")
    assert said in str(caught.value)


def test_a_row_of_fillers_with_a_part_too_few_is_named(folder: Path) -> None:
    (folder / "fillers" / "groups.txt").write_text("columns: kind; groups\na; Xs\nb\n")
    with pytest.raises(DataUnusable, match=r"groups.txt: line 3: 1 parts for 2 columns"):
        read_frames(folder, "xx")
