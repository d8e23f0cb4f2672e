"""At the end of a process nothing is left for the garbage collector."""

import subprocess
import sys

import pytest

# Exit handlers run in reverse: what is registered first sees what the others have done.
SCRIPT = """
import atexit, gc, runpy, sys

atexit.register(lambda: sys.stderr.write(f"{gc.get_freeze_count() > 0}\\n"))
sys.argv = ["steward", "--version"]
runpy.run_module(MODULE, run_name="__main__")
"""


@pytest.mark.parametrize("module", ["service", "service.process.worker"])
def test_at_its_end_a_process_looks_for_no_cycles(module: str) -> None:
    # No worker starts with such a port.
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.replace("MODULE", repr(module))],
        env={"STEWARD_PORT": "none"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.splitlines()[-1] == "True", done.stderr
