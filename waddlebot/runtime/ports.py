"""What the host lends to modules of the processing kind."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from waddlebot.libs.adapters.inbox import DurableInbox
from waddlebot.libs.dal import DalError
from waddlebot.libs.sdk.event import Event
from waddlebot.libs.sdk.ports import (
    PARTITIONS,
    Bus,
    CallError,
    CallScope,
    Compiled,
    Directory,
    Endpoint,
    EventBatch,
    EventResult,
    Keeper,
    Owner,
    Send,
    Watcher,
    partition_of,
)
from waddlebot.libs.sdk.tracing import Tracer
from waddlebot.libs.sdk.view import CONTRIBUTE, VIEW, Contribution

if TYPE_CHECKING:
    from waddlebot.runtime.host import Host


class HostPorts:
    """The processing kind's view of the host."""

    def __init__(self, host: "Host") -> None:
        self._host = host

    @property
    def directory(self) -> Directory:
        """Who answers where."""
        return self._host.directory

    @property
    def bus(self) -> Bus:
        """Where events are announced."""
        return self._host.shared.bus

    @property
    def inbox(self) -> DurableInbox:
        """Where events are accepted durably."""
        return self._host.inbox

    def keep(self, keeper: Keeper) -> None:
        """Save ``keeper``'s state for whoever owns its partitions next."""
        self._host.carriage.keep(keeper)

    def when_registered(self, changed: Callable[[], None]) -> None:
        """``changed`` is called after other modules are registered than before."""
        self._host.registry.when_changed(changed)

    def owner(self, community: str) -> str:
        """The host that owns a community's partition; empty when nobody does."""
        return self._host.coordinator.owner_of(partition_of(community))

    def owners(self) -> Mapping[str, Owner]:
        """Every host that owns partitions, by id."""
        coordinator = self._host.coordinator
        found: dict[str, list[int]] = {}
        for partition in range(PARTITIONS):
            found.setdefault(coordinator.owner_of(partition), []).append(partition)
        found.pop("", None)
        rows, here = coordinator.hosts(), coordinator.host
        return {id_: Owner(rows[id_].name, id_ == here, tuple(owned)) for id_, owned in found.items()}

    def wanted(self, kind: str) -> bool:
        """Whether a module that may get live events observes or answers those of a kind."""
        return any(module.wants(kind) for module in self._host.carriage.audience)

    @property
    def tracer(self) -> Tracer | None:
        """Who takes the steps of matched events."""
        return self._host.tracer

    def room(self, community: str) -> bool:
        """Whether replies of a community may still be queued."""
        return self._host.outbox.room(community)

    def send(self, sends: Sequence[Send]) -> None:
        """Queue replies for delivery. Raises ``Busy`` when the outbox is full."""
        self._host.outbox.put(sends)

    async def answered(
        self,
        batch: EventBatch,
        results: Sequence[EventResult],
        sends: Sequence[Send],
        following: Sequence[Event] = (),
    ) -> None:
        """Commit an inboxed batch's results, the replies that somebody delivers, and the events that follow."""
        outbox = self._host.outbox
        leaving = [send for send in sends if outbox.delivers(send.platform)]
        outbox.put(await self._host.inbox.answered(batch, results, leaving, following), durable=True)

    async def configurations(self, communities: Sequence[str]) -> Mapping[str, Compiled]:
        """The configuration version of communities, and what each module contributes to their views."""
        cache = self._host.shared.configuration
        await cache.poll()
        versions = {c: found.version if (found := cache.get(c)) else 0 for c in communities}
        contributions: dict[str, dict[str, Contribution]] = {community: {} for community in communities}
        for community in communities:
            found = cache.get(community)
            if found is not None:
                contributions[community]["core.community"] = found.contribution
        for name, module in self._host.manifests.items():
            endpoint = self._host.directory.get(name)
            if module.contributor is None or endpoint is None:
                continue
            for community, contribution in (await self._given(name, endpoint, communities)).items():
                contributions[community][name] = contribution
        return {c: Compiled(versions[c], contributions[c]) for c in communities}

    async def _given(
        self, module: str, endpoint: Endpoint, communities: Sequence[str]
    ) -> Mapping[str, Contribution]:
        """What a module contributes: nothing when it is broken, or all others would be silent there, too.

        Raises what may pass, such as a database that is away: until then the views stay as they are.
        """
        try:
            return _contributions(await endpoint.call(VIEW, CONTRIBUTE, tuple(communities), CallScope("")))
        except (DalError, CallError):
            raise
        except Exception:
            self._host.log.exception("%s contributes nothing to %s", module, ", ".join(communities[:10]))
            return {}

    def watch(self, changed: Watcher) -> None:
        """``changed`` is told of communities whose configuration changed."""
        self._host.shared.configuration.watch(changed)


def _contributions(given: object) -> dict[str, Contribution]:
    assert isinstance(given, dict)  # noqa: S101  for the type checker: the endpoint's View answer is one
    return given
