"""The commands for the model of one site."""

import json
from typing import Any

import pytest
from aiohttp import web
from click.testing import CliRunner
from stand_in import against, answering, listed

from training.commands.models import models
from training.commands.train import train

ROLES = {"champion": "mine", "challenger": "next", "previous": "shipped"}
AT_DAILY = "/v1/sites/daily/models"


async def test_models_of_a_site_are_listed_with_their_roles() -> None:
    of_daily = [listed("mine", active=True) | {"source": "local", "sites": ["daily"]}]
    of_daily += [listed(each, active=False) | {"source": "local"} for each in ("next", "shipped")]
    known = {"site": "daily", "active": "mine", "is_own": True, "problem": "model 'x' is gone", "roles": ROLES}
    result = await against(
        [web.get(AT_DAILY, answering(known | {"models": of_daily}))], models, "list", "--site", "daily"
    )
    assert result.exit_code == 0, result.output
    for version, said in (("mine", "in use"), ("next", "in shadow"), ("shipped", "previous")):
        (line,) = [each for each in result.stdout.splitlines() if f" {version} " in each and "\u2502" in each]
        assert said in line
    assert (
        "daily has a model of its own: mine\nnot the one that was promoted for it: model 'x' is gone" in result.stdout
    )


async def test_a_model_is_shown_with_what_it_judges() -> None:
    found = listed("m-2", active=True) | {
        "source": "local",
        "sites": ["daily"],
        "readers": ["fast"],
        "labels": ["spam"],
    }
    routes = [web.get(f"{AT_DAILY}/m-2", answering(found))]
    result = await against(routes, models, "show", "m-2", "--site", "daily")
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines() if not line.startswith("in use"))
    assert lines == {
        "version": "m-2",
        "sites": "daily",
        "source": "local",
        "judges": "spam",
        "languages": "de, en",
        "readers": "fast",
    }
    assert json.loads((await against(routes, models, "show", "m-2", "--site", "daily", "--json")).stdout) == found


async def test_a_model_is_promoted_and_rolled_back_for_one_site() -> None:
    done = {"version": "m-2", "generation": 5, "site": "daily"}
    back = done | {"version": "shipped", "generation": 6, "follows": True}
    routes = [
        web.get(AT_DAILY, answering({"models": [listed("mine", active=True)], "roles": ROLES})),
        web.post(f"{AT_DAILY}/m-2:promote", answering(done)),
        web.post(f"{AT_DAILY}:rollback", answering(back)),
    ]
    result = await against(routes, models, "promote", "m-2", "--site", "daily")
    assert result.stdout == "m-2 is in use for daily (generation 5), was mine\n"
    result = await against(routes, models, "rollback", "--site", "daily")
    assert result.stdout == "shipped is in use for daily, as at all sites (generation 6), was mine\n"


@pytest.mark.parametrize("name", ["challenger", "installation"])
async def test_promote_warns_of_what_is_lost_by_a_model_that_is_named_by_its_role(name: str) -> None:
    worse = listed("next", active=False, judges={"en": ["toxicity", "spam"]})
    of_daily = {"models": [listed("mine", active=True), worse], "roles": ROLES}
    of_all = {"models": [worse | {"active": True}]}
    routes = [web.get(AT_DAILY, answering(of_daily)), web.get("/v1/models", answering(of_all))]
    result = await against(routes, models, "promote", name, "--site", "daily", said="n\n")
    assert "it does not judge these languages, which mine judges: de" in result.stderr
    assert result.exit_code == 1


async def test_an_override_for_one_site_says_so() -> None:
    asked: list[Any] = []

    async def propose(request: web.Request) -> web.Response:
        asked.append(await request.json())
        return web.json_response({"id": "a-1", "expires_at": "2026-12-01T12:00:00Z"})

    routes = [web.post("/v1/approvals", propose)]
    await against(routes, models, "promote", "m-2", "--site", "daily", "--override", "too blind")
    assert asked == [{"deed": {"kind": "promote_model", "model": "m-2", "why": "too blind", "only_site": True}}]


@pytest.mark.parametrize("site", ["../daily", "Daily", "", "a" * 64])
def test_train_refuses_what_is_no_site(site: str) -> None:
    result = CliRunner().invoke(train, ["--site", site])
    assert result.exit_code == 2
    assert "lower-case letters, digits and '-', at most 63" in result.stderr
