"""Print requirements/runtime.txt for another Python and machine, without pycld2: pinned_for.py VERSION MACHINE.

pip downloads wheels for another machine, but judges the conditions of requirements by its own.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

PINNED = Path("requirements/runtime.txt")
BUILT_HERE = "pycld2"


def pinned_for(text: str, version: str, machine: str) -> Iterator[str]:
    """`text`: lines of name, version and condition, each followed by indented lines with its hashes."""
    where = {"python_full_version": version, "python_version": version.rpartition(".")[0], "platform_machine": machine}
    for block in re.findall(r"^\S.*\n(?:[ \t].*\n)*", text, re.MULTILINE):
        first, _, hashes = block.partition("\n")
        wanted = Requirement(first.rstrip("\\ "))
        if wanted.name != BUILT_HERE and (wanted.marker is None or wanted.marker.evaluate(where)):
            yield f"{wanted.name}{wanted.specifier} \\\n{hashes}"


if __name__ == "__main__":
    print("".join(pinned_for(PINNED.read_text(), *sys.argv[1:])), end="")
