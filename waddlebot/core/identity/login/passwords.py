"""Passwords: argon2id hashes, made and compared on threads of their own."""

import asyncio
import base64
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher, profiles
from argon2.exceptions import InvalidHashError, VerificationError

from waddlebot.libs.web.errors import HttpError

LENGTH_MIN = 12
"""Characters of a password, alone or beside a second factor (NIST SP 800-63B-4 §3.1.1 asks for 15 or 8)."""
LENGTH_MAX = 256
AT_ONCE = 2
"""Hashes at work at one time: each takes 64 MiB and about 50 ms of a core."""
WAITING_MAX = 32
"""Those that wait; who comes then is told to try again."""


class Hasher:
    """Argon2id with 64 MiB, 3 passes and 4 lanes: RFC 9106's choice for where memory is short (§4)."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher.from_parameters(profiles.RFC_9106_LOW_MEMORY)
        self._threads = ThreadPoolExecutor(AT_ONCE, "passwords")
        self._waiting = 0
        self.verified = 0
        """Comparisons so far: a password that nobody has costs one, too."""
        self.nobodys = self._nobodys()

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """The hash of a new password. Raises :class:`HttpError` 503 when too much is to be done."""
        return await self._run(lambda: self._hasher.hash(normalised(password)))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether a password is the one; without a ``stored`` hash it is compared all the same, and is not.

        Raises :class:`HttpError` 503 when too much is to be done.
        """
        return await self._run(lambda: self._matches(stored or self.nobodys, normalised(password))) and bool(
            stored
        )

    def is_old(self, stored: str) -> bool:
        """Whether a hash was made by other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _matches(self, stored: str, password: str) -> bool:
        self.verified += 1
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run[T](self, work: Callable[[], T]) -> T:
        if self._waiting >= AT_ONCE + WAITING_MAX:
            raise HttpError(503, "busy", "Too many people sign in just now. Try again.", {"Retry-After": "2"})
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    def _nobodys(self) -> str:
        """A hash of no password, by today's parameters: comparing with it costs what any other does."""
        made = self._hasher
        salt, digest = (
            base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=")
            for size in (made.salt_len, made.hash_len)
        )
        return f"$argon2id$v=19$m={made.memory_cost},t={made.time_cost},p={made.parallelism}${salt}${digest}"


def normalised(password: str) -> str:
    """A password as it is hashed: the same however a keyboard composes its letters (RFC 8265 §4.2)."""
    return unicodedata.normalize("NFC", password)


def check_password(password: str, email: str | None) -> None:
    """Raise :class:`HttpError` 422 for a password that would not do, with what would."""
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        raise HttpError(422, "weak_password", f"A password has {LENGTH_MIN} to {LENGTH_MAX} characters.")
    words = [word for word in (email or "").lower().split("@") if len(word) > 3]
    if len(set(password)) < 5 or any(word in password.lower() for word in ("waddlebot", "password", *words)):
        raise HttpError(
            422, "weak_password", "That is easily guessed: take several words that mean nothing together."
        )
