"""The moderators' story: what is doubtful waits, is handed out once, and is decided once."""

import threading

from steward import Steward, posted

# Every comment of this site waits for a person: its moderators want to see all of them first.
ALL_TO_REVIEW = {"thresholds": {"toxicity": {"review_at": 0.0, "reject_at": None}}}


def test_two_moderators_work_one_queue(service: Steward) -> None:
    site = service.key("forum", "website", "comments", "admin")
    olena, jan = (service.key("forum", name, "review") for name in ("olena", "jan"))
    with service.client(site) as client, service.client(olena) as first, service.client(jan) as second:
        assert client.put("/v1/policies/default", json=ALL_TO_REVIEW).json()["version"] == 2
        for number in range(4):
            answer = posted(
                client, "/v1/comments", {"id": f"f-{number}", "text": f"Comment {number}", "article": {"id": "a-1"}}
            )
            assert (answer["status"], answer["review"]["state"]) == ("pending", "queued")
            assert answer["policy"] == "default@2"

        mine = posted(first, "/v1/review/claim", {"count": 2})["items"]
        theirs = posted(second, "/v1/review/claim", {"count": 10})["items"]
        assert [item["id"] for item in mine] == ["f-0", "f-1"]
        assert [item["id"] for item in theirs] == ["f-2", "f-3"]
        assert mine[0]["text"] == "Comment 0"

        decided = posted(
            first,
            f"/v1/review/{mine[0]['id']}/decision",
            {"decision": "reject", "lease": mine[0]["lease"], "reason": "insult", "labels": {"insult": True}},
        )
        assert (decided["status"], decided["decided_by"], decided["decision"]) == ("rejected", "moderator", "review")
        stolen = second.post(
            f"/v1/review/{mine[1]['id']}/decision", json={"decision": "approve", "lease": mine[1]["lease"]}
        )
        assert stolen.status_code == 409
        assert stolen.json()["current"]["claimed_by"] == "olena"
        late = second.post("/v1/review/f-0/decision", json={"decision": "approve", "lease": theirs[0]["lease"]})
        assert (late.status_code, late.json()["code"]) == (409, "already_decided")
        assert late.json()["current"]["moderator"] == "olena"

        assert first.post("/v1/review/f-1/release", json={"lease": mine[1]["lease"], "skip": True}).status_code == 204
        assert posted(first, "/v1/review/claim", {})["items"] == [], "skipped by this moderator"
        assert [item["id"] for item in posted(second, "/v1/review/claim", {})["items"]] == ["f-2", "f-3", "f-1"]

        stats = first.get("/v1/review/stats").json()
        assert (stats["queued"], stats["claimed"]) == (0, 3)
        assert stats["decisions_per_hour"][0]["moderators"] == {"olena": 1}
        trail = client.get("/v1/audit", params={"comment": "f-0"}).json()["entries"]
        assert [entry["details"]["action"] for entry in trail] == ["submitted", "claimed", "decided"]


def test_a_site_that_waits_for_the_decision_hears_of_it_at_once(service: Steward) -> None:
    site = service.key("waiting", "website", "comments", "admin")
    with service.client(site) as client, service.client(service.key("waiting", "m", "review")) as moderator:
        client.put("/v1/policies/default", json=ALL_TO_REVIEW)
        answers = []
        # The moderator waits for work before there is any, the site for a decision before there is one.
        claimed = threading.Thread(
            target=lambda: answers.append(posted(moderator, "/v1/review/claim", {"wait": 20})["items"][0])
        )
        claimed.start()
        assert posted(client, "/v1/comments", {"id": "w-1", "text": "What do you say?"})["status"] == "pending"
        claimed.join()
        followed = threading.Thread(
            target=lambda: answers.append(client.get("/v1/comments/w-1", params={"wait": 20}).json())
        )
        followed.start()
        lease = answers[0]["lease"]
        posted(moderator, "/v1/review/w-1/decision", {"decision": "approve", "lease": lease})
        followed.join()
        assert answers[1]["status"] == "approved"
