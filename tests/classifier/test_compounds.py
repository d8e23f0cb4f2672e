"""Words that are written together are read apart, and what is one word stays one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import classifier
from classifier.compounds import Compounds, separated
from classifier.folder import read_folder
from classifier.unmask import Unmasker
from classifier.words import Words

WORDS = read_folder(classifier.SHIPPED)[2] or Words()
compounds = Compounds(WORDS)
unmask = Unmasker(WORDS)


def apart(text: str) -> str:
    return separated(text, compounds.spaces(text))[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("#SendTheLawyersHome", " Send The Lawyers Home"),
        ("signed, user_hates_everyone", "signed, user hates everyone"),
        ("signed, hate_themall", "signed, hate themall"),
        ("@hangthemayor wrote this", " hang the mayor wrote this"),
        ("ihateyouall", "i hate you all"),
        ("GOBACKTOYOURCOUNTRY", "GO BACK TO YOUR COUNTRY"),
        ("JoinTheParty. Now!", "Join The Party. Now!"),
        ("our JSONParser", "our JSON Parser"),
    ],
)
def test_joined_words_are_separated(text: str, words: str) -> None:
    assert apart(text) == words


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Penistone, Scunthorpe, Cockfosters and Lightwater are places.",
        "The therapists of the analyst made an extraordinary assessment.",
        "internationalization of counterrevolutionary misunderstandings",
        "Mississippi, Massachusetts, Afghanistan, Kyrgyzstan, Saskatchewan",
        "YouTube and #BlackLivesMatter are words of their own",
        "a_ _b __init__ snake_ _case",
        "https://example.com/TheBestNews?fromOurFriends=toEverybody www.bestnewsever.com",
        "ab" * 200,
        "\u00fcberall steht 12345678 und ABCDEFGH",
    ],
)
def test_what_is_one_word_stays_one(text: str) -> None:
    assert compounds.spaces(text) == []


def test_a_text_of_runs_without_end_is_read_in_part() -> None:
    spaces = compounds.spaces("HangThem " * 1_000)
    assert 1 <= len(spaces) <= 32


@given(
    st.lists(st.one_of(st.sampled_from(["_", "#", "@", "Hang", "them", "THE", "mayor", " ", "\u00e9", "1"]), st.text()))
)
def test_separating_adds_only_spaces_and_knows_where_each_letter_was(pieces: list[str]) -> None:
    text = "".join(pieces)
    words, sent = separated(text, compounds.spaces(text))
    assert len(words) == len(sent)
    assert sent == sorted(sent)
    kept = [(each, at) for each, at in zip(words, sent, strict=True) if each != " "]
    assert all(each == text[at] for each, at in kept)
    assert {text[at] for at in set(range(len(text))) - {at for _, at in kept}} <= {" ", "_", "@", "#"}


def test_without_words_nothing_is_separated_without_a_mark() -> None:
    assert unmask("hangthemayor", joins=False) is None


def test_separated_words_map_to_where_they_were_sent() -> None:
    text = "so says @hangthemayor, and user_hates_1d10ts"
    found = unmask(text, joins=True)
    assert found is not None
    assert "hang the mayor" in found.reading
    start = found.reading.index("mayor")
    assert [text[at] for at in found.origins[start : start + 5]] == list("mayor")
    assert len(found.origins) == len(found.reading)


@pytest.fixture(scope="module")
def model() -> classifier.Model:
    return classifier.load(classifier.SHIPPED)


@pytest.mark.parametrize("text", ["@HangTheMayor", "lawyersarevermin", "you_are_a_moron", "#BurnDownTheirHouse"])
def test_an_attack_that_is_written_together_is_seen(model: classifier.Model, text: str) -> None:
    assert max(model.score(text)) >= 0.3


@pytest.mark.parametrize("text", ["BookLoverAnna", "bestgrandmaever", "happy_little_trees", "#GoodMorningEveryone"])
def test_a_kind_name_that_is_written_together_is_harmless(model: classifier.Model, text: str) -> None:
    assert max(model.score(text)) < 0.1


def test_both_ways_to_score_separate_alike(model: classifier.Model) -> None:
    texts = ["@HangTheMayor", "BookLoverAnna", "you_are_a_moron", "plain"]
    together = model.score_many(texts)
    assert [model.score(text) for text in texts] == [pytest.approx(row, abs=1e-6) for row in together.tolist()]
