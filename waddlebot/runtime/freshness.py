"""Who changes a configuration by a command sees it in force at the next one, whatever host each runs on.

The host that executes says which version it lives by then; the one that asked waits until it does, too.
"""

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
    """What the results of modules on other hosts tell of is in force here before they are used."""

    def __init__(self, configuration: ConfigurationCache) -> None:
        self._configuration = configuration

    def heed(self, community: str, result: Result) -> Awaitable[None] | None:
        """What to wait for before a result is used."""
        if not result.version:
            return None
        known = self._configuration.get(community)
        return self._configuration.settle() if known is None or known.version < result.version else None
