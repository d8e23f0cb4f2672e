"""What readers said when they reported a comment, on its card and on its page."""

import re
from typing import Any

from service.values.accounts import Role

REASONS = {
    "r-1": {"kind": "spam", "reason": "<b>links</b> to a shop"},
    "r-2": {"kind": "spam"},
    "r-3": {"kind": "strange_kind", "reason": "odd \u202egpj.exe"},
}


async def test_a_card_shows_kinds_with_counts_and_what_readers_say(
    as_role: Any, admin: Any, decide_always: Any
) -> None:
    await decide_always("review")
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello"})
    for reporter, body in REASONS.items():
        await admin.post("/v1/comments/c-1/report", {"reporter": reporter, **body})
    ann = await as_role(Role.MODERATOR)
    for path in ("/console/queue/c-1", "/console/comment?id=c-1"):
        text = (await ann.get(path)).text
        tags = re.findall(r'<span class="tag muted">([^<]*)</span>', text)
        assert [each for each in tags if each in ("Spam 2", "strange_kind 1")] == ["Spam 2", "strange_kind 1"]
        assert "What 2 readers say" in text
        assert "Spam: &lt;b&gt;links&lt;/b&gt; to a shop" in text
        assert "strange_kind: odd <span" in text
        assert ">RLO</span>gpj.exe" in text, "what misleads is shown by name"
        assert "r-1" not in text


async def test_a_card_says_how_many_reports_count_half(as_role: Any, admin: Any, decide_always: Any) -> None:
    await decide_always("review")
    policy = {"thresholds": {"toxicity": {"review_at": 0}}, "review": {"reports_discount": True}}
    await admin("PUT", "/v1/policies/default", policy)
    for n in range(6):
        await admin.post("/v1/comments", {"id": f"c-{n}", "text": f"hello {n}"})
        version = (await admin.post(f"/v1/comments/c-{n}/report", {"reporter": "wolf"})).body["version"]
        if n < 5:
            body = {"decision": "approve", "version": version}
            assert (await admin.post(f"/v1/review/c-{n}/decision", body)).status == 200
    text = (await (await as_role(Role.MODERATOR)).get("/console/queue/c-5")).text
    assert "1 of them counts half: most of their reports were dismissed" in text
