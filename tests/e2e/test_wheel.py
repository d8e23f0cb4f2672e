"""The wheel, installed where there is neither the source nor a compiler, serves a first comment and a decision."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from steward import Steward, posted

ROOT = Path(__file__).parents[2]
COMPILERS = ("cc", "gcc", "clang", "g++", "c++", "zig")
DOUBTFUL = "Minä rakastan sinua, sinä olet ihana ihminen ja hyvä ystävä."


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel. What it needs comes from the environment of the tests, as pip would install it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True, timeout=240)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "there", with_pip=False)
    python = folder / "there" / "bin" / "python"
    asked = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-index"]
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", *asked, str(wheel)]
    subprocess.run(pip, check=True, capture_output=True, timeout=120)
    (site,) = (folder / "there" / "lib").glob("python*/site-packages")
    (site / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")  # read after the wheel, and no .pth within
    return folder / "there"


@pytest.fixture
def wheel(installed: Path, tmp_path: Path) -> Iterator[Steward]:
    steward = Steward(tmp_path / "data")
    steward.environment["PATH"] = str(installed / "bin")
    for name in ("CC", "PYTHONPATH"):
        steward.environment.pop(name, None)
    steward.command_line = [str(installed / "bin" / "steward")]
    steward.directory = tmp_path
    steward.start()
    yield steward
    assert steward.stop() == 0


def test_the_wheel_serves_without_a_compiler(wheel: Steward, installed: Path) -> None:
    assert not any(shutil.which(name, path=wheel.environment["PATH"]) for name in COMPILERS)
    where = "import classifier, service; print(classifier.__file__, service.__file__)"
    told = subprocess.run(
        [installed / "bin" / "python", "-c", where],
        env=wheel.environment,
        cwd=installed,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    assert all(path.startswith(str(installed)) for path in told.split()), told
    with wheel.client(wheel.first_key()) as client:
        judged = posted(client, "/v1/comments", {"id": "c-1", "text": DOUBTFUL})
        assert judged["status"] == "pending"
        assert (
            posted(client, "/v1/score", {"text": "You stupid fucking idiot."})["results"][0]["scores"]["insult"] > 0.9
        )
        (item,) = posted(client, "/v1/review/claim", {"count": 1})["items"]
        decided = posted(client, "/v1/review/c-1/decision", {"decision": "approve", "lease": item["lease"]})
        assert decided["status"] == "approved"
    assert httpx.get(f"{wheel.url}/readyz", timeout=30).status_code == 200
    assert os.environ.get("PATH") != wheel.environment["PATH"]
