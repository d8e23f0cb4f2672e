"""Look the pinned dependencies up in PyPI's database of vulnerabilities, by pip-audit.

    python .ci/audit_dependencies.py [pip-audit]

Exits with 1 if a dependency has a known vulnerability. What could not be looked up is a loud warning and no failure,
so that the checks also run without a network.
"""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

PINNED = Path("requirements/runtime.txt")
FRAME = "!" * 100
TIMEOUT_S = 300


def main(command: str) -> int:
    asked = [command, "--requirement", str(PINNED), "--require-hashes", "--disable-pip"]
    asked += ["--progress-spinner", "off", "--timeout", "10", "--format", "json"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return _warned(f"no answer within {TIMEOUT_S} s")
    try:
        found = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "no reason given")
        return _warned(f"pip-audit could not look: {last}")
    vulnerable = [line for each in found for line in _told(each)]
    for line in vulnerable:
        print(line)
    skipped = [each["name"] for each in found if "skip_reason" in each]
    if skipped:
        _warned(f"{len(skipped)} of {len(found)} dependencies are unknown to the service: {', '.join(skipped)}")
    print(f"{len(found) - len(skipped)} of {len(found)} dependencies looked up, {len(vulnerable)} vulnerabilities")
    return 1 if vulnerable else 0


def _told(dependency: dict[str, Any]) -> Iterable[str]:
    for each in dependency.get("vulns", ()):
        fixed = ", ".join(each.get("fix_versions", ())) or "no release yet"
        yield f"{dependency['name']} {dependency['version']}: {each['id']}, fixed in {fixed}"


def _warned(problem: str) -> int:
    print(f"{FRAME}\nWARNING: NOT checked for known vulnerabilities.\n{problem}\n{FRAME}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2] or [str(Path(sys.executable).parent / "pip-audit")]))
