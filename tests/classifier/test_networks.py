"""A model whose deep reader has one network, as in format 3, or several, as in format 4."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

import classifier
from classifier import ModelRefused
from classifier.deep.encoder import SHIPPED, load_encoder
from classifier.deep.kernel import ARRAYS
from classifier.deep.reader import MOST_NETWORKS, DeepReader, prefix
from classifier.deep.stack import Stack
from classifier.folder import read_folder, write_folder
from classifier.kernel import Weights
from classifier.manifest import DEEP_FORMAT, NETWORKS_FORMAT, NEWEST_FORMAT, format_of

TEXTS = ["You are an idiot.", "Thank you for this thoughtful article.", "Nobody wants you here. Go away!"]


def written(folder: Path, networks: int) -> Path:
    """The first network of the shipped model, so many times over; each counts for its share of the sum."""
    manifest, arrays, words = read_folder(classifier.SHIPPED)
    assert manifest.deep is not None
    one = {name: arrays[f"deep_{name}"] for name in ARRAYS}
    reader = DeepReader.of(load_encoder(SHIPPED / manifest.deep.encoder), one)
    stack, fast = Stack(reader, arrays["deep_stack"], arrays["deep_stack_bias"]), Weights(arrays)
    golden = [stack.score(0, each.text, fast.score(each.text)).tolist() for each in manifest.golden]
    copies = {f"deep_{prefix(at)}{name}": array for at in range(networks) for name, array in one.items()}
    copies["deep_stack"] = arrays["deep_stack"] / np.array([1, networks, networks])
    deep = msgspec.structs.replace(manifest.deep, networks=networks, golden=golden)
    made = msgspec.structs.replace(manifest, format=format_of(deep), deep=deep, own=[])
    write_folder(folder / f"of-{networks}", made, arrays | copies, words)
    return folder / f"of-{networks}"


@pytest.mark.parametrize("networks", range(1, MOST_NETWORKS + 1))
def test_a_model_says_how_many_networks_it_has(tmp_path: Path, networks: int) -> None:
    folder = written(tmp_path, networks)
    manifest = classifier.read_manifest(folder)
    assert manifest.deep is not None
    assert (manifest.format, manifest.deep.networks) == (DEEP_FORMAT if networks == 1 else NETWORKS_FORMAT, networks)
    assert len([*folder.glob("deep_*first.npy")]) == networks
    model = classifier.load(folder)
    alone = classifier.load(written(tmp_path / "one", 1))
    np.testing.assert_allclose(model.score_many(TEXTS), alone.score_many(TEXTS), atol=1e-6)
    assert [span.start for span in model.spans(TEXTS[0])] == [span.start for span in alone.spans(TEXTS[0])]


def test_a_model_of_format_3_does_not_say_how_many(tmp_path: Path) -> None:
    """As it was before there were several."""
    folder = written(tmp_path, 1)
    described = msgspec.json.decode((folder / "manifest.json").read_bytes())
    del described["deep"]["networks"]
    (folder / "manifest.json").write_bytes(msgspec.json.encode(described))
    assert classifier.load(folder).has_deep_reader


@pytest.mark.parametrize(
    ("number", "networks", "reason"),
    [
        (DEEP_FORMAT, 2, "has format 3; what it describes has format 4"),
        (NETWORKS_FORMAT, 1, "has format 4; what it describes has format 3"),
        (NETWORKS_FORMAT, MOST_NETWORKS + 1, "is not a manifest"),
        (DEEP_FORMAT, 0, "is not a manifest"),
        (NEWEST_FORMAT + 1, 2, "this version reads formats 2 to 5"),
    ],
)
def test_a_number_of_networks_that_does_not_fit_is_refused(
    tmp_path: Path, number: int, networks: int, reason: str
) -> None:
    folder = written(tmp_path, 2)
    described = msgspec.json.decode((folder / "manifest.json").read_bytes())
    described |= {"format": number, "deep": described["deep"] | {"networks": networks}}
    (folder / "manifest.json").write_bytes(msgspec.json.encode(described))
    with pytest.raises(ModelRefused, match=reason):
        classifier.load(folder)


def test_a_network_that_is_missing_is_noticed(tmp_path: Path) -> None:
    folder = written(tmp_path, 2)
    (folder / f"deep_{prefix(1)}first.npy").unlink()
    with pytest.raises(ModelRefused, match="it must hold"):
        classifier.load(folder)
