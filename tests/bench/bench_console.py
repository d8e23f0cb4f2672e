"""make bench: what a moderator waits for at the console: from a key to the next comment painted, also with a slow
network; how heavy the first page is, how a list of 500 scrolls, and how soon somebody else sees it.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser
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
  window.took = new Map(); // of each comment the last key, which decided it
  document.addEventListener("keydown", (event) => {
    const was = document.querySelector("#cards > article:not([hidden])");
    const look = () => requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        const now = document.querySelector("#cards > article:not([hidden])");
        if (was && now && now !== was) window.took.set(was.dataset.id, performance.now() - event.timeStamp);
        else if (was && !now) look(); // it is not there yet, and that counts
      };
      port2.postMessage(0);
    });
    look();
  }, true);
}
"""
# Rows like those of the list, which shows a hundred at once, until there are `wanted`.
MORE_ROWS = """
wanted => {
  const body = document.querySelector("table.rows tbody");
  const rows = [...body.rows];
  while (body.rows.length < wanted) {
    const copy = rows[body.rows.length % rows.length].cloneNode(true);
    copy.dataset.id += `-${body.rows.length}`;
    body.append(copy);
  }
  return body.rows.length;
}
"""
# Milliseconds between frames while the page scrolls by a wheel's step in each.
SCROLL = """
frames => new Promise((resolve) => {
  const took = [];
  let last = null;
  let step = 120;
  const next = (now) => {
    if (last !== null) took.push(now - last);
    last = now;
    if (took.length === frames) { resolve(took); return; }
    const before = scrollY;
    scrollBy(0, step);
    if (scrollY === before) step = -step;
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
})
"""
# When the row of a comment says who decided it, by the clock that all pages of this machine share.
SEEN = """
id => new Promise((resolve) => {
  const row = [...document.querySelectorAll("tr[data-id]")].find((each) => each.dataset.id === id);
  const look = () => { if (row.classList.contains("left")) resolve(performance.timeOrigin + performance.now()); };
  new MutationObserver(look).observe(row, { attributes: true });
  look();
})
"""
SLOW_MS = 400
ROWS, FRAMES = 500, 240


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
    for name in ("olena", "jan"):
        moderator(steward, "bench", name)
    table = Table("at the console", "", title=f"{comments:,} queued, {decisions} decided by keys, a third for a reason")
    with browsing() as browser:
        desk = Desk.open(browser, steward)
        desk.sign_in("olena")
        _decide(desk, decisions, table)
        _decide_slowly(desk, table)
        _weigh(browser, steward, desk, table)
        _scroll(desk, table)
        _see(browser, steward, desk, table)
    return table


def _decide(desk: Desk, decisions: int, table: Table) -> None:
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
    took = sorted(desk.page.evaluate("[...window.took.values()]"))
    assert len(took) == decisions
    table.add_row("key to the next comment painted, median", f"{statistics.median(took):.0f} ms")
    table.add_row("95th percentile", f"{_at(took, 0.95):.0f} ms")
    table.add_row("slowest", f"{took[-1]:.0f} ms")
    table.add_row("all decisions, with the quarter second for which no key is taken", f"{seconds:.1f} s")
    table.add_row("strokes for a decision", f"{strokes / decisions:.2f}")
    table.add_row("requests for a decision, fetching ahead among them", f"{len(desk.requests) / decisions:.2f}")


def _decide_slowly(desk: Desk, table: Table) -> None:
    """Were a request between the key and the next comment, it would show here."""
    network = desk.page.context.new_cdp_session(desk.page)
    network.send("Network.enable")
    slow = {"offline": False, "latency": SLOW_MS, "downloadThroughput": -1, "uploadThroughput": -1}
    network.send("Network.emulateNetworkConditions", slow)
    desk.page.evaluate("window.took.clear()")
    last = desk.current
    for _ in range(20):
        desk.press("a")
        last = desk.wait_for_card(last)
    took = sorted(desk.page.evaluate("[...window.took.values()]"))
    network.send("Network.emulateNetworkConditions", slow | {"latency": 0})
    network.detach()
    desk.wait_until_sent()
    table.add_row(f"the same, each request {SLOW_MS} ms slower, median", f"{statistics.median(took):.0f} ms")
    table.add_row("95th percentile", f"{_at(took, 0.95):.0f} ms")


def _weigh(browser: Browser, steward: Steward, desk: Desk, table: Table) -> None:
    """With everything that it loads, as it comes over the wire, into a browser that has nothing of it yet."""
    fresh = Desk.open(browser, steward, storage_state=desk.page.context.storage_state())
    network = fresh.page.context.new_cdp_session(fresh.page)
    network.send("Network.enable")
    weights: list[float] = []
    network.on("Network.loadingFinished", lambda event: weights.append(event["encodedDataLength"]))
    fresh.go("/queue")
    fresh.wait_for_card()
    table.add_row("first page, all in all", f"{sum(weights) / 1000:.0f} kB in {len(weights)} answers")
    fresh.page.context.close()


def _scroll(desk: Desk, table: Table) -> None:
    desk.go("/queue?view=list")
    desk.page.wait_for_selector("html.has-script")
    assert desk.page.evaluate(MORE_ROWS, ROWS) == ROWS
    took = sorted(desk.page.evaluate(SCROLL, FRAMES))
    table.add_row(f"a list of {ROWS}, between two frames while it scrolls, median", f"{statistics.median(took):.0f} ms")
    table.add_row("95th percentile", f"{_at(took, 0.95):.0f} ms")
    table.add_row("slowest", f"{took[-1]:.0f} ms")


def _see(browser: Browser, steward: Steward, watcher: Desk, table: Table) -> None:
    """From somebody's key until the list of somebody else shows what was decided."""
    worker = Desk.open(browser, steward)
    worker.sign_in("jan")
    last = worker.wait_for_card()
    took = []
    for _ in range(20):
        watcher.go("/queue?view=list&queue=held")
        watcher.page.wait_for_selector(f'tr[data-id="{last}"]')
        watcher.wait_for("() => document.documentElement.classList.contains('has-script')")
        watcher.page.evaluate(f"window.seen = ({SEEN})({last!r}), undefined")
        pressed = worker.page.evaluate("performance.timeOrigin + performance.now()")
        worker.press("a")
        took.append(watcher.page.evaluate("window.seen") - pressed)
        last = worker.wait_for_card(last)
    took.sort()
    table.add_row("a decision, until somebody else's list shows it, median", f"{statistics.median(took):.0f} ms")
    table.add_row("slowest", f"{took[-1]:.0f} ms")
    worker.page.context.close()


def _at(took: list[float], share: float) -> float:
    return took[min(len(took) - 1, int(len(took) * share))]


if __name__ == "__main__":
    main()
