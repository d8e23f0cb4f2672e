"""What the console calls things: no deed of the audit trail, and no reason of a webhook, without a name."""

import re
from importlib.resources import files
from typing import get_args

import pytest

from service.console import words
from service.console.texts import Texts
from service.values.domain import Action, DecidedBy, State, Status, Verdict
from service.webhooks import delivery


def test_every_deed_that_the_scripts_write_of_a_comment_has_a_name() -> None:
    scripts = files("service.store.scripts")
    written = {
        action
        for script in scripts.iterdir()
        if script.name.endswith(".lua")
        for action in re.findall(r"(?:audit|escalate)\('([a-z_]+)', (?!ARGV\[3\], '')", script.read_text())
    }
    elsewhere = {"policy_changed", "list_changed", "list_deleted", "webhook_disabled", "webhook_secret_made"}
    assert "decided" in written
    assert written - elsewhere - words.DEEDS.keys() == set()


def test_every_value_of_ours_has_a_name() -> None:
    assert words.STATUSES.keys() == set(Status)
    assert words.STATES.keys() == set(State)
    assert words.DECIDED_BY.keys() == set(DecidedBy)
    assert words.DECISIONS.keys() == set(Action)
    assert words.VERDICTS.keys() >= {*Verdict, *Action}
    assert {word for _, word in delivery._CAUSES} < words.BECAUSE.keys()  # noqa: SLF001 - the table itself
    assert get_args(delivery.Result)


@pytest.mark.parametrize(
    ("language", "ending"), [("es", "[ai]d[ao]s"), ("pt", "[ai]d[ao]s"), ("fr", "ée?s"), ("pl", "[aeo]ne")]
)
def test_what_happened_to_one_comment_is_said_of_one(language: str, ending: str) -> None:
    texts = Texts(language)
    of_one = [*words.STATUSES.values(), *words.STATES.values(), *words.DEEDS.values(), *words.VERDICTS.values()]
    assert [said for each in of_one if re.match(rf"\w+{ending}\b", said := texts(each))] == []


def test_what_is_no_word_of_ours_stays_as_it_is() -> None:
    assert words.deed("new_deed") == "new_deed"
    assert words.actor("ann") == "ann"
    assert words.because("418") == "418"
    assert words.value("model", "2026-11-23-3") == "2026-11-23-3"
    assert words.value("reason", "house_rule_7") == "house_rule_7"
