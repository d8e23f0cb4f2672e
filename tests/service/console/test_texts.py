"""Every message of every page, in every language."""

import json
import re
from collections import Counter
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from service.console import texts as messages_of
from service.console.assets import Assets
from service.console.rendering import Renderer
from service.console.texts import LANGUAGES, SOURCE, Texts

CONSOLE, DEMO = (Path(str(files(package))) for package in ("service.console", "service.demo"))
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract"), ("static/**.js", "javascript")]
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2), "counted": (1, 2), "t": None, "tn": (1, 2)}
OPTIONS = {"templates/**.html": {"trimmed": "true", "silent": "false"}}
OTHERS = sorted(LANGUAGES.keys() - {SOURCE})


@cache
def messages() -> dict[str, str]:
    """Each message and where it is said."""
    return {
        message[0] if isinstance(message, tuple) else message: f"{room.name}/{file}:{line}"
        for room in (CONSOLE, DEMO)
        for file, line, message, _, _ in extract_from_dir(room, METHODS, OPTIONS, keywords=KEYWORDS, comment_tags=())
    }


@cache
def catalogue(language: str) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for file in sorted((CONSOLE / "locale" / language).glob("*.po")):
        with file.open("rb") as opened:
            for message in read_po(opened, locale=language, abort_invalid=True):
                if message.id:
                    known[message.id[0] if isinstance(message.id, tuple) else message.id] = message
    return known


@pytest.mark.parametrize("language", OTHERS)
def test_no_language_lacks_a_message(language: str) -> None:
    known = catalogue(language)
    lacking = {text: where for text, where in messages().items() if text not in known}
    assert lacking == {}, f"translate them in service/console/locale/{language}/*.po"
    for text, message in known.items():
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(strings), f"{text!r} has no translation"
        assert not message.fuzzy, text


@pytest.mark.parametrize("language", OTHERS)
def test_no_language_has_messages_that_nobody_says(language: str) -> None:
    assert catalogue(language).keys() - messages().keys() == set()


@pytest.mark.parametrize("language", OTHERS)
def test_no_message_is_translated_twice(language: str) -> None:
    """Of two translations in two files, which one is shown would depend on the names of the files."""
    said: Counter[Any] = Counter()
    for file in (CONSOLE / "locale" / language).glob("*.po"):
        with file.open("rb") as opened:
            said.update(message.id for message in read_po(opened, locale=language) if message.id)
    assert [message for message, times in said.items() if times > 1] == []


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_filled_in_is_filled_in_everywhere(language: str) -> None:
    for text, message in catalogue(language).items():
        errors = list(message.check())
        assert errors == [], text


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_nothing_is_said_as_nothing(language: str) -> None:
    assert Texts(language)("") == ""


def test_numbers_of_things_are_said_as_the_language_has_them() -> None:
    assert [Texts("uk").locale.plural_form(n) for n in (1, 2, 5, 21)] == ["one", "few", "many", "one"]
    shown = [Texts("pl").counted("Show %(n)d new comment", "Show %(n)d new comments", n) for n in (1, 2, 5, 22)]
    assert [each.split(maxsplit=2)[2] for each in shown] == [
        "nowy komentarz",
        "nowe komentarze",
        "nowych komentarzy",
        "nowe komentarze",
    ]


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_scripts_get_their_messages_and_every_plural_form(language: str) -> None:
    texts = Texts(language)
    given = texts.for_scripts(['toast(t("Undone.")); tn("%(n)d comment", "%(n)d comments", n);'])
    assert len(given["%(n)d comment"]) == 4
    assert all("%(n)d" in form or language == "en" for form in given["%(n)d comment"])
    assert Assets().version == Assets().version


async def test_the_messages_of_scripts_stand_in_a_page_with_their_letters(browser: Any) -> None:
    page = await browser.get("/console/sign-in", headers={"Accept-Language": "uk"})
    found = re.search(r'id="texts">(.*?)</script>', page.text)
    assert found
    assert '"Схвалено"' in found[1], "escaped, it would be three times as long"
    assert json.loads(found[1])["Approved"] == "Схвалено"


async def test_the_catalogues_of_a_language_are_read_when_somebody_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def note(language: str) -> tuple[bytes, ...]:
        read.append(language)
        return ()

    monkeypatch.setattr(messages_of, "_catalogues", note)
    renderer = Renderer(Assets())
    assert set(read) <= {SOURCE}, "at start no other language is read"
    first = await renderer.texts("de")
    assert await renderer.texts("de") is first
    assert [each for each in read if each != SOURCE] == ["de"]
