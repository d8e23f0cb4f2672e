"""docs/openai.md says which categories are judged, and which are not."""

import re
from pathlib import Path

from classifier import LABELS
from service.compat.openai.categories import CATEGORIES, unsupported
from service.values.openai_models import MODELS

PAGE = (Path(__file__).parents[4] / "docs" / "openai.md").read_text()
TABLE = re.findall(r"^\| (`[^|]+`) \| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE)
ROWS = {name: (source, when) for names, source, when in TABLE for name in re.findall(r"`([^`]+)`", names)}


def test_the_page_names_every_category_and_what_it_is_made_from() -> None:
    assert set(CATEGORIES) <= set(ROWS)
    for name, groups in CATEGORIES.items():
        source, when = ROWS[name]
        named = set(re.findall(r"`(\w+)`", source if "the same" not in source else ROWS["harassment"][0] + source))
        assert named == {attribute for group in groups for attribute in group}, name
        assert (source.strip() == "nothing") is (when.strip() == "never") is (not groups), name


def test_only_one_category_waits_for_a_better_model() -> None:
    nothing = {name for name, (source, _) in ROWS.items() if source.strip() == "nothing"}
    assert set(unsupported(LABELS)) == nothing | {"sexual"}
    assert set(unsupported((*LABELS, "sexually_explicit"))) == nothing


def test_the_page_names_every_model_that_can_be_asked_for() -> None:
    assert all(f"`{model}`" in PAGE for model in MODELS)
