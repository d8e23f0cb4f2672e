"""The checkpoint of the fast reader, so that an interrupted run need not fit it again, and the labels that it read."""

import hashlib
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import msgspec
import numpy as np
from msgspec import Struct

from training.errors import DataUnusable
from training.examples import CALIBRATION_FOLDS, Examples
from training.fit import Fitted, Recipe
from training.software import installed

NAME = "fast.npz"
RUN = "run.json"
_ARRAY = "array_"


class _Run(Struct, frozen=True):
    """What the last run began with. `before`: it read the decisions from before this time."""

    wait_hours: int
    before: datetime


def settled(folder: Path, wait_hours: int, before: datetime, *, resume: bool) -> datetime:
    """The run reads the decisions from before this time; `before`, unless it resumes one that waited as many hours.

    Later decisions would be other data, with which the checkpoints of the interrupted run could not be used. Raises
    DataUnusable.
    """
    path = folder / RUN
    if resume:
        try:
            began = msgspec.json.decode(path.read_bytes(), type=_Run)
        except (OSError, msgspec.DecodeError):  # for example of an earlier release
            return before
        return began.before if began.wait_hours == wait_hours else before
    fresh = path.with_suffix(".writing")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(msgspec.json.encode(_Run(wait_hours, before)))
        fresh.replace(path)
    except OSError as error:
        raise DataUnusable(f"{path} cannot be written: {error}") from error
    return before


def save(folder: Path, examples: Examples, recipe: Recipe, fitted: Fitted) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"{NAME}.writing"
    languages = msgspec.json.encode(fitted.languages)
    content: dict[str, Any] = {f"{_ARRAY}{name}": array for name, array in fitted.arrays.items()}
    content |= {"identity": np.array(_identity(examples, recipe)), "said": fitted.logits}
    content |= {"languages": np.frombuffer(languages, np.uint8)}
    with fresh.open("wb") as file:
        np.savez(file, allow_pickle=False, **content)
    fresh.replace(folder / NAME)


def read(folder: Path, examples: Examples, recipe: Recipe) -> Fitted | None:
    """What `save` wrote for the same examples and recipe with the same software; None if there is none.

    Raises DataUnusable for a damaged file.
    """
    try:
        with (folder / NAME).open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            if str(file["identity"]) != _identity(examples, recipe):
                return None
            languages = msgspec.json.decode(file["languages"].tobytes(), type=dict[str, tuple[str, ...]])
            arrays = {name.removeprefix(_ARRAY): file[name] for name in file.files if name.startswith(_ARRAY)}
            logits = file["said"]
    except FileNotFoundError:
        return None
    except (OSError, EOFError, KeyError, ValueError, BadZipFile) as error:
        raise DataUnusable(f"{folder / NAME} is damaged; remove it to start over: {error}") from error
    known = examples.training()
    return Fitted(arrays, languages, known.where(np.isin(known.folds, CALIBRATION_FOLDS)), logits)


def _identity(examples: Examples, recipe: Recipe) -> str:
    made_by = sorted(installed().items())
    found = hashlib.sha256(msgspec.json.encode([asdict(recipe), made_by, examples.sources, examples.languages]))
    for array in (examples.labels, examples.weights, examples.folds):
        found.update(np.ascontiguousarray(array).tobytes())
    for text in (*examples.texts, *examples.groups):
        found.update(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
    return found.hexdigest()
