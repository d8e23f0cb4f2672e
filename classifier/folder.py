"""A model folder on disk: verified before anything is parsed, memory-mapped, and written atomically."""

import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.deep.kernel import ARRAYS as DEEP_ARRAYS
from classifier.deep.reader import MOST_NETWORKS, prefix
from classifier.deep.stack import ARRAYS as STACK_ARRAYS
from classifier.errors import ModelRefused
from classifier.fast import OWN, own_name
from classifier.files import checked, mapped
from classifier.kernel import ARRAYS
from classifier.manifest import NAME, File, Manifest, read_manifest
from classifier.words import MOST_BYTES, Words, packed, parsed

Arrays = Mapping[str, NDArray[Any]]

# The arrays of format 2: type and number of dimensions.
EXPECTED = {name: (dtype, len(shape)) for name, (dtype, shape) in ARRAYS.items()}

# The additional arrays of format 3.
DEEP: dict[str, tuple[str, int]] = {
    f"deep_{name}": (dtype, len(shape)) for name, (dtype, shape) in {**DEEP_ARRAYS, **STACK_ARRAYS}.items()
}

# The additional arrays of format 4: those of each further network.
FURTHER: list[dict[str, tuple[str, int]]] = [
    {f"deep_{prefix(at)}{name}": (dtype, len(shape)) for name, (dtype, shape) in DEEP_ARRAYS.items()}
    for at in range(1, MOST_NETWORKS)
]

# The additional arrays of format 5: for each language with a bag of its own.
OWN_BAG = {name: (dtype, len(shape)) for name, (dtype, shape) in OWN.items()}

# Optional; a model without it does not unmask.
WORDS = "words.txt"


def read_folder(folder: Path) -> tuple[Manifest, dict[str, NDArray[Any]], Words | None]:
    """The manifest, the read-only arrays, and the words if there are any. Raises ModelRefused.

    Every file is opened only once, so the verified bytes are the bytes that are used.
    """
    manifest = read_manifest(folder)
    arrays = arrays_of(manifest)
    expected = {f"{name}.npy" for name in arrays} | manifest.files.keys() & {WORDS}
    if set(manifest.files) != expected:
        raise ModelRefused(folder, f"{NAME} lists {sorted(manifest.files)}; it must list {sorted(expected)}")
    present = {path.name for path in folder.iterdir()}
    if present != expected | {NAME}:
        raise ModelRefused(folder, f"holds {sorted(present)}; it must hold {sorted(expected | {NAME})}")
    words = _read_words(folder, manifest.files[WORDS]) if WORDS in expected else None
    return manifest, {name: _read_array(folder, name, manifest, kind) for name, kind in arrays.items()}, words


def write_folder(folder: Path, manifest: Manifest, arrays: Arrays, words: Words | None = None) -> None:
    """Write a model atomically; fills in `manifest.files`.

    Raises FileExistsError if the folder exists: models are immutable.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        raise FileExistsError(folder)
    expected = arrays_of(manifest)
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=folder.parent))
    try:
        files = {
            f"{name}.npy": _write(building / f"{name}.npy", _packed(arrays[name], dtype))
            for name, (dtype, _) in expected.items()
        }
        if words is not None:
            files[WORDS] = _write(building / WORDS, packed(words))
        complete = msgspec.structs.replace(manifest, files=files, digest="")
        described = msgspec.to_builtins(complete)
        del described["digest"]
        _write(building / NAME, msgspec.json.format(msgspec.json.encode(described)) + b"\n")
        building.chmod(0o755)
        building.rename(folder)
        _sync(folder.parent)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise


def arrays_of(manifest: Manifest) -> dict[str, tuple[str, int]]:
    """The names of the arrays of a model's folder, with type and number of dimensions."""
    found = dict(EXPECTED)
    for language in manifest.own:
        found |= {own_name(language, name): kind for name, kind in OWN_BAG.items()}
    if manifest.deep is not None:
        for some in (DEEP, *FURTHER[: manifest.deep.networks - 1]):
            found |= some
    return found


def _read_array(folder: Path, name: str, manifest: Manifest, kind: tuple[str, int]) -> NDArray[Any]:
    listed = manifest.files[f"{name}.npy"]
    with checked(folder, f"{name}.npy", listed.sha256, NAME, listed.size) as file:
        return mapped(folder, f"{name}.npy", file, kind)


def _read_words(folder: Path, listed: File) -> Words:
    if listed.size > MOST_BYTES:
        raise ModelRefused(folder, f"{WORDS} has more than {MOST_BYTES} bytes")
    with checked(folder, WORDS, listed.sha256, NAME, listed.size) as file:
        try:
            return parsed(file.read(MOST_BYTES + 1))
        except ValueError as error:
            raise ModelRefused(folder, f"{WORDS} {error}") from error


def _packed(array: NDArray[Any], dtype: str) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array, dtype), version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def _write(path: Path, data: bytes) -> File:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return File(len(data), hashlib.sha256(data).hexdigest())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
