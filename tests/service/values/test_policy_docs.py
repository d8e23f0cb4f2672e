import re
from pathlib import Path

import msgspec
import pytest

from service.values.approvals import TwoPeople
from service.values.attention import DEFAULT_SLA_MS, MINUTE_MS, SLA_MS
from service.values.gate import Gate
from service.values.policy import DEFAULT
from service.values.review_settings import Reviewing
from service.values.site_settings import Protocols

PAGE = (Path(__file__).parents[3] / "docs" / "policies.md").read_text()


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


@pytest.mark.parametrize(
    ("place", "usual"),
    [
        ("review", Reviewing()),
        *((f"protocols.{name}", part) for name, part in msgspec.structs.asdict(Protocols()).items()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_page_shows_all_that_a_part_of_the_policy_may_say(place: str, usual: msgspec.Struct) -> None:
    table = re.search(rf"^\| in `{place}` \|.*\n\| --- .*\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    assert table is not None
    shown = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", table[1], re.MULTILINE)
    fields = msgspec.json.decode(msgspec.json.encode(msgspec.structs.asdict(usual)))
    assert {name: msgspec.json.decode(value) for name, value in shown} == fields


def test_the_page_of_approvals_shows_what_may_take_two_people() -> None:
    page = (Path(__file__).parents[3] / "docs" / "approvals.md").read_text()
    shown = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", page.split("## Propose")[0], re.MULTILINE)
    assert {name: msgspec.json.decode(value) for name, value in shown} == msgspec.structs.asdict(TwoPeople())


def test_the_page_of_retraining_shows_what_a_gate_may_ask() -> None:
    page = (Path(__file__).parents[3] / "docs" / "retraining.md").read_text().split("| in `gate` |")[1]
    shown = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", page, re.MULTILINE)
    assert {name: msgspec.json.decode(value) for name, value in shown} == msgspec.structs.asdict(Gate())
