"""Initials of names, colors and part numbers are not read as disguised words; a disguise in their form still is."""

import pytest

import classifier
from classifier.folder import read_folder
from classifier.names_and_codes import NamesAndCodes
from classifier.unmask import Unmasker

WORDS = read_folder(classifier.SHIPPED)[2]
unmask = Unmasker(WORDS)
covered = NamesAndCodes(WORDS).covered


@pytest.mark.parametrize(
    "text",
    [
        "F. A. G. Robinson played the organ.",
        "F.A.G. Robinson played the organ.",
        "The award goes to A.S.S. Krishnamurthy.",
        "Painted by P. I. G. van Houten in 1890.",
        "Written by C. U. N. Berg.",
        "Robinson, F. A. G. (1999), and Kern, N. I. G., 2004",
        "The border is #FA6607, the text #A55.",
        "border-color: #fa6607;",
        "Spare part no. A55-H0L3 fits.",
        "The serial number is F4GG0T.",
        "Bestellnummer 5H1T-FA6607 ist da.",
        "Art.-Nr.: SH1-T55, S/N F4GG0T",
        "We have SH1T-4421-B and F4GG0T/1990/X in stock.",
        "After commit fa66075 the tests pass.",
        "d8916d0e21af0fae49bdbe6e96cac466bc084b5a",
    ],
)
def test_a_name_or_code_is_left_alone(text: str) -> None:
    found = unmask(text)
    assert found is None or "fag" not in found.reading
    assert found is None or found.is_plainer or found.reading == text.lower()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("you F. A. G. Robinson", "you fag. robinson"),
        ("F.A.G. You know it.", "fag. you know it."),
        ("F.A.G. Losers here", "fag. losers here"),
        ("F A G", "fag"),
        ("He is a F.A.G.", "he is a fag."),
        ("F.A.G.G.O.T", "faggot"),
        ("those f.a.g.s again", "those fags again"),
        ("What an A.S.S. you are", "what an ass. you are"),
        ("They are F.A. Ggots", "they are f.a. ggots"),
        ("you #FA6607", "you #faggot"),
        ("such an A55-H0L3", "such an asshole"),
        ("your A55-H0L3 part", "your asshole part"),
        ("our mayor is a #FA6607", "our mayor is a #faggot"),
        ("She's a #FA6607!", "she's a #faggot!"),
        ("you are nothing at all but a #FA6607", "you are nothing at all but a #faggot"),
        ("Our model is an A55-H0L3", "our model is an asshole"),
        ("He was such a F. A. G. Miller", "he was such a fag. miller"),
        ("K1LL-Y0URS3LF-N0W", "kill yourself now"),
        ("what a F4GG0T", "what a faggot"),
    ],
)
def test_a_disguise_that_looks_like_one_is_seen_through(text: str, meant: str) -> None:
    found = unmask(text)
    assert (text.lower() if found is None else found.reading) == meant


def test_what_is_covered_keeps_its_length_and_its_place() -> None:
    text = "by F. A. G. Robinson, #FA6607, you 1d10t"
    assert covered(text) == "by `` `` `` Robinson, ```````, you 1d10t"
    found = unmask(text)
    assert found is not None
    assert found.reading == "by f. a. g. robinson, #fa6607, you idiot"
    assert [text[at].lower() for at in found.origins[:30]] == list(text[:30].lower())


@pytest.mark.parametrize("text", ["", "a", "A.S.Shole", "S.H. Itzel", "A. B.", "#12345", "#ABC", "A1", "part x"])
def test_what_is_no_name_or_code_is_not_covered(text: str) -> None:
    assert covered(text) == text
