"""The installation's one secret, from which all others derive. Made at the first run or given, never shown."""

import hashlib
import os
import secrets
from pathlib import Path

_BYTES = 32


class SecretError(Exception):
    """The secret cannot be read or kept; the text says what to do."""


class Secret:
    """Keys for separate purposes, derived from one secret file in the data folder."""

    def __init__(self, root: bytes) -> None:
        self._root = root
        self._derived: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return "<Secret>"

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose, the same every time."""
        key = self._derived.get(purpose)
        if key is None:
            key = hashlib.blake2b(purpose.encode(), key=self._root, digest_size=32).digest()
            self._derived[purpose] = key
        return key


def path_of(data: Path) -> Path:
    """Where a data folder's secret is kept."""
    return data / "secret.key"


def is_there(data: Path, given: str = "") -> bool:
    """Whether there is a secret, so that :func:`load` would make none."""
    return bool(given) or path_of(data).exists()


def load(data: Path, given: str = "") -> Secret:
    """The secret that is ``given`` in hexadecimal, else that of a data folder, made there if there is none.

    The file is readable by its owner only. Raises :class:`SecretError` when it cannot be made or is not what we
    wrote, or when what is given is no secret.
    """
    if given:
        return Secret(_given(given))
    path = path_of(data)
    try:
        data.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    except OSError as error:
        raise SecretError(
            f"{path} cannot be made: {error.strerror}. Set WADDLEBOT_DATA_DIR to a folder of yours."
        ) from None
    else:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(_BYTES).encode())
            file.flush()
            os.fsync(file.fileno())
    try:
        root = bytes.fromhex(path.read_text("ascii").strip())
    except (OSError, ValueError):
        raise SecretError(
            f"{path} cannot be read. Restore it from a backup: without it sealed values are lost."
        ) from None
    if len(root) != _BYTES:
        raise SecretError(f"{path} is not whole. Restore it from a backup: without it sealed values are lost.")
    return Secret(root)


def _given(text: str) -> bytes:
    try:
        root = bytes.fromhex(text)
    except ValueError:
        root = b""
    if len(root) != _BYTES:
        raise SecretError(
            f"WADDLEBOT_SECRET is not {2 * _BYTES} hexadecimal digits. Copy what stands in secret.key of the "
            f"first host's data folder, or make one: openssl rand -hex {_BYTES}"
        )
    return root
