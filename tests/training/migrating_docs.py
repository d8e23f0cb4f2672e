"""Writes the worked example of docs/migrating.md: python tests/training/migrating_docs.py"""

import re
import sys
import tempfile
from pathlib import Path

from click.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parent))

from kept_scores import example

from training.commands.migrate import migrate

PAGE = Path(__file__).parents[2] / "docs" / "migrating.md"
ARGUMENTS = ("--label", "rejected", "--threshold", "TOXICITY=0.8", "--threshold", "TOXICITY=0.9")
_BLOCK = re.compile(r"(?<=<!-- printed -->\n```\n).*?(?=```\n<!-- end -->)", re.DOTALL)


def printed() -> str:
    """What the command of the page prints."""
    with tempfile.TemporaryDirectory() as folder:
        kept = example(Path(folder) / "kept.csv")
        ended = CliRunner(env={"COLUMNS": "160"}).invoke(migrate, ["perspective", str(kept), *ARGUMENTS])
    assert ended.exit_code == 0, ended.output
    return "".join(f"{line.rstrip()}\n" for line in ended.stdout.splitlines())


def page() -> str:
    return _BLOCK.sub(lambda _: printed(), PAGE.read_text())


if __name__ == "__main__":
    PAGE.write_text(page())
