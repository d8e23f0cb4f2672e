"""Addresses of pages for people without an account: the same again, and none that was not made here."""

from hypothesis import given
from hypothesis import strategies as st

from service.values.addresses import Addressed, address_of, addressed

SALT = bytes(range(32))
WHICH = st.builds(Addressed, st.just("daily"), st.text(max_size=200), st.integers(1, 2**31))


@given(WHICH)
def test_an_address_names_what_it_was_made_of_in_one_segment(which: Addressed) -> None:
    address = address_of(SALT, which)
    assert addressed(SALT, address) == which
    assert address.replace("-", "").replace("_", "").isalnum()


@given(WHICH, st.integers(0, 10_000), st.sampled_from("Aa0_"))
def test_a_changed_address_is_none(which: Addressed, place: int, letter: str) -> None:
    address = address_of(SALT, which)
    at = place % len(address)
    changed = address[:at] + letter + address[at + 1 :]
    found = addressed(SALT, changed)
    assert found is None or found == which, "only unused bits of the last letter may differ"


@given(st.text(max_size=100))
def test_nothing_else_is_one(text: str) -> None:
    assert addressed(SALT, text) is None


def test_another_salt_makes_other_addresses() -> None:
    which = Addressed("daily", "c-1", 1)
    assert addressed(bytes(32), address_of(SALT, which)) is None
