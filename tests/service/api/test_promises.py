"""Targets over HTTP: without a certificate people look, with one the service decides, and audits can end that."""

import asyncio
import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from service import app_keys as keys
from service.cases.watch import Watch
from service.values.ladder import moved
from service.values.policy import DEFAULT
from service.values.targets import p_value

HARMLESS, RUDE = "well, hello there", "you are a stupid idiot and a moron"
THRESHOLDS = {"toxicity": {"review_at": 0.3, "reject_at": 0.6}}
TARGETS = {"max_wrong_approve": 0.05, "max_wrong_reject": 0.1, "confidence": 0.9}
AUDITED = {"audit_approved": 1, "audit_rejected": 1}


def _test(target: str, alpha: float, level: int, n: int = 900, k: int = 10) -> dict[str, Any]:
    step = {"level": level, "n": n, "k": k, "p": p_value(n, k, alpha)}
    return {"target": target, "alpha": alpha, "delta": 0.05, "steps": [step], "chosen": level, "upper": alpha}


async def certificate_of(admin: Any, number: int = 1, approve: int = 0, reject: int = 0) -> dict[str, Any]:
    """A certificate of the policy in force, as `steward certify` writes it."""
    about = (await admin.get("/v1/policies/default/certifiable")).body
    tests = [_test("max_wrong_approve", 0.05, approve), _test("max_wrong_reject", 0.1, reject)]
    stratum = {"languages": [], "approve_level": approve, "reject_level": reject, "tests": tests, "audits": 1800}
    now = datetime.now(UTC)
    return {
        "id": f"certificate-{number}",
        "method": "binomial-fst",
        **{name: about[name] for name in ("site", "model", "model_version", "policy", "decides")},
        "confidence": 0.9,
        "strata": [stratum],
        "fold": {"from": (now - timedelta(days=30)).isoformat(), "to": now.isoformat()},
        "sampling": "all",
        "created_at": now.isoformat(),
    }


@pytest.fixture
def set_policy(admin: Any) -> Any:
    async def set_policy(**more: Any) -> dict[str, Any]:
        reply = await admin("PUT", "/v1/policies/default", {"thresholds": THRESHOLDS, **more})
        assert reply.status == 200, reply.body
        return reply.body

    return set_policy


@pytest.fixture
def put_certificate(admin: Any) -> Any:
    async def put_certificate(number: int = 1, approve: int = 0, reject: int = 0) -> dict[str, Any]:
        body = await certificate_of(admin, number, approve, reject)
        reply = await admin("PUT", "/v1/policies/default/certificate", body)
        assert reply.status == 200, reply.body
        return reply.body

    return put_certificate


@pytest.fixture
async def certified(set_policy: Any, put_certificate: Any) -> None:
    """A policy with targets, a certificate for them, and audits of everything."""
    await set_policy(targets=TARGETS, review=AUDITED)
    await put_certificate()


@pytest.fixture
def sent(admin: Any) -> Any:
    async def sent(comment_id: str, text: str) -> dict[str, Any]:
        reply = await admin.post("/v1/comments", {"id": comment_id, "text": text})
        assert reply.status in (200, 201), reply.body
        return reply.body

    return sent


async def _promises(admin: Any) -> dict[str, dict[str, Any]]:
    found = (await admin.get("/v1/policies/default/promises")).body
    return {each["target"]: each for each in found["promises"]}


async def test_a_target_without_a_certificate_means_review(admin: Any, set_policy: Any, sent: Any) -> None:
    await set_policy(targets=TARGETS)
    for comment_id, text in (("a", HARMLESS), ("b", RUDE)):
        found = await sent(comment_id, text)
        assert found["status"] == "pending"
        assert "not_certified" in [each["code"] for each in found["reasons"]]
    states = await _promises(admin)
    assert {each["state"] for each in states.values()} == {"unknown"}
    assert {each["why"] for each in states.values()} == {"no_certificate"}


async def test_with_a_certificate_the_service_decides_by_its_thresholds(
    admin: Any, set_policy: Any, put_certificate: Any, sent: Any
) -> None:
    await set_policy(targets=TARGETS)
    policy = await put_certificate(approve=-5, reject=2)
    assert policy["version"] == 3
    approved, rejected = await sent("a", HARMLESS), await sent("b", RUDE)
    assert (approved["status"], rejected["status"]) == ("approved", "rejected")
    assert approved["policy"] == "default@3"
    assert approved["reasons"][0]["review_at"] == moved(0.3, -5)
    assert rejected["reasons"][0]["reject_at"] == moved(0.6, -2)
    assert {each["why"] for each in (await _promises(admin)).values()} == {"no_audits"}


async def test_a_certificate_can_come_before_the_targets_so_that_nothing_waits(
    set_policy: Any, put_certificate: Any, sent: Any
) -> None:
    await set_policy()
    await put_certificate()
    await set_policy(targets=TARGETS, review={"audit_approved": 0.5})
    assert (await sent("a", HARMLESS))["status"] == "approved"


async def test_a_change_of_what_decides_ends_a_certificate(
    admin: Any, set_policy: Any, put_certificate: Any, sent: Any
) -> None:
    await set_policy(targets=TARGETS)
    await put_certificate()
    await set_policy(targets=TARGETS, thresholds={"toxicity": {"review_at": 0.2, "reject_at": 0.6}})
    assert (await sent("a", HARMLESS))["status"] == "pending"
    assert {each["why"] for each in (await _promises(admin)).values()} == {"other_policy"}
    await set_policy(targets=TARGETS)
    assert (await sent("b", HARMLESS))["status"] == "approved", "the certificate fits again"


async def test_a_withdrawn_certificate_means_review(
    admin: Any, set_policy: Any, put_certificate: Any, sent: Any
) -> None:
    await set_policy(targets=TARGETS)
    await put_certificate()
    assert (await admin("DELETE", "/v1/policies/default/certificate")).status == 200
    assert (await sent("a", HARMLESS))["status"] == "pending"


@pytest.mark.parametrize(("field", "value"), [("model", "f" * 64), ("decides", "0" * 64), ("site", "weekly")])
async def test_a_certificate_of_something_else_is_refused(
    admin: Any, set_policy: Any, problem: Any, field: str, value: str
) -> None:
    await set_policy(targets=TARGETS)
    body = await certificate_of(admin) | {field: value}
    assert problem(await admin("PUT", "/v1/policies/default/certificate", body), 409)["type"].endswith(
        "certificate_refused"
    )


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"n": 90, "k": 10}, "/strata/0/tests/0/chosen"),
        ({"level": 90}, "/strata/0/tests/0/steps/0/level"),
        ({"n": 10**400}, "/strata/0/tests/0/steps/0/n"),
    ],
)
async def test_a_certificate_whose_figures_do_not_add_up_is_refused(
    admin: Any, set_policy: Any, problem: Any, change: dict[str, Any], at: str
) -> None:
    await set_policy(targets=TARGETS)
    body = await certificate_of(admin)
    body["strata"][0]["tests"][0]["steps"][0] |= change
    found = problem(await admin("PUT", "/v1/policies/default/certificate", body), 400)
    assert at in [each["pointer"] for each in found["errors"]]


async def test_levels_that_approve_and_reject_the_same_scores_are_refused(
    admin: Any, set_policy: Any, problem: Any
) -> None:
    await set_policy(targets=TARGETS)
    body = await certificate_of(admin, approve=40)
    found = problem(await admin("PUT", "/v1/policies/default/certificate", body), 400)
    assert found["errors"][0]["pointer"] == "/strata/0/reject_level"


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ({"thresholds": THRESHOLDS, "targets": {}}, "/targets"),
        ({"thresholds": THRESHOLDS, "targets": {"max_missed": 1}}, "/targets/max_missed"),
        ({"thresholds": THRESHOLDS, "targets": {"max_missed": 0.1, "confidence": 0.4}}, "/targets/confidence"),
        ({}, "/thresholds"),
    ],
)
async def test_impossible_targets_are_refused_by_name(admin: Any, problem: Any, body: Any, at: str) -> None:
    found = problem(await admin("PUT", "/v1/policies/default", body), 400)
    assert at in [each["pointer"] for each in found["errors"]]


async def test_targets_may_stand_instead_of_thresholds(admin: Any) -> None:
    reply = await admin("PUT", "/v1/policies/default", {"targets": TARGETS})
    assert reply.status == 200
    assert reply.body["thresholds"]["threat"] == msgspec.to_builtins(DEFAULT.thresholds["threat"])


async def test_the_sample_says_at_which_level_each_comment_is_decided(
    admin: Any, ann: Any, set_policy: Any, sent: Any
) -> None:
    await set_policy(
        review=AUDITED, rules=[{"id": "word", "when": {"words": {"any": ["xyzzy"]}}, "then": {"action": "reject"}}]
    )
    for comment_id, text in (("a", HARMLESS), ("b", RUDE), ("c", f"{HARMLESS} xyzzy")):
        await sent(comment_id, text)
    await _answer_all(ann, {"a": "approve", "b": "reject", "c": "approve"})
    lines = (await admin.get("/v1/policies/default/sample")).raw.decode().splitlines()
    found = {line["id"]: line for line in map(json.loads, lines)}
    assert found["a"]["inclusion"] == 1
    assert found["a"]["decision"] == "approve"
    assert found["a"]["approve_level"] <= 0 < found["a"]["reject_level"]
    assert found["b"]["verdict"] == "reject"
    assert found["b"]["reject_level"] <= 0 < found["b"]["approve_level"]
    assert found["c"]["reject_level"] == -80, "a rule rejects it whatever the thresholds are"
    assert "approve_level" not in found["c"]


async def test_reviews_of_the_newest_hours_may_still_be_answered(admin: Any, set_policy: Any, sent: Any) -> None:
    await set_policy(targets=TARGETS)
    await sent("a", HARMLESS)
    now, older = [(await admin.get(f"/v1/policies/default/certifiable?wait_hours={hours}")).body for hours in (0, 24)]
    assert (now["reviewed"], now["answered"]) == (1, 0)
    assert (older["reviewed"], older["answered"]) == (0, 0)


async def _answer_all(moderator: Any, verdicts: dict[str, str]) -> None:
    while items := (await moderator.post("/v1/review/claim", {"count": 10})).body["items"]:
        for item in items:
            body = {"decision": verdicts.get(item["id"], "approve"), "lease": item["lease"]}
            reply = await moderator.post(f"/v1/review/{item['id']}/decision", body)
            assert reply.status == 200, reply.body


@pytest.fixture
def watch(client: Any) -> Any:
    app = client.server.app
    return Watch(app[keys.STORE], app[keys.DIRECTORY], app[keys.MODELS].digest)


async def _break(moderator: Any, sent: Any, wrong: int) -> None:
    """Approvals that moderators reject in audits."""
    names = [f"w{number}" for number in range(wrong)]
    for name in names:
        assert (await sent(name, f"{HARMLESS} {name}"))["status"] == "approved"
    await _answer_all(moderator, dict.fromkeys(names, "reject"))


@pytest.mark.usefixtures("certified")
async def test_audits_that_agree_leave_the_promise_holding(admin: Any, ann: Any, sent: Any, watch: Any) -> None:
    await sent("a", HARMLESS)
    await _answer_all(ann, {"a": "approve"})
    await watch.once()
    found = (await _promises(admin))["max_wrong_approve"]
    assert (found["state"], found["audits"], found["wrong"]) == ("holding", 1, 0)
    assert found["evidence"] < 1
    assert found["points"] == [[1, pytest.approx(found["evidence"], rel=1e-3)]]


@pytest.mark.usefixtures("certified")
async def test_audits_that_contradict_a_promise_stop_that_side_everywhere_and_tell_the_site(
    client: Any,
    admin: Any,
    ann: Any,
    sent: Any,
    watch: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await _break(ann, sent, wrong=4)
    await watch.once()
    found = await _promises(admin)
    broken = found["max_wrong_approve"]
    assert (broken["state"], broken["is_suspended"], broken["wrong"]) == ("broken", True, 4)
    assert broken["evidence"] >= broken["alarm_at"]
    assert found["max_wrong_reject"]["state"] == "unknown", "no rejection was audited"
    after = await sent("after", HARMLESS)
    assert (after["status"], after["policy"]) == ("pending", "default@4")
    assert (await sent("rude", RUDE))["status"] == "rejected", "the other side goes on"
    entries = (await admin.get("/v1/audit?actor=watch")).body["entries"]
    assert [each["details"]["action"] for each in entries] == ["promise_broken"]
    assert entries[0]["details"]["promise"] == "max_wrong_approve"
    events, _ = await client.server.app[keys.STORE].events.page("daily", "", 100)
    told = [each.details for each in events if each.details.get("type") == "promise.broken"]
    assert [(each["promise"], each["policy"]) for each in told] == [("max_wrong_approve", "default@4")]
    assert "audits contradict max_wrong_approve" in caplog.text


@pytest.mark.usefixtures("certified")
async def test_the_metrics_say_which_promises_hold(admin: Any, ann: Any, sent: Any, watch: Any) -> None:
    await sent("a", HARMLESS)
    await _answer_all(ann, {"a": "approve"})
    await watch.once()
    said = (await admin.get("/metrics")).raw.decode()
    of = 'site="daily",target="max_wrong_approve"'
    assert 'steward_promise{site="daily",state="holding",target="max_wrong_approve"} 1.0' in said
    assert 'steward_promise{site="daily",state="broken",target="max_wrong_approve"} 0.0' in said
    assert f"steward_promise_audits{{{of}}} 1.0" in said
    assert f"steward_promise_evidence{{{of}}} 0." in said


@pytest.mark.usefixtures("certified")
async def test_a_broken_promise_is_told_once_however_many_workers_watch(
    admin: Any, ann: Any, client: Any, sent: Any, watch: Any
) -> None:
    await _break(ann, sent, wrong=4)
    app = client.server.app
    others = [Watch(app[keys.STORE], app[keys.DIRECTORY], app[keys.MODELS].digest) for _ in range(3)]
    for each in (watch, *others):
        await each.once()
        await each.once()
    assert (await _promises(admin))["max_wrong_approve"]["audits"] == 4
    assert (await admin.get("/v1/policies/default")).body["version"] == 4
    assert len((await admin.get("/v1/audit?actor=watch")).body["entries"]) == 1


@pytest.mark.usefixtures("certified")
async def test_every_process_stops_within_seconds(run: Any, settings: Any, ann: Any, admin: Any, sent: Any) -> None:
    """Nobody asks for it: the watch of whichever process is first stops the side, and all of them follow."""
    other = msgspec.structs.replace(settings, data_dir=settings.data_path / "other")
    async with run(other) as second:
        key = type(admin)(second, admin.key)
        assert (await key.post("/v1/comments", {"id": "before", "text": HARMLESS})).body["status"] == "approved"
        await _break(ann, sent, wrong=6)
        async with asyncio.timeout(60):
            for number in itertools.count():
                new = [{"id": f"{name}-{number}", "text": HARMLESS} for name in ("one", "two")]
                replies = [await admin.post("/v1/comments", new[0]), await key.post("/v1/comments", new[1])]
                if [each.body["status"] for each in replies] == ["pending", "pending"]:
                    break
                await asyncio.sleep(0.2)
    entries = (await admin.get("/v1/audit?actor=watch")).body["entries"]
    assert [each["details"]["action"] for each in entries] == ["promise_broken"]


@pytest.mark.usefixtures("certified")
async def test_recovery_is_a_new_certificate_or_an_earlier_version_by_a_person(
    admin: Any, ann: Any, set_policy: Any, put_certificate: Any, sent: Any, watch: Any
) -> None:
    await _break(ann, sent, wrong=4)
    await watch.once()
    await set_policy(targets=TARGETS, review=AUDITED)
    assert (await sent("still", HARMLESS))["status"] == "pending", "an ordinary change resumes nothing"
    await put_certificate(number=2)
    assert (await sent("again", HARMLESS))["status"] == "approved"
    await watch.once()
    assert (await _promises(admin))["max_wrong_approve"]["audits"] == 0, "the evidence starts anew"


async def test_the_fallback_can_be_the_certificate_before(
    admin: Any, ann: Any, set_policy: Any, put_certificate: Any, sent: Any, watch: Any
) -> None:
    targets = {**TARGETS, "when_broken": "previous"}
    await set_policy(targets=targets, review=AUDITED)
    await put_certificate(number=1, approve=-20)
    await put_certificate(number=2, approve=0)
    await _break(ann, sent, wrong=4)
    await watch.once()
    now = (await admin.get("/v1/policies/default")).body
    assert now["certificate"]["id"] == "certificate-1"
    assert "suspended" not in now
    found = await sent("after", "hello")
    assert found["reasons"][0]["review_at"] == moved(0.3, -20)


@pytest.mark.usefixtures("certified")
async def test_an_answer_that_was_taken_back_does_not_count(admin: Any, ann: Any, sent: Any, watch: Any) -> None:
    await sent("a", HARMLESS)
    await _answer_all(ann, {"a": "reject"})
    await watch.once()
    assert (await _promises(admin))["max_wrong_approve"]["wrong"] == 1
    assert (await ann.post("/v1/review/a/undo", {})).status == 200
    await watch.once()
    found = (await _promises(admin))["max_wrong_approve"]
    assert (found["audits"], found["wrong"]) == (0, 0)


async def test_answers_to_earlier_decisions_are_no_evidence_on_a_certificate(
    admin: Any, ann: Any, set_policy: Any, put_certificate: Any, sent: Any, watch: Any
) -> None:
    await set_policy(review=AUDITED)
    await sent("early", HARMLESS)
    await put_certificate()
    await set_policy(targets=TARGETS, review=AUDITED)
    await _answer_all(ann, {"early": "reject"})
    await watch.once()
    assert (await _promises(admin))["max_wrong_approve"]["audits"] == 0
