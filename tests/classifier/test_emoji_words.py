"""An emoji stands for a word if it is aimed at somebody, and for a thing, animal or feeling otherwise."""

import pytest

from classifier.emoji_words import EMOJI_WORDS, mark_aimed_emoji
from classifier.unmask import Unmasker
from classifier.words import Words

KNIFE, DAGGER, PISTOL, BOMB = "\U0001f52a", "\U0001f5e1", "\U0001f52b", "\U0001f4a3"
PIG, SNAKE, RAT, DOG, CLOWN, POO = "\U0001f437", "\U0001f40d", "\U0001f400", "\U0001f415", "\U0001f921", "\U0001f4a9"
BIN, STONE, COFFIN, SICK = "\U0001f5d1", "\U0001faa6", "\u26b0\ufe0f", "\U0001f922"
FINGER = "\U0001f595"

HARMFUL = "fuck kill bomb die pig snake rat dog clown shit trash vomit monkey ape bitch gorilla cockroach".split()  # noqa: SIM905 - one line reads better than sixteen quotes
unmask = Unmasker(Words(tuple(HARMFUL), ("you", "are", "will", "them")))

HARMLESS = [
    f"Finally sharpened my {KNIFE}, the tomatoes fall apart by themselves",
    f"{KNIFE}",
    f"{KNIFE} you gave me is great for onions, thank you",
    f"Which {KNIFE} do you use for bread?",
    f"a {KNIFE} he made himself",
    f"water {PISTOL} fight in the garden, bring the kids",
    f"The {DAGGER} in the museum is Roman",
    f"that lemon bath {BOMB} smells wonderful",
    f"We fed the {PIG}{PIG} and the {DOG} on the farm",
    f"your {DOG} is so cute!",
    f"do you have a {DOG}?",
    f"saw a {SNAKE} on the trail, be careful",
    f"my daughter keeps two {RAT}",
    f"she hired a {CLOWN} for the birthday party",
    f"who takes out the {BIN} tonight?",
    f"rest in peace, grandma {STONE}",
    f"the funeral {COFFIN} was on Friday",
    f"the ferry made everyone {SICK}",
    f"my baby filled the nappy {POO} again",
]
ATTACKS = [
    (f"you {PIG}", "you pig"),
    (f"you {PIG}{PIG}", "you pig pig"),
    (f"You are such a {SNAKE}.", "you are such a snake ."),
    (f"u r a {CLOWN}", "u r a clown"),
    (f"they are all {RAT}", "they are all rat"),
    (f"he\u2019s nothing but {BIN}", "he\u2019s nothing but trash"),
    (f"you stupid {POO}!", "you stupid shit !"),
    (f"I will {KNIFE} you", "i will kill you"),
    (f"gonna {PISTOL} them all", "gonna kill them all"),
    (f"{KNIFE} yourself", "kill yourself"),
    (f"{KNIFE} you", "kill you"),
    (f"we should {BOMB} them", "we should bomb them"),
    (f"go {COFFIN}", "go die"),
    (f"you should {STONE}", "you should die"),
    (f"nice work {FINGER}", "nice work fuck you"),
]


@pytest.mark.parametrize("text", HARMLESS)
def test_a_thing_is_no_attack_by_itself(text: str) -> None:
    assert mark_aimed_emoji(text) == text
    assert unmask(text) is None


@pytest.mark.parametrize(("text", "said"), ATTACKS)
def test_an_emoji_that_is_aimed_at_somebody_is_read_as_the_word(text: str, said: str) -> None:
    found = unmask(text)
    assert found is not None
    assert found.reading.replace(" ", "") == said.replace(" ", "")


@pytest.mark.parametrize(("text", "_said"), ATTACKS)
def test_what_was_aimed_is_found_where_it_was_sent(text: str, _said: str) -> None:
    found = unmask(text)
    assert found is not None
    assert len(found.origins) == len(found.reading)
    assert all(0 <= each < len(text) for each in found.origins)


def test_each_emoji_that_is_said_for_a_word_is_left_alone_by_itself_but_one() -> None:
    aimed = [each for each in EMOJI_WORDS if unmask(f"{each}") is not None and each < "\U0010ff00"]
    assert aimed == [FINGER]
    assert len(EMOJI_WORDS) > 20


def test_no_code_point_that_is_sent_is_read_as_a_word_unless_it_is_an_emoji() -> None:
    for each in [each for each in EMOJI_WORDS if each != FINGER]:
        assert unmask(f"you {each}") is None or each < "\U0010ff00"
        assert unmask(f"look: {each}") is None
    marks = "".join(each for each in EMOJI_WORDS if each >= "\U0010ff00")
    assert EMOJI_WORDS.keys().isdisjoint(mark_aimed_emoji(marks))
    found = unmask(f"you {PIG}, {marks}")
    assert found is not None
    assert found.reading == f"you pig, {marks}"
    assert len(found.origins) == len(found.reading)


def test_a_text_keeps_its_length() -> None:
    for text, _ in ATTACKS:
        assert len(mark_aimed_emoji(text)) == len(text)
