"""The site that submits and the moderators who decide, each asking again until it has an answer."""

import asyncio
import itertools
import random
from dataclasses import dataclass
from typing import Any

import aiohttp
from ledger import Ledger, Said

# What a client waits for one answer; a killed process answers by closing, a killed Redis within the store's deadline.
ANSWER_S = 10.0
AGAIN_S = 0.05
TEXTS = (
    "I spent the night in the metro with my two kids and half of our street.",
    "The minister said in March that the transformers were already on the way.",
    "What a load of rubbish, nobody believes a word of it any more.",
    "Thank you for this report, I have learned a lot.",
)


@dataclass(slots=True)
class Caller:
    """Somebody with a key, who asks until the service has answered one way or the other."""

    session: aiohttp.ClientSession
    url: str
    key: str
    ledger: Ledger

    async def post(self, path: str, body: Any) -> tuple[int, Any]:
        while True:
            try:
                async with self.session.post(
                    f"{self.url}{path}",
                    json=body,
                    headers={"Authorization": f"Bearer {self.key}"},
                    timeout=aiohttp.ClientTimeout(total=ANSWER_S),
                ) as response:
                    answer = await response.json(content_type=None) if response.status != 204 else None
                    if response.status < 500:
                        return response.status, answer
                    self.ledger.refused += 1
            except (aiohttp.ClientError, TimeoutError, ConnectionError):
                self.ledger.unanswered += 1
            await asyncio.sleep(AGAIN_S)


async def submit(caller: Caller, name: str, stop: asyncio.Event, chance: random.Random, most_waiting: int) -> None:
    """Submit as fast as answers come; now and then an author edits. `most_waiting` ahead of the moderators."""
    for number in itertools.count():
        if stop.is_set():
            return
        while len(caller.ledger.submitted) - len(caller.ledger.decided) > most_waiting and not stop.is_set():
            await asyncio.sleep(AGAIN_S)
        is_edit = number > 0 and chance.random() < 0.03
        comment = f"{name}-{chance.randrange(number) if is_edit else number}"
        text = f"{chance.choice(TEXTS)} {number}"
        status, answer = await caller.post("/v1/comments", {"id": comment, "text": text})
        if status != 200:
            raise RuntimeError(f"submit {comment}: {status} {answer}")
        caller.ledger.took(comment, answer["revision"])


async def moderate(caller: Caller, name: str, stop: asyncio.Event, chance: random.Random) -> None:
    """Claim, decide, and now and then take the decision back and decide anew."""
    while not stop.is_set():
        status, answer = await caller.post("/v1/review/claim", {"count": 10, "wait": 0.5, "lease_seconds": 60})
        if status != 200:
            raise RuntimeError(f"claim: {status} {answer}")
        for item in answer["items"]:
            await _judge(caller, name, item, chance)


async def _judge(caller: Caller, name: str, item: dict[str, Any], chance: random.Random) -> None:
    if chance.random() < 0.03:
        await caller.post(f"/v1/review/{item['id']}/release", {"lease": item["lease"]})
        return
    while True:
        verdict = chance.choices(("approve", "reject", "escalate"), (49, 49, 2))[0]
        version = await _decide(caller, name, item, verdict)
        if version is None or chance.random() > 0.15:
            return
        if chance.random() < 0.3:  # some think it over until the site has been told
            await asyncio.sleep(1.5)
        status, again = await caller.post(f"/v1/review/{item['id']}/undo", {"version": version, "lease_seconds": 60})
        if status != 200:
            return
        caller.ledger.undone.append(Said(item["id"], version + 1, name, "undo"))
        item = again


async def _decide(caller: Caller, name: str, item: dict[str, Any], verdict: str) -> int | None:
    """The version that the decision made; None when somebody or something was faster."""
    body = {"decision": verdict, "lease": item["lease"], "reason": "other"}
    status, answer = await caller.post(f"/v1/review/{item['id']}/decision", body)
    if status not in (200, 404, 409):
        raise RuntimeError(f"decide {item['id']}: {status} {answer}")
    if status != 200:
        return None
    version = int(answer["version"])
    caller.ledger.decided.append(Said(item["id"], version, name, verdict))
    return version
