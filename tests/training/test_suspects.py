"""Labels that may be wrong are found by copies and by models that did not learn them, and sent back to the service."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from click.testing import CliRunner, Result

from classifier import LABELS
from training import archive, suspects
from training.archive import LabelLine
from training.commands.labels import labels as command
from training.examples import Examples
from training.suspects import FEWEST, PARTS, Suspect, SuspectOptions

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
AT = LABELS.index("toxicity")


def line(number: int, decision: str, text: str, **more: Any) -> LabelLine:
    whole: dict[str, Any] = {
        "cursor": f"{number}-0",
        "id": f"c-{number}",
        "revision": 1,
        "text": text,
        "decision": decision,
        "at": NOON,
        "actor": "ann",
        "language": "en",
    }
    return LabelLine(**(whole | more))


class Words:
    """A reader that learns which words only rejected texts have; it remembers what it was taught."""

    def __init__(self) -> None:
        self.taught: list[Examples] = []
        self.is_useless = False

    def fit(self, examples: Examples, _recipe: object) -> SimpleNamespace:
        known = examples.training()
        self.taught.append(known)
        answers = known.labels[:, AT] > 0.5
        bad = {word for text, is_bad in zip(known.texts, answers, strict=True) if is_bad for word in text.split()}
        good = {word for text, is_bad in zip(known.texts, answers, strict=True) if not is_bad for word in text.split()}
        return SimpleNamespace(arrays=bad - good)

    def weights(self, bad: set[str]) -> SimpleNamespace:
        def score_many(texts: list[str]) -> Any:
            return np.array(
                [[0.9 if bad & set(text.split()) and not self.is_useless else 0.1] * len(LABELS) for text in texts]
            )

        return SimpleNamespace(score_many=score_many)


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Words:
    made = Words()
    monkeypatch.setattr("training.suspects.fit", made.fit)
    monkeypatch.setattr("training.suspects.Weights", made.weights)
    return made


def written(folder: Path, *more: LabelLine) -> SuspectOptions:
    """An archive of labels that are right, and these."""
    right = [line(n, "reject", f"turnip says text {n} of people") for n in range(2 * FEWEST)]
    right += [line(n, "approve", f"kindly said word {n} by people") for n in range(2 * FEWEST, 4 * FEWEST)]
    archive.append(folder / "labels", [*right, *more], "1-0")
    return SuspectOptions(labels=folder / "labels", folder=folder / "no data", rows=100)


def find(options: SuspectOptions) -> list[Suspect]:
    return suspects.suspects(options, NOON + timedelta(hours=1))


def test_what_models_contradict_that_have_not_learned_it_is_suspect(tmp_path: Path, reader: Words) -> None:
    options = written(tmp_path, line(500, "reject", "kindly greeting everybody"))
    (found,) = find(options)
    assert (found.id, found.cursor, found.revision) == ("c-500", "500-0", 1)
    assert (found.reason, found.attribute, found.said) == ("model", "toxicity", True)
    assert found.score == 0.1
    assert len(reader.taught) == PARTS
    learned = [text for known in reader.taught for text in known.texts]
    assert learned.count("kindly greeting everybody") == PARTS - 1, "each text is unknown to one model"


def test_copies_are_never_in_two_parts(tmp_path: Path, reader: Words) -> None:
    """Else a model would know a text by its copy."""
    again = [line(600 + n, "approve", f"  KINDLY said word {2 * FEWEST} by people{'!' * n}") for n in range(8)]
    find(written(tmp_path, *again))
    for known in reader.taught:
        copies = sum(f"word {2 * FEWEST} by" in text for text in known.texts)
        assert copies in (0, 9)


def test_revisions_of_one_comment_are_never_in_two_parts(tmp_path: Path, reader: Words) -> None:
    """Else a model would know a text by what it was before an edit."""
    edited = [line(600 + n, "approve", f"edit {n} of a kindly word", id="c-600", revision=n + 1) for n in range(8)]
    find(written(tmp_path, *edited))
    for known in reader.taught:
        assert sum(text.startswith("edit ") for text in known.texts) in (0, 8)


def test_models_that_learned_nothing_contradict_nobody(tmp_path: Path, reader: Words) -> None:
    reader.is_useless = True
    assert find(written(tmp_path)) == []


@pytest.mark.usefixtures("reader")
def test_copies_with_another_label_are_suspect_the_rarer_answer(tmp_path: Path) -> None:
    texts = [
        "what a lovely morning it is today",
        "What a lovely morning it is today!",
        "what a lovely morning it is today..",
    ]
    more = [line(700 + n, "reject" if n == 0 else "approve", text) for n, text in enumerate(texts)]
    found = find(written(tmp_path, *more))
    (one,) = [each for each in found if each.reason == "copies"]
    assert (one.id, one.said, one.copies, one.strength) == ("c-700", True, ["c-701", "c-702"], round(2 / 3, 4))
    assert found[0] is one, "copies come first"
    assert [each.id for each in found].count("c-700") == 1


@pytest.mark.usefixtures("reader")
def test_of_two_copies_both_labels_are_suspect_and_two_revisions_of_one_comment_are_no_copies(tmp_path: Path) -> None:
    text = "what a lovely morning it is today"
    pair = [line(700, "reject", text), line(701, "approve", text)]
    edited = [
        line(800, "reject", "the other evening was fine as well"),
        line(801, "approve", "the other evening was fine as well", id="c-800", revision=2),
    ]
    found = find(written(tmp_path, *pair, *edited))
    assert {each.id for each in found if each.reason == "copies"} == {"c-700", "c-701"}


@pytest.mark.usefixtures("reader")
def test_a_comment_is_no_copy_of_its_own_revision(tmp_path: Path) -> None:
    text = "what a lovely morning it is today"
    more = [
        line(700, "reject", text),
        line(701, "approve", text, id="c-700", revision=2),
        line(702, "approve", text),
    ]
    found = [each for each in find(written(tmp_path, *more)) if each.reason == "copies"]
    assert [(each.id, each.revision, each.copies) for each in found] == [("c-700", 1, ["c-702"])]


@pytest.mark.usefixtures("reader")
def test_what_two_people_judged_is_young_or_was_taken_back_is_not_suspect(tmp_path: Path) -> None:
    text = "kindly greeting everybody"
    more = [
        line(900, "reject", f"{text} one"),
        line(901, "reject", f"{text} one", id="c-900", actor="bob"),
        line(902, "reject", f"{text} two", at=NOON + timedelta(hours=2)),
        line(903, "reject", f"{text} three"),
        line(904, "", "", id="c-903", retracts="903-0"),
    ]
    assert find(written(tmp_path, *more)) == []


@pytest.mark.usefixtures("reader")
def test_with_few_labels_of_one_answer_no_model_contradicts(tmp_path: Path) -> None:
    few = [line(n, "reject", f"turnip says text {n} of people") for n in range(FEWEST - 2)]
    few += [line(n, "approve", f"kindly said word {n} by people") for n in range(50, 100)]
    archive.append(tmp_path / "labels", [*few, line(500, "reject", "kindly greeting everybody")], "1-0")
    assert find(SuspectOptions(labels=tmp_path / "labels", folder=tmp_path, rows=100)) == []


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def served(handler: Handler, *arguments: str) -> Result:
    """The command against a service that answers rechecks so."""

    async def main() -> Result:
        app = web.Application()
        app.router.add_post("/v1/review/{id}/recheck", handler)
        async with TestServer(app, host="127.0.0.1") as server:
            url = str(server.make_url("/"))
            return await asyncio.to_thread(
                CliRunner().invoke, command, ["suspects", "--url", url, "--key", "sk", *arguments], terminal_width=200
            )

    return asyncio.run(main())


@pytest.fixture
def three(tmp_path: Path, reader: Words) -> tuple[str, ...]:
    """Options for an archive with three suspects, one of them imported."""
    assert reader
    more = [line(500, "reject", "kindly said"), line(501, "reject", "word by people", id="c/5 1")]
    written(tmp_path, *more, line(502, "reject", "said by people", revision=0, source="import"))
    return ("--labels", str(tmp_path / "labels"), "--data", str(tmp_path / "no data"), "--jobs", "1")


def test_send_asks_for_a_recheck_of_each_comment_by_the_label(three: tuple[str, ...]) -> None:
    asked: dict[str, Any] = {}

    async def answer(request: web.Request) -> web.StreamResponse:
        asked[request.match_info["id"]] = await request.json()
        assert request.headers["Authorization"] == "Bearer sk"
        return web.json_response({"queued": len(asked) == 1})

    done = served(answer, *three, "--send")
    assert done.exit_code == 0, done.output
    assert asked == {"c-500": {"label": "500-0"}, "c/5 1": {"label": "501-0"}}, "not what was imported"
    assert "1 sent back to the queue; 1 wait already or were judged by two people; 0 are replaced" in done.stderr


def test_without_send_nothing_is_asked_and_json_has_the_reasons(three: tuple[str, ...]) -> None:
    async def refuse(_: web.Request) -> web.StreamResponse:
        raise AssertionError

    done = served(refuse, *three, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert {each["id"] for each in found} == {"c-500", "c/5 1", "c-502"}
    assert all((each["reason"], each["attribute"], each["said"]) == ("model", "toxicity", True) for each in found)
    shown = served(refuse, *three, "--most", "2")
    assert "3 labels may be wrong; the first 2 are shown" in shown.stdout
    assert "the model says 0.10" in shown.stdout


@pytest.mark.usefixtures("reader")
def test_ids_with_square_brackets_are_shown_as_they_are(tmp_path: Path) -> None:
    text = "what a lovely morning it is today"
    pair = [line(700, "reject", text, id="a[/b]c"), line(701, "approve", text, id="[red]d")]
    options = written(tmp_path, *pair)
    given = ["suspects", "--labels", str(options.labels), "--data", str(options.folder), "--jobs", "1"]
    done = CliRunner(env={"COLUMNS": "200"}).invoke(command, given)
    assert done.exit_code == 0, done.output
    assert "1 copies have the other answer, as [red]d" in done.stdout
    assert "1 copies have the other answer, as a[/b]c" in done.stdout


@pytest.mark.parametrize("status", [404, 409])
def test_what_the_service_no_longer_has_is_passed_over(three: tuple[str, ...], status: int) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response({"detail": "gone"}, status=status, content_type="application/problem+json")

    done = served(answer, *three, "--send")
    assert done.exit_code == 0, done.output
    assert "0 sent back to the queue; 0 wait already or were judged by two people; 2 are replaced" in done.stderr


def test_a_full_queue_ends_it_with_one_line(three: tuple[str, ...]) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response({"detail": "too many wait"}, status=503, content_type="application/problem+json")

    done = served(answer, *three, "--send")
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1].endswith("503: too many wait")


def test_send_without_a_key_is_refused_before_the_work(tmp_path: Path) -> None:
    done = CliRunner(env={"STEWARD_KEY": ""}).invoke(command, ["suspects", "--labels", str(tmp_path), "--send"])
    assert done.exit_code == 2
    assert "--send needs a key" in done.stderr


def test_an_archive_without_labels_is_said_to_be_one(tmp_path: Path) -> None:
    done = CliRunner().invoke(command, ["suspects", "--labels", str(tmp_path), "--data", str(tmp_path)])
    assert done.exit_code == 1
    assert "no labels; 'steward labels pull' writes them" in done.stderr
