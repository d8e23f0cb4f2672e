"""Takes the pictures of the console for the README: .venv/bin/python tests/e2e/pictures.py"""

import shutil
import tempfile
from pathlib import Path

from pages import Desk, browsing, moderator
from steward import running

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
# Scores are shown, so that there is something to see; spam waits for nobody.
POLICY = {
    "thresholds": {
        "toxicity": {"review_at": 0.15, "reject_at": 0.98},
        "insult": {"review_at": 0.1, "reject_at": 0.98},
        "threat": {"review_at": 0.12, "reject_at": 0.98},
    },
    "review": {"show_scores": True},
}


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="steward-"))
    try:
        with running(folder) as steward, browsing() as browser:
            key = steward.first_key()
            with steward.client(key) as client:
                client.put("/v1/policies/default", json=POLICY).raise_for_status()
            steward.command("demo", key=key)
            moderator(steward, "default", "olena")
            for name, scheme, path in (("queue", "light", "/queue"), ("list", "dark", "/queue?view=list")):
                desk = Desk.open(browser, steward, color_scheme=scheme, viewport={"width": 1280, "height": 760})
                desk.sign_in("olena")
                desk.wait_for_card()
                desk.go(path)
                if path == "/queue":
                    desk.wait_for_card()
                    while not desk.page.locator("#cards > article:not([hidden]) mark").count():
                        desk.press("s")
                        desk.wait_for_card(desk.current)
                    if desk.page.locator("#cards > article:not([hidden]) details.veil:not([open])").count():
                        desk.press("b")
                    desk.page.wait_for_timeout(13_000)  # toasts leave
                else:
                    desk.press("j", "x", "j", "j", "x")
                desk.page.screenshot(path=PICTURES / f"{name}.png")
                desk.page.context.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
