"""Language detection: it answers if the language is clear, and never guesses."""

# ruff: noqa: RUF001 - letters that look like others are what some of these tests are about

import random
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.english import is_plainly_english
from classifier.language import MOST_READ, _detected, detect, language_of, primary
from training.datasets import DATA_SETS
from training.disguise import KINDS, disguised

DATA = Path(__file__).parents[3] / "shared" / "data"

CLEAR = {
    "en": "You are an idiot and everybody knows it.",
    "de": "Das ist doch völliger Unsinn, und das weißt du auch.",
    "fr": "Tu dis n'importe quoi, comme toujours, mon pauvre ami.",
    "pt": "Você não sabe do que está falando, meu amigo.",
    "fi": "Sinä olet idiootti ja kaikki tietävät sen.",
    "es": "No tienes ni idea de lo que estás hablando.",
    "uk": "Дякую за цю статтю, я багато дізнався про міста.",
    "ru": "Спасибо за эту статью, было очень интересно.",
    "ja": "この記事はとても面白かったです。",
    "he": "תודה רבה על הכתבה המעניינת הזאת",
}


@pytest.mark.parametrize("language", CLEAR)
def test_a_clear_sentence_is_told(language: str) -> None:
    assert detect(CLEAR[language]) == language


@pytest.mark.parametrize("language", CLEAR)
def test_addresses_names_and_controls_do_not_hide_the_language(language: str) -> None:
    text = f"@someone_else {CLEAR[language]}\x00\ud800 https://example.org/a/very/long/path #topic &amp; <br />\n"
    assert detect(text) == language


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t",
        "👍🏻🇫🇮",
        "lol",
        "idiot",
        "shithead",
        "stockholm",
        "123 456",
        "...",
        "\x00",
        "\ud83d",
        "¯\\_(ツ)_/¯",
        "ಠ_ಠ",
    ],
)
def test_what_is_too_short_or_no_words_is_not_told(text: str) -> None:
    assert detect(text) is None


@pytest.mark.parametrize(
    ("text", "language"),
    [("да", "ru"), ("你好", "zh"), ("バカ", "ja"), ("馬鹿だ", "ja"), ("שלום", "he")],
)
def test_a_text_wholly_in_another_script_is_told_even_when_short(text: str, language: str) -> None:
    assert detect(text) == language


@pytest.mark.parametrize(
    "text",
    [
        "y0u 4r3 4n 1d10t, g0 b4ck h0m3 n0w",
        "y o u  a r e  a n  i d i o t  a n d  n o b o d y  l i k e s  y o u",
        "YOU ARE A TOTAL IDIOT AND NOBODY LIKES YOU!!!",
        "уоu аrе а sтuріd іdіот and nobody likes you",  # Cyrillic letters among Latin ones
        "𝐘𝐨𝐮 𝐚𝐫𝐞 𝐚𝐧 𝐢𝐝𝐢𝐨𝐭 𝐚𝐧𝐝 𝐧𝐨𝐛𝐨𝐝𝐲 𝐥𝐢𝐤𝐞𝐬 𝐲𝐨𝐮",
        "ＹＯＵ ＡＲＥ ＡＮ ＩＤＩＯＴ, everybody knows",
        "idgaf bout dat fool he trippin lmaooo smh",
        "As they say in Paris: c'est la vie, mon ami! You idiot, go home.",
        "Volodymyr Zelenskyy met Ursula von der Leyen and Emmanuel Macron in Kharkiv.",
        "Wagwan bruv, you and your mandem are not all that, innit.",
    ],
)
def test_disguise_slang_quotes_and_names_leave_english_english(text: str) -> None:
    assert detect(text) in ("en", None)


def test_a_foreign_comment_with_a_word_of_english_stays_foreign() -> None:
    assert detect(CLEAR["fi"] + " LOL, fake news.") == "fi"


def test_only_the_beginning_of_a_long_text_counts() -> None:
    assert detect("Das ist doch Unsinn. " * (MOST_READ // 20) + CLEAR["fi"] * 400) == "de"


@settings(max_examples=500)
@given(st.text(st.characters(codec=None)))
def test_any_text_has_a_language_or_none(text: str) -> None:
    found = detect(text)
    assert found is None or re.fullmatch(r"[a-z]{2,3}", found)


@given(st.lists(st.sampled_from(sorted(CLEAR)), max_size=4), st.text(st.characters(codec=None), max_size=20))
def test_a_text_around_any_unicode_has_a_language_or_none(languages: list[str], odd: str) -> None:
    found = detect(odd.join(CLEAR[language] for language in languages))
    assert found is None or re.fullmatch(r"[a-z]{2,3}", found)


def test_threads_tell_the_same_as_one() -> None:
    texts = [f"{CLEAR[language]} {number}" for number in range(200) for language in CLEAR]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(detect, texts, chunksize=7)) == [detect(text) for text in texts]


def test_nothing_is_downloaded_and_the_start_stays_quick() -> None:
    """The detector opens no file but its own library, and imports no client of any network."""
    code = (
        "import sys, classifier.language as l\n"
        f"assert l.detect({CLEAR['fi']!r}) == 'fi'\n"
        "assert not {'requests', 'urllib3', 'httpx', 'socket', 'ssl'} & set(sys.modules), sorted(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


PLAIN = (
    "I think that they should have told people about this before they did it. What were they thinking, and who is "
    "going to pay for all of it?"
)


def test_plain_english_is_told_at_once() -> None:
    assert is_plainly_english(PLAIN)
    assert is_plainly_english(PLAIN.upper())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "They think that you should.",  # too few words
        PLAIN.replace("people", "\u201cpeople\u201d"),
        PLAIN.replace("people", "@people"),
        PLAIN.replace("people", "the <b>people</b>"),
        PLAIN.replace("people", "the people of https://example.org"),
        PLAIN.replace("people", "\x00"),
        PLAIN + " Das ist doch kompletter Unsinn, meine Damen und Herren, wirklich kompletter Unsinn.",
        "YOU ARE WHAT YOU ARE " * 20,  # CLD2 leaves out what is repeated
        *(CLEAR[language] * 3 for language in CLEAR),
    ],
)
def test_whatever_else_is_asked_about(text: str) -> None:
    assert not is_plainly_english(text)


@given(st.lists(st.sampled_from([*CLEAR.values(), *PLAIN.split(". "), *PLAIN.split()]), max_size=40))
def test_no_mixture_is_plainly_english_unless_the_detector_finds_english(parts: list[str]) -> None:
    text = " ".join(parts)[:MOST_READ]
    assert not is_plainly_english(text) or _detected(text) == "en"


@given(st.text(st.characters(codec=None)))
def test_any_text_can_be_looked_at(text: str) -> None:
    assert not is_plainly_english(text) or _detected(text) == "en"


JUDGED = {"en": (), "de": (), "pt": ()}
ENGLISH = "This is plainly a sentence in English, whatever anybody says."
GERMAN = "Das ist ganz offensichtlich ein deutscher Satz, was auch immer man sagt."
FINNISH = "Tämä on selvästi suomenkielinen lause, sanoi kuka tahansa mitä tahansa."


@pytest.mark.parametrize(
    ("text", "said", "language"),
    [
        (ENGLISH, None, "en"),
        (GERMAN, None, "de"),
        (FINNISH, None, "fi"),
        ("lol", None, "en"),  # nobody tells: the model's first language
        ("lol", "de", "de"),
        ("lol", "de-AT", "de"),
        ("lol", "fi", "fi"),
        ("lol", "deu", "de"),
        ("lol", "ger-AT", "de"),
        (FINNISH, "eng", "fi"),
        ("lol", "iw_IL", "he"),  # Java's code before version 17
        ("lol", "swe", "sv"),
        ("lol", "haw", "haw"),  # Hawaiian has no code of two letters
        (ENGLISH, "fi", "fi"),  # the site knows its readers, and a person looks
        (FINNISH, "en-GB", "fi"),  # one tag on every comment: the text knows better
        (GERMAN, "en", "de"),
        (ENGLISH, "DE", "en"),
        ("lol", "und", "en"),
        (FINNISH, "und", "fi"),
        ("lol", "x-klingon", "en"),
        ("lol", "-", "en"),
        (FINNISH, "English", "fi"),
        ("lol", "english", "en"),
        ("que lixo vai toma no cu", "pt", "pt"),  # CLD2 would call it English if it were asked to expect that
    ],
)
def test_the_sure_text_wins_over_a_judged_language_and_the_site_over_the_rest(
    text: str, said: str | None, language: str
) -> None:
    assert language_of(text, said, JUDGED) == language


def test_the_first_language_of_the_model_is_what_an_unsure_text_is_taken_for() -> None:
    assert language_of("ok", None, {"pt": (), "en": ()}) == "pt"


@given(st.text(st.characters(codec=None)), st.none() | st.from_regex(r"[A-Za-z0-9-]{1,35}", fullmatch=True))
def test_any_text_and_any_tag_give_one_language(text: str, said: str | None) -> None:
    assert language_of(text, said, JUDGED)


@given(st.from_regex(r"[A-Za-z0-9-]{1,35}", fullmatch=True))
def test_the_primary_language_of_a_tag_is_a_lower_case_word_or_nothing(tag: str) -> None:
    found = primary(tag)
    assert found is None or (found == primary(found) and tag.lower().startswith(found))


@pytest.mark.data
@pytest.mark.skipif(not DATA.exists(), reason="no ../shared/data")
class TestOnRealComments:
    """Bounds a little above what docs/decisions/0008-tell-languages-with-cld2.md reports."""

    @staticmethod
    def told(name: str) -> list[str | None]:
        texts = DATA_SETS[name].load(DATA).texts
        return [detect(text) for text in texts[:: max(1, len(texts) // 1_500)]]

    @pytest.mark.parametrize(
        ("name", "most_mistaken"),
        [
            ("jigsaw_toxic_train", 0.002),
            ("civil_comments_toxic_spans", 0.002),
            ("fox_news_comments", 0.002),
            ("paradetox_en", 0.002),
            ("davidson_tweets", 0.005),
            ("surge_toxicity", 0.005),
            ("spam_sms", 0.005),
        ],
    )
    def test_english_is_hardly_ever_taken_for_another_language(self, name: str, most_mistaken: float) -> None:
        told = self.told(name)
        assert 1 - (told.count("en") + told.count(None)) / len(told) <= most_mistaken

    @pytest.mark.parametrize(
        ("name", "language", "least_found"),
        [
            ("german_germeval2018", "de", 0.97),
            ("german_iwg_refugees", "de", 0.95),
            ("french_mlma", "fr", 0.80),
            ("portuguese_told_br", "pt", 0.78),
        ],
    )
    def test_other_languages_are_mostly_found(self, name: str, language: str, least_found: float) -> None:
        told = self.told(name)
        assert told.count(language) / len(told) >= least_found

    @pytest.mark.parametrize("kind", sorted(KINDS))
    def test_disguise_does_not_make_english_foreign(self, kind: str) -> None:
        """Even with every word disguised; where people disguise one word it is rarer."""
        texts = DATA_SETS["civil_comments_toxic_spans"].load(DATA).texts[:1_000]
        dice = random.Random(2026)  # noqa: S311 - the same disguise in every run
        told = [detect(disguised(text, kind, dice)) for text in texts]
        assert 1 - (told.count("en") + told.count(None)) / len(told) <= 0.03

    @pytest.mark.parametrize("name", sorted(DATA_SETS))
    def test_what_is_plainly_english_is_english_to_the_detector(self, name: str) -> None:
        """The quick look is there to save time, and must not change what anybody is told."""
        texts = DATA_SETS[name].load(DATA).texts
        plain = [text for text in texts[:: max(1, len(texts) // 6_000)] if is_plainly_english(text[:MOST_READ])]
        assert [text for text in plain if _detected(text[:MOST_READ]) != "en"] == []
        if name.startswith(("german", "french", "portuguese")):
            assert len(plain) < len(texts) / 100
