"""What a text costs depends on its length and hardly on what stands in it: no comment can stall a process.

Texts are made of units that are repeated, as those are that make a careless expression try the same again and again.
"""

import ctypes
import subprocess
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from growth import assert_at_most, plain, seconds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import classifier
from classifier.confusables import LOOK_ALIKES
from classifier.disguises import Disguises, prepared
from classifier.emoji_words import EMOJI_WORDS, mark_aimed_emoji
from classifier.folder import read_folder
from classifier.homoglyphs import fold_homoglyphs, text_properties
from classifier.lexicon import Lexicon
from classifier.normalize import read
from classifier.spam_evidence import evidence
from hatch_build import FLAGS, compiler

BYTES = 20_480
# Of processor time, against plain text of the same length.
MOST_TIMES = 5
WORDS = read_folder(classifier.SHIPPED)[2]
LEXICON = Lexicon(WORDS)
# All that reading a text looks at: letters, digits, marks, blanks, accents, other scripts, symbols, emoji, words.
NAMED = [
    *"abcdefghijklmnopqrstuvwxyzAIL0123456789",
    *".,;:?!\"'()[]{}<>~`^-=/\\#*%&@$|+_",
    *" \t\n\x00\x1f\x7f",
    *"\u00a0\u2003\u3000\u200b\u200d\ufeff\u00ad\u202e\ufe0f",
    *"\u0300\u0301\u0335\u0489\u20dd",
    *"\u2013\u2014\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb\u00d7\u2026",
    *"\u00e9\u00df\u0142\u0130\u0131\u00b5\ufb03\ufdfa\u2122\u2460\uff21\U0001d400\u3131\uac00\u4f60\u05d0\u0627",
    *"\U0001f600\U0001f595\U0001f437\U0001f52a\U0001f1eb\U0001f1fa\u2764\u2605\U0001f468",
    *"\U0001f9d5\U0001f3ff\U0001f52b\u200d\ufe0f\U0001f308\U0001f3f3\u2640",
    "\ud800",
    "www.",
    "http://",
    ".com",
    "@x.",
    "a/",
    "1st",
    "'s",
    "!1",
    "--",
    "f**k",
    "s h i t",
    "you",
    "you ",
    "<b>",
    "</p>",
    "<a href='x",
    "<!--",
    "-->",
]
PIECES = st.one_of(
    st.sampled_from(NAMED),
    st.sampled_from([*WORDS.harmful[:400], *WORDS.plain[:400]]),
    st.sampled_from(sorted("".join(LOOK_ALIKES.values()))),
    st.sampled_from(sorted(EMOJI_WORDS)),
    st.characters(),
)
# Up to four pieces again and again, and something else before and behind.
UNITS = st.lists(
    st.one_of(PIECES, st.tuples(PIECES, st.integers(2, 6)).map(lambda of: of[0] * of[1])), min_size=1, max_size=4
)
TEXTS = st.tuples(
    UNITS.map("".join), st.lists(PIECES, max_size=3).map("".join), st.lists(PIECES, max_size=3).map("".join)
)

REPORTED = {
    "shouted": "!1" * 10_230 + "a",
    "only an at": "you 1d10t " + "@" * 20_400,
    "parts": "-a!" * 6_600 + " f**k",
    "accents and another script": "\u0301\u0430-a!!1" * 2_275,
    "a digit beside a symbol": "0.\u00a2" * 5_120,
    "symbols read by their names": "\u2ff5 " * 5_120,
    "full stops and a masked word": ". " * 10_230 + " f**k",
    "one chunk of fractions and a masked word": "x\u00bd" * 6_820 + " f**k",
}
OTHERS = {
    "shouted twice": "!1?" * 6_800 + "a!1",
    "dollars": "you 1d10t " + "$" * 20_400,
    "accents": "e\u0301" * 6_800,
    "another script": "\u0430" * 10_240,
    "parts of another script": "\u0430-\u0430!!1 " * 2_000,
    "letters apart": "f u c k " * 2_560,
    "letters apart, wide": "y  o u r " * 2_275,
    "harmless letters apart": "t h a n k s " * 1_700,
    "harmless words apart": "t.h.a.n.k.s so much " * 1_000,
    "initials of names": "A. S. Smith, " * 1_570 + " f**k",
    "initials alone": "A." * 10_230 + " f**k",
    "colors": "#FA6607 " * 2_550 + " f**k",
    "part numbers": "part A1-123-B " * 1_450 + " f**k",
    "one part number": "A1-" * 6_820 + " f**k",
    "one chunk of letters": "f.u.c.k.y.o.u." * 1_462,
    "compound": "a1" * 10_240,
    "underscores": "_/" * 10_240,
    "an address that is none": "a@" * 10_240,
    "a path that is none": "a/" * 10_240,
    "brackets": "(" * 20_480,
    "stars": "f*" * 10_240,
    "things said for words": "you \U0001f437 and \U0001f52a " * 900,
    "emoji of people": "\U0001f1f2\U0001f1fd\U0001f9d5 a" * 1_275,
    "emoji that are joined": "\U0001f468\u200d\u2764\ufe0f\u200d\U0001f48b\u200d" * 900,
    "emoji that aim at nobody": "`" * 20_470 + "\U0001f595\U0010ff0e",
    "a symbol far up behind run-together words": "merdamerdamerda\u00a2" * 1_130 + "v\U0010ff0c",
    "tags": "<b>a</b>" * 2_560,
    "tags that part lines": "<p>you" * 3_410,
    "tags that do not end": "<a " * 6_820,
    "comments that do not end": "<!--" * 5_120,
    "lines that end in a digit": "fuckface5\n\n" * 1_860 + "\U0001d7b0",
}
# No word twice, which takes longer in plain text as well.
DIFFERENT = {
    "other chunks each": " ".join(f"f{number}*k{number}" for number in range(2_200)),
    "masked words": " ".join(f"{word[:1]}*{word[2:]}" for word in [*WORDS.harmful, *WORDS.plain])[:BYTES],
    "leetspeak": " ".join([*WORDS.harmful, *WORDS.plain]).translate(str.maketrans("aeio", "4310"))[:BYTES],
}


def filled(unit: str, before: str = "", behind: str = "") -> str:
    """20 KB of it."""
    size = len(unit.encode("utf-8", "surrogatepass"))
    return before + unit * (BYTES // size) + behind


@pytest.fixture(scope="module")
def model() -> classifier.Model:
    """Without its deep reader, beside which nobody would see what unmasking costs."""
    return classifier.load(classifier.SHIPPED, both=False)


@pytest.fixture(scope="module")
def whole() -> classifier.Model:
    return classifier.load(classifier.SHIPPED)


PLAIN = plain(BYTES)
PLAIN_AND_DIFFERENT = " ".join(WORDS.plain)[:BYTES]


def assert_bounded(model: classifier.Model, text: str, plain: str = PLAIN) -> None:
    for name, call in (("score", model.score), ("spans", model.spans)):
        said = f"{name} of {text[:40]!r}..."
        assert_at_most(MOST_TIMES, lambda: call(text), lambda: call(plain), said)  # noqa: B023 - called here


# The least processor time of plain text, by model and call: measured once for the many texts that take far less.
_plain_s: WeakKeyDictionary[classifier.Model, dict[str, float]] = WeakKeyDictionary()


def assert_any_bounded(model: classifier.Model, text: str) -> None:
    """What takes less than half of what it may is compared with an earlier run of plain text.

    Half, because that run may have been slow. All else is measured by turns.
    """
    known = _plain_s.setdefault(model, {})
    for name, call in (("score", model.score), ("spans", model.spans)):
        if name not in known:
            known[name] = min(seconds(lambda: call(PLAIN)) for _ in range(3))  # noqa: B023 - called here
        if seconds(lambda: call(text)) > MOST_TIMES / 2 * known[name]:  # noqa: B023 - called here
            assert_bounded(model, text)


@pytest.mark.parametrize("name", [*REPORTED, *OTHERS])
def test_a_text_that_once_took_seconds_takes_little_more_than_plain_text(model: classifier.Model, name: str) -> None:
    assert_bounded(model, (REPORTED | OTHERS)[name])


@pytest.mark.parametrize("name", REPORTED)
def test_a_text_that_once_took_seconds_is_bounded_with_both_readers(whole: classifier.Model, name: str) -> None:
    assert_bounded(whole, REPORTED[name])


@pytest.mark.parametrize("name", DIFFERENT)
def test_disguised_words_take_little_more_than_as_many_plain_ones(model: classifier.Model, name: str) -> None:
    assert_bounded(model, DIFFERENT[name], PLAIN_AND_DIFFERENT)


def test_evidence_of_spam_takes_less_time_than_scoring(whole: classifier.Model) -> None:
    """It is looked for in each comment that would be rejected as spam, on the event loop."""
    assert_at_most(1, lambda: evidence(PLAIN), lambda: whole.score(PLAIN))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(made=TEXTS)
def test_any_text_takes_at_most_five_times_the_time_of_plain_text(
    model: classifier.Model, made: tuple[str, str, str]
) -> None:
    assert_any_bounded(model, filled(*made))


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(made=TEXTS)
def test_any_text_takes_at_most_five_times_the_time_of_plain_text_with_both_readers(
    whole: classifier.Model, made: tuple[str, str, str]
) -> None:
    assert_any_bounded(whole, filled(*made))


# Look-ups, and code points that they read, for each code point: the same on every machine. Prose takes less than 2, the
# costliest of the texts with a name 21.3; what is made up may find a costlier one.
MOST_WORK = 30
MOST_WORK_OF_ANY = 120


@pytest.fixture(scope="module")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Any:
    command = compiler()
    if command is None:
        pytest.skip("no C compiler")
    library = tmp_path_factory.mktemp("counting") / "unmask.so"
    source = Path(classifier.__file__).with_name("_unmask.c")
    subprocess.run([*command, *FLAGS, "-DCOUNT_WORK", "-o", str(library), str(source), "-lm"], check=True)
    counted = prepared(ctypes.CDLL(str(library)))
    return counted, Disguises(LEXICON, counted)


def work(counting: Any, text: str) -> int:
    library, disguises = counting
    plain, meant = read(text), mark_aimed_emoji(text)
    alike = fold_homoglyphs(meant)
    before = library.unmask_work()
    disguises.find(plain, alike, None if text.isascii() else text_properties(meant, plain, alike))
    return int(library.unmask_work() - before)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(made=TEXTS)
def test_unmasking_looks_at_each_code_point_a_bounded_number_of_times(
    counting: Any, made: tuple[str, str, str]
) -> None:
    text = filled(*made)
    assert work(counting, text) <= MOST_WORK_OF_ANY * len(fold_homoglyphs(mark_aimed_emoji(text))) + 1_000


@pytest.mark.parametrize("name", [*REPORTED, *OTHERS, *DIFFERENT])
def test_unmasking_a_hostile_text_is_bounded_work(counting: Any, name: str) -> None:
    text = (REPORTED | OTHERS | DIFFERENT)[name]
    assert work(counting, text) <= MOST_WORK * len(fold_homoglyphs(mark_aimed_emoji(text)))


def test_unmasking_does_some_work_at_all(counting: Any) -> None:
    assert work(counting, "you are an 1d10t") > 10


def test_a_text_is_unmasked_once_for_its_scores_and_its_spans(model: classifier.Model) -> None:
    asked: list[str] = []
    unmask: Any = model._unmask  # noqa: SLF001 - how often it is called is what is tested
    counted = classifier.Model.__new__(classifier.Model)
    counted.__dict__ |= model.__dict__
    counted._unmask = lambda text, plain, **how: asked.append(text) or unmask(text, plain, **how)  # type: ignore[assignment, func-returns-value] # noqa: SLF001 - no seam shows it from outside
    assessed = counted.assess("you are an 1d10t")
    assert assessed.scores == model.score("you are an 1d10t")
    assert assessed.spans() == model.spans("you are an 1d10t")
    assert assessed.spans()
    assert asked == ["you are an 1d10t"]
