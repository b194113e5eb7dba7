"""Writes lines in batches behind the standard logging API.

A handler that formats, locks and writes for each record costs 15 µs a record; one that appends it to a buffer
costs less than one. A thread writes the buffer once a second, when it is long, and at exit; warnings and
worse are written before the logging call returns. A process killed between two writes loses at most the last
second of lines below WARNING.
"""

import contextlib
import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Protocol

from waddlebot.libs.audit.redact import Redactor

FLUSH_EVERY_S = 1.0
BATCH_SIZE = 1_000
"""Records that wake the writer before its second is over."""
BUFFER_MAX = 100_000
"""Records kept while the disk stands still; further ones are counted and dropped."""
FILE_SIZE_MAX = 20 * 1024 * 1024
FILES_MAX = 10
RETRY_AFTER_S = 5.0


class Sink(Protocol):
    """Where lines go."""

    def write(self, lines: Sequence[tuple[int, str]]) -> None:
        """Take ``(level, line)`` pairs. Raises nothing: a full disk must not stop a bot."""

    def close(self) -> None:
        """Let go of what is open."""


class ConsoleSink:
    """Plain lines on standard error, from ``level`` on."""

    def __init__(self, level: int = logging.NOTSET) -> None:
        self.level = level

    def write(self, lines: Sequence[tuple[int, str]]) -> None:
        """See :class:`Sink`."""
        self.say("".join(f"{line}\n" for level, line in lines if level >= self.level))

    def stand_in(self, lines: Sequence[tuple[int, str]]) -> None:
        """Write what :meth:`write` left out, because nobody else can."""
        self.say("".join(f"{line}\n" for level, line in lines if level < self.level))

    def say(self, text: str) -> None:
        """Write text as it is."""
        stream = sys.stderr  # looked up each time: tests and services replace it
        if not text or stream is None:
            return
        with contextlib.suppress(OSError, ValueError):  # a closed pipe or stream
            stream.write(text)
            stream.flush()

    def close(self) -> None:
        """See :class:`Sink`."""


class FileSink:
    """Rotated files. While they cannot be written, the console stands in, after one warning.

    It tries again every few seconds, and says so once it succeeds.
    """

    def __init__(
        self,
        path: Path,
        console: ConsoleSink,
        *,
        size_max: int = FILE_SIZE_MAX,
        files_max: int = FILES_MAX,
        retry_after_s: float = RETRY_AFTER_S,
    ) -> None:
        self._path = path
        self._console = console
        self._retry_after_s = retry_after_s
        self._failed_at: float | None = None
        self._missed = 0
        # The standard library rotates; it is handed a whole batch as one record.
        self._file = _Rotated(
            path, maxBytes=size_max, backupCount=files_max, encoding="utf-8", delay=True, errors="backslashreplace"
        )

    def write(self, lines: Sequence[tuple[int, str]]) -> None:
        """See :class:`Sink`."""
        if self._failed_at is not None and time.monotonic() - self._failed_at < self._retry_after_s:
            self._miss(lines)
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file.append("".join(f"{line}\n" for _, line in lines))
        except OSError as error:
            self._fail(error)
            self._miss(lines)
            return
        if self._failed_at is not None:
            self._failed_at = None
            self._console.say(f"{self._path} is written again; {self._missed} lines went to the console only.\n")
            self._missed = 0

    def close(self) -> None:
        """See :class:`Sink`."""
        with contextlib.suppress(OSError):
            self._file.close()

    def _fail(self, error: OSError) -> None:
        if self._failed_at is None:
            self._console.say(
                f"{self._path} cannot be written ({error.strerror or error}), so log lines go to the console "
                "until it can. Free some space, or point LOG_DIR to a folder that the bot may write to.\n"
            )
        self._failed_at = time.monotonic()
        self.close()

    def _miss(self, lines: Sequence[tuple[int, str]]) -> None:
        self._missed += len(lines)
        self._console.stand_in(lines)


class _Rotated(RotatingFileHandler):
    """A rotating file that takes text and raises what goes wrong."""

    terminator = ""

    def append(self, text: str) -> None:
        """Write ``text``, rotating first where it would not fit. Raises ``OSError``."""
        self.emit(logging.makeLogRecord({"msg": text}))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the standard library's name
        """Called while the error is being handled: let it out."""
        raise  # noqa: PLE0704  the base calls this inside its except clause


class BufferedHandler(logging.Handler):
    """Keeps records and has a thread write them; see the module's words on when."""

    def __init__(
        self,
        formatter: logging.Formatter,
        redactor: Redactor,
        sinks: Sequence[Sink],
        *,
        flush_every_s: float = FLUSH_EVERY_S,
        buffer_max: int = BUFFER_MAX,
    ) -> None:
        super().__init__()
        self.formatter = formatter
        self._redactor = redactor
        self._sinks = sinks
        self._flush_every_s = flush_every_s
        self._buffer_max = buffer_max
        self._records: deque[logging.LogRecord] = deque()
        self._dropped = 0
        self._writing = threading.RLock()  # a finaliser may log while its thread writes
        self._some = threading.Event()
        self._many = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="audit-writer", daemon=True)
        self._thread.start()

    def handle(self, record: logging.LogRecord) -> bool:
        """Take a record. The base's lock is not needed: appending to a deque is atomic."""
        if self.filters and not self.filter(record):
            return False
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the record; write at once what is a warning or worse."""
        records = self._records
        if len(records) >= self._buffer_max:
            self._dropped += 1
            return
        if record.args:
            _settle(record)
        records.append(record)
        if record.levelno >= logging.WARNING or self._closed:
            self.flush()
        elif not self._some.is_set():
            self._some.set()
        elif len(records) == BATCH_SIZE:
            self._many.set()

    def flush(self) -> None:
        """Write what is kept. Called by the standard library at exit, too."""
        with self._writing:
            self._some.clear()
            self._many.clear()
            while lines := self._taken():
                for sink in self._sinks:
                    sink.write(lines)

    def close(self) -> None:
        """Write what is left and stop the thread; later records are written at once."""
        if not self._closed:
            self._closed = True
            self._some.set()
            self._many.set()
            if threading.current_thread() is not self._thread:
                self._thread.join(timeout=5)
            self.flush()
            for sink in self._sinks:
                sink.close()
        super().close()

    def _taken(self) -> list[tuple[int, str]]:
        """Up to a batch of lines, redacted; an empty list when nothing is left."""
        found: list[tuple[int, str]] = []
        with contextlib.suppress(IndexError):  # nothing left
            while len(found) < BATCH_SIZE:
                record = self._records.popleft()
                found.append((record.levelno, self._redactor.redact(self.format(record))))
        if self._dropped and len(found) < BATCH_SIZE:
            dropped, self._dropped = self._dropped, 0
            words = f"{dropped} log records were dropped: they came faster than they could be written."
            found.append((logging.WARNING, words))
        return found

    def _run(self) -> None:
        while not self._closed:
            self._some.wait()
            self._many.wait(self._flush_every_s)
            self.flush()


def _settle(record: logging.LogRecord) -> None:
    """Put the message together now: its arguments may change before the line is written."""
    try:
        record.msg = record.getMessage()
    except Exception:  # arguments that do not fit, or cannot be shown, must not cost the line
        record.msg = f"{record.msg} (with {len(record.args or ())} arguments that do not fit)"
    record.args = None
