"""Patience: statements that another thread gives up when the server takes them and says nothing.

A server that hangs (a stopped process, a stuck disk) still has a kernel that acknowledges what is sent, so neither
TCP's timers nor PostgreSQL's own ever fire, and libpq waits for ever. Breaking the connection from outside ends
that, and costs a statement two reads of the clock.
"""

import contextlib
import math
import socket
import threading
import time
from typing import Any

from waddlebot.libs.dal.postgresql_connection import driver


class Patient:
    """Who waits for answers on one connection, `patience_s` at most for each."""

    def __init__(self, patience_s: float) -> None:
        self.connection: Any = None
        self.answered_at = -math.inf
        """When the newest statement that was answered had been sent, by the monotonic clock."""
        self._patience_s = patience_s
        self._since = math.inf
        self._closing = threading.Lock()

    def send(self, cursor: Any, statement: bytes | str) -> None:
        """Run a statement on the connection's cursor. Raises the driver's errors."""
        self._since = since = time.monotonic()
        try:
            cursor.execute(statement)
            self.answered_at = since
        finally:
            self._since = math.inf

    def disconnect(self) -> None:
        """Close the connection, or what is left of it."""
        with self._closing:
            if self.connection is not None:
                self.close()
                self.connection = None

    def close(self) -> None:
        """Close the open connection."""
        with contextlib.suppress(driver().Error):
            self.connection.close()

    def give_up(self, before: float = -math.inf) -> None:
        """From another thread: break the connection if it waits for too long, or for a statement sent `before`."""
        if self._is_overdue(before):
            with self._closing, contextlib.suppress(driver().Error, OSError):
                if self.connection is not None and self._is_overdue(before):
                    # A duplicate of the descriptor: the descriptor itself is libpq's to close.
                    with socket.fromfd(self.connection.fileno(), socket.AF_INET, socket.SOCK_STREAM) as wire:
                        wire.shutdown(socket.SHUT_RDWR)

    def _is_overdue(self, before: float) -> bool:
        since = self._since
        return since < math.inf and (since <= before or time.monotonic() - since > self._patience_s)
