"""Reads files from an untrusted folder: verified before anything is parsed, and memory-mapped instead of copied."""

import hashlib
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.errors import ModelRefused


def open_plainly(folder: Path, name: str) -> io.BufferedReader:
    """Opens a regular file of the folder; refuses links, and pipes, whose reads would block forever."""
    try:
        descriptor = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise ModelRefused(folder, f"{name} cannot be opened: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ModelRefused(folder, f"{name} is not a regular file")
    return os.fdopen(descriptor, "rb")


def read_plainly(folder: Path, name: str, most_bytes: int) -> bytes:
    with open_plainly(folder, name) as file:
        raw = file.read(most_bytes + 1)
    if len(raw) > most_bytes:
        raise ModelRefused(folder, f"{name} is larger than {most_bytes} bytes")
    return raw


@contextmanager
def checked(folder: Path, name: str, sha256: str, lister: str, size: int | None = None) -> Iterator[io.BufferedReader]:
    """The file, open at its beginning, after its size and hash match those that the file `lister` lists."""
    with open_plainly(folder, name) as file:
        if size is not None and _size(file) != size:
            raise ModelRefused(folder, f"{name} does not have the size that {lister} lists")
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            raise ModelRefused(folder, f"{name} is not the file that {lister} lists")
        file.seek(0)
        yield file


def mapped(folder: Path, name: str, file: io.BufferedReader, expected: tuple[str, int]) -> NDArray[Any]:
    """The memory-mapped array; it must have this type and number of dimensions.

    numpy's header reader only parses literals, and nothing is unpickled.
    """
    try:
        version = np.lib.format.read_magic(file)
        shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(file)
    except ValueError as error:
        raise ModelRefused(folder, f"{name} is not a plain array: {error}") from error
    if version != (1, 0):
        raise ModelRefused(folder, f"{name} is not a plain array: version {version} of the .npy format")
    if fortran_order or (dtype.str, len(shape)) != expected:
        raise ModelRefused(folder, f"{name} holds {dtype.str} of {len(shape)} dimensions, not {expected}")
    start = file.tell()
    if start + int(np.prod(shape, dtype=object)) * dtype.itemsize != _size(file):
        raise ModelRefused(folder, f"{name} does not have the size that its header says")
    return np.memmap(file, dtype=dtype, mode="r", offset=start, shape=shape)


def _size(file: io.BufferedReader) -> int:
    return os.fstat(file.fileno()).st_size
