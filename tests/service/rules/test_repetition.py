"""Copies of a text with other names, numbers and links are near each other; different texts are not."""

import random
from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from growth import assert_at_most, assert_linear, plain
from hypothesis import given
from hypothesis import strategies as st

from classifier.fingerprints import FINGERPRINTS
from service.rules.repetition import fingerprints

NAMES = (
    "Anna",
    "Ben",
    "Carla",
    "David",
    "Eva",
    "Frank",
    "Greta",
    "Hans",
    "Ida",
    "Jonas",
    "Klara",
    "Leo",
    "Maria",
    "Nils",
)
PRAISE = ("amazing", "great", "honest", "reliable", "fast", "trusted", "professional", "wonderful", "genuine", "legit")
VARIANTS = 20


def of_recovery(r: random.Random) -> str:
    return (
        f"I was in debt and lost everything until I met {r.choice(NAMES)} {r.choice(NAMES)} who helped me recover "
        f"${r.randint(1_000, 90_000)} within {r.randint(2, 40)} hours. {r.choice(PRAISE).title()} hacker, contact on "
        f"WhatsApp +1{r.randint(2_000_000_000, 9_999_999_999)} and thank me later."
    )


def of_jobs(r: random.Random) -> str:
    return (
        f"Earn ${r.randint(50, 900)} per day working from home! {r.choice(NAMES)} made ${r.randint(1_000, 9_000)} last "
        f"month with this {r.choice(PRAISE)} job, no experience needed. Start here: "
        f"http://{r.choice(NAMES).lower()}{r.randint(1, 99)}.example/{r.randint(1, 999)}"
    )


def of_goods(r: random.Random) -> str:
    return (
        f"{r.choice(['Hello', 'Hi', 'Hey', 'Dear'])} {r.choice(NAMES)}, {r.choice(PRAISE)} article! My "
        f"{r.choice(['sister', 'brother', 'cousin', 'friend'])} bought cheap replica watches at best price from this "
        f"{r.choice(PRAISE)} shop, free shipping worldwide, visit www.watch{r.randint(1, 50)}.example now"
    )


def of_signals(r: random.Random) -> str:
    return (
        f"Join my {r.choice(PRAISE)} Telegram group for crypto signals, {r.randint(80, 99)}% accuracy, turn "
        f"{r.randint(100, 500)} into {r.randint(1_000, 9_000)} in {r.randint(3, 14)} days, message {r.choice(NAMES)} "
        f"t.me/{r.choice(NAMES).lower()}{r.randint(1, 999)}"
    )


def of_loans(r: random.Random) -> str:
    return (
        f"Need a loan of {r.randint(1, 90)}000 euro? {r.choice(PRAISE).title()} lender {r.choice(NAMES)} offers loans "
        f"at {r.randint(2, 5)}% to everybody with bad credit, apply by mail {r.choice(NAMES).lower()}@loan.example "
        f"today and get your money in {r.randint(1, 5)} days"
    )


SPAM: Sequence[Callable[[random.Random], str]] = (of_recovery, of_jobs, of_goods, of_signals, of_loans)
HARMLESS = """
The council voted against the new bridge again, and nobody explained why the old one was closed in the first place.
I have lived in this street for thirty years and never saw so many bicycles as this summer.
Thank you for the article. The part about the harbor was new to me.
Why does the paper never ask the people who clean the trains at night?
My grandmother used to bake that cake with plums, not with cherries, and it was better.
The referee was blind, but our team played badly as well, so we should not complain.
If the minister had read the report, she would have known about the costs two years ago.
Electric buses are fine in the city. In the villages they do not come at all.
You are right about the rents, and wrong about the reasons.
Has anybody tried the new swimming pool? The old one smelled of chlorine.
I do not agree with the author, though the facts seem to be correct.
Snow in April is nothing new here, my father told me of a storm in 1967.
The museum should stay open in the evening, when people who work have time.
As a nurse I can tell you that the wards are emptier on paper than they are in truth.
Please write more about the orchestra and less about its conductor.
They built the school without a gym, and now they wonder where the children should go.
I voted for them once, and I will not do it again, whatever they promise this time.
The photo shows the wrong square, this is the market in the old town.
Somebody should count how many trees were cut for that parking lot.
Good luck to the new owners of the bakery, we will certainly come by on Saturday.
""".strip().splitlines()


def caught(texts: Sequence[str]) -> int:
    """How many, from the third on, have a fingerprint that came at least three times so far."""
    counts: Counter[str] = Counter()
    found = 0
    for at, text in enumerate(texts):
        near = fingerprints(text).near
        counts.update(near)
        found += at >= 2 and max(counts[each] for each in near) >= 3
    return found


def test_variants_of_a_spam_text_are_near_each_other() -> None:
    found = {}
    for spam in SPAM:
        rates = [caught([spam(r) for _ in range(VARIANTS)]) / (VARIANTS - 2) for r in map(random.Random, range(10))]
        found[spam.__name__] = sum(rates) / len(rates)
    assert min(found.values()) >= 0.75, found
    assert sum(found.values()) / len(found) >= 0.9, found


def test_different_texts_are_not_near_each_other() -> None:
    counts = Counter(each for text in HARMLESS for each in fingerprints(text).near)
    assert len(counts) == len(HARMLESS) * FINGERPRINTS
    assert caught(HARMLESS) == 0


def test_case_numbers_and_the_path_of_a_link_make_no_difference() -> None:
    one = fingerprints("Only 5 left! Order today at https://www.shop.example/a")
    other = fingerprints("ONLY 17 left, order   today at http://shop.example/b?c=d")
    assert (one.exact, one.near, one.links) == (other.exact, other.near, other.links)


def test_look_alikes_make_no_difference() -> None:
    assert fingerprints("\uff22uy ch\u0435ap pills tod\u0430y") == fingerprints("Buy cheap pills today")


def test_links_to_one_place_are_equal_and_to_two_of_one_host_are_not() -> None:
    one, same, other = (fingerprints(each).links for each in ("a t.me/spam", "b https://t.me/spam/", "c t.me/ham"))
    assert one == same != other
    assert fingerprints("no link").links == ()


@pytest.mark.parametrize("text", ["+1", "Thank you!", "\u2764\ufe0f" * 20, "", "12345678901234567890", "ok ok ok"])
def test_a_short_text_only_has_an_exact_fingerprint(text: str) -> None:
    found = fingerprints(text)
    assert found.is_short
    assert found.near == ()


def test_short_texts_without_letters_are_told_apart() -> None:
    assert fingerprints("!!!").exact != fingerprints("\u2764").exact


def test_texts_without_spaces_between_words_are_compared_too() -> None:
    text = (
        "\u6211\u4eec\u63d0\u4f9b\u6700\u4fbf\u5b9c\u7684\u8d37\u6b3e\uff0c\u8bf7\u8054\u7cfb\u6211\u4eec\u7684\u5ba2\u670d"
        "\u4eba\u5458\u3002"
    )
    other = (
        "\u4eca\u5929\u5929\u6c14\u5f88\u597d\uff0c\u5b69\u5b50\u4eec\u90fd\u5728\u516c\u56ed\u91cc\u73a9\u800d\u548c"
        "\u8dd1\u6b65\u3002"
    )
    assert set(fingerprints(text).near) & set(fingerprints(f"{text}\u8c22\u8c22").near)
    assert not set(fingerprints(text).near) & set(fingerprints(other).near)


def test_a_fingerprint_never_changes() -> None:
    """Redis keeps them: a release that computes others forgets what came before."""
    found = fingerprints("Cheap watches for everybody, visit https://t.me/watches now")
    assert (found.exact, found.near[0], found.links) == ("MLtPKtiDUFfz", "2C30KdbePBc", ("VDaVAByxDKgJ",))


@given(st.text(max_size=80))
def test_any_text_has_fingerprints(text: str) -> None:
    found = fingerprints(text)
    assert found == fingerprints(text)
    assert len(found.near) in {0, FINGERPRINTS}


@pytest.mark.parametrize("unit", ["a ", "a.co ", "\u6211", "word" * 50 + " ", "1 ", "t.me/a "])
def test_a_long_text_takes_a_bounded_multiple_of_plain_text_and_time_is_linear(unit: str) -> None:
    def make(length: int) -> str:
        return unit * (length // len(unit))

    text, prose = make(20_000), plain(20_000)
    # Of nothing but addresses it takes 17 times as long.
    assert_at_most(40, lambda: fingerprints(text), lambda: fingerprints(prose), repr(unit))
    assert_linear(fingerprints, make, 20_000)


# Redis holds them, and other processes and releases compare with them.
KEPT = {
    "Hello to all of you, my friends of the garden club!": (
        "eRSs1uKXGIaA",
        ("36VuHqxqsAc", "K0JGCfaB0Qg", "7fuFMFT801g", "mTz5WoWiEwI", "dsUjA_VCpEk", "v_H5RrRbpRI"),
        (),
    ),
    "Visit https://shop.example.org/a?b=1 or call +49 170 1234567 today, only 99 left": (
        "IkkrYTvKVzBt",
        ("5BVpKV_y2BU", "yxmlPpQ02C0", "AxGcIx0I-2U", "WkwEMFz8nTc", "CHAFKhko7BE", "CSkgBR94pRI"),
        ("oF7ZQJXkg9Y0", "qrSrwSDbNVui"),
    ),
    "\u0426\u0435 \u0434\u0443\u0436\u0435 \u0433\u0430\u0440\u043d\u0430 \u0441\u0442\u0430\u0442\u0442\u044f, "
    "\u0434\u044f\u043a\u0443\u044e \u0430\u0432\u0442\u043e\u0440\u0443 \u0437\u0430 "
    "\u0447\u0435\u0441\u043d\u0438\u0439 \u043f\u043e\u0433\u043b\u044f\u0434": (
        "qgxONEgbaC-r",
        ("cnBdDGQ_uTA", "RNEQL3jFNAk", "fthfBY97LRY", "_RPiGb5Y3iE", "dXq3BD9bngI", "CvR6Kr-7u0E"),
        (),
    ),
    "\u4eca\u65e5\u306f\u3068\u3066\u3082\u826f\u3044\u5929\u6c17\u3067\u3059\u306d\u3001"
    "\u516c\u5712\u3078\u884c\u304d\u307e\u3057\u3087\u3046": (
        "PjFdu7s1tSgV",
        ("H2yNFG5BDwU", "2lCfDJF3Tw8", "VuGuA7Pxqgk", "Re25Abd8kgs", "cEKkALIL3xk", "bqsCDizZ9Co"),
        (),
    ),
    "+1": ("mFOtRASNRSf1", (), ()),
}


@pytest.mark.parametrize("text", KEPT)
def test_fingerprints_stay_the_same_from_release_to_release(text: str) -> None:
    assert fingerprints(text)[:3] == KEPT[text]
