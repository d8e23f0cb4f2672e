"""What the deep reader learns, and that an interrupted run can resume."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from classifier.deep.encoder import SHIPPED, load_encoder
from classifier.deep.reader import DeepReader
from training.deep.fit import DeepRecipe, DeepTrainingSet, Run, multiplies_bfloat16
from training.deep.integers import arrays_of, reach, weights_of
from training.deep.network import PieceBatch
from training.deep.published import Published, write
from training.errors import DataUnusable

RECIPE = DeepRecipe(epochs=6, batch=16, threads=1)


@pytest.fixture(scope="module")
def whole(source: Published, training_data: DeepTrainingSet) -> Run:
    """A run that was not interrupted."""
    run = Run(source, training_data, RECIPE, None)
    run.train()
    return run


def test_what_ships_is_what_the_package_holds(source: Published, tmp_path: Path) -> None:
    shipped = SHIPPED / "use-multilingual-3"
    written = tmp_path / shipped.name
    result = CliRunner().invoke(write, [str(written)])
    assert result.exit_code == 0, result.output
    assert {file.name for file in written.iterdir()} == {file.name for file in shipped.iterdir()}
    for file in shipped.iterdir():
        assert (written / file.name).read_bytes() == file.read_bytes(), file.name
    assert len(source.codes) == load_encoder(shipped).tokenizer.size


def test_it_learns_what_an_insult_is_also_in_another_language(whole: Run, training_data: DeepTrainingSet) -> None:
    reader = whole.reader
    weights = {name: tensor.detach().numpy() for name, tensor in reader.state_dict().items()}
    encoder = load_encoder(SHIPPED / "use-multilingual-3")
    deep = DeepReader.of(encoder, arrays_of(weights, reach(reader, training_data.pieces)))
    kind, insults = (
        ("Ein sch\u00f6ner Garten.", "Mein guter Freund."),
        ("Du dummer Idiot!", "Halt die Klappe, du Clown."),
    )
    found = [deep.read_many(texts)[:, 0] for texts in (kind, insults)]
    assert found[0].max() < found[1].min()


def test_a_run_that_was_killed_goes_on_where_it_stood(
    source: Published, training_data: DeepTrainingSet, whole: Run, tmp_path: Path
) -> None:
    stopped = Run(source, training_data, RECIPE, tmp_path / "deep.pt")

    def kill(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped.train(kill, report_steps=7)
    resumed = Run(source, training_data, RECIPE, tmp_path / "deep.pt")
    assert resumed.resume()
    assert resumed.step == 7
    resumed.train()
    for name, tensor in whole.reader.state_dict().items():
        torch.testing.assert_close(resumed.reader.state_dict()[name], tensor)


def test_a_run_does_not_go_on_with_other_data(
    source: Published, training_data: DeepTrainingSet, tmp_path: Path
) -> None:
    file = tmp_path / "deep.pt"
    Run(source, training_data, DeepRecipe(epochs=0.1, batch=16, threads=1), file).train()
    with pytest.raises(DataUnusable, match="another recipe"):
        Run(source, training_data, RECIPE, file).resume()
    assert not Run(source, training_data, RECIPE, tmp_path / "elsewhere.pt").resume()


def test_other_pieces_of_the_same_length_are_other_data(training_data: DeepTrainingSet) -> None:
    assert replace(training_data, pieces=[*training_data.pieces]).digest == training_data.digest
    first, *others = training_data.pieces
    assert replace(training_data, pieces=[first + 1, *others]).digest != training_data.digest
    split = [first[:-1], np.concatenate([first[-1:], others[0]]), *others[1:]]
    assert replace(training_data, pieces=split).digest != training_data.digest


@pytest.mark.parametrize("damage", [lambda _: b"", lambda _: b"no checkpoint", lambda raw: raw[: len(raw) // 2]])
def test_a_damaged_checkpoint_is_named(
    source: Published, training_data: DeepTrainingSet, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    recipe = DeepRecipe(epochs=0.1, batch=16, threads=1)
    file = tmp_path / "deep.pt"
    Run(source, training_data, recipe, file).train()
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(DataUnusable, match=r"deep\.pt is damaged; remove it to start over"):
        Run(source, training_data, recipe, file).resume()


def test_a_run_can_begin_with_what_another_one_learnt(
    source: Published, training_data: DeepTrainingSet, tmp_path: Path
) -> None:
    first = Run(source, training_data, RECIPE, tmp_path / "deep.pt")
    first.train()
    second = Run(
        source, training_data, DeepRecipe(epochs=0.1, batch=16, threads=1, rate=0.0, head_rate=0.0, decay=0.0), None
    )
    second.begin_from(tmp_path / "deep.pt")
    second.train()
    for name, tensor in first.reader.state_dict().items():
        torch.testing.assert_close(second.reader.state_dict()[name], tensor)
    (tmp_path / "other.pt").write_bytes(b"no checkpoint")
    with pytest.raises(DataUnusable, match="not a checkpoint"):
        second.begin_from(tmp_path / "other.pt")


def test_a_run_can_begin_with_the_integers_of_a_model(
    source: Published, training_data: DeepTrainingSet, whole: Run
) -> None:
    first = whole.reader
    arrays = arrays_of(
        {name: each.detach().numpy() for name, each in first.state_dict().items()}, reach(first, training_data.pieces)
    )
    second = Run(source, training_data, RECIPE, None)
    second.begin_with(weights_of(arrays))
    batch = PieceBatch.of(training_data.pieces)
    with torch.inference_mode():
        torch.testing.assert_close(second.reader.eval()(batch), first(batch), atol=0.2, rtol=0.02)


def test_bfloat16_is_used_where_the_processor_has_instructions_for_it(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("flags\t\t: fpu avx2 avx512f avx512_bf16 clzero\n")
    assert multiplies_bfloat16(cpuinfo)
    cpuinfo.write_text("flags\t\t: fpu avx2 clzero\n")
    assert not multiplies_bfloat16(cpuinfo)
    assert not multiplies_bfloat16(tmp_path / "missing")
