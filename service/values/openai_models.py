"""The models that OpenAI's clients may name, and how they expect a list of models."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from msgspec import Struct

# All mean the model in use. The first is the default.
MODELS = (
    "omni-moderation-latest",
    "omni-moderation-2024-09-26",
    "text-moderation-latest",
    "text-moderation-stable",
)


class OpenAiModel(Struct, frozen=True):
    """`created`: in seconds since 1970."""

    id: str
    created: int
    object: Literal["model"] = "model"
    owned_by: str = "steward"


def openai_models(version: str, created_at: str) -> list[OpenAiModel]:
    """The names for the model in use, the last one its version. `created_at`: ISO 8601, of that model."""
    created = int(datetime.fromisoformat(created_at).timestamp())
    return [OpenAiModel(name, created) for name in _names(version)]


def _names(version: str) -> Iterable[str]:
    return (*MODELS, version)
