"""The service is killed and started again under an open page: no decision is lost, none is made twice."""

import re
from pathlib import Path

from pages import Desk, forum, moderator, texts
from playwright.sync_api import Browser, expect
from steward import Steward

IDS = [f"f-{n:02}" for n in range(12)]


def test_decisions_made_while_the_service_is_gone_arrive_once_when_it_is_back(data_dir: Path, browser: Browser) -> None:
    steward = Steward(data_dir)
    steward.start()
    steward.environment["STEWARD_PORT"] = re.search(r":(\d+)$", steward.url)[1]
    assert steward.first_key()
    site = forum(steward, "daily", texts(*IDS))
    moderator(steward, "daily", "olena")
    try:
        desk = Desk.open(browser, steward)
        desk.sign_in("olena")
        seen = [desk.wait_for_card()]
        desk.press("a")
        seen.append(desk.wait_for_card(seen[-1]))
        desk.wait_until_sent()

        steward.kill()
        desk.press("a")
        seen.append(desk.wait_for_card(seen[-1]))
        desk.press("r", "1")
        seen.append(desk.wait_for_card(seen[-1]))
        line = desk.page.locator("#connection")
        expect(line).to_be_visible()
        expect(line).to_contain_text("2 decisions are kept here")

        steward.start()
        desk.wait_until_sent()
        expect(line).to_be_hidden()
        assert site.statuses(seen[:3]) == ["approved", "approved", "rejected"]

        # Killed again, and this time the page goes, too, before the service is back.
        steward.kill()
        desk.press("a")
        desk.page.wait_for_function(f"localStorage.getItem('steward.outbox.daily.olena')?.includes('{seen[3]}')")
        state = desk.page.context.storage_state()
        desk.page.context.close()
        steward.start()
        again = Desk.open(browser, steward, storage_state=state)
        again.go("/queue")
        again.wait_until_sent()
        assert site.statuses(seen) == ["approved", "approved", "rejected", "approved"]
        assert again.wait_for_card() not in seen, "nor is it shown again"
        assert again.complaints == []
        expected = [complaint for complaint in desk.complaints if "net::ERR_" not in complaint]
        assert expected == [], "of a service that is gone the browser may complain, of nothing else"
        again.page.context.close()

        for comment_id in seen:
            entries = site.get(f"/v1/audit?comment={comment_id}").json()["entries"]
            actions = [entry["details"]["action"] for entry in entries]
            assert actions.count("decided") == 1, "decided once, by one entry"
    finally:
        if steward.process.poll() is None:
            steward.stop()
