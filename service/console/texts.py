"""Translations of the console.

Messages are written in English where they are used: `{{ _("…") }}` in templates, `N_("…")` in Python (translated when
shown), `t("…")` in scripts. Translations are in locale/<language>/*.po, one file for each part of the console; all of
them are merged. A test reports missing translations.
"""

import io
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from babel import Locale, negotiate_locale
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

SOURCE = "en"
LANGUAGES = {
    "en": "English",
    "de": "Deutsch",
    "es": "Español",
    "fr": "Français",
    "pl": "Polski",
    "pt": "Português",
    "uk": "Українська",
}
KEYWORDS = {"t": None, "tn": (1, 2)}


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for a message that is translated later
    return message


class Texts:
    """One language: its messages and how it writes numbers and dates."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.locale = Locale.parse(language)
        self.catalogue = NullTranslations()
        for data in _catalogues(language):
            found = Translations(io.BytesIO(data))
            found.add_fallback(self.catalogue)
            self.catalogue = found

    def __call__(self, message: str, **values: object) -> str:
        text = self.catalogue.gettext(message) if message else ""  # the catalog's head stands under ""
        return text % values if values else text

    def counted(self, one: str, many: str, n: int) -> str:
        return self.catalogue.ngettext(one, many, n) % {"n": n}

    def for_scripts(self, scripts: Iterable[str]) -> dict[str, str | list[str]]:
        """The translations for scripts; a message with a number has one for each plural form of the language."""
        found: dict[str, str | list[str]] = {}
        for message in (each for script in scripts for each in _said(script)):
            if isinstance(message, tuple):
                one, many = message
                found[one] = [self.catalogue.ngettext(one, many, n) for n in _examples(self.language)]
            elif self.language != SOURCE:
                found[message] = self.catalogue.gettext(message)
        return found


def negotiated(accepted: str) -> str:
    """The supported language that fits an Accept-Language header best."""
    wanted: list[tuple[float, str]] = []
    for part in accepted[:1000].split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((float(weight or 1), tag.replace("-", "_")))
        except ValueError:
            continue
    ranked = [tag for weight, tag in sorted(wanted, key=lambda each: -each[0]) if weight > 0]
    return negotiate_locale(ranked, LANGUAGES) or SOURCE


@cache
def _said(script: str) -> tuple[str | tuple[str, ...], ...]:
    """The messages of a script. Cached, because parsing takes tens of milliseconds and every language needs them."""
    return tuple(message for _, message, _, _ in extract("javascript", io.BytesIO(script.encode()), KEYWORDS, (), {}))


# A number for each plural category, in the order of the names in Intl.PluralRules, which scripts use.
@cache
def _examples(language: str) -> tuple[int, ...]:
    rule = Locale.parse(language).plural_form
    numbers = {rule(n): n for n in range(200, -1, -1)}
    return tuple(numbers.get(category, numbers[rule(100)]) for category in ("one", "few", "many", "other"))


@cache
def _catalogues(language: str) -> tuple[bytes, ...]:
    """The compiled catalogs, cached for the process."""
    if language == SOURCE:
        return ()
    folder = files("service.console").joinpath("locale").joinpath(language)
    found = []
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if file.name.endswith(".po"):
            compiled = io.BytesIO()
            write_mo(compiled, read_po(io.BytesIO(file.read_bytes()), locale=language))
            found.append(compiled.getvalue())
    return tuple(found)
