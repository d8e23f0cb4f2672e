"""Word lists find their terms, also disguised ones, and no harmless words that only contain or resemble them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules.readings import token_origins, tokens
from service.rules.terms import Term, Terms
from service.rules.words import Found, WordFinder, is_findable
from service.values.rules import Match

COMMENT = (
    "I spent the night in the metro with my two kids and half of our street. Thank you to the crews who had the "
    "lifts running again by six in the morning. The minister said in March that the transformers were already on "
    "the way. It is November now. Somebody should be made to resign over this, and the sooner the better for us all"
)[:300]


def found(text: str, *terms: str | Term, unmasks: bool = True, keeps_case: bool = False) -> list[str]:
    """What of the text is found, as it stands there."""
    some = tuple(Term(each) if isinstance(each, str) else each for each in terms)
    hits = WordFinder([Terms(some, unmasks, keeps_case)]).find(text)
    return [text[each.start : each.end] for each in hits.get(0, ())]


@pytest.mark.parametrize(
    ("text", "term", "expected"),
    [
        ("What a fool.", "fool", ["fool"]),
        ("FOOL!", "fool", ["FOOL"]),
        ("You foolish foolhardy befool", "fool", []),
        ("white-trash and white trash", "white trash", ["white-trash", "white trash"]),
        ("All white. Trash is out.", "white trash", []),
        ("he'll do", "hell", []),
        ("f\u00fcr d\u00e9j\u00e0", "deja", ["d\u00e9j\u00e0"]),
        ("I write c++ and c", "c++", ["c++"]),
        ("so $$$ now", "$$$", ["$$$"]),
        ("\u6211\u7231\u5317\u4eac\u5929\u5b89\u95e8", "\u5317\u4eac", ["\u5317\u4eac"]),
        ("\u6211fool\u4f60", "fool", ["fool"]),
        ("\u3053\u3044\u3064\u3070\u304b\u3060", "\u3070\u304b", ["\u3070\u304b"]),
        ("\u306f\u304b\u307e\u3044\u308a", "\u3070\u304b", []),
        ("\uff8a\uff9e\uff76", "\u30d0\u30ab", ["\uff8a\uff9e\uff76"]),
        (
            "\u0e04\u0e27\u0e32\u0e22\u0e40\u0e16\u0e37\u0e2d\u0e01",
            "\u0e04\u0e27\u0e32\u0e22",
            ["\u0e04\u0e27\u0e32\u0e22"],
        ),
        ("\u0e22\u0e34\u0e27", "\u0e22", []),
        ("\u043a\u043e\u0442 \u043a\u043e\u0442\u044b", "\u043a\u043e\u0442", ["\u043a\u043e\u0442"]),
        ("\U0001f346 now", "\U0001f346", ["\U0001f346"]),
    ],
)
def test_whole_words_are_found_as_they_stand(text: str, term: str, expected: list[str]) -> None:
    assert found(text, term) == expected


def test_a_part_is_found_inside_a_word_and_a_stem_at_its_start() -> None:
    text = "befooled foolish"
    assert found(text, Term("fool", Match.PART)) == ["fool", "fool"]
    assert found(text, Term("fool", Match.STEM)) == ["fool"]
    assert found(text, Term("fool", Match.WORD)) == []


def test_an_exception_covers_the_terms_inside_of_it_only() -> None:
    terms = Term("cunt", Match.PART), Term("Scunthorpe", is_exception=True)
    assert found("Scunthorpe is a town", *terms) == []
    assert found("Scunthorpe cunts", *terms) == ["cunt"]
    assert found("Scunthorpes", *terms) == ["cunt"]


def test_capitals_count_only_where_asked() -> None:
    assert found("the US and us", "US", keeps_case=True) == ["US"]
    assert found("the U.S", "US", keeps_case=True) == []


DISGUISES = {
    "fuck": [
        *("f.u-c k", "\uff46\uff55\uff43\uff4b", "fuuuck", "f u c k", "FUCK", "f*u*c*k", "fu.ck", "f.uck", "f-u-c-k"),
        *(
            "f_u_c_k",
            "f\u200bu\u200bc\u200bk",
            "f\u00fcck",
            "\u0192uck",
            "fu\u0441k",
            "F U C K",
            "fuckkkk",
            "f  u  c  k",
        ),
        *(
            "\U0001d4bb\U0001d4ca\U0001d4b8\U0001d4c0",
            "\U0001f175\U0001f184\U0001f172\U0001f17a",
            "fu<!-- -->ck"[:2] + ".ck",
        ),
    ],
    "zorblax": [
        *("z.o-r b l a x", "zorb1ax", "\uff5a\uff4f\uff52\uff42\uff4c\uff41\uff58", "z\u043erbl\u0430\u0445"),
        *(
            "zzzorblax",
            "z0rbl4x",
            "zorb|ax",
            "Z-O-R-B-L-A-X",
            "zor.blax",
            "z o r b l a x",
            "z\u00f6rbl\u00e4x",
            "zorbl@x",
        ),
    ],
    "shit": ["sh1t", "$hit", "5hit", "sh!t", "s.h.i.t", "shiiiit", "s h i t", "\u0455hit"],
    "ass": ["a$$", "@ss", "4ss", "a.s.s", "asssss", "a s s"],
    "\u0445\u0443\u0439": [
        "\u0445.\u0443.\u0439",
        "\u0445 \u0443 \u0439",
        "\u0445\u0443\u0443\u0443\u0439",
        "xy\u0439",
    ],
}


@pytest.mark.parametrize(("term", "text"), [(term, text) for term, some in DISGUISES.items() for text in some])
def test_a_disguised_word_meets_its_term(term: str, text: str) -> None:
    for sentence in (text, f"Well, {text} said he", f"({text})", f"oh {text}, no"):
        assert found(sentence, term) == [text]
        assert text.isalpha() or found(sentence, term, unmasks=False) in ([], [text])


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("Scunthorpe United", "cunt"),
        ("she put class it is", "shit"),
        ("class it", "ass"),
        ("the pen is mine", "penis"),
        ("I lost my pen.is it here?", "penis"),
        ("my pen,is it here?", "penis"),
        ("he'll see", "hell"),
        ("We'll see", "well"),
        ("that's good", "god"),
        ("as it is", "ass"),
        ("I am a student", "ama"),
        ("a class action", "ass"),
        ("\u0440\u043e\u0442 \u0437\u0430\u043a\u0440\u044b\u0442, \u0441\u043e\u0440", "cop"),
        ("the 80s", "bos"),
        ("10k runners", "lok"),
        ("well-known", "wellknown"),
        ("https://example.org/f/u/c/k", "fuck"),
        ("push it", "shit"),
        ("we call it", "lit"),
        ("goooood", "gold"),
        ("moon", "mon"),
    ],
)
def test_a_false_friend_is_not_found(text: str, term: str) -> None:
    assert found(text, term) == []


def test_a_phrase_is_found_if_one_of_its_words_is_disguised() -> None:
    assert found("such white tr4sh here", "white trash") == ["white tr4sh"]
    assert found("you p.i.e.c.e of sh1t!", "piece of shit") == ["p.i.e.c.e of sh1t"]
    assert found("f u c k  y o u", "fuck you") == ["f u c k  y o u"]
    assert found("f.u.c.k.y.o.u", "fuck you") == ["f.u.c.k.y.o.u"]


def test_words_are_found_disguised_only_where_asked() -> None:
    assert found("f.u.c.k and fuck", "fuck", unmasks=False) == ["fuck"]


def test_terms_of_many_conditions_are_told_apart() -> None:
    finder = WordFinder(
        [Terms((Term("a one"),)), Terms((Term("one"), Term("two"))), Terms((Term("ONE"),), False, True)]
    )
    assert finder.find("a one") == {0: (Found(0, 5, "a one"),), 1: (Found(2, 5, "one"),)}
    assert finder.find("nothing") == {}


def test_a_phrase_is_found_beside_a_term_that_is_one_of_its_words() -> None:
    assert found("c++ and white trash", "trash", "white trash", "c++") == ["c++", "white trash", "trash"]
    assert found("offwhite trashy", Term("white trash", Match.PART), Term("white trash", Match.STEM)) == ["white trash"]
    assert found("white trashy", Term("white trash", Match.STEM), "white trash") == ["white trash"]


def test_the_term_is_told_as_it_was_written() -> None:
    assert WordFinder([Terms((Term("Fo\u00f6"),))]).find("x FOO")[0] == (Found(2, 5, "Fo\u00f6"),)


@pytest.mark.parametrize("text", ["-", " ", "''", "\u200b", "--  --"])
def test_a_term_without_anything_to_find_is_told_apart(text: str) -> None:
    assert not is_findable(text)
    assert found("- - a b", text) == []


@given(st.text(max_size=60))
def test_each_code_point_of_a_reading_has_its_place(text: str) -> None:
    for keeps_case in (False, True):
        origins = token_origins(text, keeps_case=keeps_case)
        assert len(origins) == len(tokens(text, keeps_case=keeps_case))
        assert (origins[1:] >= origins[:-1]).all()


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=5), st.text(max_size=80))
@settings(max_examples=200)
def test_any_text_and_any_terms_are_read(terms: list[str], text: str) -> None:
    for match in Match:
        for hits in WordFinder([Terms(tuple(Term(each, match) for each in terms))]).find(text).values():
            assert all(0 <= each.start < each.end <= len(text) for each in hits)


@given(st.text("fuck .-1iI@", max_size=30), st.sampled_from(["fuck", "kick"]))
@settings(max_examples=200)
def test_a_term_between_spaces_is_always_found(text: str, term: str) -> None:
    assert term in found(f"{text} ; {term} ; {text}", term)
