"""Sets logging up for a process, and reports events."""

import logging
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from waddlebot.libs.audit.json_lines import JsonFormatter
from waddlebot.libs.audit.lines import Category, EventRecord, LineFormatter
from waddlebot.libs.audit.redact import Redactor
from waddlebot.libs.audit.writer import BufferedHandler, ConsoleSink, FileSink, Sink

_LOGGER = logging.getLogger("waddlebot.audit")

_FORMATTERS: Mapping[str, Callable[[str], logging.Formatter]] = {"text": LineFormatter, "json": JsonFormatter}
FORMS = tuple(_FORMATTERS)
"""How log lines may be written."""

_FAILURES = frozenset({"DENIED", "FAILED"})


def event(
    category: Category, module: str, community: str, user: str, action: str, result: str, **details: Any
) -> None:
    """Report what somebody did or was refused.

    ``user`` is an account (``platform:user_id``), a person or a key (``key:NAME``); ``result`` is ``OK``,
    ``DENIED`` or ``FAILED``, of which the last two are warnings. ``details`` follow the line as fields. It is
    written whatever ``LOG_LEVEL`` says.
    """
    if category is Category.ERROR:
        level = logging.ERROR
    else:
        level = logging.WARNING if result in _FAILURES else logging.INFO
    if _LOGGER.isEnabledFor(level):
        _LOGGER.handle(EventRecord(level, category, module, community, user, action, result, details))


class AuditLog:
    """Logging as set up for this process, until it is closed. ``redactor`` learns of secrets."""

    def __init__(self, handler: BufferedHandler, redactor: Redactor) -> None:
        self.handler = handler
        self.redactor = redactor

    def flush(self) -> None:
        """Write what is kept, now."""
        self.handler.flush()

    def close(self) -> None:
        """Write the rest, and take the handler out of ``logging``."""
        logging.getLogger().removeHandler(self.handler)
        self.handler.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def setup(
    log_dir: Path | str | None,
    level: int | str = logging.INFO,
    *,
    name: str = "waddlebot",
    console_level: int | str | None = None,
    form: str = "text",
) -> AuditLog:
    """Send all of ``logging`` to standard error and to ``log_dir/name.log``, rotated.

    Without ``log_dir`` there is no file. ``name`` tells processes apart that share the folder: two may not
    rotate one file. ``console_level`` quietens the console alone. ``form`` is one of ``FORMS``. Raises
    ``ValueError`` for a level that does not exist.
    """
    redactor = Redactor()
    console = ConsoleSink(_level(level if console_level is None else console_level))
    sinks: list[Sink] = [console]
    if log_dir is not None:
        sinks.append(FileSink(Path(log_dir) / f"{name}.log", console))
    handler = BufferedHandler(_FORMATTERS[form](_version()), redactor, sinks)
    root = logging.getLogger()
    for former in [h for h in root.handlers if isinstance(h, BufferedHandler)]:
        root.removeHandler(former)
        former.close()
    root.addHandler(handler)
    root.setLevel(_level(level))
    _LOGGER.setLevel(logging.INFO)
    # Looked up for every record and shown in none of our lines (Logging HOWTO, "Optimization").
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    return AuditLog(handler, redactor)


def _level(level: int | str) -> int:
    if isinstance(level, int):
        return level
    known = logging.getLevelNamesMapping()
    try:
        return known[level.upper()]
    except KeyError:
        raise ValueError(f"LOG_LEVEL is one of DEBUG, INFO, WARNING, ERROR, CRITICAL, not {level!r}.") from None


def _version() -> str:
    try:
        return version("waddlebot")
    except PackageNotFoundError:  # run from a copy of the source that was never installed
        return "0"
