"""A network on the published encoder as it is: only its head learns, from embeddings that are read once."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classifier.deep.encoder import SHIPPED, load_encoder
from classifier.deep.reader import DeepReader
from training.deep import frozen
from training.deep.fit import DeepTrainingSet
from training.deep.frozen import EMBEDDINGS, HeadRecipe, embed, published_network, train_head
from training.deep.integers import arrays_of, reach
from training.deep.published import Published
from training.errors import DataUnusable

RECIPE = HeadRecipe(epochs=60, batch=16)


def test_the_head_learns_and_the_encoder_stays_as_published(source: Published, training_data: DeepTrainingSet) -> None:
    network, before = published_network(source), published_network(source).state_dict()
    train_head(network, embed(network, training_data, None, lambda _: None), training_data, RECIPE, lambda _: None)
    after = network.state_dict()
    changed = {name for name, tensor in before.items() if not tensor.equal(after[name])}
    assert changed == {f"head.{layer}.{part}" for layer in ("hidden", "output") for part in ("weight", "bias")}
    weights = {name: tensor.numpy() for name, tensor in after.items()}
    encoder = load_encoder(SHIPPED / "use-multilingual-3")
    reader = DeepReader.of(encoder, arrays_of(weights, reach(network, training_data.pieces)))
    kind, insults = (
        ["Ein sch\u00f6ner Garten.", "Mein guter Freund."],
        ["Du dummer Idiot!", "Halt die Klappe, du Clown."],
    )
    assert reader.read_many(kind)[:, 0].max() < reader.read_many(insults)[:, 0].min()


def test_each_text_has_the_embedding_that_it_has_alone(
    monkeypatch: pytest.MonkeyPatch, source: Published, training_data: DeepTrainingSet
) -> None:
    monkeypatch.setattr(frozen, "TOGETHER", 40)  # several passes
    network = published_network(source)
    found = embed(network, training_data, None, lambda _: None)
    for text in (0, 17, len(found) - 1):
        alone = replace(training_data, pieces=[training_data.pieces[text]])
        np.testing.assert_allclose(embed(network, alone, None, lambda _: None)[0], found[text], atol=2e-3)


def test_a_reading_that_was_killed_goes_on_where_it_stood(
    monkeypatch: pytest.MonkeyPatch, source: Published, training_data: DeepTrainingSet, tmp_path: Path
) -> None:
    monkeypatch.setattr(frozen, "NOTED", 10)
    network, told = published_network(source), list[str]()

    def kill(said: str) -> None:
        told.append(said)
        if len(told) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed(network, training_data, tmp_path, kill)
    told.clear()
    found = embed(network, training_data, tmp_path, told.append)
    assert told[0].startswith("read 40 of "), "the first thirty were read before"
    np.testing.assert_array_equal(found, embed(network, training_data, None, lambda _: None))


def test_a_disk_without_room_for_the_embeddings_is_named(
    monkeypatch: pytest.MonkeyPatch, source: Published, training_data: DeepTrainingSet, tmp_path: Path
) -> None:
    network, sizes = published_network(source), list[int]()

    def full(_: int, start: int, size: int) -> None:
        sizes.append(size - start)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "posix_fallocate", full)
        with pytest.raises(DataUnusable, match=r"embeddings\.npy cannot be written: .*No space left"):
            embed(network, training_data, tmp_path, lambda _: None)
    assert sizes[0] > embed(network, training_data, tmp_path, lambda _: None).nbytes, "all of them, and the header"


def test_embeddings_of_other_texts_or_damaged_ones_are_made_again(
    source: Published, training_data: DeepTrainingSet, tmp_path: Path
) -> None:
    network = published_network(source)
    embed(network, training_data, tmp_path, lambda _: None)
    other = replace(training_data, pieces=[text[::-1].copy() for text in training_data.pieces])
    expected = embed(network, other, None, lambda _: None)
    np.testing.assert_array_equal(embed(network, other, tmp_path, lambda _: None), expected)
    whole = (tmp_path / EMBEDDINGS).read_bytes()
    for damaged in (b"no array", whole[: len(whole) // 2]):
        (tmp_path / EMBEDDINGS).write_bytes(damaged)
        np.testing.assert_array_equal(embed(network, other, tmp_path, lambda _: None), expected)
    frozen.remove_embeddings(tmp_path)
    assert not [*tmp_path.iterdir()]
