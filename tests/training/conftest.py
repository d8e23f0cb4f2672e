import sys
from pathlib import Path

import pytest

import classifier

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def shipped() -> classifier.Model:
    return classifier.load(classifier.SHIPPED)
