"""The same spam from many new authors: held from the third copy on, whatever the model says of the text."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

CASES = Path(__file__).parents[4] / "shared" / "cases" / "sentences.jsonl"
VARIANTS = 20
NAMES = ("Anna", "Boris", "Chloe", "David", "Elena", "Felix", "Grace", "Hugo", "Ines", "Jonas")
BEFORE = ("Hello all.", "Hi friends!", "Good news:", "Listen up.", "Wow.", "Hey there,", "", "Attention please!")
AFTER = ("Thank me later.", "God bless.", "Try it now", "You will not regret it!", "", "See you", "It is real.")


def sentences(*kinds: str) -> list[str]:
    rows = map(json.loads, CASES.read_text(encoding="utf-8").splitlines())
    return [row["text"] for row in rows if row["kind"] in kinds]


def variants(text: str, number: int) -> list[str]:
    """As an attacker writes them: other greetings and names, and a link to the same place under another path."""
    chance = random.Random(number)  # noqa: S311 - a test that repeats itself
    return [
        " ".join(
            filter(
                None,
                (
                    chance.choice(BEFORE),
                    text,
                    chance.choice(AFTER),
                    chance.choice(NAMES),
                    f"https://offer-{number}.example/{chance.randrange(10_000)}",
                ),
            )
        )
        for _ in range(VARIANTS)
    ]


needs_cases = pytest.mark.skipif(not CASES.exists(), reason="the shared cases are not here")


@needs_cases
async def test_an_attack_is_held_from_the_third_copy_on(admin: Any) -> None:
    held, sent = 0, 0
    for number, text in enumerate(sentences("spam", "spam_long")):
        for copy, variant in enumerate(variants(text, number)):
            comment = {"id": f"c-{number}-{copy}", "text": variant, "author": {"id": f"u-{number}-{copy}"}}
            reply = await admin.post("/v1/comments", comment)
            assert reply.status == 200, reply.body
            if copy >= 2:
                sent += 1
                held += reply.body["decision"] != "approve"
    assert sent == len(sentences("spam", "spam_long")) * (VARIANTS - 2)
    assert held / sent >= 0.9, f"{held} of {sent}"


@needs_cases
async def test_none_of_the_harmless_is_rejected(admin: Any) -> None:
    for number, text in enumerate(sentences("spam_ham", "subscribe_words_benign", "sentence_with_url")):
        reply = await admin.post("/v1/comments", {"id": f"c-{number}", "text": text, "author": {"id": f"u-{number}"}})
        assert reply.body["decision"] != "reject", text


async def test_thirty_equal_comments_of_one_author_are_not_approved_thirty_times(admin: Any) -> None:
    text, found = "The road past the school is closed until Monday.", []
    for number in range(30):
        reply = await admin.post("/v1/comments", {"id": f"c-{number}", "text": text, "author": {"id": "u-1"}})
        found.append(reply.body["decision"])
    assert found == ["approve"] * 2 + ["review"] * 28
