"""Who changes a configuration by a command sees it in force at the next one, whatever host each runs on.

The host that executes says which version it lives by then; the one that asked waits until it does, too.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Sequence

import msgspec

from waddlebot.libs.sdk.ports import Call, CallScope, Endpoint, Result, Send, Sent
from waddlebot.runtime.configuration import ConfigurationCache


class Telling:
    """A module here as other hosts ask it: its results tell of a newer configuration."""

    def __init__(self, endpoint: Endpoint, configuration: ConfigurationCache) -> None:
        self._endpoint = endpoint
        self._configuration = configuration

    def execute(self, call: Call) -> Awaitable[Result] | Result:
        """As the endpoint does."""
        answer = self._endpoint.execute(call)
        return self._later(call, answer) if inspect.isawaitable(answer) else self._telling(call, answer)

    async def _later(self, call: Call, answer: Awaitable[Result]) -> Result:
        return self._telling(call, await answer)

    def _telling(self, call: Call, result: Result) -> Result:
        known = self._configuration.get(call.event.community)
        if known is None or known.version <= call.version:
            return result
        return msgspec.structs.replace(result, version=known.version)

    async def call(self, contract: str, method: str, raw: object, scope: CallScope) -> object:
        """As the endpoint does."""
        return await self._endpoint.call(contract, method, raw, scope)

    async def deliver(self, sends: Sequence[Send]) -> Sequence[Sent]:
        """As the endpoint does."""
        return await self._endpoint.deliver(sends)


class Heeding:
    """A module on other hosts as it is asked here: what its results tell of is in force before they are used."""

    def __init__(self, endpoint: Endpoint, configuration: ConfigurationCache) -> None:
        self.endpoint = endpoint
        self._configuration = configuration
        self._loop = asyncio.get_running_loop()

    def execute(self, call: Call) -> asyncio.Future[Result]:
        """As the endpoint does."""
        heeded: asyncio.Future[Result] = self._loop.create_future()

        def settle(answer: asyncio.Future[Result]) -> None:
            if heeded.done():
                return
            result = answer.result()
            known = self._configuration.get(call.event.community)
            if not result.version or (known is not None and known.version >= result.version):
                heeded.set_result(result)
            else:
                self._heeding = self._loop.create_task(self._heed(heeded, result))

        asyncio.ensure_future(self._endpoint_execute(call)).add_done_callback(settle)
        return heeded

    def _endpoint_execute(self, call: Call) -> Awaitable[Result]:
        answer = self.endpoint.execute(call)
        assert not isinstance(answer, Result)  # noqa: S101  for the type checker: what is elsewhere answers later
        return answer

    async def _heed(self, heeded: asyncio.Future[Result], result: Result) -> None:
        await self._configuration.settle()
        if not heeded.done():
            heeded.set_result(result)

    async def call(self, contract: str, method: str, raw: object, scope: CallScope) -> object:
        """As the endpoint does."""
        return await self.endpoint.call(contract, method, raw, scope)

    async def deliver(self, sends: Sequence[Send]) -> Sequence[Sent]:
        """As the endpoint does."""
        return await self.endpoint.deliver(sends)
