"""The checkpoint of the fast reader, so that an interrupted run need not fit it again."""

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import msgspec
import numpy as np

from training.errors import DataUnusable
from training.examples import CALIBRATION_FOLDS, Examples
from training.fit import Fitted, Recipe

NAME = "fast.npz"
_ARRAY = "array_"


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
    """What `save` wrote for the same examples and recipe; None if there is none.

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
    found = hashlib.sha256(msgspec.json.encode([asdict(recipe), examples.sources, examples.languages]))
    for array in (examples.labels, examples.weights, examples.folds):
        found.update(np.ascontiguousarray(array).tobytes())
    for text in (*examples.texts, *examples.groups):
        found.update(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
    return found.hexdigest()
