"""For all tests: who runs them may have a service of their own, and what they have set for it is not for ours."""

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Where growth.py is found.
sys.path.append(str(Path(__file__).parent))

# Where the browser is, and on which Redis the tests run, says whoever runs the tests.
OURS = {"STEWARD_ARM64", "STEWARD_CHROMIUM", "STEWARD_TEST_SERVER", "STEWARD_WORDPRESS"}

for name in [name for name in os.environ if name.startswith(("STEWARD_", "OTEL_")) and name not in OURS]:
    del os.environ[name]

# Containers often set this. Each worker, service and command of the tests would compile all the code anew.
if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
    sys.dont_write_bytecode = False

# Each process of the tests has one core. The threads of BLAS and OpenMP would wait for each other in busy loops, on the
# cores of other processes. Read when numpy and torch are imported, here and in what the tests start.
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# How long an example takes says how busy the machine is. Tests of a cost measure processor time themselves.
# The examples are the same in each run, so that no run fails by chance; `--hypothesis-profile search` tries others.
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("steward", settings.get_profile("search"), derandomize=True)
settings.load_profile("steward")

# Every Redis of the tests writes through to its folder before it answers, and in memory that takes a tenth of the time.
# What a killed process has written stays there as it does on a disk; only the machine's end takes it.
IN_MEMORY = Path("/dev/shm")  # noqa: S108 - what is made in it gets names of its own
ROOM_BYTES = 4 << 30  # containers often have 64 MB there
# What lies there takes the machine's memory, also what an interrupted run left; the tests need some 6 GB beside it.
MEMORY_BYTES = 6 << 30


def _has_room(folder: Path) -> bool:
    if not os.access(folder, os.W_OK) or shutil.disk_usage(folder).free < ROOM_BYTES:
        return False
    memory = dict(line.split(":") for line in Path("/proc/meminfo").read_text("ascii").splitlines())
    return int(memory["MemAvailable"].removesuffix("kB")) << 10 >= ROOM_BYTES + MEMORY_BYTES


if "TMPDIR" not in os.environ and _has_room(IN_MEMORY):
    os.environ["TMPDIR"] = tempfile.tempdir = str(IN_MEMORY)


# What takes longest, in this order; then all other files in theirs. A long file that begins last keeps one worker busy
# while the others have nothing left to do.
LONGEST_FIRST = (
    "tests/e2e/test_retraining.py",
    "tests/service/store/test_machine.py",
    "tests/e2e",
    "tests/training",
    "tests/faults",
    "tests/service/test_chaos.py",
    "tests/service/webhooks/test_unreliable_receiver.py",
    "tests/classifier",
    "tests/service/store/test_order.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        return next((at for at, part in enumerate(LONGEST_FIRST) if item.nodeid.startswith(part)), len(LONGEST_FIRST))

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: tests wait for Redis, for other processes and for the browser."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is imported and collected stays to the end: the garbage collector need not look at it again and again."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Iterator[Any]:
    """Half a surrogate pair cannot be sent to the process that prints the report, and would end the whole run.

    A test may fail with such a text or log one; so may a thread that an earlier test left behind.
    """
    data = yield
    return _sendable(data)


def _sendable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        return {_sendable(key): _sendable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_sendable(each) for each in value]
    return tuple(map(_sendable, value)) if isinstance(value, tuple) else value


_internal_errors: list[str] = []


def pytest_internalerror(excrepr: object) -> None:
    _internal_errors.append(str(excrepr))


def pytest_unconfigure(config: pytest.Config) -> None:
    """The first internal error is the cause of those that follow it, and far above them."""
    if len(_internal_errors) > 1 and not hasattr(config, "workerinput"):
        sys.stderr.write(f"\nThe first internal error was:\n{_internal_errors[0]}\n")
