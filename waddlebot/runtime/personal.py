"""Asks every module what it holds about a person, or to forget it, wherever it runs."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, cast

from waddlebot.libs.adapters.delivery_store import OWNER as DELIVERY
from waddlebot.libs.adapters.delivery_store import DeliveryStore
from waddlebot.libs.dal import System
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.ledger import SystemStore
from waddlebot.libs.dal.migrations import SYSTEM
from waddlebot.libs.sdk.module import Module
from waddlebot.libs.sdk.personal import (
    FORGET,
    HELD,
    PERSONAL,
    Everywhere,
    Forgotten,
    Held,
    Keeping,
    Person,
    Tables,
)
from waddlebot.libs.sdk.ports import CallError, CallScope, Directory

_ASKED = System("somebody asks for what is held about them, or to have it deleted")


class EveryModule:
    """The modules of ``manifests``, asked by way of the ``directory``, and the host's ``own`` tables."""

    def __init__(
        self, manifests: Mapping[str, Module], directory: Directory, own: Callable[[], Mapping[str, Keeping]]
    ) -> None:
        self._manifests = manifests
        self._directory = directory
        self._own = own

    async def held(self, person: Person) -> Everywhere[Held]:
        """What every module holds about somebody."""
        found = cast("Everywhere[Held]", await self._each(HELD, person))
        own = {name: await keeping.held(None, person) for name, keeping in self._own().items()}
        return Everywhere({**found.found, **own}, found.away)

    async def forget(self, person: Person) -> Everywhere[Forgotten]:
        """Let every module forget somebody."""
        found = cast("Everywhere[Forgotten]", await self._each(FORGET, person))
        own = {name: await keeping.forgotten(None, person) for name, keeping in self._own().items()}
        return Everywhere({**found.found, **own}, found.away)

    async def _each(self, method: str, person: Person) -> Everywhere[object]:
        names = [name for name, module in self._manifests.items() if module.keeping is not None]
        answers = await asyncio.gather(*(self._one(name, method, person) for name in names))
        found = {name: answer for name, answer in zip(names, answers, strict=True) if type(answer) is not str}
        away = {name: answer for name, answer in zip(names, answers, strict=True) if type(answer) is str}
        return Everywhere(found, away)

    async def _one(self, module: str, method: str, person: Person) -> object:
        """The answer of one module, or in words why there is none."""
        endpoint = self._directory.get(module)
        if endpoint is None:
            return "it runs nowhere"
        try:
            return await endpoint.call(PERSONAL, method, person, CallScope(""))
        except CallError as error:
            return str(error)


def own_of(dal: AsyncDAL) -> Mapping[str, Keeping]:
    """What a host's own tables hold about people."""

    async def changes(_: Any, person: Person) -> Tables:
        store = dal.bind(SYSTEM.name, _ASKED)
        assert isinstance(store, SystemStore)  # noqa: S101  for the type checker
        return await store.held(person.accounts)

    async def kept(_: Any, person: Person) -> int:
        return 0

    async def letters(_: Any, person: Person) -> Tables:
        return await _delivery(dal).held_of(person.accounts)

    async def drop(_: Any, person: Person) -> int:
        return await _delivery(dal).forget_of(person.accounts)

    why = "who changed which settings, also yours, so that others can follow and undo it"
    return {SYSTEM.name: Keeping(changes, kept, {"change": why}), DELIVERY: Keeping(letters, drop, {})}


def _delivery(dal: AsyncDAL) -> DeliveryStore:
    store = dal.bind(DELIVERY, _ASKED)
    assert isinstance(store, DeliveryStore)  # noqa: S101  for the type checker
    return store
