import sys
from pathlib import Path

import pytest

import classifier
from training import contrast

sys.path.insert(0, str(Path(__file__).parent))


FEW = (
    ("threat_plain", 0.95, ("I will find you and hurt you tonight.", "You will be dead before long, wait for it.")),
    ("friendly", 0.0, tuple(f"Thank you for walk number {number} in the park." for number in range(30))),
)


@pytest.fixture
def few_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of those of the frames, which take a minute to fill."""
    rows = tuple(
        contrast.Row(text, {"toxicity": taught}, "en", function, f"{function} {at}", is_test=True, groups=())
        for function, taught, texts in FEW
        for at, text in enumerate(texts)
    )
    monkeypatch.setattr(contrast, "rows", lambda _language: rows)
    monkeypatch.setattr(contrast, "languages", lambda: ("en",))


@pytest.fixture(scope="session")
def shipped() -> classifier.Model:
    return classifier.load(classifier.SHIPPED)
