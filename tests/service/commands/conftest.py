"""What several commands are tried with."""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from losing import Lost


@pytest.fixture
def lost(redis_server: Any, tmp_path: Path) -> Lost:
    return Lost(redis_server, tmp_path)
