"""Text in, calibrated probabilities out. This module is the public API of the package."""

from pathlib import Path

from classifier.entities import unescaped
from classifier.errors import LanguageNotJudged, ModelRefused
from classifier.held_out import GroupErrors, Losses, Measured, Worth, group_errors, losses, measured
from classifier.language import detect, language_of, primary
from classifier.manifest import Manifest, read_manifest
from classifier.model import Assessment, Model, Span, load
from classifier.spam_evidence import is_evident as is_evident_spam

# The labels of the shipped model; another model may have others.
LABELS = ("toxicity", "severe_toxicity", "identity_attack", "insult", "profanity", "threat", "spam")

# The folder of the model that ships with the package.
SHIPPED = Path(__file__).parent / "models" / "2026-12-02-2"

__all__ = [
    "LABELS",
    "SHIPPED",
    "Assessment",
    "GroupErrors",
    "LanguageNotJudged",
    "Losses",
    "Manifest",
    "Measured",
    "Model",
    "ModelRefused",
    "Span",
    "Worth",
    "detect",
    "group_errors",
    "is_evident_spam",
    "language_of",
    "load",
    "losses",
    "measured",
    "primary",
    "read_manifest",
    "unescaped",
]
