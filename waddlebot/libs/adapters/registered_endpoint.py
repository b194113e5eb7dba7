"""A registered module, in whatever language, asked over HTTP in plain JSON.

``POST <its address>/api/v1/<its name>/_call`` with the call as JSON; the answer is the result as JSON. The guide
for module authors has both in full. The token in ``Authorization`` proves to the module who asks.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Literal

import aiohttp
import msgspec

from waddlebot.libs.adapters.bodies import read_whole
from waddlebot.libs.adapters.breaker import Breaker
from waddlebot.libs.sdk.arguments import UsageError, parse
from waddlebot.libs.sdk.module import Module
from waddlebot.libs.sdk.ports import Call, CallError, CallScope, Result, Send, Sent
from waddlebot.libs.sdk.rank import Rank
from waddlebot.libs.sdk.reply import Reply

ANSWER_BYTES_MAX = 1024 * 1024
REPLIES_MAX = 20
CONNECTIONS_MAX = 32
OPEN_S = 5.0
"""So long a module is left alone that was silent five times in a row; soon after it is back, it is asked again."""

_UNTOUCHED = frozenset({404, 429, 503})
"""Statuses by which a module, or a proxy before it, says that it did nothing and may be asked again."""


class _Answer(msgspec.Struct):
    """What a module answers."""

    status: Literal["ok", "refused", "failed"] = "ok"
    replies: tuple[Reply, ...] = ()
    reason: str = ""
    retry: bool = False


_DECODE = msgspec.json.Decoder(_Answer).decode


class RegisteredEndpoints:
    """Makes the endpoints of registered modules, which share their connections until :meth:`close`."""

    def __init__(self) -> None:
        connector = aiohttp.TCPConnector(limit=0, limit_per_host=CONNECTIONS_MAX)
        self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)

    def make(self, module: Module, address: str, token: str) -> "RegisteredEndpoint":
        """The endpoint of a module at an address, which knows us by the token."""
        return RegisteredEndpoint(module, address, token, self._session)

    async def close(self) -> None:
        """Disconnect."""
        await self._session.close()


class RegisteredEndpoint:
    """Asks one registered module at one address. ``session`` is shared by all; whoever made it closes it.

    One that is ``gone`` is not asked any more.
    """

    def __init__(self, module: Module, address: str, token: str, session: aiohttp.ClientSession) -> None:
        self._module = module
        self._url = f"{address.rstrip('/')}/api/v1/{module.name}/_call"
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._session = session
        self.gone = False
        self._breaker = Breaker(open_s=OPEN_S)
        self._tasks: set[asyncio.Task[Result]] = set()

    def execute(self, call: Call) -> asyncio.Task[Result] | Result:
        """Ask for a command. What does not fit its arguments is refused here."""
        if self.gone:
            return _failed(f"the registered module {self._module.name} is silent, or gone")
        command = self._module.commands.get(call.handler.removeprefix("command:"))
        if command is None:
            return Result("failed", (), f"{self._module.name} has no {call.handler} any more")
        try:
            values = parse(command.arguments, call.args, command.usage)
        except UsageError as error:
            return Result("refused", (Reply(error.text),), error.text)
        if not self._breaker.admits():
            return _failed(f"{self._module.name} was silent too often: it is left alone for a moment", retry=True)
        names = [argument.info.name for argument in command.arguments]
        body = msgspec.json.encode(body_of(call, dict(zip(names, values, strict=True))))
        task = asyncio.get_running_loop().create_task(self._ask(body, call.timeout_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def call(self, contract: str, method: str, raw: object, scope: CallScope) -> object:
        """Registered modules promise nothing."""
        raise CallError(f"{self._module.name} does not promise {contract}.{method}")

    async def deliver(self, sends: Sequence[Send]) -> Sequence[Sent]:
        """Registered modules deliver nothing."""
        raise CallError(f"{self._module.name} delivers nothing")

    async def _ask(self, body: bytes, timeout_s: float) -> Result:
        name = self._module.name
        began_s = time.monotonic()
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._session.post(self._url, data=body, headers=self._headers, allow_redirects=False) as got,
            ):
                raw = await read_whole(got, ANSWER_BYTES_MAX)
        except TimeoutError:
            self._breaker.failed()
            return _failed(f"{name} did not answer within {time.monotonic() - began_s:.1f} s")
        except (aiohttp.ClientError, OSError) as error:
            self._breaker.failed()
            return _failed(f"{name} cannot be asked at {self._url}: {error}", retry=True)
        if got.status != 200:
            self._breaker.succeeded()
            return _failed(f"{name} answered with the status {got.status}", retry=got.status in _UNTOUCHED)
        return self._read(raw)

    def _read(self, raw: bytes) -> Result:
        try:
            if len(raw) > ANSWER_BYTES_MAX:
                raise ValueError(f"more than {ANSWER_BYTES_MAX} bytes")
            answer = _DECODE(raw)
            if len(answer.replies) > REPLIES_MAX:
                raise ValueError(f"more than {REPLIES_MAX} replies")
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            self._breaker.failed()
            return _failed(f"{self._module.name} answered with what is no result: {error}")
        self._breaker.succeeded()
        return Result(answer.status, answer.replies, answer.reason, answer.retry)


def body_of(call: Call, arguments: dict[str, Any]) -> dict[str, Any]:
    """A call as a registered module gets it."""
    event = call.event
    return {
        "module": call.module,
        "command": call.handler.removeprefix("command:"),
        "word": call.word,
        "args": call.args,
        "arguments": arguments,
        "community": event.community,
        "entity": event.entity,
        "person": call.person,
        "ranks": [str(rank.name).lower() for rank in Rank(call.ranks)],
        "key": call.key,
        "session": call.session,
        "timeout_s": call.timeout_s,
        "event": msgspec.structs.asdict(event),
    }


def _failed(reason: str, *, retry: bool = False) -> Result:
    return Result("failed", (), reason, retry)
