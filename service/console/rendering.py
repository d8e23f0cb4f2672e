"""Renders templates: always escaped, in one of the supported languages."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from types import CodeType
from typing import Any
from urllib.parse import quote

from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_decimal, format_percent
from jinja2 import BytecodeCache, Environment, PackageLoader, StrictUndefined
from jinja2.bccache import Bucket
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from service.console.assets import Assets
from service.console.protection import PREFIX
from service.console.reasons import attribute_name
from service.console.shown import marked
from service.console.texts import LANGUAGES, N_, SOURCE, Texts
from service.values.accounts import Role
from service.values.dates import day_number

ROLES = {
    Role.MODERATOR: N_("Moderator"),
    Role.SUPERVISOR: N_("Supervisor"),
    Role.AUDITOR: N_("Auditor"),
    Role.ADMIN: N_("Administrator"),
}


@dataclass(frozen=True, slots=True)
class _Spoken:
    """What one language needs. It takes a tenth of a second to make, so only languages that somebody uses are made."""

    texts: Texts
    environment: Environment
    for_scripts: Markup  # as JSON, for a script element


class _Compiled(BytecodeCache):
    """The code of the templates, for all languages: they differ in what it calls and not in the code itself.

    To compile all templates takes more than a second.
    """

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._codes[bucket.key, bucket.checksum] = bucket.code


@cache
def _compiled() -> _Compiled:
    """One for the process: a template is the same in each application."""
    return _Compiled()


class Renderer:
    def __init__(self, assets: Assets) -> None:
        self._assets = assets
        self._scripts = assets.scripts()
        self._spoken: dict[str, _Spoken] = {}
        self._speak(SOURCE)

    async def texts(self, language: str) -> Texts:
        """Reads the catalogues of the language at its first use, beside the event loop."""
        if language not in self._spoken:
            await asyncio.to_thread(self._speak, language)
        return self._spoken[language].texts

    async def filters(self, language: str) -> Mapping[str, Any]:
        """How values are written in a language."""
        await self.texts(language)
        return self._spoken[language].environment.filters

    def render(self, texts: Texts, template: str, **values: Any) -> str:  # noqa: ANN401 - the template's own
        """`texts` are those of this renderer, so their language has been read."""
        spoken = self._spoken[texts.language]
        return spoken.environment.get_template(template).render(
            **values, now=datetime.now(UTC), texts=texts, script_texts=spoken.for_scripts
        )

    def _speak(self, language: str) -> None:
        """Two threads may do it at once; the first one counts."""
        texts = Texts(language)
        said = texts.for_scripts(self._scripts)
        # Made once, and with letters as they are: escapes would make three times as much of Ukrainian.
        as_json = htmlsafe_json_dumps(said, ensure_ascii=False) if said else Markup()
        self._spoken.setdefault(language, _Spoken(texts, environment(self._assets, texts), as_json))


def environment(assets: Assets, texts: Texts) -> Environment:
    """The templates in one language."""
    made = Environment(
        loader=PackageLoader("service.console"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        bytecode_cache=_compiled(),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # The extension adds this method at run time, so the types lack it.
    made.install_gettext_translations(texts.catalogue, newstyle=True)  # type: ignore[attr-defined]
    made.globals |= {
        "asset": assets.path,
        "prefix": PREFIX,
        "languages": LANGUAGES,
    }
    made.filters |= _filters(texts)
    return made


def moment(texts: Texts, at: datetime) -> str:
    """One form on every page: "29 Nov 2026, 06:05 UTC"."""
    utc = at.astimezone(UTC)
    return f"{format_datetime(utc, f'{_day_pattern(texts, utc)}, HH:mm', locale=texts.locale)} UTC"


def _day_pattern(texts: Texts, day: date) -> str:
    """With the name of the month, so that nobody takes the day for it."""
    return "d. MMM y" if texts.language == "de" else f"{day_number(day, texts.language)} MMM y"


def _filters(texts: Texts) -> Mapping[str, Any]:
    locale = texts.locale

    def number(value: float) -> str:
        return format_decimal(value, locale=locale)

    def percent(value: float) -> str:
        return format_percent(value, format="#,##0 %" if texts.language != "en" else "#,##0%", locale=locale)

    def fine_percent(value: float) -> str:
        """The format of small shares: 0.25%."""
        return format_percent(value, format="#,##0.## %" if texts.language != "en" else "#,##0.##%", locale=locale)

    def two_digits(value: float) -> str:
        """The format of scores: 0.61."""
        return format_decimal(value, format="0.00", locale=locale)

    def three_digits(value: float) -> str:
        """The format of measures of a model: 0.970."""
        return format_decimal(value, format="0.000", locale=locale)

    def since(value: datetime, now: datetime) -> str:
        """The time between `value` and `now`: "12 minutes"."""
        return format_timedelta(abs(now - value), granularity="minute", threshold=1.2, locale=locale)

    def when(value: datetime, now: datetime) -> str:
        """Relative to now, in the case that the language asks for: "in 12 minutes", "12 minutes ago"."""
        return format_timedelta(value - now, granularity="minute", threshold=1.2, locale=locale, add_direction=True)

    def ago(value: datetime, now: datetime) -> str:
        return texts(N_("just now")) if now - value < timedelta(minutes=1) else when(value, now)

    def day(value: datetime | date) -> str:
        at = value.astimezone(UTC) if isinstance(value, datetime) else value
        return format_date(at, _day_pattern(texts, at), locale=locale)

    return {
        "number": number,
        "percent": percent,
        "fine_percent": fine_percent,
        "two_digits": two_digits,
        "three_digits": three_digits,
        "since": since,
        "ago": ago,
        "moment": lambda value: moment(texts, value),
        "say": texts,
        "marked": marked,
        "segment": lambda value: quote(value, safe=""),  # for paths: a comment id may hold slashes
        "instant": lambda value: moment(texts, datetime.fromisoformat(value)),
        "when": when,
        "day": day,
        "date": day,
        "attribute": lambda value: texts(attribute_name(value)),
        "role_name": lambda role: texts(ROLES[role]),
    }
