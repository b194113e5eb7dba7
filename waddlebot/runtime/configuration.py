"""What every host knows of each community: its switches, settings and entities, never older than a poll."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from waddlebot.libs.contracts.community import (
    CommunityService,
    Configuration,
    Configurations,
    ConfigurationsRequest,
)
from waddlebot.libs.dal import DalError
from waddlebot.libs.sdk.fields import FieldError, build
from waddlebot.libs.sdk.module import Module
from waddlebot.libs.sdk.ports import CallError, Watcher

SETTLE_S_MAX = 1.0
POLL_S = 0.5  # ARCHITECTURE §9: a change takes effect within a second everywhere


class Changes(Protocol):
    """The database's clock of configuration changes."""

    async def config_changes(self, since: int) -> tuple[int, dict[str, int]]:
        """The clock now, and the versions of the communities that changed since."""

    def when_configured(self, configured: Callable[[], Awaitable[None]]) -> None:
        """Changes that this process makes return when ``configured`` has."""


class ConfigurationCache:
    """Configurations by community, refreshed when the database's clock moves."""

    def __init__(
        self, changes: Changes, manifests: Mapping[str, Module], service: CommunityService, log: logging.Logger
    ) -> None:
        self._changes = changes
        self._manifests = manifests
        self._service = service
        self._log = log
        self._known: dict[str, Configuration] = {}
        self._settings: dict[tuple[str, str], Any] = {}
        self._watchers: list[Watcher] = []
        self._spreading: set[asyncio.Future[None]] = set()
        self._clock = 0
        self._polling = asyncio.Lock()
        self.entities: dict[str, str] = {}
        self.asserted: set[str] = set()
        self.off: dict[str, frozenset[str]] = {}

    async def load(self) -> None:
        """Read all configurations; at start."""
        self._changes.when_configured(self.settle)
        clock, versions = await self._changes.config_changes(0)
        try:
            loaded = await self._service.configurations(ConfigurationsRequest())
        except CallError as error:
            self._log.info("no community is known yet: %s", error)
            return
        self._take(loaded.items, versions)
        self._clock = clock

    async def poll(self) -> None:
        """Read what changed since the last time, and tell the watchers."""
        async with self._polling:
            clock, versions = await self._changes.config_changes(self._clock)
            if not versions:
                return
            changed = tuple(versions)
            loaded: Configurations = await self._service.configurations(ConfigurationsRequest(changed))
            self._take(loaded.items, versions)
            self._clock = clock
        for watcher in self._watchers:
            spreading = watcher(changed)
            if spreading is not None:
                self._spreading.add(spreading)
                spreading.add_done_callback(self._spreading.discard)

    async def settle(self) -> None:
        """Read what changed and wait until all who watch live by it: who made a change sees it at once.

        Nobody waits longer than a second, nor for a database that is away: the next poll does the rest.
        """
        with contextlib.suppress(DalError, CallError):
            await self.poll()
        if self._spreading:
            await asyncio.wait(set(self._spreading), timeout=SETTLE_S_MAX)

    async def run(self) -> None:
        """Poll for ever; while the database is away the last configuration holds."""
        told = False
        while True:
            await asyncio.sleep(POLL_S)
            try:
                await self.poll()
                told = False
            except (DalError, CallError) as error:
                if not told:
                    self._log.warning("configuration changes cannot be read, the last ones hold: %s", error)
                told = True

    def watch(self, changed: Watcher) -> None:
        """``changed`` is told of communities whose configuration changed."""
        self._watchers.append(changed)

    def get(self, community: str) -> Configuration | None:
        """A community's configuration, or ``None`` for one that does not exist."""
        return self._known.get(community)

    def enabled(self, module: str, community: str) -> bool:
        """Whether a module is switched on in a community."""
        off = self.off.get(module)
        return off is None or community not in off

    def settings(self, module: str, community: str) -> Any:
        """A module's Settings in a community; values that are no longer taken fall back to defaults."""
        found = self._settings.get((module, community))
        if found is None:
            found = self._settings[(module, community)] = self._build(module, community)
        return found

    def _build(self, module: str, community: str) -> Any:
        manifest = self._manifests.get(module)
        if manifest is None or manifest.settings is None:
            return None
        known = self._known.get(community)
        values = known.contribution.settings.get(module, {}) if known else {}
        try:
            return build(manifest.settings, values)
        except FieldError as error:
            self._log.warning("%s in %s: %s The default holds.", module, community, error)
            good = {}
            for name, value in values.items():
                try:
                    build(manifest.settings, {name: value})
                except FieldError:
                    continue
                good[name] = value
            return build(manifest.settings, good)

    def _take(self, configurations: Sequence[Configuration], versions: Mapping[str, int]) -> None:
        for configuration in configurations:
            community = configuration.community
            before = self._known.get(community)
            # The version asked for before the records were read: they are of this version or a newer one.
            version = versions.get(community, 0)
            self._known[community] = msgspec.structs.replace(configuration, version=version)
            for entity in before.entities if before else ():
                if self.entities.get(entity) == community:
                    del self.entities[entity]
                    self.asserted.discard(entity)
            self.entities.update(dict.fromkeys(configuration.entities, community))
            self.asserted.update(configuration.asserted)
            for key in [key for key in self._settings if key[1] == community]:
                del self._settings[key]
        off: dict[str, set[str]] = {}
        for community, configuration in self._known.items():
            for module in configuration.contribution.disabled:
                off.setdefault(module, set()).add(community)
        self.off = {module: frozenset(communities) for module, communities in off.items()}
