"""Every exception to a rule of the linter says why it is one."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("classifier", "service", "training", "tests", "clients", ".ci")
BARE = re.compile(r"# noqa(?:: ?[A-Z0-9]+(?:, ?[A-Z0-9]+)*)?\s*$", re.MULTILINE)


def test_each_exception_has_its_reason_beside_it() -> None:
    sources = {path: path.read_text() for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))}
    found = [
        f"{path.relative_to(ROOT)}:{source.count(chr(10), 0, bare.start()) + 1}"
        for path, source in sources.items()
        for bare in BARE.finditer(source)
    ]
    assert found == []
    assert BARE.search("x = 1  # noqa: E501\n")
    assert not BARE.search("x = 1  # noqa: E501 - a table\n")
