"""Text in, calibrated probabilities out: what the other rooms may use."""

from pathlib import Path

from classifier.errors import ModelRefused
from classifier.manifest import Manifest, read_manifest
from classifier.model import Model, Span, load

# What the shipped model judges; another model says its own.
LABELS = ("toxicity", "severe_toxicity", "identity_attack", "insult", "profanity", "threat", "spam")

# The folder of the model that ships with the package.
SHIPPED = Path(__file__).parent / "models" / "2026-11-23-1"

__all__ = ["LABELS", "SHIPPED", "Manifest", "Model", "ModelRefused", "Span", "load", "read_manifest"]
