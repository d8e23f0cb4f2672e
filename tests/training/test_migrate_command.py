"""`steward migrate perspective` on the command line: its output, its files and its errors."""

import asyncio
import json
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from click.testing import CliRunner, Result
from kept_scores import ours, texts, theirs, write

import classifier
from training.commands.migrate import migrate


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(migrate, ["perspective", *arguments], terminal_width=200)


@pytest.fixture(scope="module")
def scored(shipped: classifier.Model) -> tuple[list[str], Any]:
    some = texts(800)
    return some, ours(shipped, some)


@pytest.fixture
def kept(scored: tuple[list[str], Any], tmp_path: Path) -> Path:
    some, here = scored
    there = theirs(here, 0.3)
    rows = [
        {"comment": text, "TOXICITY": a, "INSULT": b, "people": int(h > 0.6)}
        for text, a, b, h in zip(some, there, there, here, strict=True)
    ]
    return write(tmp_path / "kept.csv", rows)


def test_it_prints_the_agreement_and_writes_figures_page_and_map(kept: Path, tmp_path: Path, scored: Any) -> None:
    files = {kind: tmp_path / "out" / f"report.{kind}" for kind in ("json", "html", "map")}
    options = [part for kind, path in files.items() for part in (f"--{kind}", str(path))]
    ended = run(str(kept), "--label", "people", "--threshold", "TOXICITY=0.8", "--threshold", "TOXICITY=0.7", *options)
    assert ended.exit_code == 0, ended.output
    assert "800 texts" in ended.stdout
    figures = json.loads(files["json"].read_bytes())
    found = figures["attributes"]["TOXICITY"]
    assert [match["theirs"] for match in found["matches"]] == [0.7, 0.8]
    assert [match["theirs"] for match in figures["attributes"]["INSULT"]["matches"]] == [0.8]
    assert found["rank_correlation"]["value"] > 0.9
    assert found["auc_ours"]["value"] == 1
    for match in found["matches"]:
        assert match["flagged_ours"]["value"] == pytest.approx(match["flagged_theirs"]["value"], abs=0.005)
        assert f"{match['ours']['value']:.3f}" in ended.stdout
    pairs = json.loads(files["map"].read_bytes())
    assert pairs.keys() == {"TOXICITY", "INSULT"}
    x, y = zip(*pairs["TOXICITY"], strict=True)
    _, here = scored
    answered, there = np.interp(here, x, y), theirs(here, 0.3)
    assert float((answered > 0.8).mean()) == pytest.approx(float((there > 0.8).mean()), abs=0.005)


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_asks_for_nothing_from_elsewhere_and_is_the_same_each_time(kept: Path, tmp_path: Path) -> None:
    pages = [tmp_path / "a.html", tmp_path / "b.html"]
    for path in pages:
        assert run(str(kept), "--html", str(path)).exit_code == 0
    assert pages[0].read_bytes() == pages[1].read_bytes()
    page = Page(pages[0].read_text())
    assert not {"script", "link", "img", "iframe", "image"} & {tag for tag, _ in page.tags}
    links = [value for _, attributes in page.tags for name, value in attributes.items() if name.endswith("href")]
    names = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert all(str(link).startswith("#") and str(link)[1:] in names for link in links)
    assert len(names) == len(set(names))
    drawn = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert len(drawn) == 4
    assert all(each["aria-label"] for each in drawn)
    assert "INSULT" in page.text
    assert "kept" not in page.text, "no text of a reader's, and no file"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--threshold", "TOXICITY"], "must be ATTRIBUTE=NUMBER"),
        (["--threshold", "TOXICITY=80"], "between 0 and 1"),
        (["--threshold", "THREAT=0.8"], "no scores of THREAT"),
        (["--score", "TOXICITY"], "must be ATTRIBUTE=COLUMN"),
        (["--score", "JOY=TOXICITY"], "'JOY' matches none of our scores"),
        (["--score", "TOXICITY=nothing"], "no column 'nothing'"),
        (["--text", "nothing"], "no column 'nothing'"),
        (["--put"], "--put needs --key"),
        (["--from-api"], "set PERSPECTIVE_API_KEY"),
        (["--from-api", "--attribute", "JOY"], "'JOY' matches none of our scores"),
        (["--model", "."], "manifest"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(kept: Path, arguments: list[str], said: str) -> None:
    ended = run(str(kept), *arguments)
    assert ended.exit_code in {1, 2}
    assert said in ended.stderr
    assert "Traceback" not in ended.output


# -- from the API, and into a service


@pytest.fixture
async def google(scored: tuple[list[str], Any]) -> AsyncIterator[str]:
    some, here = scored
    by_text = dict(zip(some, theirs(here).tolist(), strict=True))

    async def answer(request: web.Request) -> web.Response:
        body = await request.json()
        score = {"summaryScore": {"value": by_text[body["comment"]["text"]], "type": "PROBABILITY"}}
        return web.json_response({"attributeScores": dict.fromkeys(body["requestedAttributes"], score)})

    app = web.Application()
    app.router.add_post("/v1alpha1/comments:analyze", answer)
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("/v1alpha1"))


async def test_scores_come_from_perspective_itself(google: str, scored: Any, tmp_path: Path) -> None:
    file = write(tmp_path / "texts.csv", [{"text": text} for text in scored[0][:60]])
    options = ("--from-api", "--api", google, "--rate", "1000", "--json", str(tmp_path / "figures.json"))
    ended = await asyncio.to_thread(run, str(file), *options, PERSPECTIVE_API_KEY="AIza-4711")
    assert ended.exit_code == 0, ended.output
    assert "AIza-4711" not in ended.output
    figures = json.loads((tmp_path / "figures.json").read_bytes())
    assert figures["attributes"]["TOXICITY"]["texts"] == 60
    assert len((tmp_path / "texts.perspective.ndjson").read_text().splitlines()) == 60


POLICY = {
    "thresholds": {"toxicity": {"review_at": 0.3, "reject_at": 0.98}},
    "name": "default",
    "version": 4,
    "review": {"audit_approved": 0.01},
    "protocols": {"coral": {"shadow": True}, "perspective": {"accept_html": True, "score_maps": {"SPAM": [[0, 0]]}}},
}


async def test_maps_go_into_the_policy_and_leave_the_rest_as_it_is(kept: Path) -> None:
    put: list[Any] = []

    async def show(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer sk-1"
        return web.json_response(POLICY)

    async def replace(request: web.Request) -> web.Response:
        put.append(await request.json())
        return web.json_response(put[0] | {"name": "default", "version": 5})

    app = web.Application()
    app.router.add_get("/v1/policies/default", show)
    app.router.add_put("/v1/policies/default", replace)
    async with TestServer(app, host="127.0.0.1") as server:
        url = str(server.make_url("/"))
        ended = await asyncio.to_thread(run, str(kept), "--put", "--url", url, "--key", "sk-1")
    assert ended.exit_code == 0, ended.output
    assert "the maps of TOXICITY, INSULT are in default@5" in ended.stdout
    (body,) = put
    maps = body["protocols"]["perspective"].pop("score_maps")
    assert maps.keys() == {"SPAM", "TOXICITY", "INSULT"}
    assert body == {
        "thresholds": POLICY["thresholds"],
        "version": 4,
        "review": POLICY["review"],
        "protocols": {"coral": {"shadow": True}, "perspective": {"accept_html": True}},
    }


@pytest.mark.parametrize("option", ["--json", "--html", "--map", "--answers"])
def test_the_kept_scores_are_never_overwritten(kept: Path, option: str) -> None:
    before = kept.read_bytes()
    asked = ("--from-api",) if option == "--answers" else ()
    result = run(str(kept), *asked, option, str(kept), PERSPECTIVE_API_KEY="x")
    assert result.exit_code == 1
    assert result.stderr.endswith("would be overwritten: give the output another name\n")
    assert kept.read_bytes() == before
