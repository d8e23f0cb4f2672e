"""A language in which the model judges some attributes only, as the fast reader does in German."""

from pathlib import Path
from typing import Any

import pytest

from service.settings import Settings


@pytest.fixture
def settings(redis_server: Any, tmp_path: Path) -> Settings:
    return Settings(redis_url=redis_server.url, data_dir=tmp_path, store_timeout_s=30, readers="fast")


async def test_a_language_that_is_judged_in_part_says_which(moderate: Any) -> None:
    (german,) = await moderate("Du bist ein verdammter Idiot und ein dummes Schwein, halt endlich dein Maul!")
    types = german["category_applied_input_types"]
    assert [name for name, judged in types.items() if judged] == ["harassment", "hate"]
