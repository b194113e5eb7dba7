"""The links of this host to others: who answers for which module, and the doors by which others ask here.

Every module that runs elsewhere has an endpoint in the host's directory as long as some living host runs it; those
that run here shadow it. Imported only where a host has others to talk to, for gRPC is an extra and slow to import.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, cast

from waddlebot.libs.adapters.answering import Answering
from waddlebot.libs.adapters.breaker import Breaker
from waddlebot.libs.adapters.grpc_peers import PeerEndpoint, Peers
from waddlebot.libs.adapters.grpc_server import GrpcServer
from waddlebot.libs.adapters.grpc_unary import UnaryCalls
from waddlebot.libs.adapters.lease_store import HostRow
from waddlebot.libs.adapters.replicated import Replicated
from waddlebot.libs.adapters.rest_endpoint import PATH, CallDoor
from waddlebot.libs.adapters.service_tokens import ServiceTokens
from waddlebot.libs.grpc_protos.codec import Codec
from waddlebot.libs.grpc_protos.promises import Promises
from waddlebot.libs.sdk.ports import CallError, EventBatch
from waddlebot.libs.web.doors import ASGI
from waddlebot.runtime.distribution_metrics import breaker_measures
from waddlebot.runtime.freshness import Heeding, Telling
from waddlebot.runtime.witness import Witness

if TYPE_CHECKING:
    from waddlebot.libs.adapters.tracked_bus import TrackedBus
    from waddlebot.runtime.host import Host

PURPOSE = "service"
"""What the installation's secret signs the hosts' tokens for."""

_GRACE_S = 10.0
_BEHIND_S = 2.0
_POLL_S = 0.05


class Links:
    """The endpoints of modules on other hosts, and the server by which they reach those here."""

    def __init__(self, host: "Host") -> None:
        """Raises ``GrpcConfigError`` for settings that contradict each other."""
        self._host = host
        self._replicas: dict[str, Mapping[str, PeerEndpoint]] = {}
        self._known: frozenset[str] = frozenset()
        codec = Codec()
        promises = Promises(host.manifests, codec)
        coordinator = host.coordinator
        audiences = coordinator.row.grpc, coordinator.row.http
        secret = host.shared.secret.derive(PURPOSE)
        self._tokens = ServiceTokens(secret, lambda: coordinator.host, audiences, coordinator.time)
        configuration = host.shared.configuration
        self._heeding = Heeding(configuration)
        local = {name: Telling(runner.endpoint, configuration) for name, runner in host.runners.items()}
        self._answering = Answering(local, promises, codec, behind=self._refreshed, taken=self._taken)
        unary = UnaryCalls(promises, self._answering)
        config = host.grpc_config
        self._server = GrpcServer(config, self._answering, self._tokens, unary) if config.port else None
        self.peers = Peers(config, self._tokens, promises, codec)
        self._witness = Witness(coordinator, self.peers.until_ended)

    def doors(self) -> Mapping[str, ASGI]:
        """Where the modules here answer over HTTP what they are not asked by gRPC."""
        return {f"{PATH}{name}": CallDoor(name, self._answering, self._tokens) for name in self._host.runners}

    async def open(self) -> None:
        """Listen, now that everything here can answer. Raises ``GrpcConfigError`` for an address that is taken."""
        if self._server is not None:
            await self._server.start()

    async def start(self) -> None:
        """Know who is there."""
        self._host.coordinator.when_changed(self._look)
        self._host.metrics.add(breaker_measures(self._breakers))
        self._look()
        self._witness.start()

    def _breakers(self) -> Iterator[tuple[str, Breaker]]:
        for module, replicas in self._replicas.items():
            for replica in replicas.values():
                yield module, replica.breaker

    async def stop(self) -> None:
        """Answer what is under way, and end all links."""
        await self._witness.stop()
        if self._server is not None:
            await self._server.stop(_GRACE_S)
        else:
            await self._answering.settle(_GRACE_S)  # what came by HTTP
        await self.peers.close()

    def at(self, host: str, module: str) -> PeerEndpoint | None:
        """A module on one host, None where it does not live."""
        row = self._others().get(host)
        return None if row is None or module not in row.modules else self._endpoint(module, row)

    async def batch(self, host: str, group: str, batch: EventBatch) -> None:
        """Hand a batch to a subscriber on another host. Raises ``CallError``."""
        module = group.rpartition(".")[0] if group not in self._host.manifests else group
        endpoint = self.at(host, module)
        if endpoint is None:
            raise CallError(f"the host {host} of {group} lives no more")
        await endpoint.batch(group, batch)

    def runs(self, module: str) -> list[str]:
        """The other hosts that run a module."""
        return [host for host, row in self._others().items() if module in row.modules]

    def _others(self) -> Mapping[str, HostRow]:
        coordinator = self._host.coordinator
        return {id_: row for id_, row in coordinator.hosts().items() if id_ != coordinator.host and row.grpc}

    def _endpoint(self, module: str, row: HostRow) -> PeerEndpoint:
        return self.peers.endpoint(module, row.grpc, row.http)

    def _look(self) -> None:
        """Whoever came or went: the directory has the modules that can be asked now."""
        others = self._others()
        for id_ in others.keys() - self._known:
            self.peers.welcome(others[id_].grpc)
        self._known = frozenset(others)
        directory, local = self._host.directory, self._host.runners
        for module in self._host.manifests:
            if module in local:
                continue
            replicas = {id_: self._endpoint(module, row) for id_, row in others.items() if module in row.modules}
            if not replicas:
                directory.pop(module, None)
            elif replicas != self._replicas.get(module):
                directory[module] = Replicated(module, replicas, self._heeding.heed)
            self._replicas[module] = replicas
        addresses = {(row.grpc, row.http) for row in others.values()}
        if self.peers.links.keys() - {grpc for grpc, _ in addresses}:
            self._forgetting = asyncio.ensure_future(self.peers.keep(addresses))

    async def _taken(self, group: str, batch: EventBatch) -> None:
        await cast("TrackedBus", self._host.shared.bus).taken(group, batch)

    async def _refreshed(self, version: int, community: str) -> None:
        """Wait until this host knows a community's configuration of at least that version.

        Raises ``TimeoutError`` when it does not in time.
        """
        configuration = self._host.shared.configuration
        until_s = time.monotonic() + _BEHIND_S
        while (known := configuration.get(community)) is not None and known.version < version:
            if time.monotonic() > until_s:
                raise TimeoutError(f"version {version} of {community} is not here yet")
            await configuration.poll()
            await asyncio.sleep(_POLL_S)
