"""A site moves: kept scores are held against ours, a map goes into its policy, and its code flags what it flagged."""

import json
import sys
from pathlib import Path

import pytest
from steward import Steward

import classifier

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

from kept_scores import ours, texts, theirs, write

THRESHOLD = 0.8


@pytest.fixture(scope="module")
def some() -> list[str]:
    return texts(200)


@pytest.fixture(scope="module")
def kept(some: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    there = theirs(ours(classifier.load(classifier.SHIPPED), some), 0.5)
    rows = [{"text": text, "TOXICITY": score} for text, score in zip(some, there, strict=True)]
    return write(tmp_path_factory.mktemp("kept") / "kept.csv", rows)


def answered(service: Steward, key: str, some: list[str]) -> list[float]:
    """What a client of Perspective reads."""
    with service.client(key) as client:
        body = {"requestedAttributes": {"TOXICITY": {}}, "languages": ["en"]}
        replies = [
            client.post("/v1alpha1/comments:analyze", params={"key": key}, json=body | {"comment": {"text": text}})
            for text in some
        ]
    return [reply.json()["attributeScores"]["TOXICITY"]["summaryScore"]["value"] for reply in replies]


def test_a_map_keeps_the_share_that_the_sites_code_flags(service: Steward, kept: Path, some: list[str]) -> None:
    key = service.key("moved", "chief", "admin", "score")
    there = theirs(ours(classifier.load(classifier.SHIPPED), some), 0.5)
    flagged = int((there > THRESHOLD).sum())
    before = sum(score > THRESHOLD for score in answered(service, key, some))
    assert abs(before - flagged) > 10, "without a map the same code flags another share"
    said = service.command(
        "migrate", "perspective", str(kept), "--threshold", f"TOXICITY={THRESHOLD}", "--put", key=key
    )
    assert "the maps of TOXICITY are in default@2" in said
    with service.client(key) as client:
        policy = client.get("/v1/policies/default").json()
    assert "TOXICITY" in policy["protocols"]["perspective"]["score_maps"]
    after = sum(score > THRESHOLD for score in answered(service, key, some))
    assert abs(after - flagged) <= 1


def test_scores_are_asked_for_from_whoever_speaks_perspectives_protocol(
    service: Steward, kept: Path, tmp_path: Path
) -> None:
    """Our own service does; what it says is what we say, as far as its digits go."""
    key = service.key("asking", "website", "score")
    figures, answers = tmp_path / "figures.json", tmp_path / "answers.ndjson"
    options = ("--from-api", "--api", f"{service.url}/v1alpha1", "--rate", "1000", "--answers", str(answers))
    service.command("migrate", "perspective", str(kept), *options, "--json", str(figures), PERSPECTIVE_API_KEY=key)
    found = json.loads(figures.read_bytes())["attributes"]["TOXICITY"]
    assert found["texts"] == 200
    assert found["rank_correlation"]["value"] > 0.9999
    (match,) = found["matches"]
    assert match["only_theirs"]["value"] == match["only_ours"]["value"] == 0
    assert match["ours"]["value"] == pytest.approx(0.8, abs=0.05)
