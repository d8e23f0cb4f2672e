"""GET /v1/review/audits and /v1/review/draws: what blind audits say, in groups and one by one."""

from datetime import UTC, datetime
from typing import Any

import pytest

from service import app_keys as keys
from service.store.access import Access
from service.values.access import Scope

REJECT_ALL = {"thresholds": {"toxicity": {"reject_at": 0}}, "review": {"audit_rejected": 1}}


@pytest.fixture
async def drawn(admin: Any) -> None:
    """Three rejections, all drawn: one is answered, one appealed and approved, one edited."""
    assert (await admin("PUT", "/v1/policies/default", REJECT_ALL)).status == 200
    for number in range(3):
        reply = await admin.post("/v1/comments", {"id": f"c-{number}", "text": "Guten Tag, wie geht es Ihnen heute?"})
        assert reply.body["status"] == "rejected"


async def answer(moderator: Any, comment: str, decision: str) -> None:
    items = (await moderator.post("/v1/review/claim", {"count": 10})).body["items"]
    (lease,) = [item["lease"] for item in items if item["id"] == comment]
    body = {"decision": decision, "lease": lease}
    assert (await moderator.post(f"/v1/review/{comment}/decision", body)).status == 200


@pytest.mark.usefixtures("drawn")
async def test_appealed_and_edited_audits_stay_in_the_figures(admin: Any, ann: Any) -> None:
    await answer(ann, "c-0", "reject")
    assert (await admin.post("/v1/comments/c-1/appeal", {"reason": "why?"})).status == 200
    await answer(ann, "c-1", "approve")
    await admin.post("/v1/comments", {"id": "c-2", "text": "Guten Tag, ich habe es mir anders überlegt."})
    found = (await ann.get("/v1/review/audits?hours=24")).body
    rejections = found["all"]["rejections"]
    assert rejections["audits"] == {"drawn": 4, "answered": 2, "open": 1, "lost": {"edited": 1}}
    assert (rejections["wrong"], rejections["wrong_share"]["value"]) == (1, 0.5)
    assert rejections["wrong_share"]["lowest"] < rejections["wrong_share"]["low"]
    assert rejections["wrong_share"]["high"] < rejections["wrong_share"]["highest"]
    assert found["all"]["approvals"]["wrong_share"] is None
    assert set(found["by_attribute"]) == {"toxicity"}
    assert set(found["by_language"]) == {"de"}
    assert set(found["by_policy"]) == {"default@2"}
    assert len(found["by_model"]) == 1
    assert found["by_policy"]["default@2"] == found["all"]
    quality = (await ann.get("/v1/review/stats")).body["quality"]
    assert quality["audits_of_rejections"] == rejections["audits"], "the counters say the same as the draws"
    assert quality["precision_of_rejections"]["lowest"] == pytest.approx(1 - rejections["wrong_share"]["highest"])


@pytest.mark.usefixtures("drawn")
async def test_draws_are_listed_by_day_in_pages(admin: Any, ann: Any) -> None:
    await answer(ann, "c-1", "approve")
    today = datetime.now(UTC).date().isoformat()
    first = (await admin.get(f"/v1/review/draws?day={today}&limit=2")).body
    rest = (await admin.get(f"/v1/review/draws?limit=2&cursor={first['next']}")).body
    assert ([each["comment"] for each in first["draws"] + rest["draws"]], rest["next"]) == (["c-0", "c-1", "c-2"], None)
    one = first["draws"][1]
    assert (one["state"], one["verdict"], one["decision"], one["inclusion"]) == ("answered", "approve", "reject", 1.0)
    assert (await admin.get("/v1/review/draws?day=2026-01-01")).body == {"draws": [], "next": None}


@pytest.mark.usefixtures("drawn")
async def test_moderators_cannot_ask_which_comments_are_audits(ann: Any, admin: Any, problem: Any) -> None:
    problem(await ann.get("/v1/review/draws"), 403)
    problem(await admin.get("/v1/review/draws?day=yesterday"), 400)
    problem(await admin.get("/v1/review/audits?hours=0"), 400)


async def test_a_new_site_begins_with_audits_and_its_policy_may_say_otherwise(client: Any, admin: Any) -> None:
    access = client.server.app[keys.STORE].access
    assert await access.policy("weekly") is None, "an unknown site"
    await access.begin("weekly")
    review = (await access.policy("weekly")).review
    assert (review.audit_approved, review.audit_rejected, review.audits_per_day) == (0.01, 0.05, 50)
    assert (await admin("PUT", "/v1/policies/default", {"thresholds": {"toxicity": {}}})).status == 200
    kept = (await access.policy("daily")).review
    assert kept.is_unasked, "a site of an earlier release keeps its policy and is asked"
    await access.begin("daily")
    assert (await access.policy("daily")).review.is_unasked, "it is not new"


async def test_a_new_site_that_sets_only_thresholds_keeps_its_audits(client: Any, key_for: Any) -> None:
    access = client.server.app[keys.STORE].access
    await access.begin("weekly")
    chief = await key_for(client, *Scope, site="weekly", name="boss")
    assert (await chief.get("/v1/policies/default")).body["review"]["audit_approved"] == 0.01
    assert (await chief("PUT", "/v1/policies/default", {"thresholds": {"toxicity": {}}})).status == 200
    assert (await chief.get("/v1/policies/default")).body["review"]["audit_rejected"] == 0.05
    off = {"thresholds": {"toxicity": {}}, "review": {"audit_approved": 0, "audit_rejected": 0}}
    assert (await chief("PUT", "/v1/policies/default", off)).status == 200
    assert (await chief.get("/v1/policies/default")).body["review"]["audit_approved"] == 0


async def test_the_first_start_begins_with_audits_if_the_setting_says_so(client: Any) -> None:
    access = client.server.app[keys.STORE].access
    assert await access.first_key("fresh", is_audited=True)
    assert (await access.policy("fresh")).review.audit_approved == 0.01


async def test_the_first_key_is_never_there_without_the_audits(client: Any) -> None:
    store = client.server.app[keys.STORE]
    seen = []

    class LookedAt:
        """As another process does that looks after each step."""

        def __getattr__(self, name: str) -> Any:
            async def step(*given: Any) -> Any:
                answer = await getattr(store.pipe, name)(*given)
                if await store.access.keys():
                    seen.append(await store.access.policy("fresh"))
                return answer

            return step

    assert await Access(LookedAt(), store.background).first_key("fresh", is_audited=True)  # type: ignore[arg-type]
    assert seen
    assert {each and each.review.audit_approved for each in seen} == {0.01}
