"""Disguised words are unmasked, and other words stay unchanged."""

from collections import Counter
from pathlib import Path

import pytest
from growth import assert_linear
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.disguises import Word
from classifier.emoji_words import mark_aimed_emoji
from classifier.homoglyphs import fold_homoglyphs
from classifier.normalize import read
from classifier.unmask import Unmasked, Unmasker
from classifier.words import Words

HARMFUL = """
fuck fucking shit bitch ass asshole idiot stupid hell dick loser moron faggot dumb kill retard fag pussy crap cunt suck
nigger motherfucker whore bastard idiots bitches assholes shithead fucked trash boobs pig monkey die damn hate tits
""".split()  # noqa: SIM905 - readable as text
PLAIN = """
you are an the and of to in is that it for on this with be as was your not have what eat holy will find off there here
good god coke class hello hole house people really now thorpe title assess classic analysis user name word text talk
page article please thanks because would could should about which their other been were has had more when who them some
time into its only see very also like just than then my me do so no all we they he she can't you're don't foo bar won't
he'll we'll looser legs
""".split()  # noqa: SIM905 - readable as text

unmask = Unmasker(Words(tuple(HARMFUL), tuple(PLAIN)))
thorough = Unmasker(Words(tuple(HARMFUL), tuple(PLAIN)), has_quick_look=False)

DISGUISED = [
    # Look-alikes: Cyrillic, Greek, small capitals, emoji letters, regional letters, currency.
    ("you \u0430\u0455\u0455h\u043ele", "you asshole"),
    ("an \u0430\u0455\u0455", "an ass"),
    ("\u026a\u1d05\u026a\u1d0f\u1d1b", "idiot"),
    ("you \U0001f171itch", "you bitch"),
    ("\U0001f1eb\U0001f1fa\U0001f1e8\U0001f1f0 you", "fuck you"),
    ("\u0192\u00b5\u00a2\u043a", "fuck"),
    # Emoji that are words.
    ("\U0001f595", "fuck you"),
    ("you \U0001f437", "you pig"),
    # Digits and symbols for letters.
    ("you 1d10t", "you idiot"),
    ("an @ss", "an ass"),
    ("holy $h1t", "holy shit"),
    ("@$$hole!", "asshole!"),
    ("m0r0n!!", "moron!!"),
    ("(unt", "cunt"),
    ("h8 you", "hate you"),
    ("dumb @$$", "dumb ass"),
    ("sh1tlord", "shitlord"),
    ("k1ll y0u", "kill you"),
    # Letters apart.
    ("i d i o t", "idiot"),
    ("you are an i d i o t!", "you are an idiot!"),
    ("y o u  a r e  a n  i d i o t", "you  are  an  idiot"),
    ("y o u a r e a n i d i o t", "you are an idiot"),
    ("f . u . c . k", "fuck"),
    ("b 1 t c h", "bitch"),
    ("you f uck", "you fuck"),
    ("st upid id iot", "stupid idiot"),
    # Something between the letters.
    ("id.i.ot", "idiot"),
    ("i-d-i-o-t", "idiot"),
    ("i.d.i.o.t", "idiot"),
    ("f_u_c_k off", "fuck off"),
    ("fu.ck off", "fuck off"),
    ("f.u.c.k.y.o.u", "fuck you"),
    ("5.h.1.t", "shit"),
    # Masked.
    ("f**k you", "fuck you"),
    ("eat s***", "eat shit"),
    ("a**hole", "asshole"),
    ("f***ing", "fucking"),
    ("m*th*rf*ck*r", "motherfucker"),
    ("f@#k this", "fuck this"),
    ("f--k", "fuck"),
    # Stretched, doubled, swapped.
    ("fuuuuck", "fuck"),
    ("you loooserrr", "you loser"),
    ("iiddiioott", "idiot"),
    ("you idoit", "you idiot"),
    # Several at once, among marks.
    ("\u201c1d1000t\u201d,", "\u201cidiot\u201d,"),
    ("f.\u03c5.(.k", "fuck"),
    ("n1\u0261\u0261\u0435r", "nigger"),
]

UNTOUCHED = [
    "Scunthorpe, Penistone, Cockburn and Essex; Hancock, Dickens, Niigata, Fukuoka, shiitake, Assad",
    "class, classic, assess, analysis, title, Matsushita, cum laude",
    "$100, 100%, 1,000.00, v1.0, 3.14, -5, 10-4, 9/11, 24/7, 12:30, 1st 2nd 3rd 100th, 1990s, 50s",
    "http://www.sh1t.example.com/a-ss?f=u.c.k https://a55.org www.fu.ck/x",
    "me@b1tch.org some.body@a-ss.com @assange @my_name",
    "e.g. i.e. U.S.A. U.S.S. a.m. p.m. Ph.D. q.v. et al.",
    "a b c d and 1 2 3 4 5 and x y z",
    "f(x) = x*y + 2**3, a[i] != b, int *ptr, foo_bar, E=mc2, C++, #fff000, s/he, w/o",
    "A4 A55 S5 mp3 H2O COVID-19 i5-4570 B2B 4K 5G",
    "T-shirt x-ray and/or well-known he'll we'll can't don\u2019t won't you're user's",
    "**word** *word* _word_ word* (word) [word] ~word~",
    "push it, as it is, was hit, is hit, pen is mightier, the.rapist",
    "\u043e\u043d \u0441\u043a\u0430\u0437\u0430\u043b: \u0441\u0443\u043a\u0430",
    "\u0441\u043e\u0440 \u0440\u043e\u0442 \u0442\u0443\u0442",
    "\u03bf\u03c7\u03b9 \u03c4\u03b9 \u03bd\u03b1\u03b9",
    "\u0142\u00f3d\u017a Bj\u00f8rn S\u00f8ren \u015f\u0131k",
    "\u4f60\u597d \u3053\u3093\u306b\u3061\u306f \uc548\ub155 \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "\U0001f1fa\U0001f1f8 \U0001f1ee\U0001f1f9 \U0001f600 \u2764\ufe0f \u00ae \u00a9 Coke\u00ae",
    "soooo gooood, hellooo, nooo",
    "N O T E: A B C",
    "",
    " ",
]


@pytest.mark.parametrize(("text", "meant"), DISGUISED)
def test_a_disguise_is_seen_through(text: str, meant: str) -> None:
    found = unmask(text)
    assert found is not None
    assert found.reading == meant


@pytest.mark.parametrize("text", UNTOUCHED)
def test_what_is_no_disguise_is_left_alone(text: str) -> None:
    for each in [text, *text.split(", ")]:
        assert unmask(each) is None, each


def test_a_foreign_word_is_read_as_latin_only_among_latin_ones() -> None:
    assert unmask("\u0430\u0455\u0455") is None
    assert unmask("\u0430\u0455\u0455 \u043f\u043b\u044e\u0441") is None
    assert unmask("you \u0430\u0455\u0455") is not None
    assert unmask("\u0440\u0456g and you") is not None


def test_addresses_beside_a_disguise_stay_as_they_are() -> None:
    found = unmask("you 1d10t, see http://1d10t.org/sh1t")
    assert found is not None
    assert found.reading == "you idiot, see http://1d10t.org/sh1t"


@pytest.mark.parametrize(
    ("text", "word", "disguise"),
    [
        ("see: F.U.C.K you", "fuck", "F.U.C.K"),
        ("well, you i d i o t!", "idiot", "i d i o t"),
        ("\U0001f600 you 1D10T.", "idiot", "1D10T"),
        ("e\u0301\u200b f*\u200b*k", "fuck", "f*\u200b*k"),
        ("so \U0001f595", "fuck", "\U0001f595"),
        ("looooserrrr!", "loser", "looooserrrr"),
    ],
)
def test_a_word_is_found_where_it_was_sent(text: str, word: str, disguise: str) -> None:
    found = unmask(text)
    assert found is not None
    start = found.reading.index(word)
    where = found.origins[start : start + len(word)]
    assert text[where[0] : where[-1] + 1] == disguise


PIECES = st.sampled_from([*"aikfucs10@$!*.-_ \u0430\u0455\u200b\u0301\U0001f595(", "idiot", "you ", "f**k", "s h i t"])
ANY = st.one_of(st.text(st.characters(exclude_categories=()), max_size=80), st.lists(PIECES, max_size=40).map("".join))


@settings(max_examples=500, deadline=None)
@given(text=ANY)
def test_any_text_has_a_reading_in_normal_form_that_maps_back(text: str) -> None:
    found = unmask(text)
    if found is not None:
        assert len(found.origins) == len(found.reading)
        assert found.origins == sorted(found.origins)
        assert all(0 <= each < len(text) for each in found.origins)
        assert read(found.reading) == found.reading


@settings(max_examples=300, deadline=None)
@given(words=st.lists(st.sampled_from(PLAIN), max_size=60), marks=st.lists(st.sampled_from([" ", ", ", ". ", "! "])))
def test_plain_prose_is_never_touched(words: list[str], marks: list[str]) -> None:
    text = "".join(word + (marks[at] if at < len(marks) else " ") for at, word in enumerate(words))
    assert unmask(text) is None


def test_without_words_nothing_is_unmasked() -> None:
    assert Unmasker(Words())("you 1d10t, f**k \U0001f595 i d i o t") is None


HOSTILE = {
    "one letter": lambda n: "a" * n,
    "letters apart": lambda n: "a " * (n // 2),
    "letters of words apart": lambda n: "y o u a r e " * (n // 12),
    "dots": lambda n: "." * n,
    "letters and dots": lambda n: "a." * (n // 2),
    "stars": lambda n: "f**k " * (n // 5),
    "other stars each": lambda n: " ".join(f"f*{i % 26 * 'a'}*{i % 7 * '*'}k" for i in range(n // 20)),
    "digits": lambda n: "1d10t5 " * (n // 7),
    "other digits each": lambda n: " ".join(f"1d1{i}x" for i in range(n // 9)),
    "repeats": lambda n: "aabbccddeeffgghhii " * (n // 19),
    "pieces": lambda n: "f u ck " * (n // 7),
    "blanks": lambda n: " " * n,
    "marks apart": lambda n: ". " * (n // 2),
    "look-alikes": lambda n: "\u0430\u0455\u0455 a" * (n // 5),
    "regional letters": lambda n: "\U0001f1eb" * n,
    "emoji": lambda n: "\U0001f595" * n,
    "addresses": lambda n: "a@a@" * (n // 4),
    "slashes": lambda n: "a/" * (n // 2),
    "brackets": lambda n: "(a" * (n // 2),
    "one chunk of everything": lambda n: "f@c.k*1|(" * (n // 9),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_texts_cost_no_more_than_their_length(kind: str) -> None:
    assert_linear(unmask, HOSTILE[kind], 64_000)


@pytest.mark.data
def test_ordinary_comments_stay_as_they_are() -> None:
    """Held-out comments that nobody called toxic: what is taken for a disguise in them is rare."""
    pytest.importorskip("pyarrow")
    folder = Path("../shared/data")
    if not (folder / "jigsaw_toxic_train.parquet").exists():
        pytest.skip("no ../shared/data")
    from training.datasets import load  # noqa: PLC0415 - heavy, for these tests alone
    from training.vocabulary import words  # noqa: PLC0415 - heavy, for these tests alone

    examples = load("jigsaw_toxic_train", folder)
    held_out = examples.held_out()
    known = Unmasker(words(examples))
    harmless = [text for text, label in zip(held_out.texts, held_out.labels[:, 0], strict=True) if label == 0]
    changed = sum(known(text) is not None for text in harmless)
    assert len(harmless) > 5_000
    assert changed < 0.03 * len(harmless)


def words_of(found: Unmasked | None) -> Counter[str]:
    """The words that were put in the place of what disguised them."""
    words: Counter[str] = Counter()
    at = done = 0
    for each in map(Word._make, found._words.tolist() if found else []):  # noqa: SLF001 - no seam shows them
        at += 1 if each.is_apart else each.from_ - done
        words[found.reading[at : at + each.length]] += 1
        at, done = at + each.length, each.to
    return words


@settings(max_examples=1_000, deadline=None)
@given(text=ANY)
def test_the_quick_look_passes_over_no_disguise_that_the_thorough_one_finds(text: str) -> None:
    """Beside a look-alike it may leave a word that alone would prove nothing ("a ss"), and adds none of its own."""
    found, thoroughly = unmask(text), thorough(text)
    assert (found is None) == (thoroughly is None)
    assert words_of(found) <= words_of(thoroughly)
    if fold_homoglyphs(mark_aimed_emoji(text)) == read(text):
        assert (found and found.reading) == (thoroughly and thoroughly.reading)


# Without look-alikes: ASCII, accents, words apart and doubled that prove nothing alone, and one that proves it.
WEAK = [
    *"aikfucs10@$!*.-_ ( ",
    *("e\u0301", "\u00e9", "\u2019", "you ", "pi g", "a ss", "piig", "h3ll", "s h i t", "th3n "),
]
SURE = ["f**k", "1d10t", "$h1t", "@$$hole", "id.i.ot", "fuuuuck"]


@settings(max_examples=1_000, deadline=None)
@given(
    before=st.lists(st.sampled_from(WEAK), max_size=20).map("".join),
    sure=st.sampled_from(SURE),
    behind=st.lists(st.sampled_from(WEAK), max_size=20).map("".join),
)
def test_where_nothing_is_a_look_alike_both_looks_read_the_same(before: str, sure: str, behind: str) -> None:
    text = f"{before} you {sure} you {behind}"
    found, thoroughly = unmask(text), thorough(text)
    assert found is not None
    assert thoroughly is not None
    assert found.reading == thoroughly.reading
