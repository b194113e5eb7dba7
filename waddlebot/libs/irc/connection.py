"""Bytes of one connection: complete lines out of partial reads, bounded, with flow control both ways."""

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

from waddlebot.libs.irc.errors import LinkError
from waddlebot.libs.irc.message import LINE_SIZE_MAX, split_lines
from waddlebot.libs.irc.settings import IrcSettings

_CLOSE_TIMEOUT_S = 2.0


class LineProtocol(asyncio.Protocol):
    """Hands over the lines of each received chunk as one list, and tells once when the link is gone."""

    def __init__(
        self,
        on_lines: Callable[[list[str]], None],
        on_lost: Callable[[str], None],
        on_writable: Callable[[], None],
    ) -> None:
        self._on_lines = on_lines
        self._on_lost = on_lost
        self._on_writable = on_writable
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._closed = asyncio.Event()
        self._rest = b""
        self.received_s = self._loop.time()
        """When the last bytes came, on the loop's clock."""
        self.reading = True
        self.writable = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast(asyncio.Transport, transport)
        if not self.reading:
            self._transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol. A line longer than LINE_SIZE_MAX ends the link."""
        self.received_s = self._loop.time()
        if self._rest:
            data = self._rest + data
        if _has_long_line(data):
            self._rest = b""
            self.abort(f"the server sent a line of more than {LINE_SIZE_MAX} bytes")
            return
        end = data.rfind(b"\n") + 1
        self._rest = data[end:]
        if end:
            self._on_lines(split_lines(data[:end]))

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self.writable = False
        self._closed.set()
        self._on_lost(f"the connection broke: {exc}" if exc else "the server closed the connection")

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        self.writable = False

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self.writable = True
        self._on_writable()

    def write(self, line: str) -> None:
        """Send one line as `build_line` makes it."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(line.encode("utf-8", "replace") + b"\r\n")

    def pause_reading(self) -> None:
        """Stop reading: the server's lines pile up in the network, and at last at the server."""
        if self.reading:
            self.reading = False
            if self._transport is not None:
                self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        if not self.reading:
            self.reading = True
            self.received_s = self._loop.time()
            if self._transport is not None:
                self._transport.resume_reading()

    async def close(self) -> None:
        """Close after what was written has left, or at once when that takes long."""
        if self._transport is None:
            return
        self._transport.close()
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._closed.wait()
        except TimeoutError:
            self._transport.abort()

    def abort(self, words: str) -> None:
        """Close at once, for a reason."""
        self._on_lost(words)
        if self._transport is not None:
            self._transport.abort()


def _has_long_line(data: bytes) -> bool:
    """Whether two line ends, or the last one and the end, are further apart than LINE_SIZE_MAX."""
    start = 0
    while len(data) - start > LINE_SIZE_MAX:
        end = data.rfind(b"\n", start, start + LINE_SIZE_MAX + 1)
        if end < 0:
            return True
        start = end + 1
    return False


def tls_context(settings: IrcSettings) -> ssl.SSLContext | None:
    """How to encrypt, or None for a plain connection. Raises LinkError when a file cannot be used."""
    if not settings.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca or None)
        if settings.cert:
            context.load_cert_chain(settings.cert, settings.key or None)
    except OSError as error:
        names = ", ".join(name for name in (settings.ca, settings.cert, settings.key) if name)
        raise LinkError(f"{settings.label}: a certificate file cannot be used ({names}): {error}") from None
    if settings.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def connect_words(settings: IrcSettings, error: Exception) -> str:
    """Why no connection came to be, and what to do."""
    where = f"{settings.host}:{settings.port}"
    match error:
        case ssl.SSLCertVerificationError():
            return (
                f"the certificate of {where} is not trusted: {error.verify_message}. If it is your own server, "
                "name its CA with ?ca=/path"
            )
        case ssl.SSLError():
            return f"{where} does not speak TLS as we do ({error.reason}). A plain port needs irc://"
        case TimeoutError():
            return f"{where} does not answer"
        case _:
            return f"cannot connect to {where}: {error}"
