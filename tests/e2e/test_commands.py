"""The process that runs the commands of these tests: each command ends as if it had been started by itself."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

WORKING = """
import json
import os
import sys

import commands


def main():
    import numpy as np
    from joblib import Parallel, delayed

    large = np.ones(300_000)  # large enough for joblib to share it as a file
    workers = Parallel(n_jobs=2)(delayed(worked)(large) for _ in range(2))
    print(json.dumps([os.getpid(), *workers]))
    return 3


def worked(values):
    assert values.sum() == 300_000
    return os.getpid()


if __name__ == "__main__":
    commands.main = main
    files = commands.Files(*(f"{sys.argv[1]}/{name}" for name in commands.Files._fields))
    print(commands.ended(commands.fork(["train"], dict(os.environ), files)))
"""


def test_a_command_that_works_in_other_processes_leaves_none_of_them_and_nothing_that_they_shared(
    tmp_path: Path,
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (tmp_path / "stdin").touch()
    script = tmp_path / "working.py"
    script.write_text(WORKING)
    here = os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, str(Path(__file__).parent)])}
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)],
        env=here | {"JOBLIB_TEMP_FOLDER": str(shared)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert (done.stdout, (tmp_path / "stderr").read_text()) == ("3\n", "")
    command, *workers = json.loads((tmp_path / "stdout").read_text())
    assert command not in workers
    for pid in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert list(shared.iterdir()) == []
    semaphores = Path("/dev/shm")  # noqa: S108 - where Linux keeps them
    assert list(semaphores.glob(f"sem.loky-{command}-*")) == []
