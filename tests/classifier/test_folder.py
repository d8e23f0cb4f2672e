"""A model folder is loaded only if it is complete, known and consistent."""

import hashlib
import io
import os
import pickle
import re
import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

import classifier
from classifier.folder import write_folder

Arrays = dict[str, NDArray[Any]]


class _Bomb:
    """Unpickling this leaves a file behind."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.trace,)


def refused(folder: Path) -> str:
    with pytest.raises(classifier.ModelRefused) as caught:
        classifier.load(folder)
    assert caught.value.path == folder
    assert folder.name in str(caught.value)
    return caught.value.reason


def edit_manifest(folder: Path, **changes: object) -> None:
    path = folder / "manifest.json"
    path.write_bytes(msgspec.json.encode(msgspec.json.decode(path.read_bytes()) | changes))


def relist(folder: Path, name: str) -> None:
    """Make the manifest agree with a file that was changed, as somebody who swaps it would."""
    data = (folder / name).read_bytes()
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes())
    listed = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    edit_manifest(folder, files=manifest["files"] | {name: listed})


def put_array(folder: Path, name: str, array: NDArray[Any]) -> None:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=(1, 0), allow_pickle=True)
    (folder / name).write_bytes(file.getvalue())
    relist(folder, name)


def test_a_sound_folder_loads(folder: Path) -> None:
    model = classifier.load(folder)
    assert model.version == "test-1"
    assert re.fullmatch("[0-9a-f]{64}", model.digest)
    assert classifier.read_manifest(folder).digest == model.digest


def test_the_shipped_model_loads() -> None:
    assert classifier.load(classifier.SHIPPED).labels == classifier.LABELS


@pytest.mark.parametrize("name", ["manifest.json", "rows.npy", "bias.npy", "slope.npy", "intercept.npy"])
@pytest.mark.parametrize("kept", [0, 10, -1])
def test_a_truncated_file_is_refused(folder: Path, name: str, kept: int) -> None:
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[:kept] if kept >= 0 else data[: -(len(data) // 3)])
    assert name in refused(folder)


@pytest.mark.parametrize("name", ["rows.npy", "bias.npy"])
def test_a_changed_byte_is_refused(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[-1] ^= 1
    (folder / name).write_bytes(data)
    assert refused(folder) == f"{name} is not the file that manifest.json lists"


def test_missing_and_foreign_files_are_refused(folder: Path) -> None:
    (folder / "notes.txt").write_text("hello")
    assert "notes.txt" in refused(folder)
    (folder / "notes.txt").unlink()
    (folder / "bias.npy").unlink()
    assert "it must hold" in refused(folder)


@pytest.mark.parametrize("name", ["../outside.npy", "/etc/passwd", "sub/rows.npy", "rows.npy\0"])
def test_a_listed_path_never_leaves_the_folder(folder: Path, name: str) -> None:
    files = msgspec.json.decode((folder / "manifest.json").read_bytes())["files"]
    edit_manifest(folder, files=files | {name: files["rows.npy"]})
    assert "it must list" in refused(folder)


def test_links_are_refused(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.npy"
    (folder / "rows.npy").rename(elsewhere)
    (folder / "rows.npy").symlink_to(elsewhere)
    assert "rows.npy" in refused(folder)
    link = tmp_path / "linked"
    link.symlink_to(folder)
    assert "link" in refused(link)


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    assert "manifest.json" in refused(tmp_path / "nothing")
    (tmp_path / "file").write_text("x")
    assert "manifest.json" in refused(tmp_path / "file")


@pytest.mark.parametrize("name", ["bias.npy", "manifest.json"])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(folder: Path, name: str) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert refused(folder) == f"{name} is not a regular file"


@pytest.mark.parametrize("name", ["bias.npy", "manifest.json"])
def test_a_folder_in_the_place_of_a_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    (folder / name).mkdir()
    assert refused(folder) == f"{name} is not a regular file"


def test_a_pickle_is_refused_and_never_unpickled(folder: Path, tmp_path: Path) -> None:
    trace = tmp_path / "unpickled"
    (folder / "bias.npy").write_bytes(pickle.dumps(_Bomb(trace)))
    relist(folder, "bias.npy")
    assert "not a plain array" in refused(folder)
    put_array(folder, "bias.npy", np.array([_Bomb(trace)] * 7, dtype=object))
    assert "bias.npy" in refused(folder)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("rows.npy", np.zeros((1 << 12, 8), np.float32)),
        ("rows.npy", np.zeros((1 << 12, 7), np.uint8)),
        ("rows.npy", np.zeros((1000, 8), np.uint8)),
        ("rows.npy", np.zeros((0, 8), np.uint8)),
        ("rows.npy", np.zeros((8, 1 << 12), np.uint8).T),
        ("rows.npy", np.zeros(1 << 12, np.uint8)),
        ("vectors.npy", np.zeros((1000, 32), np.int8)),
        ("vectors.npy", np.zeros((1 << 12, 16), np.int8)),
        ("filters.npy", np.zeros((3, 64, 32), np.float32)),
        ("slope.npy", np.ones((2, 7))),
        ("slope.npy", np.ones((0, 7))),
        ("bias.npy", np.zeros(6)),
        ("bias.npy", np.zeros(7, ">f8")),
    ],
)
def test_another_type_or_shape_is_refused(folder: Path, name: str, array: NDArray[Any]) -> None:
    put_array(folder, name, array)
    refused(folder)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["bias", "slope", "intercept", "steps", "filters", "hidden", "output"])
def test_numbers_that_are_not_finite_are_refused(folder: Path, arrays: Arrays, name: str, number: float) -> None:
    array = arrays[name].copy()
    array[-1] = number
    put_array(folder, f"{name}.npy", array)
    assert "not finite" in refused(folder)


@pytest.mark.parametrize("shape", ["(99999999999999999999, 8)", "(-8, 8)", "(4611686018427387904, 8)"])
def test_a_header_that_promises_absurd_sizes_is_refused(folder: Path, shape: str) -> None:
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    (folder / "rows.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
    relist(folder, "rows.npy")
    assert "rows.npy" in refused(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 1},
        {"format": "2"},
        {"labels": []},
        {"labels": ["toxicity"] * 7},
        {"version": "../up"},
        {"golden": []},
        {"golden": [{"text": "x", "scores": [0.5]}]},
    ],
)
def test_an_unknown_manifest_is_refused(folder: Path, changes: dict[str, object]) -> None:
    edit_manifest(folder, **changes)
    refused(folder)


@pytest.mark.parametrize("raw", [b"", b"null", b"[]", b"{", b"\xff", b"[" * 100_000, b" " * 2_000_000])
def test_a_manifest_that_is_none_is_refused(folder: Path, raw: bytes) -> None:
    (folder / "manifest.json").write_bytes(raw)
    assert "manifest.json" in refused(folder)


def test_scores_that_drifted_are_refused(folder: Path) -> None:
    golden = msgspec.json.decode((folder / "manifest.json").read_bytes())["golden"]
    golden[1]["scores"][3] += 2e-6
    edit_manifest(folder, golden=golden)
    assert "golden text 1" in refused(folder)


@pytest.fixture
def of_both(tmp_path: Path) -> Path:
    """The shipped model, which has a deep reader."""
    return Path(shutil.copytree(classifier.SHIPPED, tmp_path / "of_both", copy_function=shutil.copyfile))


def edit_deep(folder: Path, **changes: object) -> None:
    edit_manifest(folder, deep=msgspec.json.decode((folder / "manifest.json").read_bytes())["deep"] | changes)


@pytest.mark.parametrize("count", [0, 1, 6, 8])
def test_scores_of_both_readers_for_more_or_fewer_labels_are_refused(of_both: Path, count: int) -> None:
    golden = msgspec.json.decode((of_both / "manifest.json").read_bytes())["deep"]["golden"]
    edit_deep(of_both, golden=[*golden[:1], (golden[1] * 2)[:count], *golden[2:]])
    assert "golden text 1" in refused(of_both)


def test_scores_of_both_readers_that_drifted_are_refused(of_both: Path) -> None:
    golden = msgspec.json.decode((of_both / "manifest.json").read_bytes())["deep"]["golden"]
    golden[2][4] += 2e-3
    edit_deep(of_both, golden=golden)
    assert "golden text 2" in refused(of_both)


@pytest.mark.parametrize("name", ["../models/x", "/etc", "", ".", "..", ".hidden", "a/b", "a\0b", "a\n", "x" * 65])
def test_an_encoder_is_a_folder_beside_the_others(of_both: Path, name: str) -> None:
    edit_deep(of_both, encoder=name)
    assert "manifest.json is not a manifest" in refused(of_both)


def test_an_encoder_that_is_not_here_is_refused(of_both: Path) -> None:
    edit_deep(of_both, encoder="another")
    with pytest.raises(classifier.ModelRefused, match=r"another in .*encoder\.json cannot be opened"):
        classifier.load(of_both)


def test_a_model_is_never_written_over_another(folder: Path, arrays: Arrays) -> None:
    manifest = classifier.read_manifest(folder)
    with pytest.raises(FileExistsError):
        write_folder(folder, manifest, arrays)


def test_a_failed_write_leaves_nothing(folder: Path, arrays: Arrays) -> None:
    target = folder.parent / "half"
    with pytest.raises(KeyError):
        write_folder(target, classifier.read_manifest(folder), {"rows": arrays["rows"]})
    assert sorted(path.name for path in folder.parent.iterdir()) == [folder.name]
