"""A supervisor gives back what somebody else holds: on the list, on the card, and in the history."""

from typing import Any

import pytest

from service.values.accounts import Role

BACK = "Give back to the queue"


@pytest.fixture
async def held(admin: Any, ann: Any, decide_always: Any) -> None:
    await decide_always("review")
    await admin.post("/v1/comments", {"id": "c-1", "text": "Text."})
    assert len((await ann.post("/v1/review/claim", {"count": 1})).body["items"]) == 1


@pytest.mark.usefixtures("held")
async def test_a_supervisor_frees_it_on_the_list_and_its_history_says_so(as_role: Any, admin: Any) -> None:
    chief = await as_role(Role.SUPERVISOR)
    page = await chief.get("/console/queue?queue=held")
    assert BACK in page.text
    assert 'formaction="/console/queue/c-1/free"' in page.text
    done = await chief.post("/console/queue/c-1/free", holder="ann", in_queue="held", in_view="list")
    page = await chief.get(done.location)
    assert "The comment is back in the queue." in page.text
    assert "Nobody holds a comment just now." in page.text
    assert (await admin.get("/v1/comments/c-1")).body["review"]["state"] == "queued"
    history = (await chief.get("/console/comment?id=c-1")).text
    assert "Given back to the queue by somebody else" in history
    assert "held by: <bdi>ann</bdi>" in history


@pytest.mark.usefixtures("held")
async def test_the_card_frees_it_and_then_it_can_be_decided(as_role: Any) -> None:
    chief = await as_role(Role.ADMIN, "boss")
    page = (await chief.get("/console/queue/c-1")).text
    assert "Held by ann" in page
    assert BACK in page
    done = await chief.post("/console/queue/c-1/free", holder="ann", back="/console/queue/c-1")
    page = (await chief.get(done.location)).text
    assert BACK not in page
    assert 'value="approve"' in page


@pytest.mark.usefixtures("held")
async def test_only_supervisors_may_and_only_from_whom_they_saw(as_role: Any, admin: Any) -> None:
    moderator = await as_role(Role.MODERATOR, "mod")
    assert BACK not in (await moderator.get("/console/queue?queue=held")).text
    assert BACK not in (await moderator.get("/console/queue/c-1")).text
    assert (await moderator.post("/console/queue/c-1/free", holder="ann")).status == 403
    assert (await (await as_role(Role.AUDITOR, "aud")).post("/console/queue/c-1/free", holder="ann")).status == 403
    chief = await as_role(Role.SUPERVISOR, "boss")
    refused = await chief.post("/console/queue/c-1/free", holder="bob")
    assert "ann has it now." in (await chief.get(refused.location)).text
    assert (await chief.post("/console/queue/none/free", holder="ann")).status == 404
    (item,) = (await admin.get("/v1/review/items?state=claimed")).body["items"]
    assert item["claimed_by"] == "ann"
