import pytest

from training.deep.published import Published, published


@pytest.fixture(scope="session")
def source() -> Published:
    """To read and to round it takes seconds, and nobody changes it."""
    return published()
