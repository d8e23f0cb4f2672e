"""The spam of blogs, written for this test, under the default policy: what is sold, and what only sounds polite."""

from typing import Any

import pytest

SPAM = [
    "Cheap Cialis and Viagra with no prescription, delivered overnight: https://meds-now.example",
    "We build 500 dofollow backlinks for your blog and bring you to page one of Google. https://links-pro.example",
    "I lost 40,000 USD to a fake broker. Recovery Ghost got every cent back, write to recoveryghost@mail.example",
    "Very good article [url=https://shoes-sale.example]cheap running shoes[/url]",
    "Günstige Potenzmittel ohne Rezept, diskreter Versand: https://apotheke-billig.example",
    "Nice blog! Visit my site too: https://best-vpn-deals.example",
    "What a wonderful post, I bookmarked it. More about kitchen renovation here https://kitchen-pros.example",
    '<a href="https://casino-king.example">best online casino</a> great post thanks',
    "Jetzt Online Casino Bonus sichern, 100 Freispiele ohne Einzahlung https://spielhalle.example",
    "Our agency writes essays and dissertations, plagiarism free, from 9 dollars a page. https://essay-fast.example",
    "Get a personal loan within 24 hours, bad credit welcome. Apply at https://quickcash.example",
    "I was sick for two years, Dr Aluda's herbs cured my diabetes. His email is draluda@mail.example",
    "Earn 300 dollars per day from your phone, no experience. Telegram: @easycash",
    "Replica Rolex and Omega watches, best price, worldwide shipping https://timecopy.example",
    "Fantastic website you have here. Have you thought about search engine optimization? https://seo-boost.example",
    "I read your whole site and it is awesome! https://cheap-flights-asia.example",
    "Hire the best divorce lawyer in Dallas, free consultation https://dallaslaw.example",
    "Compre seguidores reais para o Instagram https://seguidores.example",
    "Wer schnell einen Kredit ohne Schufa braucht, hier klicken: https://kredit24.example",
    "Plumber in Austin available day and night, lowest price, https://austin-plumber.example",
]
HAM = [
    "Thank you, I had no idea the mill was that old. There is a photo in the archive: https://archive.example/mill",
    "I disagree, the numbers from the town hall say otherwise (https://town.example/budget.pdf).",
    "Our local pharmacy closed last year, so this hits the village hard.",
    "My blog had the same problem with comments, I solved it with a plugin.",
    "The casino tax pays for half of the school, people forget that.",
    "Which loan did the city take for the swimming pool, and at what rate?",
    "Great post! It reminded me of my grandmother's garden.",
    "Please fix the link in the third paragraph, it leads to a 404.",
    "Danke für den Artikel, das wusste ich nicht.",
    "My sister works in SEO and says half of it is nonsense.",
]
# Of 20; a model may miss a few. That of 2026-12-02-2 holds all of them.
FEWEST_HELD, MOST_HAM_HELD = 18, 1


async def held(blog: Any, texts: list[str]) -> list[str]:
    return [text for text in texts if (await blog.check(text)).raw == b"true"]


async def test_the_spam_of_blogs_is_held_and_what_readers_write_is_not(blog: Any) -> None:
    assert len(await held(blog, SPAM)) >= FEWEST_HELD
    assert len(await held(blog, HAM)) <= MOST_HAM_HELD


@pytest.mark.parametrize("text", SPAM[:5])
async def test_the_kinds_that_once_passed_are_held(blog: Any, text: str) -> None:
    """Pharmacies, search engine optimization, recovered money, links as forums write them, and German."""
    reply = await blog.check(text)
    assert (reply.raw, reply.headers["X-Moderation-Decision"] != "approve") == (b"true", True)
