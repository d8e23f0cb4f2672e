"""An encoder is loaded only if it is complete and no file of it is a link or a pipe."""

import hashlib
import os
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest

from classifier.deep.encoder import FILES, SHIPPED, load_encoder, write_encoder
from classifier.errors import ModelRefused

CODES = np.zeros((3, 256), np.uint8)
STEPS = np.zeros(3, np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An encoder that agrees with its description; it has too few rows for its vocabulary."""
    pieces = (SHIPPED / "use-multilingual-3" / "pieces.model").read_bytes()
    write_encoder(tmp_path / "made", "by a test", pieces, CODES, STEPS)
    return tmp_path / "made"


def refused(folder: Path) -> str:
    with pytest.raises(ModelRefused) as caught:
        load_encoder(folder)
    assert caught.value.path == folder
    return caught.value.reason


def relist(folder: Path, name: str) -> None:
    path = folder / "encoder.json"
    described = msgspec.json.decode(path.read_bytes())
    described["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    path.write_bytes(msgspec.json.encode(described))


def test_a_table_without_a_row_for_each_piece_is_refused(folder: Path) -> None:
    assert "must have a row for each" in refused(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_is_refused(folder: Path, name: str) -> None:
    with (folder / name).open("ab") as file:
        file.write(b"x")
    assert refused(folder) == f"{name} is not the file that encoder.json lists"


@pytest.mark.parametrize("name", ["encoder.json", *FILES])
def test_a_link_is_refused(folder: Path, name: str) -> None:
    moved = (folder / name).rename(folder.parent / name)
    (folder / name).symlink_to(moved)
    assert f"{name} cannot be opened" in refused(folder)


def test_a_linked_folder_is_refused(folder: Path) -> None:
    (folder.parent / "linked").symlink_to(folder)
    assert refused(folder.parent / "linked") == "is a link"


@pytest.mark.parametrize("name", ["encoder.json", *FILES])
def test_a_pipe_is_not_waited_for(folder: Path, name: str) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert refused(folder) == f"{name} is not a regular file"


def test_what_is_no_vocabulary_is_refused(folder: Path) -> None:
    (folder / "pieces.model").write_bytes(b"x")
    relist(folder, "pieces.model")
    assert "pieces.model is not a vocabulary" in refused(folder)


def test_another_type_of_numbers_is_refused(folder: Path) -> None:
    np.save(folder / "steps.npy", STEPS.astype(np.float64))
    relist(folder, "steps.npy")
    assert "steps.npy holds <f8" in refused(folder)


@pytest.mark.parametrize("raw", [b"", b"{}", b"[" * 5_000, b" " * 100_000])
def test_what_describes_nothing_is_refused(folder: Path, raw: bytes) -> None:
    (folder / "encoder.json").write_bytes(raw)
    assert "encoder.json" in refused(folder)


def test_an_encoder_that_is_not_there_is_refused(folder: Path) -> None:
    shutil.rmtree(folder)
    assert "encoder.json cannot be opened" in refused(folder)
