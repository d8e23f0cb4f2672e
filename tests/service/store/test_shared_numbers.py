"""Numbers that both Python and a Lua script need are the same in both."""

import re
from importlib.resources import files

import pytest

from service.cases.figures import MOST_HOURS
from service.store.comments import (
    AUTHOR_INDEX_DAYS,
    AUTHOR_RENEWED_AFTER_DAYS,
    DIGEST_CHARS,
    STATE_OUTLIVES_DAYS,
)
from service.store.review import TENDED_AT_ONCE
from service.values.attention import SOON_MS
from service.values.notices import MOST_NOTICES


@pytest.mark.parametrize(
    ("script", "pattern", "number"),
    [
        ("prelude", r"remember_author\(id, author, now, until_s \+ (\d+) \* 86400\)", AUTHOR_INDEX_DAYS),
        ("prelude", r"item\.created\) > (\d+) \* 86400000 then", AUTHOR_RENEWED_AFTER_DAYS),
        ("prelude", r"now / 1000\)\) \+ (\d+) \* 86400\n", STATE_OUTLIVES_DAYS),
        ("prelude", r"'EXPIRE', key, (\d+) \* 86400\)", MOST_HOURS // 24),
        ("prelude", r"'lease', '-inf', now, 'LIMIT', 0, (\d+)\)", TENDED_AT_ONCE),
        ("tend", r"'LIMIT', offset, (\d+)\)", TENDED_AT_ONCE),
        ("tend", r"#late == (\d+) then", TENDED_AT_ONCE),
        ("tend", r"following = offset \+ (\d+) - expired", TENDED_AT_ONCE),
        ("submit", r"string\.sub\(was\.digest, 1, (\d+)\)", DIGEST_CHARS),
        ("notices", r"local MOST_NOTICES = (\d+) ", MOST_NOTICES),
        ("submit", r"tonumber\(ARGV\[7\]\) or (\d+)", SOON_MS),
    ],
)
def test_a_script_has_the_same_number(script: str, pattern: str, number: int) -> None:
    source = files("service.store.scripts").joinpath(f"{script}.lua").read_text()
    assert re.findall(pattern, source) == [str(number)]
