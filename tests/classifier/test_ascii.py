"""ASCII texts are normalized in C, with the same result on every processor."""

import ctypes
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import classifier
from classifier.disguises import Disguises
from classifier.folder import read_folder
from classifier.kernel import LABELS, Weights
from classifier.lexicon import Lexicon
from classifier.normalize import read
from hatch_build import FLAGS, compiler

ASCII = st.text(st.characters(codec="ascii"), max_size=60) | st.text("aAiI1 .'-\n\x00\x1f\x7f$@(", max_size=60)
_, ARRAYS, WORDS = read_folder(classifier.SHIPPED)
WEIGHTS = Weights(ARRAYS)
DISGUISES = Disguises(Lexicon(WORDS))


@settings(max_examples=1_000, deadline=None)
@given(text=ASCII)
def test_ascii_gets_the_scores_of_its_reading(text: str) -> None:
    assert WEIGHTS.score(text) == WEIGHTS.score_reading(read(text))


@settings(max_examples=1_000, deadline=None)
@given(text=ASCII)
def test_the_quick_look_at_ascii_finds_what_it_finds_in_its_reading(text: str) -> None:
    assert DISGUISES.may_be_in_ascii(text) == DISGUISES.may_be_in(read(text))


@pytest.mark.parametrize("code_point", range(128))
def test_each_of_ascii_is_read_alike(code_point: int) -> None:
    text = f"a{chr(code_point)}b fu{chr(code_point)}k"
    assert WEIGHTS.score(text) == WEIGHTS.score_reading(read(text))
    assert DISGUISES.may_be_in_ascii(text) == DISGUISES.may_be_in(read(text))


def test_a_long_ascii_text_is_looked_at_as_well() -> None:
    for text in ("an ordinary word and " * 900, "f u c k " * 900, "x" * 20_480):
        assert DISGUISES.may_be_in_ascii(text) == DISGUISES.may_be_in(read(text))


@pytest.mark.skipif(compiler() is None, reason="no C compiler")
def test_every_processor_gets_the_same_scores_to_the_last_bit(tmp_path: Path) -> None:
    """The kernel picks code for the processor at hand; here it is held to the code that runs on any."""
    library = tmp_path / "plain.so"
    source = Path(classifier.__file__).with_name("_kernel.c")
    subprocess.run([*(compiler() or ()), *FLAGS, "-DEACH_MACHINE=", "-o", str(library), str(source), "-lm"], check=True)
    plain = ctypes.CDLL(str(library))
    plain.steward_prepare()
    plain.steward_score.argtypes = (*[ctypes.c_void_p] * 2, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p)
    texts = ["You are an idiot.", "", "Gr\u00fc\u00dfe \U0001f600 \u041f\u0440\u0438\u0432\u0435\u0442", "so " * 90]
    for text in map(read, [*texts, *(word * 3 for word in WORDS.harmful[:200]), " ".join(WORDS.plain[:2_000])]):
        row = (ctypes.c_double * LABELS)()
        model, calibration = WEIGHTS._address, WEIGHTS._calibrated_by[0]  # noqa: SLF001 - what the kernel is called with
        assert plain.steward_score(model, calibration, text.encode("utf-32-le"), len(text), row) == 0
        assert tuple(row) == WEIGHTS.score_reading(text)
