"""Encrypts secrets at rest that must be read again, if the operator has set a key."""

from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from service.values.errors import SettingsError

_SEALED, _PLAIN = "fernet:", "plain:"


class SecretUnreadable(Exception):
    """A secret was encrypted with a key that is not in the file of STEWARD_SECRET_FILE."""


class Sealer:
    """`keys`: the first one encrypts, all decrypt. None: secrets are stored unencrypted."""

    def __init__(self, keys: MultiFernet | None = None) -> None:
        self._keys = keys

    @classmethod
    def open(cls, path: Path | None) -> "Sealer":
        """Read a file with one Fernet key (32 bytes in base64) a line. Raises SettingsError; it quotes nothing."""
        if path is None:
            return cls()
        try:
            keys = [Fernet(line) for line in path.read_text().split()]
        except OSError as error:
            raise SettingsError(f"STEWARD_SECRET_FILE: {path} cannot be read: {error.strerror}") from error
        except ValueError:
            keys = []
        if not keys:
            raise SettingsError(f"STEWARD_SECRET_FILE: {path} needs a key on each line: 32 random bytes in base64")
        return cls(MultiFernet(keys))

    def seal(self, secret: str) -> str:
        return _PLAIN + secret if self._keys is None else _SEALED + self._keys.encrypt(secret.encode()).decode()

    def unseal(self, kept: str) -> str:
        """Raises SecretUnreadable."""
        if kept.startswith(_PLAIN):
            return kept.removeprefix(_PLAIN)
        try:
            if self._keys is not None:
                return self._keys.decrypt(kept.removeprefix(_SEALED)).decode()
        except InvalidToken:
            pass
        raise SecretUnreadable
