"""One connection from its first byte to its last: registration, channels, life signs, what comes in."""

import asyncio
import logging
import math
from collections.abc import Callable, Iterable
from itertools import repeat

from waddlebot.libs.irc.connection import LineProtocol, connect_words, tls_context
from waddlebot.libs.irc.errors import IrcError, LinkError
from waddlebot.libs.irc.isupport import Isupport
from waddlebot.libs.irc.message import IrcMessage, build_line, find_tag, parse_line
from waddlebot.libs.irc.pacing import TokenBucket
from waddlebot.libs.irc.policy import Outgoing, SendPolicy
from waddlebot.libs.irc.registration import Registration
from waddlebot.libs.irc.rooms import Rooms, parts
from waddlebot.libs.irc.roster import Roster
from waddlebot.libs.irc.sendqueue import SendQueue
from waddlebot.libs.irc.settings import IrcSettings, Timing
from waddlebot.libs.irc.text import build_ctcp, parse_ctcp, sanitise

_LOG = logging.getLogger(__name__)
_INTERNAL = frozenset({"PING", "PONG", "CAP", "AUTHENTICATE", "BATCH"})
_CTCP_ANSWERS_PER_S = 0.2
_CTCP_BURST = 3.0
_CTCP_ECHO_MAX = 64
_REPLAYS_MAX = 100
_MOTD_WAIT_S = 10.0
_ASSUMED_MASK_SIZE = len("!~123456789@") + 63
"""Bytes of `!user@host` at most, until the server shows us ours: RFC 2812's user, RFC 1035's label."""

JOIN_FAILURES = {
    "403": "there is no such channel",
    "405": "the server allows no more channels",
    "437": "the channel is unavailable for now",
    "471": "the channel is full",
    "473": "the channel is for invited users only",
    "474": "we are banned from the channel",
    "475": "the channel's key is wrong or missing",
    "476": "this is no valid channel name here",
    "477": "the channel is for users with a services account only",
    "480": "the channel refuses us",
    "489": "the channel is for TLS users only",
    "520": "the channel is for server operators only",
}
"""Numerics of a refused JOIN, in words (https://modern.ircdocs.horse, and the sources of InspIRCd and ngIRCd)."""


class Session[T]:
    """Runs one connection. Rooms and policy outlive it, everything else starts anew.

    `chat` is as in `IrcClient`.
    """

    def __init__(
        self,
        settings: IrcSettings,
        timing: Timing,
        rooms: Rooms,
        policy: SendPolicy,
        chat: Callable[[str], T | None] | None,
        on_messages: Callable[[list[IrcMessage | T]], None],
        on_change: Callable[[], None],
    ) -> None:
        self._settings, self._timing = settings, timing
        self._rooms, self._policy = rooms, policy
        self._chat, self._on_messages, self._on_change = chat, on_messages, on_change
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._protocol = LineProtocol(self._receive, self._lost, self._pump)
        self._registration = Registration(settings)
        self.isupport = Isupport()
        self.roster = Roster(self.isupport)
        self.queue = SendQueue(policy)
        self.ready_s = math.inf
        """When the welcome was complete, on the loop's clock; infinite before."""
        self._welcomed_s = math.inf
        self._mask_size = 0
        self._me = ""
        self._replays: set[str] = set()
        self._ctcp = TokenBucket(_CTCP_ANSWERS_PER_S, _CTCP_BURST)
        self._last_words = ""
        self._goodbye = "Goodbye"
        self._ping_sent_s: float | None = None
        self._nick_asked_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._handlers: dict[str, Callable[[IrcMessage], None]] = self._handled()

    # ---- for the client -------------------------------------------------------------------------------------

    @property
    def nick(self) -> str:
        """Our nick here."""
        return self._registration.nick

    @property
    def ready(self) -> bool:
        """Whether the welcome is complete, so that channels are joined and lines may be sent."""
        return self.ready_s != math.inf and not self._over.done()

    @property
    def capabilities(self) -> set[str]:
        """Granted capabilities."""
        return self._registration.capabilities

    @property
    def flow(self) -> LineProtocol:
        """The connection, whose reading may be paused."""
        return self._protocol

    def text_size_max(self, target: str) -> int:
        """Bytes of text that reach everybody in a target: the server relays the line with our mask before it."""
        mask_size = len(self.nick.encode()) + (self._mask_size or _ASSUMED_MASK_SIZE)
        return self.isupport.line_size_max - mask_size - len(f":  PRIVMSG {target} :\r\n".encode())

    def submit(self, outgoing: Outgoing, sent: asyncio.Future[None] | None = None) -> None:
        """Queue a line and send what may be sent."""
        self.queue.push(outgoing, sent)
        self._pump()

    async def run(self) -> None:
        """Connect and stay until the link ends; returns after `quit`, else raises LinkError or LoginError."""
        try:
            await self._connect()
            connected_s = self._loop.time()
            for line in self._registration.begin():
                self._protocol.write(line)
            while not self._over.done():
                await asyncio.wait({self._over}, timeout=self._timing.tick_s)
                self._watch(self._loop.time(), connected_s)
            self._over.result()
        finally:
            await self._end()

    def quit(self, words: str) -> None:
        """Say goodbye and close."""
        self._goodbye = sanitise(words)
        if not self._over.done():
            self._over.set_result(None)

    # ---- life of the link -----------------------------------------------------------------------------------

    async def _connect(self) -> None:
        settings = self._settings
        context = tls_context(settings)
        try:
            async with asyncio.timeout(self._timing.connect_timeout_s):
                await self._loop.create_connection(
                    lambda: self._protocol,
                    settings.host,
                    settings.port,
                    ssl=context,
                    server_hostname=settings.host if context else None,
                )
        except OSError as error:
            raise LinkError(connect_words(settings, error)) from None

    def _watch(self, now_s: float, connected_s: float) -> None:
        if self._over.done():
            return
        if not self._registration.welcomed:
            if now_s - connected_s > self._timing.register_timeout_s:
                self._lost(f"no welcome within {self._timing.register_timeout_s:g} s")
            return
        if not self.ready and now_s - self._welcomed_s > _MOTD_WAIT_S:
            self._on_ready()
        self._watch_silence(now_s)
        self._rooms.expire(now_s)
        if self.ready:
            self.join_due()
            self._regain_nick(now_s)

    def _watch_silence(self, now_s: float) -> None:
        silent_s = now_s - self._protocol.received_s
        if silent_s < self._timing.silence_s or not self._protocol.reading:
            self._ping_sent_s = None
        elif self._ping_sent_s is None:
            self._ping_sent_s = now_s
            self._protocol.write(build_line("PING", "waddlebot"))
        elif now_s - self._ping_sent_s > self._timing.ping_timeout_s:
            self._protocol.abort(f"ping timeout: no sign of life for {silent_s:.0f} s")

    def _lost(self, words: str) -> None:
        """The end, for the first reason given; what the server said last explains more than a closed socket."""
        if not self._over.done():
            self._over.set_exception(LinkError(f"{self._settings.label}: {self._last_words or words}"))

    async def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._over.done():
            self._over.exception()  # Read, so that a cancelled run leaves no complaint about it behind.
        else:
            self._over.cancel()
        self._rooms.leave_all()
        self.queue.fail(f"the link to {self._settings.label} ended before the line was sent")
        self._protocol.write(build_line("QUIT", self._goodbye))
        await self._protocol.close()

    # ---- sending --------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        """Send all that may be sent now, and come back when more may be."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._protocol.writable and self.ready:
            outgoing, delay_s = self.queue.pop(self._loop.time())
            if outgoing is None:
                if delay_s != math.inf:
                    self._timer = self._loop.call_later(delay_s, self._pump)
                return
            self._protocol.write(outgoing.line)
            if outgoing.channels:
                self._rooms.asked(outgoing.channels, self._loop.time())

    # ---- receiving ------------------------------------------------------------------------------------------

    def _receive(self, lines: list[str]) -> None:
        """Sort a chunk: protocol lines are acted on, our own and replayed ones dropped, the rest handed on."""
        events: list[IrcMessage | T] = []
        # Most chunks are nothing but chat: those are read without a step of Python's own.
        read: Iterable[T | None] = repeat(None) if self._chat is None else map(self._chat, lines)
        try:
            for line, said in zip(lines, read, strict=False):
                if said is not None:
                    events.append(said)
                    continue
                message = parse_line(line)
                if message.command != "PRIVMSG":
                    self._react(message)
                    if message.command not in _INTERNAL:
                        events.append(message)
                elif self._is_event(message):
                    events.append(message)
        except IrcError as error:
            if not self._over.done():
                self._over.set_exception(error)
        if events:
            try:
                self._on_messages(events)
            except Exception:  # A fault of the consumer must not cost the link.
                _LOG.exception("the consumer of %s failed on %d lines", self._settings.label, len(events))

    def _is_event(self, message: IrcMessage) -> bool:
        # Twitch relays what another connection of our own account said.
        params = message.params
        if message.source.startswith(self._me) or len(params) < 2:
            return False
        if self._replays and find_tag(message.tags, "batch") in self._replays:
            return False
        if params[-1][:1] == "\x01":
            ctcp = parse_ctcp(message.text)
            if ctcp is not None and ctcp[0] != "ACTION":
                self._answer_ctcp(message.nick, *ctcp)
                return False
        return True

    def _react(self, message: IrcMessage) -> None:
        command = message.command
        if not self._registration.welcomed or command == "CAP":
            for line in self._registration.receive(message):
                self._protocol.write(line)
        if command in self._policy.learns:
            self._policy.learn(message)
        handler = self._handlers.get(command)
        if handler is not None:
            handler(message)

    def _handled(self) -> dict[str, Callable[[IrcMessage], None]]:
        handlers: dict[str, Callable[[IrcMessage], None]] = {
            "PING": self._on_ping,
            "ERROR": self._on_error,
            "RECONNECT": self._on_reconnect,
            "BATCH": self._on_batch,
            "INVITE": self._on_invite,
            "NOTICE": self._on_notice,
            "JOIN": self._on_join,
            "PART": self._on_part,
            "KICK": self._on_kick,
            "NICK": self._on_nick,
            "QUIT": self._on_quit,
            "001": self._on_welcome,
            "005": self._on_isupport,
            "376": self._on_motd_end,
            "422": self._on_motd_end,
            "396": self._on_new_host,
            "470": self._on_forward,
        }
        if self._settings.dialect.full_irc:
            handlers |= {"353": self.roster.receive, "MODE": self.roster.receive}
        return handlers | dict.fromkeys(JOIN_FAILURES, self._on_join_failure)

    def _on_ping(self, message: IrcMessage) -> None:
        if self._protocol.writable:  # A server that asks without ever reading the answers gets no more of them.
            self._protocol.write(build_line("PONG", message.text))

    def _on_error(self, message: IrcMessage) -> None:
        self._last_words = f"the server closed the link: {message.text}"

    def _on_reconnect(self, message: IrcMessage) -> None:
        self._lost("the server asks us to reconnect")

    def _on_welcome(self, message: IrcMessage) -> None:
        self._welcomed_s = self._loop.time()
        self._me = self.nick + "!"
        self._on_change()

    def _on_isupport(self, message: IrcMessage) -> None:
        self.isupport.read(message.params[1:-1])

    def _on_motd_end(self, message: IrcMessage) -> None:
        if not self.ready and self._registration.welcomed:
            self._on_ready()

    def _on_ready(self) -> None:
        self.ready_s = self._loop.time()
        self._rooms.use_folding(self.isupport.fold)
        self._on_change()
        self.join_due()

    def _on_new_host(self, message: IrcMessage) -> None:
        if len(message.params) > 1:
            self._mask_size = len("!~123456789@") + len(message.params[1].encode())

    def _on_batch(self, message: IrcMessage) -> None:
        """Remember open batches of replayed history: a bot that answers yesterday's commands is a nuisance."""
        reference = message.target[1:]
        if message.target[:1] == "-":
            self._replays.discard(reference)
        elif len(message.params) > 1 and message.params[1].rpartition("/")[2] in ("chathistory", "playback"):
            if len(self._replays) >= _REPLAYS_MAX:
                self._replays.clear()
            self._replays.add(reference)

    # ---- channels and nicks ---------------------------------------------------------------------------------

    def join_due(self) -> None:
        """Ask for the channels whose turn it is."""
        now_s = self._loop.time()
        for outgoing in self._rooms.due_joins(now_s, self._policy.joins_max or self.isupport.joins_max):
            self.queue.push(outgoing)
        self._pump()

    def _on_join(self, message: IrcMessage) -> None:
        if not message.source.startswith(self._me):
            return
        self._mask_size = len(message.source.encode()) - len(self.nick.encode())
        if self._rooms.wants(message.target):
            self._rooms.entered(message.target)
            self._on_change()
        else:  # Forwarded or forced into it.
            self.leave([message.target])

    def _on_part(self, message: IrcMessage) -> None:
        if message.source.startswith(self._me):
            self._out(message.target, f"{message.target}: the server took us out")
        else:
            self.roster.receive(message)

    def _on_kick(self, message: IrcMessage) -> None:
        channel, *rest = message.params or ("",)
        if rest and self.isupport.fold(rest[0]) == self.isupport.fold(self.nick):
            self._out(channel, f"{channel}: kicked by {message.nick}: {message.text}")
        else:
            self.roster.receive(message)

    def _on_join_failure(self, message: IrcMessage) -> None:
        channel = message.params[1] if len(message.params) > 1 else ""
        if not self._rooms.is_in(channel):
            words = f"{channel}: {JOIN_FAILURES[message.command]}"
            said = message.text.strip(" .")
            self._out(channel, f"{words} ({said})" if said else words)

    def _on_forward(self, message: IrcMessage) -> None:
        if len(message.params) > 2:
            channel, other = message.params[1:3]
            self._out(channel, f"{channel}: the server sends us to {other} instead")

    def _on_notice(self, message: IrcMessage) -> None:
        refusals = self._settings.dialect.room_refusals
        if refusals and "!" not in message.source and find_tag(message.tags, "msg-id") in refusals:
            self._out(message.target, f"{message.target}: {message.text}")

    def _on_invite(self, message: IrcMessage) -> None:
        if self._rooms.ask_now(message.text):
            self.join_due()

    def _out(self, channel: str, words: str) -> None:
        self.roster.forget_channel(channel)
        if self._rooms.wants(channel):
            self._rooms.kept_out(channel, words, self._loop.time())
            self._on_change()

    def forget(self, channels: Iterable[str]) -> None:
        """Drop what waits to be said in channels."""
        for channel in channels:
            self.queue.drop(self.isupport.fold(channel), f"the bot left {channel} before the line was sent")

    def leave(self, channels: Iterable[str]) -> None:
        """Send PARTs; what cannot be a channel is ignored."""
        sane = (c for c in channels if self.isupport.is_channel(c) and " " not in c and "," not in c)
        for outgoing in parts(sane, self.isupport.parts_max if self._settings.dialect.full_irc else 1):
            self.queue.push(outgoing)
        self._pump()

    def _on_nick(self, message: IrcMessage) -> None:
        self.roster.receive(message)
        if message.source.startswith(self._me) and message.target:
            self._registration.nick = message.target
            self._me = message.target + "!"
            self._on_change()
        else:
            self._on_nick_freed(message.nick)

    def _on_quit(self, message: IrcMessage) -> None:
        self.roster.receive(message)
        self._on_nick_freed(message.nick)

    def _on_nick_freed(self, nick: str) -> None:
        if self.nick != self._settings.nick and self.isupport.fold(nick) == self.isupport.fold(
            self._settings.nick
        ):
            self._nick_asked_s = -math.inf
            self._regain_nick(self._loop.time())

    def _regain_nick(self, now_s: float) -> None:
        wanted, dialect = self._settings.nick, self._settings.dialect
        if self.nick == wanted or not dialect.full_irc:
            return
        if now_s - self._nick_asked_s > self._timing.regain_nick_s:
            self._nick_asked_s = now_s
            self.submit(Outgoing(build_line("NICK", wanted), "NICK"))

    def _answer_ctcp(self, nick: str, verb: str, argument: str) -> None:
        """Answer VERSION and PING, seldom: an answer is a line that anyone can make us send."""
        answers = {"VERSION": "WaddleBot", "PING": argument[:_CTCP_ECHO_MAX]}
        now_s = self._loop.time()
        if verb not in answers or not self._settings.dialect.full_irc:
            return
        if not nick or nick[0] == ":":  # nobody's: an answer could not be addressed
            return
        if self._ctcp.delay_s(now_s) > 0 or not self.queue.room_for(100):
            return
        self._ctcp.take(now_s)
        self.submit(Outgoing(build_line("NOTICE", nick, build_ctcp(verb, answers[verb])), "NOTICE", nick))
