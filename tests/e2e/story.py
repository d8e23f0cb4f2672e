"""The story of a promise against the real service, with figures: .venv/bin/python tests/e2e/story.py [comments]

Comments with known truth arrive in waves; moderators answer audits; targets are certified; the promise holds. Then
readers find a new insult that the model does not know: audits contradict the promise, the watch stops the side, and
people look. A rule against the insult, and a new certificate, bring the promise back. A challenger learns from what the
moderators answered, judges in shadow, passes the gate and is promoted; without the rule the promise is certified again.
"""

import itertools
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from steward import Steward, posted, running
from story_traffic import Sent, traffic

TARGETS = {"max_wrong_approve": 0.05, "max_wrong_reject": 0.2, "confidence": 0.9}
THRESHOLDS = {"toxicity": {"review_at": 0.2, "reject_at": 0.5}}
BUSY = 503
AUDITS = {"audit_approved": 0.5, "audit_rejected": 0.9}
RULE = {"id": "zorblax", "when": {"words": {"any": ["zorblax"]}}, "then": {"action": "review"}}
# Made of the comments of this site alone, the challenger judges no more than the policy asks: whether English is toxic.
# It may leave the heated ones to people, which are 8 % of all.
GATE = {"held_out": False, "shadow_days": 1, "max_coverage_drop": 0.1}
DIFFERING = {"audit_differing": 0.5, "differing_per_day": 500}
SHARE = 0.25
WAVES = 7


class Wave(NamedTuple):
    """What became of the comments of one wave. `wrong`: of the approved and of the rejected, by the truth."""

    approved: int
    rejected: int
    reviewed: int
    wrong_approved: int
    wrong_rejected: int


class Story:
    def __init__(self, steward: Steward, client: httpx.Client, key: str, say: Callable[[str], None]) -> None:
        self._steward, self._client, self._key, self.say = steward, client, key, say
        self._truth: dict[str, bool] = {}
        self._numbers = itertools.count(1)

    def set_policy(self, **more: Any) -> None:
        body = {"thresholds": THRESHOLDS, "review": AUDITS, **more}
        reply = self._client.put("/v1/policies/default", json=body)
        assert reply.status_code == 200, reply.text

    def send(self, comments: Sequence[Sent]) -> Wave:
        """Sends them, and lets moderators answer all that waits."""
        found = [each for at in range(0, len(comments), 200) for each in self._post(comments[at : at + 200])]
        return _wave(found, self._truth)

    def _post(self, comments: Sequence[Sent]) -> list[dict[str, Any]]:
        names = [f"c-{next(self._numbers):06d}" for _ in comments]
        self._truth.update((name, each.violates) for name, each in zip(names, comments, strict=True))
        left = [{"id": name, "text": each.text} for name, each in zip(names, comments, strict=True)]
        taken, ends = list[dict[str, Any]](), time.monotonic() + 300
        while left:  # as clients do: what a busy service could not take is sent again
            results: list[dict[str, Any]] = posted(self._client, "/v1/comments:batch", {"comments": left})["results"]
            again = [sent for sent, each in zip(left, results, strict=True) if each.get("status") == BUSY]
            refused = [each for each in results if "decision" not in each and each.get("status") != BUSY]
            assert not refused, refused[:3]
            assert time.monotonic() < ends, results[:3]
            taken, left = taken + [each for each in results if "decision" in each], again
        return taken

    def answer(self, most: int | None = None) -> int:
        """Moderators answer what waits, as they know the truth. Returns how many answers they gave."""
        answered = 0
        while most is None or answered < most:
            count = 20 if most is None else min(20, most - answered)
            items = posted(self._client, "/v1/review/claim", {"count": count})["items"]
            if not items:
                break
            decisions = [
                {"id": i["id"], "lease": i["lease"], "decision": "reject" if self._truth[i["id"]] else "approve"}
                for i in items
            ]
            for each in posted(self._client, "/v1/review/decisions", {"decisions": decisions})["results"]:
                assert "id" in each, each
            answered += len(items)
        return answered

    def certify(self, folder: Path) -> str:
        """What `steward certify` says."""
        options = ("--to", str(folder / "certificates"), "--wait-hours", "0", "--put")
        return self.run("certify", *options, *_options())

    def run(self, *arguments: str) -> str:
        """What a command of `steward` says."""
        return self._steward.command(*arguments, key=self._key)

    def train(self, folder: Path) -> str:
        """Train a model from the moderators' answers and no public data; the numbers that the command prints."""
        labels, nothing = folder / "labels", folder / "no-data-sets"
        self.run("labels", "pull", "--to", str(labels))
        nothing.mkdir()
        out = self._steward.folder / "models" / "retrained"
        # More jobs are processes, which would stay when the command ends: it runs in a fork (commands.py).
        options = ("--readers", "fast", "--jobs", "1", "--wait-hours", "0", "--out", str(out), "--yes")
        said = self.run("train", "--data", str(nothing), "--labels", str(labels), *options)
        return "\n".join(re.findall(r"^.* texts from .*$|^[┃│].*$", said, re.MULTILINE))

    def promote(self, model: str) -> httpx.Response:
        return self._client.post(f"/v1/models/{model}:promote")

    def got(self, path: str) -> Any:
        return self._client.get(path).raise_for_status().json()

    def shadowed(self, least: int) -> str:
        """What `steward models shadow` says once so many comments were compared: a thread does so, and mostly rests."""
        ends = time.monotonic() + 300
        while (found := self.got("/v1/models/challenger/shadow")["figures"])["comments"] < least:
            assert time.monotonic() < ends, found
            time.sleep(0.2)
        return self.run("models", "shadow", "challenger")

    def promises(self) -> dict[str, Any]:
        found = self._client.get("/v1/policies/default/promises").json()["promises"]
        return {each["target"]: each for each in found}

    def policy(self) -> dict[str, Any]:
        found: dict[str, Any] = self._client.get("/v1/policies/default").json()
        return found

    def audits(self) -> list[dict[str, Any]]:
        """What the watch wrote into the trail; a page may be empty before the end."""
        found, after = list[dict[str, Any]](), ""
        while True:
            asked = {"actor": "watch", "limit": 1000, **({"after": after} if after else {})}
            page = self._client.get("/v1/audit", params=asked).json()
            found += page["entries"]
            if page["next"] is None:
                return found
            after = page["next"]


def _options() -> list[str]:
    return [part for name, value in TARGETS.items() for part in (f"--{name.replace('_', '-')}", str(value))]


def _wave(found: Sequence[dict[str, Any]], truth: dict[str, bool]) -> Wave:
    by: dict[str, list[bool]] = {"approve": [], "reject": [], "review": []}
    for each in found:
        by[each["decision"]].append(truth[each["id"]])
    wrong = sum(by["approve"]), len(by["reject"]) - sum(by["reject"])
    return Wave(len(by["approve"]), len(by["reject"]), len(by["review"]), *wrong)


def shown(wave: Wave) -> str:
    return (
        f"{wave.approved} approved ({wave.wrong_approved} wrong), {wave.rejected} rejected "
        f"({wave.wrong_rejected} wrong), {wave.reviewed} to people"
    )


def indented(said: str) -> str:
    return "   " + said.strip().replace("\n", "\n   ")


def tell(steward: Steward, folder: Path, comments: int, say: Callable[[str], None] = print) -> None:
    """`comments`: in all waves together, beside the small ones in which the new insult is noticed."""
    key, size = steward.first_key(), comments // WAVES
    rng = random.Random(1)  # noqa: S311 - the traffic of a test
    with steward.client(key) as client:
        story = Story(steward, client, key, say)
        _certified(story, folder, rng, size)
        _kept(story, rng, size)
        _contradicted(story, rng, size)
        _recovered(story, folder, rng, size)
        _challenged(story, folder, rng, size)
        _promoted(story, folder, rng, size)


def _certified(story: Story, folder: Path, rng: random.Random, size: int) -> None:
    story.set_policy()
    wave = story.send(list(traffic(size, rng)))
    story.say(f"1. thresholds alone: {shown(wave)}")
    story.say(f"   moderators gave {story.answer()} answers")
    said = story.certify(folder)
    story.say(indented(said))
    assert "certified" in said


def _kept(story: Story, rng: random.Random, size: int) -> None:
    story.set_policy(targets=TARGETS)
    wave = story.send(list(traffic(size, rng)))
    story.say(f"2. under the certificate: {shown(wave)}")
    story.answer()
    _until(story, lambda found: all(each["state"] == "holding" for each in found.values()))
    _say_promises(story)
    assert _is_kept("max_wrong_approve", wave.wrong_approved, wave.approved)
    assert _is_kept("max_wrong_reject", wave.wrong_rejected, wave.rejected)


def _contradicted(story: Story, rng: random.Random, size: int) -> None:
    """Wave by wave, as the watch sees audits only when people answer them."""
    before, sent = story.promises()["max_wrong_approve"], 0
    for _ in range(20):
        wave = story.send(list(traffic(max(50, size // 10), rng, unknown=0.3)))
        sent += sum(wave[:3])
        counted = story.promises()["max_wrong_approve"]
        story.answer()
        began = time.monotonic()
        if "suspended" in _counted(story, counted["audits"]):
            break
    after = story.promises()["max_wrong_approve"]
    story.say(
        f"3. a new insult: noticed after {sent} comments and {after['audits'] - before['audits']} audits "
        f"({after['wrong'] - before['wrong']} wrong); {story.policy()['name']}@{story.policy()['version']} decides, "
        f"{time.monotonic() - began:.1f} s after the answers"
    )
    assert after["state"] == "broken"
    assert {each["details"]["promise"] for each in story.audits()} >= {"max_wrong_approve"}
    wave = story.send(list(traffic(size, rng, unknown=0.3)))
    story.say(f"   stopped: {shown(wave)}")
    assert wave.approved == 0
    assert wave.rejected > 0
    story.answer()


def _is_kept(target: str, wrong: int, count: int) -> bool:
    """Whether a share of `wrong` is what a kept promise gives by chance: at most three standard errors above it."""
    alpha = TARGETS[target]
    return wrong <= alpha * count + 3 * (alpha * (1 - alpha) * count) ** 0.5


def _counted(story: Story, before: int) -> dict[str, Any]:
    """The policy once the watch has counted the newest answers, all of them at once."""
    ends = time.monotonic() + 10
    while story.promises()["max_wrong_approve"]["audits"] == before and time.monotonic() < ends:
        time.sleep(0.1)
    time.sleep(0.5)  # the next version follows the count
    return story.policy()


def _recovered(story: Story, folder: Path, rng: random.Random, size: int) -> None:
    """A rule changes what decides, so everything waits until it is certified again."""
    story.set_policy(targets=TARGETS, rules=[RULE], gate=GATE, review=AUDITS | DIFFERING)
    wave = story.send(list(traffic(size, rng, unknown=0.3)))
    story.say(f"4. with a rule against it, not certified: {shown(wave)}")
    assert wave.reviewed == sum(wave[:3])
    story.answer()
    story.say(indented(story.certify(folder)))


def _challenged(story: Story, folder: Path, rng: random.Random, size: int) -> None:
    """A new model learned the insult from the moderators, and judges the next wave in shadow."""
    story.say("5. a challenger learns from the answers")
    began = time.monotonic()
    story.say(indented(story.train(folder)))
    story.say(f"   trained in {time.monotonic() - began:.0f} s")
    story.say(indented(story.run("models", "shadow", "retrained", "--share", str(SHARE))))
    assert story.got("/v1/models")["roles"]["challenger"] == "retrained"
    refused = story.promote("challenger")
    assert refused.status_code == 409, refused.text
    story.say(f"   promoted at once: {refused.json()['detail']}")
    assert "shadow" in refused.json()["current"]["failed"]
    wave = story.send(list(traffic(size, rng, unknown=0.3)))
    story.say(f"6. certified again, with the rule: {shown(wave)}")
    assert wave.approved > 0
    assert _is_kept("max_wrong_approve", wave.wrong_approved, wave.approved)
    story.say(indented(story.shadowed(int(SHARE / 3 * size))))
    story.say(f"   moderators gave {story.answer()} answers")
    _say_promises(story)


def _promoted(story: Story, folder: Path, rng: random.Random, size: int) -> None:
    """By the gate. Then nothing is certified until people answered a wave of the new model's."""
    story.say("7. what the challenger would have done")
    pairs = {(each["was"], each["would"]): each["comments"] for each in _shadow(story)["figures"]["pairs"]}
    assert pairs["approve", "reject"] > 0, "the insult that only the challenger knows"
    compared = story.got("/v1/models/challenger/comparison")
    for who, each in compared["outcomes"].items():
        story.say(
            f"   {who}, on {compared['comments']} answers: {each['wrong_approvals']} of {each['approved']} approvals "
            f"and {each['wrong_rejections']} of {each['rejected']} rejections wrong, {each['to_people']} to people"
        )
    story.say(indented(story.run("models", "gate", "challenger")))
    story.say(indented(story.run("models", "promote", "challenger", "--yes")))
    roles = story.got("/v1/models")["roles"]
    assert (roles["champion"], roles["challenger"]) == ("retrained", None)
    story.set_policy(targets=TARGETS, gate=GATE)
    wave = story.send(list(traffic(size, rng, unknown=0.3)))
    story.say(f"8. promoted, the rule removed, not certified: {shown(wave)}")
    assert wave.reviewed == sum(wave[:3])
    story.answer()
    story.say(indented(story.certify(folder)))
    assert story.policy()["certificate"]["model_version"] == "retrained"
    wave = story.send(list(traffic(size, rng, unknown=0.3)))
    story.say(f"9. certified again, with the new model: {shown(wave)}")
    assert wave.approved > 0
    assert wave.rejected > 0.3 * size, "the model rejects the insult itself"
    assert _is_kept("max_wrong_approve", wave.wrong_approved, wave.approved)
    assert _is_kept("max_wrong_reject", wave.wrong_rejected, wave.rejected)
    story.answer()
    _say_promises(story)


def _shadow(story: Story) -> Any:
    return story.got("/v1/models/challenger/shadow")


def _say_promises(story: Story) -> None:
    _until(story, lambda found: found["max_wrong_approve"]["state"] == "holding")
    for target, each in _still(story).items():
        story.say(f"   {target}: {each['state']} after {each['audits']} audits, evidence {each['evidence']:.3g}")


def _still(story: Story) -> dict[str, Any]:
    """The promises once the watch has counted all answers: it looks every two seconds, and counts 500 at a time."""
    found, before = story.promises(), -1
    while (audits := sum(each["audits"] for each in found.values())) != before:
        before = audits
        time.sleep(3)
        found = story.promises()
    return found


def _until(story: Story, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    ends = time.monotonic() + 300
    while not is_so(found := story.promises()):
        assert time.monotonic() < ends, found
        time.sleep(0.2)
    return found


def main() -> None:
    comments = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="steward-") as name:
        folder = Path(name)
        with running(folder / "data") as steward:
            tell(steward, folder, comments)
    sys.stdout.write(f"{comments} comments, {time.monotonic() - began:.0f} s\n")


if __name__ == "__main__":
    main()
