"""A number that is none is refused by every form and address of the console, and never an error of ours."""

from typing import Any

import pytest

from service.values.accounts import Role

NO_NUMBERS = ["nan", "inf", "-inf", "1e999", "9" * 5_000, "²", "x"]


@pytest.mark.parametrize("value", NO_NUMBERS)
async def test_a_number_that_is_none_is_refused(as_role: Any, value: str) -> None:
    browser = await as_role(Role.ADMIN)
    for name in ("count", "wait", "low", "high"):
        page = await browser.post("/console/queue/claim", **{name: value})
        assert page.status == 400, (name, page.status)
    for path in (
        "/console/webhooks?sent={0}&busy={0}&after={0}",
        "/console/queue?low={0}",
        "/console/queue?cursor={0}",
    ):
        assert (await browser.get(path.format(value))).status < 500, path
    made = await browser.post("/console/keys", name="k", days=value, scope="score")
    assert made.status == 400
