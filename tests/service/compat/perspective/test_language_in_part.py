"""A language in which the model judges some attributes only, as the fast reader does in German."""

from pathlib import Path
from typing import Any

import pytest

from service.settings import Settings

GERMAN = "Du bist ein dummer Idiot und niemand will dich hier haben."


@pytest.fixture
def settings(redis_server: Any, tmp_path: Path) -> Settings:
    return Settings(redis_url=redis_server.url, data_dir=tmp_path, store_timeout_s=30, readers="fast")


async def test_of_several_languages_all_must_be_judged_in_the_attribute(perspective: Any, refusal: Any) -> None:
    both = {"languages": ["en", "de"]}
    assert (await perspective.analyze(GERMAN, "INSULT", **both)).body["languages"] == ["en", "de"]
    error = refusal(await perspective.analyze(GERMAN, "THREAT", **both), 400)
    assert error["message"] == "Attribute THREAT does not support request languages: en, de"


async def test_what_is_not_judged_in_the_language_is_named_or_dropped(perspective: Any, refusal: Any) -> None:
    error = refusal(
        await perspective.analyze(GERMAN, "INSULT", "THREAT"), 400, kind="LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE"
    )
    assert error["message"] == "Attribute THREAT does not support request languages: de"
    reply = await perspective.analyze(GERMAN, "THREAT", "INSULT", dropUnsupportedAttributes=True)
    assert list(reply.body["attributeScores"]) == ["INSULT"]
