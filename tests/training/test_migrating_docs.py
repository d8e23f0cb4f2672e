"""docs/migrating.md shows the real output of the command."""

import re

from migrating_docs import ARGUMENTS, PAGE, page


def test_the_example_of_the_page_is_what_the_command_prints() -> None:
    assert PAGE.read_text() == page(), "run: python tests/training/migrating_docs.py"


def test_the_page_shows_the_command_that_was_run() -> None:
    assert f"steward migrate perspective kept.csv {' '.join(ARGUMENTS)}" in re.sub(r"\\\n *", "", PAGE.read_text())
