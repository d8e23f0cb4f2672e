"""The commands on the command line: their output, and one line for each error."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port
from click.testing import Result
from stand_in import against, answering, listed, run

import classifier
from training.commands.evaluate import evaluate
from training.commands.labels import labels
from training.commands.models import models
from training.commands.train import train
from training.deep.fit import DeepRecipe
from training.run import TrainingOptions

HEAVY = ("numpy", "scipy", "sklearn", "joblib", "pyarrow", "httpx", "rich", "aiohttp", "redis")
COMMANDS = (
    *(
        "train",
        "evaluate",
        "labels",
        "labels pull",
        "labels suspects",
        "models",
        "models list",
        "models gate",
        "models shadow",
        "models promote",
        "models rollback",
    ),
    *("migrate", "migrate perspective"),
)
KNOWN = {
    "models": [
        {"version": "2026-11-23-1", "source": "shipped", "active": False, "created_at": "2026-11-23T12:00:00Z"},
        {"version": "mine", "source": "data", "active": True, "generation": 4, "created_at": None},
        {"version": "broken", "source": "data", "active": False, "problem": "weights.npy is truncated"},
    ]
}


def refusal(result: Result) -> str:
    """The one line on standard error, of a command that ended as it should when it cannot do its work."""
    assert result.exit_code == 1, result.output
    said = without_place(result)
    assert said.startswith("Error: ")
    assert said.count("\n") == 1
    return said.removeprefix("Error: ").strip()


def without_place(result: Result) -> str:
    """Standard error without its first line, in which a command says which service it asks."""
    return re.sub(r"\Aservice: http://\S+\n", "", result.stderr)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_imports_nothing_heavy(command: str) -> None:
    program = (
        "import sys\n"
        "from service.cli import steward\n"
        f"steward({[*command.split(), '--help']}, standalone_mode=False)\n"
        f"print(sorted(set({HEAVY}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage:")
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_full_disk_is_told_in_a_line() -> None:
    program = "import sys; from service.cli import main; sys.argv[1:] = ['--help']; main()"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", program], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (1, "steward: [Errno 28] No space left on device\n")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    lines = [f"spam\tWIN a free prize now, text WIN to 8{n:04}\nham\tSee you at {n}" for n in range(150)]
    (tmp_path / "SMSSpamCollection").write_text("\n".join(lines) + "\n")
    return tmp_path


@pytest.mark.usefixtures("few_sentences")
def test_evaluate_prints_a_table_and_writes_all_figures(data: Path) -> None:
    written = data / "new folder" / "figures.json"
    result = run(evaluate, "--data", str(data), "--json", str(written), COLUMNS="200")
    assert result.exit_code == 0, result.output
    figures = json.loads(written.read_bytes())
    shipped = classifier.read_manifest(classifier.SHIPPED)
    assert figures["model"] == {"version": shipped.version, "digest": shipped.digest}
    assert f"model {shipped.version} ({shipped.digest[:12]})" in result.stdout
    (found,) = figures["data_sets"]
    spam = found["attributes"]["spam"]
    auc = spam["auc"]
    assert f"{auc['value']:.4f} [{auc['low']:.4f}, {auc['high']:.4f}]" in result.stdout
    assert found["data_set"] in result.stdout
    assert "A threat or an insult among harmless sentences" in result.stdout
    assert [each["among"] for each in figures["diluted"]] == [2, 4, 6, 8, 10]
    # A title of several lines is cut between any two words.
    assert f"en {figures['written']['auc']['en']['value']:.4f} [" in " ".join(result.stdout.split())
    assert "approved of 2 threats and insults among 2 to 10 harmless sentences" in result.stdout
    assert sum(row["weight"] for row in spam["reliability"]) == spam["texts"]


@pytest.mark.usefixtures("few_sentences")
def test_evaluate_writes_the_same_bytes_for_the_same_seed(data: Path) -> None:
    first, second = data / "1.json", data / "2.json"
    for path in (first, second):
        assert run(evaluate, "--data", str(data), "--json", str(path), "--seed", "3").exit_code == 0
    assert first.read_bytes() == second.read_bytes()


def test_evaluate_of_an_empty_folder_says_where_to_look(tmp_path: Path) -> None:
    said = refusal(run(evaluate, STEWARD_TRAIN_DATA=str(tmp_path)))
    assert said == f"{tmp_path} holds none of the data sets; see docs/data-sets.md"


def test_evaluate_names_an_unknown_data_set(tmp_path: Path) -> None:
    assert "unknown data set 'jigsaw'; known are jigsaw_toxic_train, " in refusal(
        run(evaluate, "--data", str(tmp_path), "--data-set", "jigsaw")
    )


def test_evaluate_refuses_a_folder_that_is_no_model(data: Path) -> None:
    said = refusal(run(evaluate, str(data), "--data", str(data)))
    assert said == f"model {data.name} in {data.parent}: manifest.json cannot be opened: No such file or directory"


async def test_models_are_listed_with_the_one_in_use() -> None:
    result = await against([web.get("/v1/models", answering(KNOWN))], models, "list")
    assert result.exit_code == 0, result.output
    (mine,) = [line for line in result.stdout.splitlines() if "mine" in line]
    assert "in use" in mine
    assert "in use" not in result.stdout.replace(mine, "")
    assert "weights.npy is truncated" in result.stdout


async def test_promote_says_what_is_in_use_now() -> None:
    async def promote(request: web.Request) -> web.Response:
        return web.json_response({"version": request.match_info["version"], "generation": 5})

    # A name cannot lead to another address.
    result = await against([web.post("/v1/models/{version}:promote", promote)], models, "promote", "a b/c?d")
    assert result.stdout == "a b/c?d is in use (generation 5)\n"
    assert result.stderr.startswith("service: http://127.0.0.1:")


async def test_an_override_is_a_proposal_with_a_reason_and_promotes_nothing() -> None:
    asked: list[Any] = []

    async def propose(request: web.Request) -> web.Response:
        asked.append(await request.json())
        return web.json_response({"id": "a-1", "expires_at": "2026-12-01T12:00:00Z"})

    result = await against([web.post("/v1/approvals", propose)], models, "promote", "m-2", "--override", "too blind")
    assert asked == [{"deed": {"kind": "promote_model", "model": "m-2", "why": "too blind"}}]
    assert "nothing is done yet: somebody else must approve a-1 until 2026-12-01T12:00:00Z" in result.stdout


@pytest.mark.parametrize(("passed", "code"), [(True, 0), (False, 1)])
async def test_the_gate_is_shown_check_by_check(passed: bool, code: int) -> None:
    checks = [{"name": "coverage", "passed": passed, "detail": "88.0% would be decided automatically, now 90.0%"}]
    found = {"policy": "default@3", "passed": passed, "checks": checks}
    result = await against([web.get("/v1/models/m-2/gate", answering(found))], models, "gate", "m-2")
    said = ("passed", "passes") if passed else ("failed", "does not pass")
    assert result.stdout.splitlines() == [
        f"{said[0]}  coverage: 88.0% would be decided automatically, now 90.0%",
        f"m-2 {said[1]} the gate of default@3",
    ]
    assert result.exit_code == code


SHADOW = "/v1/models/m-2/shadow"
SEEN = {
    "model": "m-2",
    "running": {"share": 0.1},
    "problem": "model 'm-2' is gone",
    "figures": {
        "days": 3,
        "comments": 50,
        "differing": 4,
        "pairs": [{"champion": "m-1", "was": "reject", "would": "review", "comments": 4}],
    },
}


async def test_shadow_shows_what_the_model_would_have_done() -> None:
    result = await against([web.get(SHADOW, answering(SEEN))], models, "shadow", "m-2")
    assert result.stdout.splitlines() == [
        "m-2 is in shadow, for a share of 0.1",
        "it does not score: model 'm-2' is gone",
        "50 comments on 3 days, 4 decided differently",
        "4  reject by m-1, review by m-2",
    ]


async def test_shadow_puts_a_model_in_and_takes_it_out() -> None:
    asked: list[Any] = []

    async def put(request: web.Request) -> web.Response:
        asked.append(await request.json())
        return web.json_response(asked[-1])

    async def stop(request: web.Request) -> web.Response:
        asked.append(request.method)
        return web.Response(status=204)

    routes = [web.put(SHADOW, put), web.delete(SHADOW, stop)]
    result = await against(routes, models, "shadow", "m-2", "--share", "0.1")
    assert result.stdout == "m-2 is in shadow, for a share of 0.1\n"
    assert (await against(routes, models, "shadow", "m-2", "--stop")).stdout == "m-2 is no longer in shadow\n"
    assert asked == [{"share": 0.1}, "DELETE"]


@pytest.mark.parametrize("wrong", [["--share", "0"], ["--share", "1.5"], ["--share", "0.1", "--stop"]])
def test_shadow_refuses_what_makes_no_sense(wrong: list[str]) -> None:
    result = run(models, "shadow", "m-2", "--key", "k", *wrong)
    assert result.exit_code == 2
    assert "--share" in result.stderr


class Promotions:
    """A service with the model 'old' in use, and a model 'new'."""

    def __init__(self, **new: Any) -> None:
        self.promoted: list[str] = []
        self.known = {"models": [listed("old", active=True), listed("new", active=False, **new)]}

    async def promote(self, request: web.Request) -> web.Response:
        self.promoted.append(request.match_info["version"])
        return web.json_response({"version": request.match_info["version"], "generation": 5})

    @property
    def routes(self) -> list[web.RouteDef]:
        listing = web.get("/v1/models", answering(self.known))
        return [listing, web.post("/v1/models/{version}:promote", self.promote)]


LOSSES = [
    ({"judges": {"en": ["toxicity", "spam"]}}, "it does not judge these languages, which old judges: de"),
    ({"judges": {"en": ["toxicity"], "de": ["toxicity"]}}, "these attributes, which old judges: spam (en)"),
    ({"auc": 0.9}, "it is significantly worse at toxicity on jigsaw: ROC AUC 0.9000, against 0.9500 of old"),
]


@pytest.mark.parametrize(("new", "warning"), LOSSES)
async def test_promote_warns_of_what_is_lost_and_asks(new: Any, warning: str) -> None:
    service = Promotions(**new)
    for said, is_promoted in (("", False), ("n\n", False), ("y\n", True)):
        result = await against(service.routes, models, "promote", "new", said=said)
        assert warning in result.stderr
        assert (result.exit_code == 0) is is_promoted, result.output
        assert service.promoted == (["new"] if is_promoted else [])


@pytest.mark.parametrize(("new", "warning"), LOSSES)
async def test_promote_with_yes_warns_and_does_not_ask(new: Any, warning: str) -> None:
    service = Promotions(**new)
    result = await against(service.routes, models, "promote", "--yes", "new")
    assert (result.exit_code, service.promoted) == (0, ["new"])
    assert warning in result.stderr
    assert "anyway" not in result.output


@pytest.mark.parametrize("new", [{}, {"auc": 0.951}, {"auc": 0.948}])
async def test_promote_does_not_ask_where_nothing_is_lost(new: Any) -> None:
    service = Promotions(**new)
    result = await against(service.routes, models, "promote", "new")
    assert (result.exit_code, without_place(result), service.promoted) == (0, "", ["new"])


@pytest.mark.usefixtures("few_sentences")
@pytest.mark.parametrize("said", ["", "n\n"])
def test_train_asks_before_the_work_where_the_model_in_use_can_do_more(data: Path, said: str) -> None:
    out = data / "new"
    result = run(train, "--data", str(data), "--data-dir", str(data), "--out", str(out), said=said)
    assert result.exit_code == 1
    shipped = classifier.read_manifest(classifier.SHIPPED)
    assert shipped.deep
    carried = {"en", *shipped.deep.transferred}  # those of the new deep reader, too, which nothing need be taught for
    lost = [language for language in shipped.judged_by_both if language not in carried]
    assert {"de", "pt", "da"} <= set(lost)
    assert f"languages, which {shipped.version} judges: {', '.join(lost)}\n" in result.stderr
    assert "Train it anyway?" in result.stderr
    assert not out.exists()


def test_train_refuses_a_folder_to_begin_from_before_the_work(data: Path) -> None:
    (data / "empty").mkdir()
    result = run(train, "--data", str(data), "--data-dir", str(data), "--begin-from", str(data / "empty"))
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert "Traceback" not in result.output
    assert "texts from" not in result.output


@pytest.mark.usefixtures("few_sentences")
def test_sentences_of_our_own_teach_the_fast_reader_no_language(data: Path) -> None:
    """Nothing is calibrated on them, so French, of which there is nothing else, would not be judged."""
    names = ("spam_sms", "contrast_fr")
    wanted = [option for name in names for option in ("--data-set", name)]
    paths = ("--data", str(data), "--data-dir", str(data), "--out", str(data / "new"))
    result = run(train, *paths, *wanted, "--readers", "fast", said="n\n")
    assert result.exit_code == 1
    (lost,) = re.findall(r"does not judge these languages, which .* judges: (.*)", result.stderr)
    assert "fr" in lost.split(", ")


def test_the_deep_reader_has_one_number_of_epochs_by_default() -> None:
    (option,) = [each for each in train.params if each.name == "epochs"]
    assert option.default == DeepRecipe().epochs == TrainingOptions(Path()).epochs
    said = (Path(__file__).parents[2] / "docs" / "retraining.md").read_text()
    assert f"`--epochs` says how often the deep reader sees each text ({option.default:g})" in said


async def test_rollback_says_what_is_in_use_now() -> None:
    routes = [web.post("/v1/models:rollback", answering({"version": "before", "generation": 6}))]
    assert (await against(routes, models, "rollback")).stdout == "before is in use (generation 6)\n"


async def test_a_refused_promotion_is_one_line() -> None:
    problem = {"type": "about:blank", "title": "Conflict", "status": 409, "detail": "golden scores differ"}
    result = await against([web.post("/v1/models/x:promote", answering(problem, 409))], models, "promote", "x")
    assert refusal(result) == "POST /v1/models/x:promote: 409: golden scores differ"


async def test_another_server_is_not_taken_for_the_service() -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<html>welcome</html>", content_type="text/html")

    assert "the answer is not JSON; is this the service?" in refusal(
        await against([web.get("/v1/models", page)], models, "list")
    )


async def test_labels_pull_says_how_many_are_new(tmp_path: Path) -> None:
    line = {"cursor": "1-0", "id": "c", "revision": 1, "text": "t", "decision": "approve", "at": "2026-11-23T12:00:00Z"}

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="" if "after" in request.query else json.dumps(line))

    folder = tmp_path / "labels"
    for count in (1, 0):
        result = await against([web.get("/v1/labels", answer)], labels, "pull", "--to", str(folder))
        assert result.exit_code == 0, result.output
        assert result.stdout.endswith(f"{count} new labels in {folder}\n")


@pytest.mark.parametrize(
    ("command", "arguments"),
    [(labels, ["pull"]), (models, ["list"]), (models, ["promote", "x"]), (models, ["rollback"])],
)
def test_without_a_service_there_is_one_line(command: click.Group, arguments: list[str]) -> None:
    url = f"http://127.0.0.1:{unused_port()}"
    assert refusal(run(command, *arguments, "--url", url, "--key", "sk-1")).startswith(f"no service answers at {url}")


@pytest.mark.parametrize(("command", "arguments"), [(labels, ["pull"]), (models, ["list"])])
def test_a_key_is_asked_for(command: click.Group, arguments: list[str]) -> None:
    result = run(command, *arguments, STEWARD_KEY="")
    assert result.exit_code == 2
    assert "Missing option '--key'" in result.stderr
