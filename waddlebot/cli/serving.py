"""Runs a host in this process: signals, the loop, and what is said at the start."""

import asyncio
import contextlib
import importlib
import importlib.util
import os
import signal
import sys
from collections.abc import Callable, Sequence

from waddlebot.cli import screen
from waddlebot.cli.failures import UNUSABLE, Failure
from waddlebot.cli.switches import state_of
from waddlebot.libs import audit
from waddlebot.libs.contracts.console import SECRET_PURPOSE, access_token
from waddlebot.libs.sdk.discovery import discover
from waddlebot.runtime import memory
from waddlebot.runtime.environment import check, load
from waddlebot.runtime.host import Host

_CONSOLE = "receiver.console"
_LOOPBACK = ("127.", "localhost", "::1")


def serve(names: Sequence[str], without: Sequence[str] = ()) -> None:
    """Run the modules until a signal ends it, all of them ``without`` some where none is named.

    Raises what :meth:`Host.start` raises, and ``Failure`` for a module to leave out that does not exist.
    """
    manifests = discover()
    names = names or os.environ.get("WADDLEBOT_MODULES", "").split()
    if unknown := [name for name in without if name not in manifests]:
        raise Failure(f"There is no module {', '.join(unknown)} to leave out: see `waddlebot modules`.", UNUSABLE)
    if without:
        names = [name for name in names or manifests if name not in without]
        if not names:
            raise Failure("Nothing is left to run: every module is left out.", UNUSABLE)
    check({name: manifests[name] for name in names or manifests if name in manifests}, os.environ)
    environment = load()
    # The terminal is for what the operator must see, unless they asked for more; the file gets all.
    console_level = os.environ.get("LOG_LEVEL") or "WARNING"
    form = environment.log_format
    with audit.setup(environment.logs, environment.log_level, console_level=console_level, form=form) as log:
        host = Host(environment, os.environ, names, manifests, log.redactor)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_live(host, log))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's where it is installed (it is not for Windows), else the standard one."""
    if importlib.util.find_spec("uvloop") is None:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module("uvloop").new_event_loop
    return factory


async def _live(host: Host, log: audit.AuditLog) -> None:
    stop = asyncio.Event()
    _on_signals(stop, log)
    starting = asyncio.create_task(host.start())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starting
        return
    await starting
    memory.settle()
    _announce(host)
    await stopping
    screen.notes().print("Stopping; once more ends it at once.")
    await host.stop()


def _on_signals(stop: asyncio.Event, log: audit.AuditLog) -> None:
    """The first SIGTERM or SIGINT sets ``stop``, the second ends the process."""

    def handle(number: signal.Signals) -> None:
        if stop.is_set():
            log.flush()
            os._exit(128 + number)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, handle, number)
        except NotImplementedError:  # the loop of Windows
            signal.signal(number, lambda n, _: loop.call_soon_threadsafe(handle, signal.Signals(n)))


def _announce(host: Host) -> None:
    """What is connected, what is missing, and, as the last line, where to go."""
    out = screen.out()
    for module in host.modules.values():
        if module.runner is not None and module.config is not None:
            state = state_of(module, os.environ)
            words = module.summary if state == "on" else state.removeprefix("off: ")
            out.print(f"  {state[:3].rstrip(':'):<4} {module.name}: {words}", markup=False)
    address = host.web_config.host
    token_only = _CONSOLE in host.modules and host.configs[_CONSOLE].token_only
    if _CONSOLE in host.modules and (token_only or not address.startswith(_LOOPBACK)):
        token = access_token(host.shared.secret.derive(f"{_CONSOLE}/{SECRET_PURPOSE}"))
        whence = "The" if token_only else "From other machines the"
        out.print(f"{whence} chat window opens with {host.web.url}/?token={token}", markup=False)
    out.print(f"WaddleBot is ready: {host.web.url}/ (type !help there; Ctrl+C stops it)", markup=False)
    sys.stdout.flush()
