"""The story of a promise in its short form; `make story` tells it with 20,000 comments."""

from pathlib import Path

import pytest
from steward import running
from story import tell


@pytest.mark.timeout(300)
def test_a_promise_is_certified_kept_broken_noticed_and_certified_again(tmp_path: Path) -> None:
    with running(tmp_path / "data") as steward:
        tell(steward, tmp_path / "certificates", comments=3_000)
