"""The exceptions that the classifier raises."""

from collections.abc import Iterable
from pathlib import Path


class ModelRefused(Exception):
    """A model folder was not loaded; the message names the folder and the reason."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"model {path.name} in {path.parent}: {reason}")
        self.path = path
        self.reason = reason


class LanguageNotJudged(Exception):
    """The model has no scores for this language; `judged` lists the languages that it has."""

    def __init__(self, language: str, judged: Iterable[str]) -> None:
        self.language = language
        self.judged = tuple(judged)
        super().__init__(f"no scores for the language '{language}'; the model judges {', '.join(self.judged)}")
