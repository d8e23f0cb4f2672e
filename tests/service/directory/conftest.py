"""A directory over a real Redis; records.py has what is kept in it."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from service.cases.directory import Directory
from service.store import Store
from service.values.policy import DEFAULT


@pytest.fixture
def directory(store: Store, tmp_path: Path) -> Directory:
    return Directory(store.access, tmp_path / "access.json", DEFAULT, store.background)
