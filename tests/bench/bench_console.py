"""make bench: what a moderator waits for at the console: from a key to the next comment painted."""

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))

from pages import Desk, browsing, forum, moderator
from steward import Steward, posted, running

BATCH = 1_000
TEXT = "You would be a fool to believe a word of that, number {}, and of what the mayor says about the bridge."
# From the key as the browser received it until the frame with the next comment is on the screen: a task that is
# posted from within a frame runs once that frame has been handed over.
MEASURE = """
() => {
  window.took = [];
  document.addEventListener("keydown", (event) => {
    const was = document.querySelector("#cards > article:not([hidden])");
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        const now = document.querySelector("#cards > article:not([hidden])");
        if (was && now && now !== was) window.took.push(performance.now() - event.timeStamp);
      };
      port2.postMessage(0);
    });
  }, true);
}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comments", type=int, default=10_000, help="how many are queued")
    parser.add_argument("--decisions", type=int, default=100, help="how many are decided")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        with running(folder) as steward:
            Console(width=120).print(_measured(steward, asked.comments, asked.decisions))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measured(steward: Steward, comments: int, decisions: int) -> Table:
    site = forum(steward, "bench", {})
    with steward.client(site.key) as client:
        for start in range(0, comments, BATCH):
            batch = [{"id": f"c-{n}", "text": TEXT.format(n)} for n in range(start, min(comments, start + BATCH))]
            posted(client, "/v1/comments:batch", {"comments": batch})
    moderator(steward, "bench", "olena")
    with browsing() as browser:
        desk = Desk.open(browser, steward)
        desk.sign_in("olena")
        last = desk.wait_for_card()
        desk.page.evaluate(MEASURE)
        desk.requests.clear()
        strokes = 0
        started = desk.page.evaluate("performance.now()")
        for number in range(decisions):
            keys = ("r", str(number % 9 + 1)) if number % 3 == 0 else ("a",)
            desk.press(*keys)
            strokes += len(keys)
            last = desk.wait_for_card(last)
        seconds = (desk.page.evaluate("performance.now()") - started) / 1000
        desk.wait_until_sent()
        took = sorted(desk.page.evaluate("window.took"))
    assert len(took) == decisions
    table = Table("at the console", "", title=f"{comments:,} queued, {decisions} decided by keys, a third for a reason")
    table.add_row("key to the next comment painted, median", f"{statistics.median(took):.0f} ms")
    table.add_row("95th percentile", f"{took[int(len(took) * 0.95)]:.0f} ms")
    table.add_row("slowest", f"{took[-1]:.0f} ms")
    table.add_row("all decisions, with the quarter second for which no key is taken", f"{seconds:.1f} s")
    table.add_row("strokes for a decision", f"{strokes / decisions:.2f}")
    table.add_row("requests for a decision, fetching ahead among them", f"{len(desk.requests) / decisions:.2f}")
    return table


if __name__ == "__main__":
    main()
