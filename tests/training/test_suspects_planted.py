"""In real comments some labels are wrong on purpose: how many of the first suspects are these?"""

from pathlib import Path

import pytest
from planted import find, plant, precision

from training.fit import Recipe

DATA = Path(__file__).parents[3] / "shared" / "data"
LABELS, WRONG = 500, 25
# Half the work of the benchmark's models (planted.SMALL), which find hardly more.
QUICK = Recipe(bits=14, vector_bits=12, most_iterations=15, epochs=1)


@pytest.mark.data
@pytest.mark.timeout(600)
@pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not here")
def test_wrong_labels_come_first(tmp_path: Path) -> None:
    wrong = plant(tmp_path, DATA, LABELS, WRONG)
    found = find(tmp_path, DATA, LABELS, QUICK)
    at_random = WRONG / LABELS
    assert precision(found, wrong, WRONG) > 4 * at_random
    assert len(wrong & {each.id for each in found}) > WRONG / 2
