"""A client that stays connected: give it settings, and it hands over messages and sends texts.

client = IrcClient(settings, on_messages, on_state, guard=safe)
task = asyncio.create_task(client.run())
await client.send("#general", "hello")
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from waddlebot.libs.audit import Redactor
from waddlebot.libs.irc.errors import IrcError, LoginError, SendError
from waddlebot.libs.irc.message import IrcMessage, build_line
from waddlebot.libs.irc.policy import FloodPolicy, Outgoing, SendPolicy
from waddlebot.libs.irc.rooms import Rooms
from waddlebot.libs.irc.session import Session
from waddlebot.libs.irc.settings import Channel, IrcSettings, Timing
from waddlebot.libs.irc.text import Guard, build_ctcp, sanitise, split_text

type Phase = Literal["idle", "connecting", "registered", "waiting", "stopped"]

_ACTION_SIZE = len("\x01ACTION \x01")


@dataclass(frozen=True, slots=True)
class IrcState:
    """How a client is doing, for readiness, `doctor` and metrics. `error` is the last failure, in words."""

    server: str
    """The label of its settings."""
    phase: Phase
    network: str
    """How the server calls its network."""
    nick: str
    wanted: int
    """Channels we are to be in."""
    joined: int
    """Channels we are in."""
    error: str
    failures: Mapping[str, str]
    """Why we are not in a channel, by its name."""
    retry_in_s: float
    """Pause before the next try, while waiting."""

    @property
    def ready(self) -> bool:
        """Connected, and in every channel that will have us."""
        return self.phase == "registered" and self.joined + len(self.failures) >= self.wanted


class IrcClient[T = IrcMessage]:
    """One connection to one network, kept up until `close`.

    `on_messages` gets every chunk's messages as one list: chat, and all else except PING, CAP and the like. Our
    own lines, replayed history and CTCP requests are not among them. `on_state` gets the new state at each change.
    `guard` keeps each message we send from being a command; it is asked for every part of a split text.
    `chat` may read an ordinary line of chat in one step: `on_messages` then gets what it returned in place of a
    message, at the same place. It returns None for all else, and so for our own lines, CTCP and what is replayed.
    """

    def __init__(
        self,
        settings: IrcSettings,
        on_messages: Callable[[list[IrcMessage | T]], None],
        on_state: Callable[[IrcState], None] = lambda state: None,
        *,
        guard: Guard,
        policy: SendPolicy | None = None,
        timing: Timing | None = None,
        chat: Callable[[str], T | None] | None = None,
    ) -> None:
        self.settings = settings
        self._chat = chat
        self._on_messages, self._on_state = on_messages, on_state
        self._guard = guard
        self._policy = policy or FloodPolicy(settings.rate)
        self._timing = timing or Timing()
        self._rooms = Rooms(self._timing, settings.dialect.rooms_max)
        self._refused: dict[str, str] = {}
        self._session: Session[T] | None = None
        self._phase: Phase = "idle"
        self._error = ""
        self._redactor = Redactor()
        self._redactor.register(settings.password)
        self._retry_in_s = 0.0
        self._reading = True
        self._telling = False
        self._closing = asyncio.Event()
        self._random = secrets.SystemRandom()
        self.join(*settings.channels)

    # ---- what is so -----------------------------------------------------------------------------------------

    @property
    def state(self) -> IrcState:
        """How we are doing now. A server's words are shown without our password and the channels' keys."""
        session = self._session
        return IrcState(
            server=self.settings.label,
            phase=self._phase,
            network=session.isupport.network if session else "",
            nick=session.nick if session else self.settings.nick,
            wanted=self._rooms.wanted + len(self._refused),
            joined=len(self._rooms.joined),
            error=self._error,
            failures=self._rooms.failures | self._refused,
            retry_in_s=self._retry_in_s,
        )

    @property
    def joined(self) -> tuple[str, ...]:
        """Names of the channels we are in."""
        return self._rooms.joined

    def status(self, channel: str, nick: str) -> str:
        """Status modes of a member of a channel, the highest first (`"o"`, `"ov"`), or an empty text."""
        return self._session.roster.status(channel, nick) if self._session else ""

    def fold(self, name: str) -> str:
        """The form in which two names of the same channel or nick are equal on this network."""
        return self._session.isupport.fold(name) if self._session else name.lower()

    # ---- what to do -----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Connect and reconnect until `close`. Returns early only when the login is refused for good."""
        attempt = 0
        while not self._closing.is_set():
            held_s, refused = await self._run_session()
            if self._closing.is_set():
                break
            if refused and not self._timing.refused_retry_s:
                break
            attempt = 0 if held_s >= self._timing.stable_s else attempt + 1
            await self._pause(self._timing.refused_retry_s if refused else self._backoff_s(attempt))
        self._change("stopped")

    async def send(
        self,
        target: str,
        text: str,
        *,
        action: bool = False,
        notice: bool = False,
        reply_to: str = "",
        may_command: bool = False,
    ) -> None:
        """Say a text in a channel or to a nick; returns when its last part has been handed to the connection.

        Long text is split, `reply_to` names the message that is answered (by its id), `may_command` leaves a
        leading command character as it is. Raises SendError, with words, when it is not sent. A text that was
        cut off half-way by a lost link has been sent in part.
        """
        session = self._session
        if self.settings.dialect.mute:
            raise SendError(self.settings.dialect.mute)
        if session is None or not session.ready:
            raise SendError(f"not connected to {self.settings.label}: {self._error or 'not yet'}")
        if session.isupport.is_channel(target) and not self._rooms.is_in(target):
            why = self.state.failures.get(target, "not joined")
            raise SendError(f"not in {target} on {self.settings.label}: {why}")
        lines = self._compose(session, target, text, action, notice, reply_to, may_command)
        if not session.queue.room_for(len(lines)):
            raise SendError(f"too many lines wait to be sent to {self.settings.label}")
        loop = asyncio.get_running_loop()
        waiting: list[asyncio.Future[None]] = []
        for line in lines:
            waiting.append(loop.create_future())
            session.submit(Outgoing(line, "PRIVMSG", session.isupport.fold(target)), waiting[-1])
        await asyncio.gather(*waiting)

    def join(self, *channels: Channel) -> None:
        """Be in these channels from now on, the first ones first. Refusals show in `state.failures`."""
        self._redactor.register(*(channel.key for channel in channels))
        for channel in channels:
            refusal = self._rooms.add(channel)
            if refusal:
                self._refused[channel.name] = refusal
        if self._session is not None and self._session.ready:
            self._session.join_due()

    def part(self, *names: str) -> None:
        """Be in these channels no longer. What waits to be said there is not said."""
        for name in names:
            self._refused.pop(name, None)
        left = [name for name in names if self._rooms.remove(name)]
        if self._session is not None:
            self._session.forget(names)
            self._session.leave(left)

    def pause_reading(self) -> None:
        """Stop reading for a while, when the consumer is full. The server drops us if this lasts for minutes."""
        self._reading = False
        if self._session is not None:
            self._session.flow.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self._reading = True
        if self._session is not None:
            self._session.flow.resume_reading()

    async def close(self, words: str = "Goodbye") -> None:
        """Leave; `run` returns."""
        self._closing.set()
        if self._session is not None:
            self._session.quit(words)

    # ---- inside ---------------------------------------------------------------------------------------------

    async def _run_session(self) -> tuple[float, bool]:
        """Run one connection: how long it was usable (negative for never), and whether the login was refused."""
        loop = asyncio.get_running_loop()
        session = Session(
            self.settings,
            self._timing,
            self._rooms,
            self._policy,
            self._chat,
            self._on_messages,
            self._session_changed,
        )
        self._session = session
        self._change("connecting")
        if not self._reading:
            session.flow.pause_reading()
        refused = False
        try:
            await session.run()
        except LoginError as error:
            refused, self._error = True, self._redactor.hide(str(error))
        except IrcError as error:
            self._error = self._redactor.hide(str(error))
        self._session = None
        return loop.time() - session.ready_s, refused

    def _session_changed(self) -> None:
        """Tell about many changes of one chunk once."""
        if not self._telling:
            self._telling = True
            asyncio.get_running_loop().call_soon(self._tell)

    def _tell(self) -> None:
        self._telling = False
        if self._session is not None and self._session.ready:
            self._error = ""
            self._change("registered")

    def _change(self, phase: Phase, retry_in_s: float = 0.0) -> None:
        self._phase, self._retry_in_s = phase, retry_in_s
        self._on_state(self.state)

    def _backoff_s(self, attempt: int) -> float:
        timing = self._timing
        return self._random.uniform(0, min(timing.backoff_max_s, timing.backoff_base_s * 2.0 ** min(attempt, 30)))

    async def _pause(self, pause_s: float) -> None:
        self._change("waiting", pause_s)
        try:
            async with asyncio.timeout(pause_s):
                await self._closing.wait()
        except TimeoutError:
            return

    def _compose(
        self,
        session: Session[T],
        target: str,
        text: str,
        action: bool,
        notice: bool,
        reply_to: str,
        may_command: bool,
    ) -> list[str]:
        dialect = self.settings.dialect
        if not target or target[0] in "$:@" or any(character in target for character in " ,\r\n\0*?!"):
            raise SendError(f"{target[:50]!r} is no channel and no nick")
        text = sanitise(text)
        if not text:
            raise SendError("there is no text to send")
        size_max = dialect.text_size_max or session.text_size_max(target)
        parts = split_text(
            text,
            size_max - (_ACTION_SIZE if action else 0),
            parts_max=dialect.parts_max,
            in_bytes=not dialect.text_size_max,
            guard=self._guard,
            may_command=may_command or action,
        )
        tags = {}
        if reply_to and (dialect.reply_tag[0] != "+" or "message-tags" in session.capabilities):
            tags = {dialect.reply_tag: reply_to}
        now_s = asyncio.get_running_loop().time()
        said = [self._policy.vary(session.isupport.fold(target), part, now_s) for part in parts]
        command = "NOTICE" if notice else "PRIVMSG"
        return [
            build_line(command, target, build_ctcp("ACTION", part) if action else part, tags=tags) for part in said
        ]
