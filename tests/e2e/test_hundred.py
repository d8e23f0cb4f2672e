"""One moderator decides a hundred comments in each view: none is lost, and none is decided twice."""

from collections import Counter
from collections.abc import Iterator, Mapping

import pytest
from pages import GUARD_MS, Desk, Forum, forum, moderator
from playwright.sync_api import Browser, Locator, expect
from steward import Steward, posted

MANY = 100
# In the view by score, one in five waits without scores, and so without a dot.
SENT_BY_SCORE = 160
KIND, RUDE = "I disagree with number {n}: the tram costs more than that.", "You are a stupid idiot, number {n}."
# The comment that is shown next, as soon as it is shown.
NEXT = """but => new Promise(resolve => {
  const cards = document.getElementById('cards');
  const look = () => {
    const id = cards.querySelector(':scope > article:not([hidden])')?.dataset.id;
    if (id === undefined || id === but) return false;
    watching.disconnect();
    resolve(id);
    return true;
  };
  const watching = new MutationObserver(look);
  if (!look()) watching.observe(cards, {subtree: true, childList: true, attributeFilter: ['hidden']});
})"""


@pytest.fixture
def desk(browser: Browser, service: Steward) -> Iterator[Desk]:
    """Somebody at a browser, whose clock we may move on; at the end it has nothing to complain of."""
    desk = Desk.open(browser, service)
    desk.page.clock.install()
    yield desk
    desk.page.context.close()
    assert desk.complaints == []


def arrive(site: Forum, texts: Mapping[str, str]) -> None:
    """All at once, as a batch."""
    body = [{"id": comment_id, "text": text} for comment_id, text in texts.items()]
    with site.steward.client(site.key) as client:
        results = [
            each
            for at in range(0, len(body), MANY)
            for each in posted(client, "/v1/comments:batch", {"comments": body[at : at + MANY]})["results"]
        ]
    assert [each["status"] for each in results] == ["pending"] * len(texts)


def begin(desk: Desk, service: Steward, name: str, texts: Mapping[str, str]) -> Forum:
    """A site whose moderator has signed in before anything waited, so that nothing is held yet."""
    site = forum(service, name, {})
    moderator(service, name, f"m-{name}")
    desk.sign_in(f"m-{name}")
    desk.go("/dashboard")
    arrive(site, texts)
    return site


def press(desk: Desk, *keys: str) -> None:
    """Each a moment after the one before: the console takes no second decision within that moment."""
    desk.page.clock.fast_forward(GUARD_MS + 10)
    desk.press(*keys)


def decided_by(site: Forum, name: str) -> Counter[str]:
    """How often each comment was decided by this moderator, as the trail says."""
    found, after = Counter[str](), ""
    while True:  # a page may be empty before the end
        page = site.get(f"/v1/audit?actor={name}&limit=1000{after}").json()
        found.update(each["details"]["comment"] for each in page["entries"] if each["details"]["action"] == "decided")
        if page["next"] is None:
            return found
        after = f"&after={page['next']}"


def check(desk: Desk, site: Forum, meant: Mapping[str, str], waiting: int = 0) -> None:
    """Every comment is as the moderator meant it, and was decided once, by that moderator."""
    desk.wait_until_sent()
    assert len(meant) == MANY
    assert dict(zip(meant, site.statuses([*meant]), strict=True)) == meant
    assert decided_by(site, f"m-{site.name}") == dict.fromkeys(meant, 1)
    assert site.get("/v1/review/stats").json()["queued"] == waiting
    desk.go("/decided")
    counts = Counter(meant.values())
    figures = [each.inner_text() for each in desk.page.locator(".figures dd").all()]
    assert figures == [str(counts["approved"]), str(counts["rejected"]), "0"]


def test_a_hundred_comments_are_decided_one_by_one(desk: Desk, service: Steward) -> None:
    site = begin(desk, service, "hundred-one", {f"o-{n:03}": KIND.format(n=n) for n in range(MANY)})
    desk.go("/queue")
    meant: dict[str, str] = {}
    current = None
    while len(meant) < MANY:
        current = str(desk.page.evaluate(NEXT, current))
        assert current not in meant, "none is offered twice"
        is_third = len(meant) % 3 == 2
        press(desk, *(("r", str(len(meant) % 10)) if is_third else ("a",)))
        meant[current] = "rejected" if is_third else "approved"
    check(desk, site, meant)
    assert len(desk.decisions) == MANY


def test_a_hundred_comments_are_decided_in_the_list(desk: Desk, service: Steward) -> None:
    site = begin(desk, service, "hundred-list", {f"l-{n:03}": KIND.format(n=n) for n in range(MANY)})
    desk.go("/queue?view=list")
    desk.page.wait_for_selector("html.has-script")
    rows = desk.page.locator("#list tbody tr")
    expect(rows).to_have_count(MANY)
    ids = [str(each) for each in rows.evaluate_all("rows => rows.map(row => row.dataset.id)")]
    desk.press("j")
    for n in range(10):  # one at a time
        press(desk, *(("r", "1") if n % 2 else ("a",)))
    press(desk, "x", *("j",) * 19, "X", "R", "5")  # a range of twenty
    desk.page.clock.fast_forward(GUARD_MS + 10)
    desk.page.get_by_label("Select all").check()  # the others
    desk.press("A")
    expect(rows).to_have_count(0)
    rejected = {*ids[1:10:2], *ids[10:30]}
    check(desk, site, {each: "rejected" if each in rejected else "approved" for each in ids})
    assert len(desk.decisions) == 12


def listed(desk: Desk, field: Locator, name: str, value: str) -> list[str]:
    """The ids of the comments in a range with this end."""
    field.fill(value)
    field.press("Enter")
    desk.wait_for("([name, value]) => new URLSearchParams(location.search).get(name) === value", [name, value])
    rows = desk.page.locator("#list tbody tr")
    return [str(each) for each in rows.evaluate_all("rows => rows.map(row => row.dataset.id)")]


def test_a_hundred_comments_are_decided_by_score(desk: Desk, service: Steward) -> None:
    sent = {f"s-{n:03}": (KIND if n % 4 else RUDE).format(n=n) for n in range(SENT_BY_SCORE)}
    site = begin(desk, service, "hundred-scores", sent)
    desk.go("/scores?axis=toxicity")
    rows, low, high = (desk.page.locator(each) for each in ("#list tbody tr", "input[name=low]", "input[name=high]"))
    rude = listed(desk, low, "low", "0.5")
    assert all(sent[each].startswith("You are") for each in rude)
    desk.page.get_by_role("link", name="Select all that are listed").click()
    press(desk, "R", "1")
    expect(rows).to_have_count(0)
    desk.page.clock.fast_forward(GUARD_MS + 10)
    listed(desk, low, "low", "0")
    kind = listed(desk, high, "high", "0.49")[: MANY - len(rude)]
    rows.nth(0).get_by_role("checkbox").check()
    rows.nth(len(kind) - 1).get_by_role("checkbox").click(modifiers=["Shift"])
    expect(desk.page.locator("#chosen")).to_have_text(f"{len(kind)} selected")
    press(desk, "A")
    expect(desk.page.locator(".toast").last).to_contain_text(f"Approved: {len(kind)}")
    meant = dict.fromkeys(rude, "rejected") | dict.fromkeys(kind, "approved")
    check(desk, site, meant, SENT_BY_SCORE - MANY)
    assert len(desk.decisions) == 2
