"""Every operation of the Python client, of both its forms: every_operation.py URL KEY, prints JSON.

The tests run it on each version of Python, so it imports only the client. For each operation it prints whether the
answer was right: of the synchronous client, then of the asynchronous one.
"""

import asyncio
import inspect
import json
import sys
from collections.abc import Awaitable
from typing import Any, TypeVar

from comment_steward_client import AsyncSteward, Comment, Judged, Problem, Steward

INSULT = "You stupid fucking idiot, shut up, you worthless piece of shit."
CIVIL = "Thank you for this article; I learned a lot about how substations are repaired."

Answer = TypeVar("Answer")


async def answer(given: "Answer | Awaitable[Answer]") -> "Answer":
    return await given if inspect.isawaitable(given) else given  # type: ignore[return-value]


async def used(steward: Any, name: str) -> dict[str, bool]:
    start = (await answer(steward.events(limit=1000))).next
    rejected = await answer(steward.submit(Comment(INSULT, id=f"{name}-1")))
    published, refused = await answer(steward.submit_many([Comment(CIVIL, id=f"{name}-2"), Comment("x" * 30_000)]))
    found = {
        "score": (await answer(steward.score(INSULT, spans=True))).scores["insult"] > 0.5,
        "score_many": len(await answer(steward.score_many([CIVIL, INSULT]))) == 2,
        "submit": rejected.is_rejected,
        "submit_many": isinstance(published, Judged) and isinstance(refused, Problem),
        "follow": (await answer(steward.follow(f"{name}-1", wait_s=1))).version == rejected.version,
        "report": (await answer(steward.report(f"{name}-2", "reader", "rude"))).id == f"{name}-2",
        "appeal": (await answer(steward.appeal(f"{name}-1", "a joke"))).id == f"{name}-1",
        "teach": await answer(steward.teach("Buy my book", reject=True, spam=True, token=name)) is None,
        "reconcile": await answer(steward.reconcile({f"{name}-lost": 1})) == [f"{name}-lost"],
        "events": any(each.comment_id == f"{name}-1" for each in (await answer(steward.events(start))).events),
    }
    await answer(steward.erase(f"{name}-2"))
    return found | {"erase": (await answer(steward.follow(f"{name}-2"))).scores is None}


async def main(url: str, key: str) -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    with Steward(url, key) as steward:
        synchronous = await used(steward, f"sync-{version}")
    async with AsyncSteward(url, key) as asynchronous:
        both = {
            name: [synchronous[name], right] for name, right in (await used(asynchronous, f"async-{version}")).items()
        }
    print(json.dumps({"python": version, **both}))  # noqa: T201 - the tests read it


asyncio.run(main(*sys.argv[1:]))
