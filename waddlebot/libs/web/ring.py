"""The keys in memory: a request is checked without asking the database."""

import asyncio
import contextlib
import hmac
import logging
import re
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Self

from waddlebot.libs.dal import DalError
from waddlebot.libs.sdk.rank import Role
from waddlebot.libs.web.errors import HttpError
from waddlebot.libs.web.keys import KeyInfo, KeyStore, StoredKey, check_scopes, digest_of, is_well_formed, new_key

FRESH_S = 0.5
"""Age at which what we know is checked again, so that a revoked key stops working within a second."""
UNKNOWN_FRESH_S = 0.05
"""The same for a key we do not know, so that one made a moment ago works; nobody can make us ask more often."""
TOUCH_EVERY_S = 60.0

_log = logging.getLogger(__name__)
_COMMUNITY = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class KeyRing:
    """Every living key by its digest. Enter it before use; it writes last uses once a minute and at exit.

    ``open_store`` returns a store in the system's scope. What is older than half a second is checked by reading
    one number from the primary, so an idle host asks nothing and a busy one twice a second.
    """

    def __init__(self, open_store: Callable[[], KeyStore], *, touch_every_s: float = TOUCH_EVERY_S) -> None:
        self._open_store = open_store
        self._touch_every_s = touch_every_s
        self._keys: dict[bytes, StoredKey] = {}
        self._revision = -1
        self._checked_at = float("-inf")
        self._checking: asyncio.Task[None] | None = None
        self._troubled = False
        self._used: dict[str, float] = {}
        self._toucher: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._check()
        self._toucher = asyncio.create_task(self._touch(), name="api-key-uses")
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._toucher is not None:
            self._toucher.cancel()
            await asyncio.wait([self._toucher])
        await self._write_uses()

    async def find(self, raw: str) -> KeyInfo | None:
        """The living key that ``raw`` is, or None.

        Raises :class:`HttpError` 503 when the keys cannot be checked: a key that may be revoked opens nothing.
        """
        if not is_well_formed(raw):
            return None
        digest = digest_of(raw)
        if time.monotonic() - self._checked_at > (FRESH_S if digest in self._keys else UNKNOWN_FRESH_S):
            await self._fresh()
        stored = self._keys.get(digest)
        if stored is None or not hmac.compare_digest(stored.digest, digest):
            return None
        info, now = stored.info, time.time()
        if info.expires_at is not None and info.expires_at <= now:
            return None
        self._used[info.id] = now
        return info

    async def create(
        self,
        name: str,
        role: Role,
        *,
        community: str = "",
        entity: str = "",
        installation: bool = False,
        expires_at: float | None = None,
        created_by: str = "operator",
        scopes: Sequence[str] = (),
    ) -> tuple[str, KeyInfo]:
        """A new key, shown this once, and what is known of it; bound to ``home`` where nothing is named.

        One of the ``installation`` is for modules that register: it has the role action and is bound to nothing.

        Raises ``ValueError`` for a name, binding or scope that makes no sense, ``Conflict`` where the name is
        taken.
        """
        if not name.strip() or len(name) > 100 or not name.isprintable():
            raise ValueError("A key's name has 1 to 100 printable characters.")
        if community and entity:
            raise ValueError("A key is bound to a community or to an entity, not to both.")
        if entity and len(entity.split(":", 2)) != 3:
            raise ValueError(f"An entity is written platform:server:channel, not {entity!r}.")
        if community and not _COMMUNITY.fullmatch(community):
            raise ValueError(
                f"A community's name has a-z, 0-9, _ and -, at most 63 characters, not {community!r}."
            )
        if installation and (community or entity or role is not Role.ACTION):
            raise ValueError("A key of the installation has the role action, and no community or entity.")
        raw = new_key()
        bound = community or ("" if entity or installation else "home")
        info = KeyInfo(
            secrets.token_hex(8), name, role, bound, entity, time.time(), created_by, expires_at,
            scopes=check_scopes(scopes),
        )  # fmt: skip
        await self._open_store().create(info, digest_of(raw))
        self._checked_at = float("-inf")
        return raw, info

    async def rotate(self, old: KeyInfo, *, grace_s: float, actor: str) -> tuple[str, KeyInfo]:
        """A new key, shown this once, in the place of a living one: same name, role, binding and scopes.

        The old one opens for ``grace_s`` seconds more, for programs to be told; where it had an end, the new one
        lives as long as the old one was meant to. Raises ``Conflict`` when the old one ended or was replaced.
        """
        raw, now = new_key(), time.time()
        until = None if old.expires_at is None else now + old.expires_at - old.created_at
        info = KeyInfo(
            secrets.token_hex(8), old.name, old.role, old.community, old.entity, now, actor, until,
            scopes=old.scopes,
        )  # fmt: skip
        await self._open_store().rotate(old.id, info, digest_of(raw), now + grace_s)
        self._checked_at = float("-inf")
        return raw, info

    async def revoke(self, name_or_id: str, *, community: str | None = None) -> list[KeyInfo]:
        """Revoke the living keys of that name or id and return them; other hosts notice within a second."""
        revoked = await self._open_store().revoke(name_or_id, community, time.time())
        self._checked_at = float("-inf")
        return revoked

    async def list_keys(self, community: str | None = None) -> list[KeyInfo]:
        """All keys, revoked ones too, or those of one community; the newest first."""
        return await self._open_store().list_keys(community)

    async def _fresh(self) -> None:
        """Check once for all who wait."""
        if self._checking is None:
            self._checking = asyncio.create_task(self._check(), name="api-key-check")
            self._checking.add_done_callback(self._checked)
        try:
            await asyncio.shield(self._checking)
        except DalError as error:
            if not self._troubled:  # once, not for each request
                self._troubled = True
                _log.warning("API keys cannot be checked: %s", error)
            raise HttpError(
                503, "keys_unavailable", "API keys cannot be checked just now; try again.", {"Retry-After": "1"}
            ) from error

    def _checked(self, task: asyncio.Task[None]) -> None:
        self._checking = None
        if not task.cancelled():
            task.exception()  # who waits has it, too; asked for here so that nobody waiting is no complaint

    async def _check(self) -> None:
        asked_at = time.monotonic()
        store = self._open_store()
        if await store.revision() != self._revision:
            self._revision, living = await store.living(time.time())
            self._keys = {key.digest: key for key in living}
        self._checked_at, self._troubled = asked_at, False

    async def _touch(self) -> None:
        while True:
            await asyncio.sleep(self._touch_every_s)
            await self._write_uses()

    async def _write_uses(self) -> None:
        if not self._used:
            return
        used, self._used = self._used, {}
        with contextlib.suppress(DalError):  # the next use is noted again
            await self._open_store().touch(used)
