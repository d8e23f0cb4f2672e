"""Comments with known truth, for the story of a promise."""

import random
from collections.abc import Iterator
from typing import NamedTuple

TOPICS = (
    "the tram",
    "the pool",
    "the harbor",
    "parking fees",
    "the library",
    "the theater",
    "the budget",
    "night buses",
)
NOUNS = ("moron", "idiot", "imbecile", "dumb pig", "worthless clown", "stupid liar")
HARMLESS = (
    "Thank you for the piece on {topic}.",
    "The council decided on {topic} last spring, did it not?",
    "Could somebody explain {topic} to me?",
    "I disagree: {topic} costs more than that.",
    "We had the same with {topic} ten years ago.",
)
ABUSIVE = (
    "You are a {noun}, and so is whoever wrote about {topic}.",
    "Shut up about {topic}, you {noun}.",
    "Only a {noun} believes that about {topic}.",
)
# Moderators reject six in ten of these.
HEATED = ("What utter rubbish about {topic}.", "Nobody believes your nonsense about {topic}.")
UNKNOWN = ("Every zorblax talks about {topic}.", "What a zorblax, with {topic} again.")


class Sent(NamedTuple):
    text: str
    violates: bool


def traffic(count: int, rng: random.Random, unknown: float = 0.0) -> Iterator[Sent]:
    """`unknown`: the share of comments with the insult that the model does not know."""
    kinds = ("harmless", "abusive", "heated", "unknown")
    weights = (0.78 - unknown, 0.14, 0.08, unknown)
    patterns = dict(zip(kinds, (HARMLESS, ABUSIVE, HEATED, UNKNOWN), strict=True))
    for kind in rng.choices(kinds, weights, k=count):
        text = rng.choice(patterns[kind]).format(topic=rng.choice(TOPICS), noun=rng.choice(NOUNS))
        violates = {"harmless": rng.random() < 0.0005, "heated": rng.random() < 0.6}.get(kind, True)
        yield Sent(text, violates)
