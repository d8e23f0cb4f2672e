"""API keys: what is one, what opens, what is shown of it."""

import re
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.values.access import (
    ApiKey,
    Scope,
    by_label,
    is_newest,
    key_id,
    label_digest,
    label_of,
    label_opens,
    masked,
    mint,
    opens,
    origin_of,
    rotated,
)

NOW = datetime(2026, 11, 23, tzinfo=UTC)
# security.md section 1: cmk_<env>_<8-char id>_<43-char base64url of 32 random bytes>_<6-char CRC>
DOCUMENTED = re.compile(r"cmk_[a-z]+_[0-9a-z]{8}_[0-9A-Za-z_-]{43}_[0-9A-Za-z_-]{6}")


def made(**more: object) -> tuple[str, ApiKey]:
    return mint("daily", frozenset({Scope.SCORE}), "desk", NOW, **more)


def test_a_key_has_the_documented_form() -> None:
    text, record = made()
    assert DOCUMENTED.fullmatch(text)
    assert key_id(text) == record.id == text.split("_")[2]


def test_a_key_opens_with_its_own_record_only() -> None:
    text, record = made()
    _, other = made()
    assert opens(text, record, NOW)
    assert not opens(text, other, NOW)
    assert not opens(text, None, NOW)


def test_another_secret_under_the_same_id_does_not_open() -> None:
    text, record = made()
    forged, _ = made()
    same_id = forged.replace(forged.split("_")[2], record.id, 1)
    assert not opens(same_id, record, NOW)
    assert not opens(text.swapcase(), record, NOW)


def test_the_record_holds_nothing_of_the_secret() -> None:
    text, record = made()
    secret = text.split("_", 3)[3][:43]
    assert secret not in msgspec.json.encode(record).decode()
    assert secret not in repr(record)


def test_two_keys_are_never_the_same() -> None:
    assert len({made()[0] for _ in range(200)}) == 200


@pytest.mark.parametrize(("after", "is_open"), [(timedelta(0), True), (timedelta(days=1), False)])
def test_a_key_opens_until_it_expires(after: timedelta, is_open: bool) -> None:
    text, record = made(expires_at=NOW + timedelta(days=1))
    assert opens(text, record, NOW + after) is is_open


@given(st.integers(0, 66), st.characters(codec="ascii"))
def test_a_changed_character_is_noticed_by_the_checksum(position: int, character: str) -> None:
    text, _ = made()
    changed = text[:position] + character + text[position + 1 :]
    assert (key_id(changed) is None) == (changed != text)


@given(st.text())
def test_any_text_may_be_asked_about(text: str) -> None:
    assert key_id(text) is None
    _, record = made()
    assert not opens(text, record, NOW)


def test_spaces_or_newlines_around_a_key_are_not_part_of_it() -> None:
    text, _ = made()
    assert key_id(text + "\n") is None
    assert key_id(" " + text) is None


@given(st.text(), st.text())
def test_a_key_in_a_log_line_is_masked(before: str, after: str) -> None:
    text, record = made()
    # The characters beside it must not look like more of the key.
    shown = masked(f"{before} {text} {after}")
    assert text[18:] not in shown
    assert f"cmk_live_{record.id}_***" in shown


def test_without_a_name_a_key_is_called_by_its_id() -> None:
    _, record = mint("daily", frozenset({Scope.ADMIN}), None, NOW)
    assert record.name == record.id


# docs/akismet.md
LABEL = re.compile(r"c0de[0-9a-f]{40}")


def test_the_label_of_a_key_fits_a_host_name_and_a_form_for_hexadecimal_digits() -> None:
    text, _ = made()
    assert LABEL.fullmatch(label_of(text))
    assert len(label_of(text)) <= 63, "RFC 1035"
    assert label_of(text) == label_of(text)
    assert label_of(text) != label_of(made()[0])


def test_the_record_knows_the_label_and_does_not_tell_it() -> None:
    text, record = made()
    label = label_of(text)
    assert label_digest(label) == label_digest(label.upper()) == record.label_sha256
    kept = msgspec.json.encode(record).decode()
    assert label[4:36] not in kept
    assert text[18:61] not in label


@given(st.integers(0, 43), st.sampled_from("0123456789abcdef"))
def test_a_changed_character_of_a_label_is_noticed_by_the_checksum(position: int, character: str) -> None:
    label = label_of(made()[0])
    changed = label[:position] + character + label[position + 1 :]
    assert (label_digest(changed) is None) == (changed != label)


@given(st.text())
def test_any_text_may_be_asked_about_as_a_label(text: str) -> None:
    assert label_digest(text) is None


@given(st.text(st.characters(exclude_characters="0123456789abcdefABCDEF")), st.booleans())
def test_a_label_in_a_log_line_is_masked(beside: str, is_upper: bool) -> None:
    label = label_of(made()[0])
    shown = masked(f"{beside} {label.upper() if is_upper else label}{beside}")
    assert label[4:] not in shown.lower()
    assert "c0de***" in shown.lower()


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("https://www.example.org", "https://www.example.org"),
        (" HTTPS://WWW.Example.org/ ", "https://www.example.org"),
        ("https://www.example.org:443", "https://www.example.org"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://127.0.0.1:080", "http://127.0.0.1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
    ],
)
def test_an_origin_is_kept_as_browsers_send_it(written: str, origin: str) -> None:
    assert origin_of(written) == origin


@pytest.mark.parametrize(
    "written",
    [
        *(
            "",
            "*",
            "null",
            "www.example.org",
            "ftp://a.example",
            "https://",
            "https://a.example/path",
            "https://a@b.example",
        ),
        *("https://a.example?x", "https://a.example:99999", "https://*.example.org", "https://b\u00fccher.example"),
        "https://a.example\nhttps://b.example",
    ],
)
def test_what_is_no_origin_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="scheme and host"):
        origin_of(written)


def test_a_key_of_an_earlier_release_may_be_used_from_anywhere() -> None:
    kept: dict[str, object] = msgspec.to_builtins(made()[1])
    kept.pop("origins", None)
    assert msgspec.convert(kept, ApiKey, strict=False).origins == frozenset()


def labelled(text: str, record: ApiKey, now: datetime) -> bool:
    """Whether the label of `text` opens `record`."""
    digest = label_digest(label_of(text))
    assert digest is not None
    return by_label([record]).get(digest) == record and label_opens(digest, record, now)


def test_after_a_rotation_both_texts_and_labels_open_until_the_older_one_ends() -> None:
    first, record = made(rate_per_s=3.0, origins=frozenset({"https://a.example"}))
    second, after = rotated(record, NOW, timedelta(hours=2))
    assert key_id(second) == record.id
    assert second != first
    assert (after.name, after.scopes, after.rate_per_s, after.origins) == (
        record.name,
        record.scopes,
        record.rate_per_s,
        record.origins,
    )
    for hours, first_opens in ((0, True), (1.99, True), (2, False)):
        at = NOW + timedelta(hours=hours)
        assert opens(second, after, at)
        assert labelled(second, after, at)
        assert opens(first, after, at) is first_opens
        assert labelled(first, after, at) is first_opens
    assert (is_newest(second, after), is_newest(first, after), is_newest(first, record)) == (True, False, True)
    assert after.older_until(NOW) == (NOW + timedelta(hours=2),)
    assert after.older_until(NOW + timedelta(hours=2)) == ()


def test_a_second_rotation_does_not_end_a_text_that_is_still_in_use() -> None:
    """The answer to the first one may be lost, and then nobody has its text."""
    first, record = made()
    _, between = rotated(record, NOW, timedelta(days=7))
    third, after = rotated(between, NOW + timedelta(minutes=1), timedelta(hours=1))
    assert opens(third, after, NOW + timedelta(days=6))
    assert opens(first, after, NOW + timedelta(days=6))
    assert not opens(first, after, NOW + timedelta(days=7))
    _, later = rotated(after, NOW + timedelta(days=8), timedelta(hours=1))
    assert len(later.former) == 1, "what has ended is forgotten"


def test_a_rotation_after_a_leak_ends_every_older_text_at_once() -> None:
    first, record = made()
    second, between = rotated(record, NOW, timedelta(days=7))
    third, after = rotated(between, NOW, timedelta())
    assert [opens(each, after, NOW) for each in (first, second, third)] == [False, False, True]
    assert not labelled(first, after, NOW)


def test_a_rotated_key_ends_when_the_key_expires_and_its_record_holds_no_secret() -> None:
    first, record = made(expires_at=NOW + timedelta(hours=1))
    second, after = rotated(record, NOW, timedelta(days=1))
    assert not any(opens(each, after, NOW + timedelta(hours=1)) for each in (first, second))
    kept = msgspec.json.encode(after).decode()
    assert all(each[18:61] not in kept for each in (first, second))
    assert msgspec.json.decode(kept, type=ApiKey) == after


def test_a_key_of_an_earlier_release_has_not_been_rotated() -> None:
    text, record = made()
    kept = msgspec.json.decode(msgspec.json.encode(record))
    assert "former" not in kept
    assert opens(text, msgspec.convert(kept, ApiKey, strict=False), NOW)
