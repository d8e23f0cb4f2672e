"""What is lost where a new model takes the place of the one in use, in words, and which one that is."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

import classifier
from classifier import Losses, Worth


def said(lost: Losses, version: str) -> Iterator[str]:
    """A sentence for each thing that the model of `version` has and the new one lacks."""
    if lost.languages:
        yield f"it does not judge these languages, which {version} judges: {', '.join(lost.languages)}"
    if lost.attributes:
        named = ", ".join(f"{attribute} ({language})" for language, attribute in lost.attributes)
        yield f"it does not judge these attributes, which {version} judges: {named}"
    for each in lost.fallen:
        yield (
            f"it is worse at {each.attribute} on {each.data_set}, by more than chance: "
            f"ROC AUC {each.after:.4f}, and {each.before:.4f} of {version}"
        )


def of_service(models: list[dict[str, Any]], version: str) -> list[str]:
    """What a service loses by a promotion; `models` as GET /v1/models lists them. Nothing where one is not there."""
    known = {model.get("version"): model for model in models}
    active = next((model for model in models if model.get("active")), None)
    if active is None or version not in known:
        return []
    return list(said(classifier.losses(_worth(active), _worth(known[version])), str(active["version"])))


def _worth(model: Mapping[str, Any]) -> Worth:
    return Worth(model.get("languages") or {}, model.get("metrics") or {})


def in_use(models: Path) -> classifier.Manifest:
    """Of the newest model of the service's folder that was promoted and can be read; else of the shipped one."""
    return classifier.read_manifest(in_use_folder(models))


def in_use_folder(models: Path) -> Path:
    """Where the manifest of `in_use` lies."""
    try:
        history = msgspec.json.decode((models / "active.json").read_bytes(), type=_History)
    except (OSError, msgspec.DecodeError):
        history = _History()
    for entry in reversed(history.entries):
        folder = classifier.SHIPPED if entry.version == classifier.SHIPPED.name else models / entry.version
        try:
            classifier.read_manifest(folder)
        except classifier.ModelRefused:
            continue
        return folder
    return classifier.SHIPPED


class _Entry(Struct, frozen=True):
    version: str


class _History(Struct, frozen=True):
    """As the service keeps it (service/models.py); the rest of an entry does not matter here."""

    entries: tuple[_Entry, ...] = ()
