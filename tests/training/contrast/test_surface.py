"""Surface variation, including scripts other than Latin."""

import random

import pytest

from training.contrast.frames import Frames
from training.contrast.surface import Surface


def typed(text: str, language: str = "xx") -> set[str]:
    surface = Surface(Frames(language, {}, {}))
    rng = random.Random(1)  # noqa: S311 - no secret
    return {surface.varied(text, rng) for _ in range(400)}


@pytest.mark.parametrize("text", ["明天要下雨记得带伞", "明日は雨らしいです", "내일비가온대요"])
def test_what_is_not_typed_letter_by_letter_has_no_slips(text: str) -> None:
    assert typed(text) == {text}


def test_other_scripts_without_case_have_slips() -> None:
    assert len(typed("المدرسة")) > 1


def test_the_full_stop_of_chinese_and_japanese_may_be_left_out() -> None:
    assert "明天要下雨" in typed("明天要下雨。")


def test_turkish_keeps_its_two_letters_i() -> None:
    found = typed("İki Ilgaz ırmak iz", "tr")  # noqa: RUF001 - the letters are the point
    assert "iki ılgaz ırmak iz" in found  # noqa: RUF001 - the letters are the point
    assert "İKİ ILGAZ IRMAK İZ" in found
