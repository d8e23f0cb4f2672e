"""Words that the shipped vocabulary would mistake for others stay as they are."""

import pytest

import classifier
from classifier.folder import read_folder
from classifier.unmask import Unmasker

unmask = Unmasker(read_folder(classifier.SHIPPED)[2])


@pytest.mark.parametrize(
    "text",
    [
        "Thanks Brian, see you!",
        "Ils sont partis, et le poisson aussi.",
        "Seht ihr das?",
        "N\u00e3o queres vir?",
        "Vi vil snakke om det.",
    ],
)
def test_a_name_or_a_word_of_another_language_is_no_typing_error(text: str) -> None:
    assert unmask(text) is None


@pytest.mark.parametrize("text", ["the H.M.S Belfast", "the C.N.S of mammals"])
def test_the_stops_of_an_abbreviation_hide_no_letters(text: str) -> None:
    found = unmask(text)
    assert found is None or found.is_plainer


@pytest.mark.parametrize(("text", "meant"), [("you c.nt", "you cunt"), ("you b.tch", "you bitch"), ("f.u.c.k", "fuck")])
def test_a_stop_within_a_word_still_does(text: str, meant: str) -> None:
    found = unmask(text)
    assert found is not None
    assert found.reading == meant
