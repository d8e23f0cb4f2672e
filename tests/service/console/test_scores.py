"""All that waits by score: only where scores are shown, and no audit is told from the others by it."""

import re
from typing import Any

import pytest

from service.values.accounts import Role

SHOWN = {"thresholds": {"toxicity": {"review_at": 0.0}}, "review": {"show_scores": True}}
KIND, RUDE = "Thank you for this, number {}.", "You are a stupid idiot, number {}."


@pytest.fixture
async def waiting(admin: Any) -> None:
    """Ten kind and ten rude comments that wait, with scores for most of them."""
    assert (await admin("PUT", "/v1/policies/default", SHOWN)).status == 200
    for n in range(10):
        for name, text in (("kind", KIND), ("rude", RUDE)):
            await admin.post("/v1/comments", {"id": f"{name}-{n}", "text": text.format(n)})


def listed(page: Any) -> list[str]:
    return re.findall(r'<tr data-id="([^"]+)"', page.text)


def dots(page: Any) -> int:
    """Of the axis that is looked at."""
    return len(re.findall(r"h0", page.text.split('id="axis"')[1].split("</svg>")[0]))


@pytest.mark.usefixtures("waiting")
async def test_a_range_is_listed_the_highest_first(as_role: Any) -> None:
    mia = await as_role(Role.MODERATOR)
    page = await mia.get("/console/scores?axis=insult")
    assert re.findall(r'aria-current="true">(\w+)</a></li>', page.text) == ["Queue"]
    everything = listed(page)
    assert dots(page) == len(everything) > 0
    without = re.search(r"(\d+) comments? that waits? ha(?:s|ve) no dot", page.text)
    # Every fifth by chance: how many is anybody's guess, and now and then it is one or none.
    assert len(everything) + (int(without[1]) if without else 0) == 20
    rude = [each for each in everything if each.startswith("rude")]
    assert everything[: len(rude)] == rude
    page = await mia.get("/console/scores?axis=insult&low=0.8&high=1")
    assert listed(page) == rude
    assert f"{len(rude)} comments lie in this range." in page.text
    page = await mia.get("/console/scores?axis=threat&low=0.9&high=1")
    assert listed(page) == []
    assert "0 comments lie in this range." in page.text
    scores = [
        float(each) for each in re.findall(r'<td class="score">([\d.]+)<', (await mia.get("/console/scores")).text)
    ]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.usefixtures("waiting")
async def test_a_range_is_decided_at_once_and_taken_back_without_scripts(as_role: Any, admin: Any) -> None:
    mia = await as_role(Role.MODERATOR)
    path = "/console/scores?axis=insult&low=0.8&high=1.0"
    page = await mia.get(f"{path}&all=true")
    chosen = re.findall(r'name="chosen" checked value="([^"]+)"', page.text)
    ids = listed(page)
    assert len(chosen) == len(ids) > 1
    assert "checked" not in (await mia.get(path)).text.split("<tbody>")[1]
    form = dict(re.findall(r'<input type="hidden" name="(in_\w+)" value="([^"]*)"', page.text.split('id="list"')[1]))
    after = await mia.post("/console/queue/decisions", **form, chosen=chosen, reject="personal_attack")
    assert after.location.startswith("/console/scores?axis=insult&low=0.8")
    page = await mia.get(after.location)
    assert f"Rejected: {len(ids)} / {len(ids)}" in re.sub(r"\s+", " ", page.text).replace("Rejected :", "Rejected:")
    assert listed(page) == []
    assert {(await admin.get(f"/v1/comments/{each}")).body["status"] for each in ids} == {"rejected"}
    batch = re.search(r'name="batch" value="([^"]+)"', page.text)
    assert batch
    back = await mia.post("/console/queue/undo", **form, batch=batch[1])
    assert back.location.startswith("/console/scores?")
    assert {(await admin.get(f"/v1/comments/{each}")).body["status"] for each in ids} == {"pending"}


async def test_without_scores_shown_the_page_says_why_there_is_nothing(
    as_role: Any, admin: Any, decide_always: Any
) -> None:
    await decide_always("review")
    await admin.post("/v1/comments", {"id": "c-1", "text": RUDE.format(1)})
    for role in Role:
        page = await (await as_role(role)).get("/console/scores")
        assert page.status == 200
        assert "This site does not show scores before a decision" in page.text
        assert "<tr data-id" not in page.text
        assert ("The policy can show them" in page.text) == (role is Role.ADMIN)


async def test_an_audit_has_no_dot_as_many_others_have_none(as_role: Any, admin: Any) -> None:
    audits = {"thresholds": {"toxicity": {}}, "review": {"audit_approved": 1.0, "show_scores": True}}
    assert (await admin("PUT", "/v1/policies/default", audits)).status == 200
    await admin.post("/v1/comments", {"id": "audited", "text": RUDE.format(0)})
    page = await (await as_role(Role.SUPERVISOR)).get("/console/scores?axis=insult")
    assert listed(page) == []
    assert dots(page) == 0
    assert "1 comment that waits has no dot" in page.text


@pytest.mark.usefixtures("waiting")
async def test_wrong_ranges_are_refused_and_views_lead_to_each_other(as_role: Any) -> None:
    mia = await as_role(Role.MODERATOR)
    for query in ("low=0.9&high=0.1", "low=nan", "low=2", "high=x", "axis=nonsense"):
        assert (await mia.get(f"/console/scores?{query}")).status == 400, query
    assert (await mia.get("/console/scores?queue=held")).status == 404
    page = await mia.get("/console/queue?view=scores&section=world")
    assert page.location == "/console/scores?section=world"
    assert "/console/scores" in (await mia.get("/console/queue?view=list")).text


@pytest.mark.usefixtures("waiting")
async def test_many_comments_of_one_score_share_their_dots(as_role: Any, admin: Any) -> None:
    for n in range(40):
        await admin.post("/v1/comments", {"id": f"more-{n}", "text": RUDE.format(1)})
    page = await (await as_role(Role.MODERATOR)).get("/console/scores?axis=insult&low=0.8")
    assert re.search(r"A dot stands for up to [234] comments\.", page.text)
    assert 0 < dots(page) < len(listed(page))
