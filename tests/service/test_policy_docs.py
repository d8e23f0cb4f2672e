import re
from pathlib import Path

import msgspec

from service.policy import DEFAULT, DEFAULT_SLA_MS, MINUTE_MS, SLA_MS, Reviewing

PAGE = (Path(__file__).parents[2] / "docs" / "policies.md").read_text()


def test_the_page_shows_the_default_thresholds() -> None:
    shown = re.findall(r"^\| (\w+) \| ([\d.]+) \| ([\d.]+) \|$", PAGE, re.MULTILINE)
    assert {name: (float(low), float(high)) for name, low, high in shown} == {
        name: (limits.review_at, limits.reject_at) for name, limits in DEFAULT.thresholds.items()
    }


def test_the_page_shows_how_soon_a_person_should_look() -> None:
    minutes = {"minutes": 1, "hour": 60, "hours": 60}
    shown = {
        name: int(number) * minutes[unit] * MINUTE_MS
        for names, number, unit in re.findall(r"^\| ([\w, ]+) \| (\d+) (minutes|hours?) \|$", PAGE, re.MULTILINE)
        for name in names.split(", ")
    }
    assert shown == SLA_MS | {"anything else": DEFAULT_SLA_MS}


def test_the_page_shows_what_review_may_say() -> None:
    shown = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", PAGE, re.MULTILINE)
    usual = {field.name: getattr(Reviewing(), field.name) for field in msgspec.structs.fields(Reviewing)}
    assert {name: msgspec.json.decode(value) for name, value in shown} == msgspec.to_builtins(usual)
