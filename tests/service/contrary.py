"""A model that says the opposite of the shipped one."""

import json
import os
import shutil
from pathlib import Path

import msgspec

import classifier
from classifier.folder import read_folder, write_folder
from classifier.kernel import Weights
from classifier.manifest import Golden


def write_contrary(folder: Path) -> Path:
    """The shipped model turned upside down: what it finds likely, this one finds unlikely."""
    manifest, arrays, words = read_folder(classifier.SHIPPED)
    both = ("deep_stack", "deep_stack_bias")
    turned = {**arrays, **{name: -arrays[name] for name in ("slope", "intercept", *both)}}
    # Of what both say, the fast one's part is turned already, by its own calibration.
    turned["deep_stack"][..., 0] *= -1
    weights = Weights(turned)
    golden = [Golden(each.text, list(weights.score(each.text))) for each in manifest.golden]
    assert manifest.deep is not None
    deep = msgspec.structs.replace(
        manifest.deep, golden=[[1 - score for score in scores] for scores in manifest.deep.golden]
    )
    changed = msgspec.structs.replace(manifest, version="contrary", golden=golden, deep=deep)
    write_folder(folder, changed, turned, words)
    return folder


def copied(folder: Path, models: Path, version: str) -> None:
    """Put a model beside others under another version. It shares large files with the folder: nobody writes them."""
    models.mkdir(exist_ok=True)
    shutil.copytree(folder, models / version, copy_function=_linked)
    manifest = json.loads((folder / "manifest.json").read_text())
    (models / version / "manifest.json").unlink()
    (models / version / "manifest.json").write_text(json.dumps(manifest | {"version": version}))


def _linked(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # on another file system
        shutil.copy2(source, target)
