"""An attribute is served in the languages that Perspective served it in, and in no others that our model judges."""

from typing import Any

import pytest

DANISH = "Du er en dum idiot, og ingen vil have dig her i landet."
GERMAN = "Du bist ein dummer Idiot und niemand will dich hier haben."


@pytest.mark.parametrize(
    "attribute", ["TOXICITY", "SEVERE_TOXICITY", "IDENTITY_ATTACK", "INSULT", "PROFANITY", "THREAT"]
)
async def test_what_perspective_served_in_german_is_served(perspective: Any, attribute: str) -> None:
    reply = await perspective.analyze(GERMAN, attribute, languages=["de"])
    assert list(reply.body["attributeScores"]) == [attribute]


@pytest.mark.parametrize(("attribute", "language", "text"), [("TOXICITY", "da", DANISH), ("SPAM", "de", GERMAN)])
async def test_what_perspective_did_not_serve_there_is_an_error(
    perspective: Any, refusal: Any, attribute: str, language: str, text: str
) -> None:
    error = refusal(
        await perspective.analyze(text, attribute, languages=[language]),
        400,
        kind="LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE",
    )
    assert error["message"] == f"Attribute {attribute} does not support request languages: {language}"
