"""Words with similar contexts get similar initial vectors, without any label."""

import numpy as np
import pytest

from classifier.kernel import DIM
from training.sequences import Sequences, sequences
from training.word_vectors import cooccurrence_vectors

BITS, SIZE = 14, 0.3
TOPICS, WORDS = 30, 20


@pytest.fixture(scope="module")
def read() -> Sequences:
    """Each text is of one topic, and each topic has words of its own; how they are spelled says nothing."""
    random = np.random.default_rng(1)
    words = ["".join(letters) for letters in random.choice(list("abcdefghijklmnop"), (TOPICS * WORDS, 8))]
    topics = np.array(words).reshape(TOPICS, WORDS)
    return sequences([" ".join(random.choice(topics[n % TOPICS], 12)) for n in range(3000)], BITS)


def of_words(read: Sequences, vectors: np.ndarray) -> np.ndarray:
    """The words' own vectors, in the order in which they are first met, and so topic by topic of the first texts."""
    found: np.ndarray = read.table @ vectors
    return found


def test_words_of_one_topic_begin_alike(read: Sequences) -> None:
    vectors = cooccurrence_vectors(read, SIZE)
    assert vectors is not None
    assert vectors.shape == (1 << BITS, DIM)
    found = of_words(read, vectors)
    topic = np.empty(len(found), int)
    for text in range(len(read)):
        topic[read.tokens[read.starts[text] : read.starts[text + 1]]] = text % TOPICS
    directions = found / np.linalg.norm(found, axis=1, keepdims=True)
    alike = directions @ directions.T
    is_same = topic[:, None] == topic
    assert alike[is_same].mean() > 0.5
    assert abs(alike[~is_same].mean()) < 0.1


def test_they_are_as_long_as_asked(read: Sequences) -> None:
    vectors = cooccurrence_vectors(read, SIZE)
    assert vectors is not None
    assert np.sqrt(np.mean(of_words(read, vectors) ** 2)) == pytest.approx(SIZE, rel=0.2)


def test_the_same_texts_give_the_same_vectors(read: Sequences) -> None:
    one, other = cooccurrence_vectors(read, SIZE, seed=3), cooccurrence_vectors(read, SIZE, seed=3)
    assert one is not None
    assert other is not None
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("texts", [[], ["", ""], ["a few words and no more"] * 50])
def test_of_few_words_nothing_is_said(texts: list[str]) -> None:
    assert cooccurrence_vectors(sequences(texts, BITS), SIZE) is None
