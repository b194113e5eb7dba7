"""A person on IRC for tests: plain lines over a socket, and nothing of `libs/irc`, so that both can disagree."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class IrcUser:
    """A connected user. All received lines stay in `lines`, without PINGs, which are answered."""

    def __init__(self, nick: str, writer: asyncio.StreamWriter) -> None:
        self.nick = nick
        self.lines: list[str] = []
        self._writer = writer
        self._arrived = asyncio.Event()

    async def listen(self, reader: asyncio.StreamReader) -> None:
        """Collect lines until the connection ends."""
        while line := await reader.readline():
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            if text.startswith("PING"):
                self.send("PONG" + text.removeprefix("PING"))
                continue
            self.lines.append(text)
            self._arrived.set()

    def send(self, line: str) -> None:
        """Send a raw line."""
        self._writer.write(line.encode() + b"\r\n")

    def say(self, target: str, text: str) -> None:
        """Say something in a channel or to a nick."""
        self.send(f"PRIVMSG {target} :{text}")

    async def until(self, matches: Callable[[str], object], timeout_s: float = 20.0) -> str:
        """The first line, past or future, that matches. Raises TimeoutError when none comes."""
        seen = 0
        async with asyncio.timeout(timeout_s):
            while True:
                for line in self.lines[seen:]:
                    if matches(line):
                        return line
                seen = len(self.lines)
                self._arrived.clear()
                await self._arrived.wait()

    async def hears(self, text: str, timeout_s: float = 20.0) -> str:
        """Wait for a message whose whole text is this."""
        return await self.until(lambda line: " PRIVMSG " in line and line.partition(" :")[2] == text, timeout_s)

    async def meets(self, nick: str, channel: str) -> None:
        """Wait until somebody else is in a channel: was there before, or comes. Raises TimeoutError."""
        who, where = re.escape(nick), re.escape(channel)
        comes, is_there = rf":{who}!\S+ JOIN :?{where}", rf":\S+ 353 .* {where} :(.* )?[~&@%+]*{who}( .*)?"
        await self.until(lambda line: re.fullmatch(f"{comes}|{is_there}", line) is not None)

    async def told(self, text: str, timeout_s: float = 20.0) -> str:
        """Wait for a notice to this user alone that has such a text in it, and return all that it says."""
        start = f" NOTICE {self.nick} :"
        found = await self.until(lambda line: start in line and text in line.partition(start)[2], timeout_s)
        return found.partition(start)[2]

    def heard(self, nick: str, channel: str) -> list[str]:
        """What somebody said in a channel so far, in order."""
        found = (line.partition(f" PRIVMSG {channel} :") for line in self.lines if line.startswith(f":{nick}!"))
        return [text for _, command, text in found if command]


@asynccontextmanager
async def irc_user(
    port: int, nick: str, *channels: str, host: str = "127.0.0.1", password: str = ""
) -> AsyncIterator[IrcUser]:
    """A user who is in these channels for as long as the block runs.

    With a password they log in to the account that is called as they are (SASL PLAIN, RFC 4616).
    """
    reader, writer = await asyncio.open_connection(host, port)
    user = IrcUser(nick, writer)
    listener = asyncio.create_task(user.listen(reader))
    try:
        if password:
            user.send("CAP REQ :sasl")
        user.send(f"NICK {nick}")
        user.send(f"USER {nick} 0 * :{nick}")
        if password:
            await _log_in(user, password)
        await user.until(lambda line: " 376 " in line or " 422 " in line)
        for channel in channels:
            user.send(f"JOIN {channel}")
            await user.until(lambda line, name=channel: f" 366 {nick} {name} " in line)  # type: ignore[misc]  # a default is how a lambda keeps a loop's value
        yield user
    finally:
        writer.close()
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)


async def _log_in(user: IrcUser, password: str) -> None:
    await user.until(lambda line: " ACK " in line)
    user.send("AUTHENTICATE PLAIN")
    await user.until(lambda line: line.startswith("AUTHENTICATE"))
    user.send("AUTHENTICATE " + base64.b64encode(f"\0{user.nick}\0{password}".encode()).decode())
    await user.until(lambda line: " 903 " in line)
    user.send("CAP END")
