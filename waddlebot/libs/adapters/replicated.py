"""A module that runs on several hosts: the one with the least to do is asked, another one when that fails."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import cast

from waddlebot.libs.adapters.grpc_peers import CALL_TIMEOUT_S, PeerEndpoint, raised, result_of
from waddlebot.libs.adapters.peer_link import Lost
from waddlebot.libs.sdk.ports import Call, CallError, CallScope, Result, Send, Sent

type Heed = Callable[[str, Result], Awaitable[object] | None]
"""Is told of a result for a community; returns what to wait for before anybody uses it."""


def _heedless(community: str, result: Result) -> None:
    """It may be used at once."""


class Replicated:
    """Implements ``Endpoint`` over the replicas of one module, by host id.

    ``heed`` says what the result of a command has to wait for here before it is used.

    A question goes to another replica where the first did not touch it, or where a key makes its effects happen
    once; otherwise it is asked once.
    """

    def __init__(self, module: str, replicas: Mapping[str, PeerEndpoint], heed: Heed = _heedless) -> None:
        self._module = module
        self._heed = heed
        self._replicas = replicas
        self._loop = asyncio.get_running_loop()

    @property
    def replicas(self) -> Mapping[str, PeerEndpoint]:
        """The replicas by host id."""
        return self._replicas

    def execute(self, call: Call) -> asyncio.Future[Result]:
        """Run a handler on one of the hosts. Never raises: a failure is a :class:`Result`."""
        future: asyncio.Future[Result] = self._loop.create_future()
        self._attempt(call, future, self._loop.time() + call.timeout_s, ())
        return future

    def _attempt(self, call: Call, future: asyncio.Future[Result], until_s: float, tried: tuple[str, ...]) -> None:
        host = self._choose(tried)

        def settle(found: Result | Lost) -> None:
            if future.done():
                return
            if type(found) is Lost:
                more = (*tried, host)
                if self._may_repeat(found, call.key, more) and self._loop.time() < until_s:
                    self._attempt(call, future, until_s, more)
                    return
            self._hear(result_of(found), call.event.community, future)

        if host:
            self._replicas[host].attempt(call, settle)
        else:
            future.set_result(Result("failed", (), self._nobody(), retry=True, away=True))

    def _hear(self, result: Result, community: str, future: asyncio.Future[Result]) -> None:
        first = self._heed(community, result)
        if first is None:
            future.set_result(result)
            return

        def heeded(_: object) -> None:
            if not future.done():
                future.set_result(result)

        asyncio.ensure_future(first).add_done_callback(heeded)

    async def call(self, contract: str, method: str, raw: object, scope: CallScope) -> object:
        """Ask a contract, of the replica that ``scope.at`` names or of any. Raises ``CallError``."""

        def ask(replica: PeerEndpoint) -> Awaitable[object]:
            return replica.request(contract, method, raw, scope)

        return raised(contract, await self._asked(ask, scope.key, scope.at))

    async def deliver(self, sends: Sequence[Send]) -> Sequence[Sent]:
        """Hand replies to one of the replicas; never to a second one that may send them again."""
        found = await self._asked(lambda replica: replica.push(sends), "", "")
        return cast("Sequence[Sent]", raised(self._module, found))

    async def _asked(self, ask: Callable[[PeerEndpoint], Awaitable[object]], key: str, at: str) -> object:
        if at:
            if at not in self._replicas:
                raise CallError(f"{self._module} does not run on the host {at}, or no longer")
            return await ask(self._replicas[at])
        tried: tuple[str, ...] = ()
        until_s = self._loop.time() + CALL_TIMEOUT_S
        while host := self._choose(tried):
            found = await ask(self._replicas[host])
            tried = (*tried, host)
            again = type(found) is Lost and self._may_repeat(found, key, tried)
            if not again or self._loop.time() >= until_s:
                return found
        raise CallError(self._nobody())

    def _choose(self, tried: Collection[str]) -> str:
        """The replica with the least to do among those that may be asked; empty where there is none.

        One that is left alone for its failures is asked only where no other is there: it says why itself.
        """
        least, chosen = 0, ""
        for host, replica in self._replicas.items():
            if host in tried:
                continue
            load = replica.pending + (_LEFT_ALONE if replica.breaker.retry_s else 0)
            if not chosen or load < least:
                least, chosen = load, host
        return chosen

    def _may_repeat(self, lost: Lost, key: str, tried: Collection[str]) -> bool:
        keyed = bool(key) and lost.cause != "said"
        return (lost.untouched or keyed) and lost.cause != "local" and len(tried) < len(self._replicas)

    def _nobody(self) -> str:
        return f"no host that runs {self._module} can be asked now"


_LEFT_ALONE = 1_000_000
"""More than any replica has to do."""
