"""Webhook secrets at rest."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from service.values.errors import SettingsError
from service.webhooks.sealing import Sealer, SecretUnreadable

SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def opened(path: Path, *keys: bytes) -> Sealer:
    path.write_bytes(b"\n".join(keys) + b"\n")
    return Sealer.open(path)


def test_without_a_key_secrets_are_kept_as_they_are() -> None:
    sealer = Sealer.open(None)
    assert SECRET in sealer.seal(SECRET)
    assert sealer.unseal(sealer.seal(SECRET)) == SECRET


def test_with_a_key_they_are_encrypted(tmp_path: Path) -> None:
    sealer = opened(tmp_path / "keys", Fernet.generate_key())
    assert SECRET.removeprefix("whsec_") not in sealer.seal(SECRET)
    assert sealer.unseal(sealer.seal(SECRET)) == SECRET


def test_keys_are_rotated_by_a_new_first_line(tmp_path: Path) -> None:
    old, new = Fernet.generate_key(), Fernet.generate_key()
    sealed = opened(tmp_path / "keys", old).seal(SECRET)
    assert opened(tmp_path / "keys", new, old).unseal(sealed) == SECRET
    with pytest.raises(SecretUnreadable):
        opened(tmp_path / "keys", new).unseal(sealed)
    with pytest.raises(SecretUnreadable):
        Sealer.open(None).unseal(sealed)


def test_a_key_can_be_given_later(tmp_path: Path) -> None:
    plain = Sealer.open(None).seal(SECRET)
    assert opened(tmp_path / "keys", Fernet.generate_key()).unseal(plain) == SECRET


@pytest.mark.parametrize("text", [b"", b"short", b"not base64 at all, but long enough for it"])
def test_a_file_without_a_key_is_refused_and_not_quoted(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(SettingsError, match="STEWARD_SECRET_FILE") as refused:
        opened(tmp_path / "keys", text)
    assert not text or text.decode() not in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        Sealer.open(tmp_path / "absent")
