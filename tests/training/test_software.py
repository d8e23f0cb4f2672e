"""What decides about scores is compared between machines, and between the halves of an interrupted run."""

import ast
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import classifier
from training.software import PACKAGES, installed

# It reads manifests, and no score depends on it.
READS_FILES = {"msgspec"}


def test_every_library_that_scores_is_compared() -> None:
    imported = set()
    for path in Path(classifier.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            imported |= {name.partition(".")[0] for name in names}
    others = imported - set(sys.stdlib_module_names) - {"classifier"}
    known = packages_distributions()
    assert {"numpy", "pycld2"} <= others
    assert {distribution for name in others for distribution in known[name]} - READS_FILES <= set(PACKAGES)
    assert all(installed()[name] != "none" for name in PACKAGES)
