import numpy as np
import pytest

from classifier.deep.encoder import SHIPPED, load_encoder
from training.deep.fit import DeepTrainingSet
from training.deep.published import Published, published
from training.deep.training_set import training_set
from training.examples import Examples

INSULTS = ("You are a {} fool.", "What a {} idiot you are!", "Shut up, you {} moron.", "Only a {} clown writes so.")
KIND = ("You are a {} friend.", "What a {} garden you have!", "Look at this {} sunset.", "Only a {} cook bakes so.")
WORDS = ("great", "big", "total", "real", "complete", "true", "huge", "small")


@pytest.fixture(scope="session")
def training_data() -> DeepTrainingSet:
    """64 texts, half of them insults."""
    texts = [frame.format(word) for frames in (INSULTS, KIND) for frame in frames for word in WORDS]
    labels = np.full((len(texts), 7), np.nan, np.float32)
    labels[:, 0] = [1.0] * (len(texts) // 2) + [0.0] * (len(texts) // 2)
    weights, folds = np.ones(len(texts), np.float32), np.zeros(len(texts), np.int8)
    examples = Examples(texts, labels, weights, texts, folds, ["own"] * len(texts))
    return training_set(examples, load_encoder(SHIPPED / "use-multilingual-3").tokenizer)


@pytest.fixture(scope="session")
def source() -> Published:
    """To read and to round it takes seconds, and nobody changes it."""
    return published()
