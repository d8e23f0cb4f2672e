"""No text is cut off, and none is wider than its place: on each page, in each language, at three widths."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from full_site import OTHER, Site, fill_more, full_site
from playwright.sync_api import Browser

from service.console.routes import PAGES
from service.console.texts import LANGUAGES
from service.console.visit import Page

WIDTHS = (390, 768, 1440)
MEASURE = (Path(__file__).parent / "layout.js").read_text()
PATHS = (
    *(
        "/queue",
        "/queue?view=list",
        "/queue?queue=held",
        "/queue?queue=escalated",
        "/queue/c-06",
        "/queue/c-06/copies",
        "/queue/c-06/thread",
    ),
    *(
        "/scores?axis=insult",
        "/dashboard?span=week",
        "/search?text=idiot",
        "/comment?id=c-06",
        "/decided",
        "/mentions",
        "/stuck",
    ),
    *("/author?id=u-1", "/article?article=a-1", "/appeals", "/appeals?kind=appeal", "/appeals?kind=notice"),
    *("/policy", "/promises", "/approvals", "/rules", "/rules/edit?kind=links", "/rules/edit?kind=json", "/lists"),
    *(
        "/lists/list?name=house-words",
        "/models",
        f"/models/compare?challenger={OTHER}",
        f"/models/gate?version={OTHER}",
        "/webhooks",
        "/keys",
    ),
    *("/moderators", "/account", "/account/second-factor", "/statement?id=rejected", "/complaint?id=c-01"),
    *("/sign-in", "/welcome", "/welcome/queue", "/leave?to=https%3A%2F%2Fdaily.example%2Ftram", "/no-such-page"),
)
# What answers with no page of its own, needs a link or an identity provider, or is looked at in test_reader_pages.py.
NO_PAGES = {
    "",
    "/",
    "/notice",
    "/notice/{address}",
    "/reasons/{address}",
    "/lists/export",
    "/sign-in/link",
    "/sign-in/oidc",
    "/sign-in/oidc/back",
}
# The page in each language, as the service renders it. The sign-in page is that of a stranger. The scripts of the page
# that was loaded stay, and do nothing with these.
READ = """async ([languages, path]) => {
  const credentials = path.endsWith('/sign-in') ? 'omit' : 'same-origin';
  const read = async (language) => (await fetch(path, {credentials, headers: {'Accept-Language': language}})).text();
  const said = await Promise.all(languages.map(read));
  window.said = said.map(text => {
    const page = new DOMParser().parseFromString(text, 'text/html');
    return { language: page.documentElement.lang, body: document.adoptNode(page.body) };
  });
}"""
# Each language in turn, with everything opened that opens in its place.
LOOK = """(languages) => languages.map((language, place) => {
  const page = window.said[place];
  if (page.language !== language) return ['it is in ' + page.language];
  document.documentElement.lang = language;
  page.body.querySelectorAll('details:not(.menu), dialog').forEach(each => { each.setAttribute('open', ''); });
  document.body.replaceWith(page.body);
  return (MEASURE)();
})"""
# In each language, the number of lines on which there stands what fits the selector, on a busy day.
LINES = """([languages, selector]) => Object.fromEntries(languages.map((language, place) => {
  document.documentElement.lang = language;
  document.body.replaceWith(window.said[place].body);
  for (const each of document.querySelectorAll('[data-count]')) each.textContent = '1,394';
  const shown = [...document.querySelectorAll(selector)].filter(each => each.checkVisibility());
  const boxes = shown.map(each => each.getBoundingClientRect());
  const middles = boxes.map(box => (box.top + box.bottom) / 2).sort((a, b) => a - b);
  return [language, middles.filter((each, n) => n === 0 || each - middles[n - 1] > 10).length];
}))"""


@pytest.fixture(scope="module")
def site(browser: Browser) -> Iterator[Site]:
    with full_site(browser, fill_more) as site:
        yield site


@pytest.fixture(scope="module")
def faults(site: Site) -> Mapping[str, list[str]]:
    """By language. Each page is loaded once; to load each 21 times would take minutes."""
    page, _ = site.page(bypass_csp=True)  # which forbids pages to be read as text
    found, languages = defaultdict[str, list[str]](list), [*LANGUAGES]
    for path in PATHS:
        page.goto(site.url(path))
        page.evaluate(READ, [languages, f"/console{path}"])
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            by_language = page.evaluate(LOOK.replace("MEASURE", MEASURE), languages)
            for language, lines in zip(languages, by_language, strict=True):
                found[language] += [f"{path} at {width} px: {line}" for line in lines]
    page.context.close()
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_cut_off_at_any_width(faults: Mapping[str, list[str]], language: str) -> None:
    assert faults[language] == []


def lines(site: Site, path: str, width: int, selector: str) -> Mapping[str, int]:
    """By language, on how many lines there stands what fits the selector."""
    page, _ = site.page(bypass_csp=True, viewport={"width": width, "height": 900})
    page.goto(site.url(path))
    page.evaluate(READ, [[*LANGUAGES], f"/console{path}"])
    found: Mapping[str, int] = page.evaluate(LINES, [[*LANGUAGES], selector])
    page.context.close()
    return found


@pytest.mark.parametrize("path", ["/queue", "/queue?view=list", "/scores?axis=insult"])
def test_the_head_of_the_queue_is_one_line(site: Site, path: str) -> None:
    assert lines(site, path, 1440, ".queues a, .queue-tools > *") == dict.fromkeys(LANGUAGES, 1)


def test_on_a_phone_both_decisions_of_a_selection_share_a_line(site: Site) -> None:
    decisions, all_of_it = "#bulk > .yes, #bulk > [data-choice='reject'] > summary", "#bulk > *"
    assert lines(site, "/queue?view=list", 390, decisions) == dict.fromkeys(LANGUAGES, 1)
    assert lines(site, "/queue?view=list", 390, all_of_it) == dict.fromkeys(LANGUAGES, 2)


def test_the_layout_of_every_page_is_looked_at() -> None:
    looked_at = {urlsplit(path).path.replace("c-06", "{id}") for path in PATHS}
    assert {page.path for page in PAGES if _is_shown(page)} - NO_PAGES - looked_at == set()


def _is_shown(page: Page) -> bool:
    return page.method == "GET" and not page.is_background
