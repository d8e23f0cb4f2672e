"""The page of an error: in the visitor's language, about what happened, and with a way on."""

from typing import Any

import pytest

from service.console.refusals import refusal
from service.console.texts import Texts
from service.values.accounts import Role
from service.values.errors import Conflict, Forbidden, NotFound, QueueFull, StoreUnavailable, Unauthenticated


@pytest.mark.parametrize("language", ["en", "de", "uk"])
def test_what_the_console_says_is_translated_and_what_the_api_says_stands_below(language: str) -> None:
    texts = Texts(language)
    said = refusal(texts, Conflict("waiting", "It still waits for an answer.", {}), 409)
    assert said == (texts("It still waits for an answer."), "")
    unknown = refusal(texts, NotFound("no comment 'c-1'"), 404)
    if language == "en":
        assert unknown == ("no comment 'c-1'", "")
    else:
        assert unknown == (texts("It is not here, or not any more."), "no comment 'c-1'")


def test_each_kind_of_error_says_what_it_is() -> None:
    texts = Texts("en")
    assert "session has ended" in refusal(texts, Unauthenticated(), 401).message
    assert refusal(texts, Forbidden(), 403).message == "Your role does not open this page."
    assert refusal(texts, Forbidden("This takes an administrator."), 403).message == "This takes an administrator."
    assert "store cannot be reached" in refusal(texts, StoreUnavailable("away"), 503).message
    assert refusal(texts, QueueFull("too many comments wait"), 503).message == "too many comments wait"
    assert refusal(texts, None, 500).message == "It was written to the log."


async def test_who_is_signed_out_is_led_to_sign_in_and_hears_nothing_of_api_keys(browser: Any) -> None:
    page = await browser.post("/console/stuck/c-1", do="me")
    assert page.status == 401
    assert "Your session has ended" in page.text
    assert 'href="/console/sign-in"' in page.text
    assert "API key" not in page.text


async def test_a_page_that_is_not_there_says_so_in_the_language_of_the_visitor(as_role: Any) -> None:
    page = await (await as_role(Role.MODERATOR)).get("/console/comment?id=none", headers={"Accept-Language": "de"})
    assert page.status == 404
    assert "Hier ist es nicht, oder nicht mehr." in page.text
    assert '<p class="small because" lang="en">' in page.text
