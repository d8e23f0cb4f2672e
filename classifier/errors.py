"""What the classifier raises on purpose."""

from pathlib import Path


class ModelRefused(Exception):
    """A model folder that is not loaded; the message names the folder and the reason."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"model {path.name} in {path.parent}: {reason}")
        self.path = path
        self.reason = reason
