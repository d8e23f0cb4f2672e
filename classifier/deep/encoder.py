"""The frozen part of a deep reader, which models share: a vocabulary, and an embedding table of its pieces.

It is stored apart from the models, memory-mapped, and loaded once in each process.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from classifier.deep.kernel import EMBEDDED
from classifier.deep.tokenizer import Tokenizer
from classifier.errors import ModelRefused
from classifier.files import checked, mapped, read_plainly

NAME = "encoder.json"
PIECES, CODES, STEPS = "pieces.model", "codes.npy", "steps.npy"
FILES = (PIECES, CODES, STEPS)
# Type and number of dimensions.
ARRAYS = {CODES: ("|u1", 2), STEPS: ("<f4", 1)}
MOST_DESCRIBED_BYTES, MOST_PIECES_BYTES = 65_536, 64 * 1_048_576

# The folder of the encoders that ship with the package, each in a folder with its name.
SHIPPED = Path(__file__).parent.parent / "encoders"


class EncoderDescription(Struct, frozen=True):
    """The content of encoder.json. `files`: sha256 of each. `origin`: a description of its source for people."""

    name: str
    origin: str
    files: dict[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Encoder:
    """`codes`, `steps`: the table (classifier/_deep.c). `digest`: sha256 of encoder.json, which lists the files."""

    name: str
    digest: str
    tokenizer: Tokenizer
    codes: NDArray[np.uint8]
    steps: NDArray[np.float32]


@lru_cache(maxsize=4)
def load_encoder(folder: Path) -> Encoder:
    """Raises ModelRefused if anything is missing or damaged. The verified bytes are the bytes that are used."""
    if folder.is_symlink():
        raise ModelRefused(folder, "is a link")
    raw = read_plainly(folder, NAME, MOST_DESCRIBED_BYTES)
    try:
        described = msgspec.json.decode(raw, type=EncoderDescription)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ModelRefused(folder, f"{NAME} cannot be read: {error}") from error
    if set(described.files) != set(FILES):
        raise ModelRefused(folder, f"{NAME} lists {sorted(described.files)}; it must list {sorted(FILES)}")
    with checked(folder, PIECES, described.files[PIECES], NAME) as file:
        tokenizer = _tokenizer(folder, file.read(MOST_PIECES_BYTES + 1))
    codes, steps = (_array(folder, name, described.files[name], kind) for name, kind in ARRAYS.items())
    if codes.shape != (tokenizer.size, EMBEDDED // 2) or steps.shape != (tokenizer.size,):
        raise ModelRefused(folder, f"{CODES} and {STEPS} must have a row for each of {tokenizer.size} pieces")
    return Encoder(described.name, hashlib.sha256(raw).hexdigest(), tokenizer, codes, steps)


def write_encoder(
    folder: Path, origin: str, pieces: bytes, codes: NDArray[np.uint8], steps: NDArray[np.float32]
) -> None:
    """Raises FileExistsError if the folder exists: encoders are immutable."""
    folder.mkdir(parents=True)
    (folder / PIECES).write_bytes(pieces)
    np.save(folder / CODES, codes, allow_pickle=False)
    np.save(folder / STEPS, steps, allow_pickle=False)
    files = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES}
    encoded = msgspec.json.encode(EncoderDescription(folder.name, origin, files))
    (folder / NAME).write_bytes(msgspec.json.format(encoded) + b"\n")


def _tokenizer(folder: Path, raw: bytes) -> Tokenizer:
    if len(raw) > MOST_PIECES_BYTES:
        raise ModelRefused(folder, f"{PIECES} is larger than {MOST_PIECES_BYTES} bytes")
    try:
        return Tokenizer(raw)
    except RuntimeError as error:
        raise ModelRefused(folder, f"{PIECES} is not a vocabulary: {error}") from error


def _array(folder: Path, name: str, sha256: str, kind: tuple[str, int]) -> NDArray[Any]:
    with checked(folder, name, sha256, NAME) as file:
        return mapped(folder, name, file, kind)
