"""The story of a promise against the real service, with figures: .venv/bin/python tests/e2e/story.py [comments]

Comments with known truth arrive in waves; moderators answer audits; targets are certified; the promise holds. Then
readers find a new insult that the model does not know: audits contradict the promise, the watch stops the side, and
people look. A rule against the insult, and a new certificate, bring the promise back.
"""

import itertools
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from steward import Steward, posted, running

TARGETS = {"max_wrong_approve": 0.05, "max_wrong_reject": 0.2, "confidence": 0.9}
THRESHOLDS = {"toxicity": {"review_at": 0.2, "reject_at": 0.75}}
AUDITS = {"audit_approved": 0.5, "audit_rejected": 0.9}
RULE = {"id": "zorblax", "when": {"words": {"any": ["zorblax"]}}, "then": {"action": "review"}}

TOPICS = (
    "the tram",
    "the pool",
    "the harbor",
    "parking fees",
    "the library",
    "the theater",
    "the budget",
    "night buses",
)
NOUNS = ("moron", "idiot", "imbecile", "dumb pig", "worthless clown", "stupid liar")
HARMLESS = (
    "Thank you for the piece on {topic}.",
    "The council decided on {topic} last spring, did it not?",
    "Could somebody explain {topic} to me?",
    "I disagree: {topic} costs more than that.",
    "We had the same with {topic} ten years ago.",
)
ABUSIVE = (
    "You are a {noun}, and so is whoever wrote about {topic}.",
    "Shut up about {topic}, you {noun}.",
    "Only a {noun} believes that about {topic}.",
)
# Moderators reject six in ten of these.
HEATED = ("What utter rubbish about {topic}.", "Nobody believes your nonsense about {topic}.")
UNKNOWN = ("Every zorblax talks about {topic}.", "What a zorblax, with {topic} again.")


class Sent(NamedTuple):
    text: str
    violates: bool


class Wave(NamedTuple):
    """What became of the comments of one wave. `wrong`: of the approved and of the rejected, by the truth."""

    approved: int
    rejected: int
    reviewed: int
    wrong_approved: int
    wrong_rejected: int


def traffic(count: int, rng: random.Random, unknown: float = 0.0) -> Iterator[Sent]:
    """`unknown`: the share of comments with the insult that the model does not know."""
    kinds = ("harmless", "abusive", "heated", "unknown")
    weights = (0.78 - unknown, 0.14, 0.08, unknown)
    patterns = dict(zip(kinds, (HARMLESS, ABUSIVE, HEATED, UNKNOWN), strict=True))
    for kind in rng.choices(kinds, weights, k=count):
        text = rng.choice(patterns[kind]).format(topic=rng.choice(TOPICS), noun=rng.choice(NOUNS))
        violates = {"harmless": rng.random() < 0.0005, "heated": rng.random() < 0.6}.get(kind, True)
        yield Sent(text, violates)


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
        body = [{"id": name, "text": each.text} for name, each in zip(names, comments, strict=True)]
        results: list[dict[str, Any]] = posted(self._client, "/v1/comments:batch", {"comments": body})["results"]
        assert all("decision" in each for each in results), results[:3]
        return results

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
        options = ("--to", str(folder), "--wait-hours", "0", "--put")
        return self._steward.command("certify", *options, *_options(), key=self._key)

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


def tell(steward: Steward, folder: Path, comments: int, say: Callable[[str], None] = print) -> None:
    """`comments`: in all waves together."""
    key, size = steward.first_key(), comments // 5
    rng = random.Random(1)  # noqa: S311 - the traffic of a test
    with steward.client(key) as client:
        story = Story(steward, client, key, say)
        _certified(story, folder, rng, size)
        _kept(story, rng, size)
        _contradicted(story, rng, size)
        _recovered(story, folder, rng, size)


def _certified(story: Story, folder: Path, rng: random.Random, size: int) -> None:
    story.set_policy()
    wave = story.send(list(traffic(size, rng)))
    story.say(f"1. thresholds alone: {shown(wave)}")
    story.say(f"   moderators gave {story.answer()} answers")
    said = story.certify(folder)
    story.say("   " + said.strip().replace("\n", "\n   "))
    assert "certified" in said


def _kept(story: Story, rng: random.Random, size: int) -> None:
    story.set_policy(targets=TARGETS)
    wave = story.send(list(traffic(size, rng)))
    story.say(f"2. under the certificate: {shown(wave)}")
    story.answer()
    _until(story, lambda found: all(each["state"] == "holding" for each in found.values()))
    for target, each in _still(story).items():
        story.say(f"   {target}: {each['state']} after {each['audits']} audits, evidence {each['evidence']:.3g}")
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
    story.set_policy(targets=TARGETS, rules=[RULE])
    wave = story.send(list(traffic(size, rng, unknown=0.3)))
    story.say(f"4. with a rule against it, not certified: {shown(wave)}")
    assert wave.reviewed == sum(wave[:3])
    story.answer()
    said = story.certify(folder)
    story.say("   " + said.strip().replace("\n", "\n   "))
    wave = story.send(list(traffic(size, rng, unknown=0.3)))
    story.say(f"5. certified again: {shown(wave)}")
    assert wave.approved > 0
    assert _is_kept("max_wrong_approve", wave.wrong_approved, wave.approved)
    story.answer()
    found = _until(story, lambda found: found["max_wrong_approve"]["state"] == "holding")
    for target, each in found.items():
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
    ends = time.monotonic() + 30
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
            tell(steward, folder / "certificates", comments)
    sys.stdout.write(f"{comments} comments, {time.monotonic() - began:.0f} s\n")


if __name__ == "__main__":
    main()
