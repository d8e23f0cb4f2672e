"""An emoji of people is also read as their name, and a weapon or disgust beside them as a word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import classifier
from classifier.emoji_names import name_emoji
from classifier.unmask import Unmasker
from classifier.words import Words

KNIFE, PISTOL, BOMB, SKULL, SICK = "\U0001f52a", "\U0001f52b", "\U0001f4a3", "\U0001f480", "\U0001f92e"
OFFICER, SCARF, TURBAN, STAR = "\U0001f46e", "\U0001f9d5", "\U0001f473", "\u2721\ufe0f"
MAN, WOMAN, CHILD, DARK, LIGHT = "\U0001f468", "\U0001f469", "\U0001f9d2", "\U0001f3ff", "\U0001f3fb"
MEXICO, POLAND, NOWHERE = "\U0001f1f2\U0001f1fd", "\U0001f1f5\U0001f1f1", "\U0001f1fd\U0001f1fd"
RAINBOW, TRANS = "\U0001f3f3\ufe0f\u200d\U0001f308", "\U0001f3f3\ufe0f\u200d\u26a7\ufe0f"
KISS = f"{MAN}\u200d\u2764\ufe0f\u200d\U0001f48b\u200d{MAN}"

NAMED = [
    (f"{PISTOL}{OFFICER}", "shoot police"),
    (f"I hate {MEXICO}", "I hate Mexicans"),
    (f"{SICK}{MEXICO}{POLAND}", "disgusting Mexicans Poles"),
    (f"deport every {SCARF} now", "deport every muslim women now"),
    (f"{TURBAN}{DARK}\u200d\u2642\ufe0f and {STAR}", "muslims and jews"),
    (f"no {MAN}{DARK} here", "no black men here"),
    (f"no {WOMAN}{LIGHT} here", "no white women here"),
    (f"no {KISS} here", "no gay men here"),
    (f"no {WOMAN}\u200d{WOMAN} here", "no lesbians here"),
    (f"{SICK} {RAINBOW}", "disgusting gay people"),
    (f"against {TRANS}!", "against trans people !"),
    (f"she is next {KNIFE}", "she is next stab"),
    (f"{SKULL} for the girls soon", "dead for the girls soon"),
]
LEFT_ALONE = [
    "",
    "shoot the police",
    "\u00e9t\u00e9",
    f"my new {KNIFE}",
    f"the bath {BOMB} smells of lemons",
    f"he hates mushrooms {SICK}",
    f"my family {MAN}\u200d{WOMAN}\u200d{CHILD}",
    f"our goalkeeper {MAN}",
    f"a toast {CHILD}",
    POLAND,
    f"{MEXICO} {POLAND}",
    f"{SCARF}\U0001f389",
    f"what is {NOWHERE}?",
    f"half a flag {MEXICO[0]}",
    f"only a color {DARK}",
    f"thumbs up \U0001f44d{DARK}",
    # These call somebody a name or say what shall be done to them, which classifier.emoji_words reads better.
    f"I will {KNIFE} you",
    f"go {SKULL[:0]}\u26b0",
]


@pytest.fixture(scope="module")
def shipped() -> classifier.Model:
    return classifier.load(classifier.SHIPPED)


@pytest.mark.parametrize(("text", "said"), NAMED)
def test_an_emoji_of_people_is_read_as_their_name(text: str, said: str) -> None:
    found = name_emoji(text)
    assert found is not None
    assert " ".join(found.text.split()).replace("\ufe0f", "") == said


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_what_says_nothing_about_people_is_left_as_it_is(text: str) -> None:
    assert name_emoji(text) is None


@given(st.lists(st.sampled_from([*"".join(text for text, _ in NAMED), "you ", "a", " ", "\u200d"]), max_size=40))
def test_each_character_is_one_of_the_text_or_of_a_name_in_its_place(pieces: list[str]) -> None:
    text = "".join(pieces)
    if found := name_emoji(text):
        sent = found.sent()
        assert len(sent) == len(found.text)
        assert sent == sorted(sent)
        assert all(text[at] == shown or not text[at].isascii() for shown, at in zip(found.text, sent, strict=True))


def test_at_most_a_hundred_are_named() -> None:
    found = name_emoji(f"deport {MEXICO * 150}")
    assert found is not None
    assert found.text.count("Mexicans") == 100
    assert found.text.endswith(MEXICO * 50)


@pytest.mark.parametrize(
    ("attack", "friendly"),
    [
        (f"{PISTOL}{OFFICER}", f"thanks to the {OFFICER} who found my bike"),
        (f"{SICK}{RAINBOW}", f"Happy Pride {RAINBOW}"),
        (f"{KNIFE} every {SCARF}", f"My sister {SCARF}"),
        (f"{MEXICO} are rats", f"Visiting my family in {MEXICO} next week"),
    ],
)
def test_an_attack_on_people_in_emoji_is_held_and_friendly_words_are_not(
    shipped: classifier.Model, attack: str, friendly: str
) -> None:
    def is_held(text: str) -> bool:
        return any(
            score >= shipped.manifest.thresholds[label]["review_at"]
            for label, score in zip(shipped.languages["en"], shipped.score(text), strict=True)
        )

    assert is_held(attack)
    assert not is_held(friendly)
    assert shipped.score_many([attack])[0] == pytest.approx(shipped.score(attack))
    assert all(0 <= each.start < each.end <= len(attack) for each in shipped.spans(attack))


def test_only_english_is_read_so() -> None:
    unmask = Unmasker(Words(("fuck",), ("you", "are")))
    found = unmask(f"{SICK}{RAINBOW}", joins=True)
    assert found is not None
    assert found.reading.split() == ["disgusting", "gay", "people"]
    assert found.origins == sorted(found.origins)
    assert unmask(f"{SICK}{RAINBOW}") is None
