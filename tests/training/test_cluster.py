"""A real Dask scheduler and two workers: the same scores as here, whatever ends in the middle of it."""

import csv
import os
import re
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from dask_processes import DaskProcesses, dask_processes
from distributed import Client
from joblib import Parallel, delayed
from test_fit import NASTY, NICE, QUICK, examples

import classifier
import training
from training import bulk
from training import cluster as of_cluster
from training.bulk import on_cores, score_file
from training.cluster import connected
from training.commands.score import score
from training.commands.train import train
from training.errors import ClusterUnusable, DataUnusable
from training.examples import joined
from training.fit import fit
from training.parts import folder_of

ROWS, CHUNK = 640, 40


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.scored_files.CHUNK", CHUNK)
    monkeypatch.setattr(of_cluster, "LOOK_EACH_S", 0.2)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskProcesses]:
    with dask_processes(tmp_path_factory.mktemp("dask")) as processes:
        yield processes


@pytest.fixture
def own(tmp_path: Path) -> Iterator[DaskProcesses]:
    """For a test that breaks it."""
    (tmp_path / "dask").mkdir()
    with dask_processes(tmp_path / "dask") as processes:
        yield processes


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("comments") / "in.csv"
    words = (*NASTY, *NICE)
    with source.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"])
        writer.writerows([n, f"You {words[n % len(words)]}, I saw {n} of the {words[n % 3]}"] for n in range(ROWS))
    return source


@pytest.fixture(scope="module")
def here(shipped: classifier.Model, source: Path) -> list[list[str]]:
    """The rows as this machine scores them."""
    target = source.with_name("here.csv")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("training.scored_files.CHUNK", CHUNK)
        score_file(shipped, source, target, "text", judging=on_cores(shipped, 2), advance=lambda _: None)
    return rows(target)


@pytest.fixture
def comments(source: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(source, tmp_path))


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def same(found: list[list[str]], expected: list[list[str]]) -> None:
    """Within 1e-6 where they are scores."""
    assert [row[:3] for row in found] == [row[:3] for row in expected]
    numbers = [np.array([[float(cell) for cell in row[3:]] for row in each[1:]]) for each in (found, expected)]
    assert numbers[1].std() > 0.1, "not all comments are alike"
    np.testing.assert_allclose(*numbers, atol=1e-6, rtol=0)


def refusal(command: click.Command, *arguments: object) -> str:
    """The one line that it says; it must fail."""
    result = CliRunner().invoke(command, [str(each) for each in arguments])
    assert result.exit_code == 1, result.output
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr.strip()


def test_a_cluster_scores_as_one_machine_does(lasting: DaskProcesses, comments: Path, here: list[list[str]]) -> None:
    target = comments.with_name("out.csv")
    result = CliRunner().invoke(score, [str(comments), str(target), "--cluster", lasting.address])
    assert result.exit_code == 0, result.output
    assert f"{ROWS:,} rows in {target}" in result.output
    same(rows(target), here)
    assert not folder_of(target).exists()


def test_a_worker_that_is_killed_midway_costs_no_row(
    shipped: classifier.Model, own: DaskProcesses, comments: Path, here: list[list[str]]
) -> None:
    target, told, done, is_told = comments.with_name("out.csv"), list[str](), list[int](), threading.Event()
    doomed = own.worker()
    own.wait_for_workers(3)

    def tell(what: str) -> None:
        told.append(what)
        is_told.set()

    def kill(count: int) -> None:
        done.append(count)
        if len(done) == 2:
            doomed.kill()
            assert is_told.wait(30)  # the rest may be done before anybody looks again

    with connected(own.address, tell) as cluster:
        count = score_file(shipped, comments, target, "text", judging=cluster.judging(shipped, None), advance=kill)
    assert count == ROWS == sum(done)
    assert any(each.endswith("was lost; others do its work") for each in told), told
    same(rows(target), here)


def test_what_a_lost_cluster_has_scored_is_not_scored_again(
    shipped: classifier.Model,
    own: DaskProcesses,
    comments: Path,
    monkeypatch: pytest.MonkeyPatch,
    here: list[list[str]],
) -> None:
    target, told, done = comments.with_name("out.csv"), list[str](), list[int]()

    def kill(count: int) -> None:
        done.append(count)
        if len(done) == 3:
            own.scheduler.kill()

    with pytest.raises(ClusterUnusable, match="the scheduler was lost"), connected(own.address, told.append) as cluster:
        score_file(shipped, comments, target, "text", judging=cluster.judging(shipped, None), advance=kill)
    assert not target.exists()
    kept = len(list(folder_of(target).iterdir()))
    assert 3 <= kept < ROWS // CHUNK
    judge, judged = bulk.judge, list[int]()
    monkeypatch.setattr(bulk, "judge", lambda *given: (judged.append(1), judge(*given))[1])
    score_file(
        shipped, comments, target, "text", judging=on_cores(shipped, 2), advance=lambda _: None, tell=told.append
    )
    assert len(judged) == ROWS // CHUNK - kept
    assert told[-1] == f"went on after {kept * CHUNK} rows that an interrupted run had scored"
    same(rows(target), here)


def test_a_cluster_without_workers_ends_the_command_in_one_line(
    tmp_path: Path, comments: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_cluster, "PATIENCE_S", 1.0)
    with dask_processes(tmp_path, workers=0) as processes:
        said = refusal(score, comments, tmp_path / "out.csv", "--cluster", processes.address)
    assert said == (
        f"Error: {processes.address}: the scheduler has no worker; start one with 'dask worker {processes.address}'"
    )


def test_the_loss_of_all_workers_ends_the_command_in_one_line(
    tmp_path: Path, comments: Path, shipped: classifier.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_cluster, "PATIENCE_S", 30.0)
    with dask_processes(tmp_path, workers=0) as processes:
        worker = processes.worker()

        def kill(_: int) -> None:
            monkeypatch.setattr(of_cluster, "PATIENCE_S", 1.0)
            worker.kill()

        with connected(processes.address, lambda _: None) as cluster:
            judging, target = cluster.judging(shipped, None), tmp_path / "out.csv"
            with pytest.raises(ClusterUnusable, match="all workers were lost, and none came"):
                score_file(shipped, comments, target, "text", judging=judging, advance=kill)
    assert list(folder_of(tmp_path / "out.csv").iterdir())


def test_work_that_ends_its_workers_ends_the_command(tmp_path: Path) -> None:
    with (
        dask_processes(tmp_path, workers=2, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0") as processes,
        connected(processes.address, lambda _: None) as cluster,
        pytest.raises(ClusterUnusable, match="each worker that took the same work ended, 1 in all"),
        cluster.spread(),
    ):
        Parallel()(delayed(os._exit)(1) for _ in range(1))


def test_no_scheduler_ends_the_command_in_one_line(comments: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_cluster, "CONNECT_S", 1.0)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        for command, arguments in ((score, (comments, comments.with_name("out.csv"))), (train, ())):
            said = refusal(command, *arguments, "--cluster", address)
            assert said.startswith(
                f"Error: no Dask scheduler answers at {address}; start one there with 'dask scheduler'"
            )


@pytest.mark.parametrize("address", ["127.0.0.1:8786", "http://127.0.0.1:8786", "tcp://host", "tcp://:8786"])
def test_an_address_that_is_none_is_refused_by_its_option(comments: Path, address: str) -> None:
    result = CliRunner().invoke(score, [str(comments), str(comments.with_name("out.csv")), "--cluster", address])
    assert result.exit_code == 2
    assert "Invalid value for '--cluster'" in result.stderr
    assert "is not an address such as tcp://10.0.0.5:8786" in result.stderr


def test_a_missing_extra_is_named_with_what_installs_it(comments: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "training.cluster", raising=False)
    said = refusal(score, comments, comments.with_name("out.csv"), "--cluster", "tcp://127.0.0.1:1")
    assert said == (
        "Error: --cluster needs Dask (distributed is missing); install it with: pip install 'comment-steward[cluster]'"
    )


def test_a_worker_with_other_code_is_named_before_the_work(tmp_path: Path, comments: Path) -> None:
    there = tmp_path / "there"
    for room in (classifier, training):
        home = Path(room.__file__ or "").parent
        (there / home.name).mkdir(parents=True)
        for path in home.iterdir():
            (there / home.name / path.name).symlink_to(path)
    changed = there / "classifier" / "lexicon.py"
    text = changed.read_text()
    changed.unlink()
    changed.write_text(text + "\n# Another release.\n")
    with dask_processes(tmp_path, workers=0) as processes:
        processes.worker(environment={**os.environ, "PYTHONPATH": str(there)})
        said = refusal(score, comments, tmp_path / "out.csv", "--cluster", processes.address)
    assert re.fullmatch(
        r"Error: worker tcp://\S+ has code of comment-steward \w{12}, not \w{12}; install the same on all machines",
        said,
    )


def test_a_worker_without_our_package_is_named_with_what_installs_it(tmp_path: Path, comments: Path) -> None:
    (tmp_path / "training.py").write_text("")
    with dask_processes(tmp_path, workers=0) as processes:
        processes.worker(environment={**os.environ, "PYTHONPATH": str(tmp_path)})
        said = refusal(score, comments, tmp_path / "out.csv", "--cluster", processes.address)
    assert re.match(
        r"Error: worker tcp://\S+ cannot run our code \(.*training.*\); install the same comment-steward", said
    )
    assert "pip install 'comment-steward[train,cluster]'" in said


def test_another_model_on_a_worker_is_refused(
    tmp_path: Path, comments: Path, lasting: DaskProcesses, shipped: classifier.Model
) -> None:
    folder, target = tmp_path / "model", comments.with_name("out.csv")
    shutil.copytree(classifier.SHIPPED, folder)
    manifest = folder / "manifest.json"
    with connected(lasting.address, lambda _: None) as cluster:
        judging = cluster.judging(shipped, folder)
        text = manifest.read_text()
        manifest.unlink()
        manifest.write_text(text + "\n")
        other = r"worker tcp://\S+ has another model \(\w{12}, not \w{12}\) at the same path"
        with pytest.raises(ClusterUnusable, match=other):
            score_file(shipped, comments, target, "text", judging=judging, advance=lambda _: None)
        with pytest.raises(ClusterUnusable, match=other):
            cluster.judging(shipped, folder)
        manifest.unlink()
        with pytest.raises(ClusterUnusable, match=r"worker tcp://\S+ cannot read the model: .* copy its folder"):
            cluster.judging(shipped, folder)
    assert not target.exists()


def test_a_bad_row_is_named_as_on_one_machine(
    tmp_path: Path, lasting: DaskProcesses, shipped: classifier.Model
) -> None:
    source = tmp_path / "in.ndjson"
    source.write_text('{"text": "fine"}\n' * (5 * CHUNK) + "broken\n")
    with connected(lasting.address, lambda _: None) as cluster:
        judging = cluster.judging(shipped, None)
        with pytest.raises(DataUnusable, match=f"line {5 * CHUNK + 1}: not JSON"):
            score_file(shipped, source, tmp_path / "out.ndjson", "text", judging=judging, advance=lambda _: None)


def test_more_chunks_than_may_wait_come_out_in_order(
    comments: Path,
    lasting: DaskProcesses,
    shipped: classifier.Model,
    monkeypatch: pytest.MonkeyPatch,
    here: list[list[str]],
) -> None:
    monkeypatch.setattr(of_cluster, "CHUNKS_PER_THREAD", 1)
    target = comments.with_name("out.csv")
    with connected(lasting.address, lambda _: None) as cluster:
        judging = cluster.judging(shipped, None)
        score_file(shipped, comments, target, "text", judging=judging, advance=lambda _: None)
    same(rows(target), here)


def test_a_cluster_trains_the_model_that_one_machine_trains(lasting: DaskProcesses) -> None:
    taught = joined([examples(NASTY, 1.0, 400), examples(NICE, 0.0, 1200)])
    recipe = replace(QUICK, jobs=2)
    expected = fit(taught, recipe)
    with connected(lasting.address, lambda _: None) as cluster:
        found = fit(taught, recipe, machines=cluster)
    assert found.languages == expected.languages
    for name, array in expected.arrays.items():
        np.testing.assert_allclose(found.arrays[name], array, atol=1e-6, rtol=0, err_msg=name)


def test_the_workers_keep_no_inputs_of_work_that_is_done(lasting: DaskProcesses) -> None:
    large = np.zeros(1_000_000)
    with connected(lasting.address, lambda _: None) as cluster, Client(lasting.address, set_as_default=False) as other:
        assert cluster.each([partial(np.sum, large)] * 2, 2) == [0, 0]
        for _ in range(1200):
            if not any(other.has_what().values()):
                break
            time.sleep(0.05)
        assert not any(other.has_what().values())


def test_a_worker_that_is_killed_in_training_changes_nothing(own: DaskProcesses) -> None:
    taught = joined([examples(NASTY, 1.0, 400), examples(NICE, 0.0, 1200)])
    recipe = replace(QUICK, jobs=2, epochs=8)
    expected = fit(taught, recipe)
    own.wait_for_workers(2)
    killed = threading.Event()

    def kill_the_first_at_work(client: Client, pids: dict[str, int]) -> None:
        while not (busy := [worker for worker, tasks in client.processing().items() if tasks]):
            killed.wait(0.02)
        os.kill(pids[busy[0]], signal.SIGKILL)
        killed.set()

    # Connected and asked before: on a busy machine that may take as long as the training.
    with connected(own.address, lambda _: None) as cluster, Client(own.address, set_as_default=False) as client:
        pids = client.run(os.getpid)

        def progress(step: str) -> None:
            if step.startswith("training the two teacher"):
                threading.Thread(target=kill_the_first_at_work, args=(client, pids)).start()

        found = fit(taught, recipe, progress, cluster)
        assert killed.wait(60)
    for name, array in expected.arrays.items():
        np.testing.assert_allclose(found.arrays[name], array, atol=1e-6, rtol=0, err_msg=name)


def test_training_only_the_deep_reader_on_a_cluster_is_refused() -> None:
    result = CliRunner().invoke(train, ["--readers", "deep", "--cluster", "tcp://127.0.0.1:8786"])
    assert result.exit_code == 2
    assert "--cluster trains the fast reader on a cluster, and --readers deep trains none" in result.stderr
