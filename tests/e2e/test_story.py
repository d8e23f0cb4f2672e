"""The story of a promise in its short form; `make story` tells it with 20,000 comments."""

from pathlib import Path

import pytest
from steward import running
from story import tell


@pytest.mark.timeout(900)
def test_a_promise_is_kept_broken_and_certified_again_with_a_model_that_learned_from_it(tmp_path: Path) -> None:
    with running(tmp_path / "data") as steward:
        tell(steward, tmp_path, comments=4_200)
