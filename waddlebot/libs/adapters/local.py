"""A module that answers in this process."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from waddlebot.libs.dal import Busy, DalError, Unavailable
from waddlebot.libs.sdk.arguments import Argument, parse
from waddlebot.libs.sdk.context import Context, ServiceContext, Services
from waddlebot.libs.sdk.module import Handler, Module
from waddlebot.libs.sdk.personal import FORGET, HELD, PERSONAL, Forgotten, Held, Person
from waddlebot.libs.sdk.ports import Call, CallError, CallLost, CallScope, Endpoint, Result, Send, Sent
from waddlebot.libs.sdk.reply import Refusal, Reply
from waddlebot.libs.sdk.view import CONTRIBUTE, VIEW, Contribution

_SIGNATURES_KEPT = 100

type Action = tuple[Handler, tuple[Argument, ...], str]


class LocalEndpoint:
    """Calls a module's handlers, each in a context of its own.

    ``hide`` takes secrets out of an error's words before they leave: traces show them, dead letters keep them.
    """

    def __init__(self, module: Module, services: Services, hide: Callable[[str], str] = str) -> None:
        self._module = module
        self._services = services
        self._hide = hide
        self._loop = asyncio.get_running_loop()
        self._actions: dict[str, Action] = {}
        kept: list[tuple[Argument, ...]] = []
        for command in module.commands.values():
            # Thousands of commands take the same arguments: one copy of them stays in the processor's cache.
            arguments = next((same for same in kept if same == command.arguments), command.arguments)
            if arguments is command.arguments and len(kept) < _SIGNATURES_KEPT:
                kept.append(arguments)
            self._actions[f"command:{command.name}"] = (command.handler, arguments, command.usage)
        for name, handler in module.dynamics.items():
            self._actions[f"dynamic:{name}"] = (handler, (), "")
        for number, answer in enumerate(module.answering):
            self._actions[f"answer:{number}"] = (answer.handler, (), "")

    def execute(self, call: Call) -> Awaitable[Result] | Result:
        """Run a handler. One that never has to wait has answered before this returns."""
        task = asyncio.Task(self._run(call), loop=self._loop, eager_start=True)
        return task.result() if task.done() else task

    async def _run(self, call: Call) -> Result:
        try:
            handler, arguments, usage = self._actions[call.handler]
            context: Context[Any, Any] = Context(self._services, call)
            if arguments or (call.args and usage):
                answer = await handler(context, *parse(arguments, call.args, usage))
            else:
                answer = await handler(context)
            if answer is None:
                return _NOTHING
            return Result("ok", (answer,) if type(answer) is Reply else tuple(answer))
        except Refusal as refusal:
            return Result("refused", (Reply(refusal.text),), refusal.text)
        except Unavailable as error:
            return Result("failed", (), self._hide(str(error)), retry=True, stalled=True)
        except Busy as error:
            return Result("failed", (), self._hide(str(error)), retry=True)
        except CallLost as error:  # whom the handler asked failed: a number of tries is enough
            return Result("failed", (), self._hide(str(error)), retry=True)
        except CallError as error:  # whom the handler asked is not there, or the database there is away
            return Result("failed", (), self._hide(str(error)), retry=True, away=True)
        except Exception as error:
            self._services.log.exception("%s failed on the event %s", call.handler, call.event.id)
            return Result("failed", (), self._hide(f"{type(error).__name__}: {error}"), retry=True)

    async def call(self, contract: str, method: str, raw: object, scope: CallScope) -> object:
        """Answer a promise. Raises :class:`CallError` for one that the module did not make or cannot keep now,
        :class:`CallLost` where it fails.
        """
        context: ServiceContext[Any, Any] = ServiceContext(self._services, scope)
        if contract == VIEW:
            return await self._contribute(context, raw)
        handler = self._promised(contract, method)
        if handler is None:
            raise CallError(f"{self._module.name} does not promise {contract}.{method}")
        try:
            return await handler(context, raw)
        except CallError:
            raise
        except DalError as error:
            raise CallError(f"{contract}.{method}: {error}") from error
        except Exception as error:
            self._services.log.exception("%s.%s failed", contract, method)
            raise CallLost(f"{contract}.{method} failed: {type(error).__name__}; the log has more") from error

    def _promised(self, contract: str, method: str) -> Handler | None:
        if contract == PERSONAL:
            keeping = self._module.keeping
            return None if keeping is None else {HELD: keeping.held, FORGET: keeping.forgotten}.get(method)
        _, handler = self._module.promises.get((contract, method), (None, None))
        return handler

    async def _contribute(self, context: ServiceContext[Any, Any], raw: object) -> dict[str, Contribution]:
        if self._module.contributor is None:
            return {}
        contributed: dict[str, Contribution] = await self._module.contributor(context, raw)
        return contributed

    async def deliver(self, sends: Sequence[Send]) -> Sequence[Sent]:
        """Hand replies to the pushing module."""
        if self._module.deliverer is None:
            raise CallError(f"{self._module.name} delivers nothing")
        outcomes: Sequence[Sent] = await self._module.deliverer(ServiceContext(self._services), sends)
        return outcomes


_NOTHING = Result("ok")


class WireChecked:
    """An endpoint whose every call and answer passes through the real codec (``WIRE_CHECK=1``).

    So nothing that works in one process can fail between two. ``shapes`` has the request and answer types of
    each promise by contract and name.
    """

    def __init__(self, endpoint: Endpoint, shapes: Mapping[tuple[str, str], tuple[Any, Any]]) -> None:
        self._endpoint = endpoint
        self._shapes = {
            **shapes,
            (VIEW, CONTRIBUTE): (tuple[str, ...], dict[str, Contribution]),
            (PERSONAL, HELD): (Person, Held),
            (PERSONAL, FORGET): (Person, Forgotten),
        }

    def execute(self, call: Call) -> Awaitable[Result] | Result:
        """As :meth:`LocalEndpoint.execute`."""
        answer = self._endpoint.execute(round_trip(call, Call))
        if inspect.isawaitable(answer):
            return asyncio.ensure_future(_checked_later(answer))
        return _checked(answer)

    async def call(self, contract: str, method: str, raw: object, scope: CallScope) -> object:
        """As :meth:`LocalEndpoint.call`."""
        request, answer = self._shapes.get((contract, method), (Any, Any))
        raw = round_trip(raw, request)
        return round_trip(await self._endpoint.call(contract, method, raw, round_trip(scope, CallScope)), answer)

    async def deliver(self, sends: Sequence[Send]) -> Sequence[Sent]:
        """As :meth:`LocalEndpoint.deliver`."""
        return round_trip(await self._endpoint.deliver(round_trip(list(sends), list[Send])), list[Sent])


async def _checked_later(answer: Awaitable[Result]) -> Result:
    return _checked(await answer)


def _checked(answer: Result) -> Result:
    try:
        return round_trip(answer, Result)
    except (msgspec.MsgspecError, TypeError, OverflowError) as error:
        return Result("failed", (), f"the answer cannot leave the process: {error}")


def round_trip[T](value: object, shape: type[T]) -> T:
    """A value as it would arrive at another process. Raises ``msgspec`` errors for what could not travel."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(value), type=shape)
