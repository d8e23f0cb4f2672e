"""The committed table of homoglyphs equals what is generated from Unicode's table."""

import runpy
import unicodedata
from pathlib import Path

import pytest

from classifier.confusables import LOOK_ALIKES
from classifier.normalize import read

MADE = runpy.run_path(str(Path(__file__).parent / "confusables_module.py"))


@pytest.mark.skipif(
    unicodedata.unidata_version != "14.0.0", reason="letters are taken by name, as Python 3.11 has them"
)
def test_the_committed_module_is_the_one_that_is_made() -> None:
    assert MADE["PATH"].read_text(encoding="utf-8") == MADE["module"](), (
        "run: python tests/classifier/confusables_module.py"
    )


def test_each_code_point_looks_like_one_letter_that_its_reading_does_not_tell() -> None:
    found = [(each, letter) for letter, alike in LOOK_ALIKES.items() for each in alike]
    assert len({each for each, _ in found}) == len(found)
    for each, letter in found:
        assert letter.isascii()
        assert letter.isalnum()
        assert letter == letter.lower()
        assert not read(each).isascii()


@pytest.mark.parametrize(
    ("alike", "letter"),
    [("\u0430", "a"), ("\u03bf", "o"), ("\u0412", "b"), ("\u0131", "i"), ("\U0001f171", "b"), ("\U0001f1eb", "f")],
)
def test_what_people_use_is_there(alike: str, letter: str) -> None:
    assert alike in LOOK_ALIKES[letter]
