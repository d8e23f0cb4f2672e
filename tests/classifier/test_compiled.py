"""The compiled libraries."""

import subprocess
from pathlib import Path

import pytest

import classifier
from classifier.compiled import installed
from hatch_build import FLAGS, NAMES, compiler


@pytest.mark.skipif(compiler() is None, reason="no C compiler")
@pytest.mark.parametrize("name", NAMES)
def test_each_compiles_without_a_warning(tmp_path: Path, name: str) -> None:
    source = Path(classifier.__file__).with_name(f"{name}.c")
    command = [*(compiler() or ()), *FLAGS, "-Werror", "-o", str(tmp_path / "made.so"), str(source), "-lm"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr


def test_a_library_that_was_not_built_is_named() -> None:
    with pytest.raises(ImportError, match=r"_other\.c is not built"):
        installed("_other")
