"""What docs/coral.md tells administrators is so."""

import json
import re
from pathlib import Path
from typing import Any

from service.compat.coral.door import DRAIN_S, MOST_WAITING
from service.values.site_settings import Coral

PAGE = (Path(__file__).parents[4] / "docs" / "coral.md").read_text()


async def test_the_policies_that_the_page_shows_are_taken(admin: Any) -> None:
    (shown,) = re.findall(r"-d '(\{.*\})'", PAGE)
    reply = await admin("PUT", "/v1/policies/default", json.loads(shown))
    assert reply.status == 200, reply.body
    assert reply.body["protocols"]["coral"] == {"shadow": True}


def test_the_page_names_every_wish_and_the_numbers_of_the_code() -> None:
    for field in Coral.__struct_fields__:
        assert f"`{field}`" in PAGE
    assert f"`budget_ms` ({Coral().budget_ms})" in PAGE
    assert f"up to {MOST_WAITING:,} comments wait" in PAGE
    assert DRAIN_S == 5
    assert "has five seconds to record" in PAGE


async def test_a_call_without_a_signature_tells_that_the_address_is_right(admin: Any) -> None:
    assert "must say 401" in PAGE
    assert (await admin.send("/coral/daily", b"")).status == 401
