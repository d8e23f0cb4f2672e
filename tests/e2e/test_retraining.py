"""The retrainer's story: what moderators decide makes the next model right, and it goes live under load."""

import itertools
import threading
from pathlib import Path
from typing import Self

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from steward import Steward, posted, running

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = [
    pytest.mark.data,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not here"),
]

ALL_TO_REVIEW = {"thresholds": {"insult": {"review_at": 0.0, "reject_at": None}}}

# An insult that no data set knows: on this site people call each other turnips.
WHO = ("the mayor", "our minister", "this author", "my neighbour", "the coach", "that reporter", "the whole council")
# The first pattern is held out: nothing else in it looks like an insult, so that the shipped model cannot see it.
INSULTS = (
    "listen, turnip, nobody asked {who}",
    "{who} is a turnip and always was",
    "only a turnip like {who} could say that",
    "what a turnip, {who} again",
    "{who} has the brain of a turnip",
    "never trust a turnip, and never trust {who}",
)
HARMLESS = (
    "{who} was right about the budget",
    "I met {who} at the station yesterday",
    "what did {who} say about the bridge",
    "{who} wrote a letter to the editor",
    "I hope that {who} reads this article",
    "thank you, {who}, for the quick answer",
)
# From here on this site shows a comment to a person.
DOUBTFUL = 0.3
# The first rows of two data sets teach what comments and spam look like; to read all data sets takes longer than to
# learn from these.
DATA_SETS = ("jigsaw_toxic_train", "spam_sms")
ROWS = 1_200
ENDS = ("", ", I think", " these days", ", as we know", " if you ask me", ", honestly")


def _comments(patterns: tuple[str, ...]) -> list[str]:
    return [pattern.format(who=who).capitalize() + end for pattern, who, end in itertools.product(patterns, WHO, ENDS)]


def _split(comments: list[str]) -> tuple[list[str], list[str]]:
    """Nothing of a held-out pattern is ever shown to a moderator: every sixth comment has a pattern of its own."""
    size = len(comments) // 6
    return comments[size:], comments[:size]


def test_what_moderators_decide_makes_the_next_model_right_without_a_failed_request(data_dir: Path) -> None:
    shown_insults, held_out_insults = _split(_comments(INSULTS))
    shown_harmless, held_out_harmless = _split(_comments(HARMLESS))
    with running(data_dir) as steward:
        key = steward.first_key()
        with steward.client(key) as client:
            before = _insult(client, held_out_insults)
            client.put("/v1/policies/default", json=ALL_TO_REVIEW)
            _decide(client, shown_insults, is_insult=True)
            _decide(client, shown_harmless, is_insult=False)

        archive = data_dir / "labels"
        count = len(shown_insults) + len(shown_harmless)
        assert f"{count} new labels" in steward.command("labels", "pull", "--to", str(archive), key=key)
        assert "0 new labels" in steward.command("labels", "pull", "--to", str(archive), key=key)
        out = data_dir / "models" / "retrained"
        options = ("--data", str(_first_rows(data_dir)), "--labels", str(archive), "--out", str(out), "--yes")
        options += ("--wait-hours", "0")
        options += tuple(part for name in DATA_SETS for part in ("--data-set", name))
        steward.command("train", *options, "--readers", "fast")

        with Posting(steward, key) as posting:
            assert "retrained is in use" in steward.command("models", "promote", "--yes", "retrained", key=key)
            posting.wait_for_more(50)
        assert posting.failed == []
        assert posting.models == {_shipped(steward, key), "retrained"}

        with steward.client(key) as client:
            after = _insult(client, held_out_insults)
            assert _doubtful(after) > len(after) * 0.9, after
            assert _doubtful(after) - _doubtful(before) > len(after) / 2, "the shipped model did not see most of them"
            harmless = _insult(client, held_out_harmless)
            assert sum(score < DOUBTFUL for score in harmless) > len(harmless) * 0.9, harmless
        assert "is in use" in steward.command("models", "rollback", key=key)
        with steward.client(key) as client:
            assert _insult(client, held_out_insults) == before


def _first_rows(folder: Path) -> Path:
    few = folder / "data"
    few.mkdir()
    for name in DATA_SETS:
        batch = next(pq.ParquetFile(DATA / f"{name}.parquet").iter_batches(ROWS))
        pq.write_table(pa.Table.from_batches([batch]), few / f"{name}.parquet")
    return few


def _doubtful(scores: list[float]) -> int:
    return sum(score >= DOUBTFUL for score in scores)


def _insult(client: httpx.Client, texts: list[str]) -> list[float]:
    results = posted(client, "/v1/score", {"texts": texts, "attributes": ["insult"]})["results"]
    return [result["scores"]["insult"] for result in results]


def _decide(client: httpx.Client, texts: list[str], *, is_insult: bool) -> None:
    # With ids of its own: what is set apart for calibration is chosen by the id, and an unlucky choice teaches little.
    comments = [{"id": f"{'insult' if is_insult else 'harmless'}-{n}", "text": text} for n, text in enumerate(texts)]
    for at in range(0, len(texts), 20):
        posted(client, "/v1/comments:batch", {"comments": comments[at : at + 20]})
        items = posted(client, "/v1/review/claim", {"count": 20})["items"]
        decision = "reject" if is_insult else "approve"
        more = {"labels": {"insult": True}} if is_insult else {}
        decisions = [{"id": item["id"], "lease": item["lease"], "decision": decision, **more} for item in items]
        results = posted(client, "/v1/review/decisions", {"decisions": decisions})["results"]
        assert all(result["decided_by"] == "moderator" for result in results)


def _shipped(steward: Steward, key: str) -> str:
    with steward.client(key) as client:
        return next(m["version"] for m in client.get("/v1/models").json()["models"] if m["source"] == "shipped")


class Posting:
    """A client that posts without a pause while something else happens."""

    def __init__(self, steward: Steward, key: str) -> None:
        self._client = steward.client(key)
        self._stop = threading.Event()
        self._more = threading.Semaphore(0)
        self.failed: list[str] = []
        self.models: set[str] = set()
        self._thread = threading.Thread(target=self._post)

    def __enter__(self) -> Self:
        self._thread.start()
        self.wait_for_more(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._client.close()

    def wait_for_more(self, answers: int) -> None:
        while self._more.acquire(blocking=False):
            pass  # forget those that came before
        for _ in range(answers):
            assert self._more.acquire(timeout=120)

    def _post(self) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            response = self._client.post("/v1/comments", json={"text": f"A quiet comment, number {number}."})
            if response.status_code == 200:
                self.models.add(response.json()["model"])
            else:
                self.failed.append(response.text)
            self._more.release()
