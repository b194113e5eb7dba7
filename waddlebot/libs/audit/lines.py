"""One record, one line: ``[timestamp] LEVEL module:version EVENT_TYPE community=X user=Y action=Z result=STATUS``.

Whatever a record holds may come from a stranger, so nothing in it can start a line, move a terminal's cursor
or pose as a field.
"""

import logging
import re
import time
import traceback
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

VALUE_MAX = 500
"""Characters of one field; what is longer is cut."""
TEXT_MAX = 8_000
"""Characters of a message or of one line of a traceback."""

# Control characters (C0, DEL, C1), the two line separators beyond them, and what reorders text on a screen.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_BARE = re.compile(r"[\w.:@/#+,*~!-]+")
PACKAGE = "waddlebot."
"""What all our loggers' names begin with, and no line needs to say."""


class Category(StrEnum):
    """What a line is about: who somebody is, what they may do, what they did, what broke, how we are."""

    AUTH = "AUTH"
    AUTHZ = "AUTHZ"
    AUDIT = "AUDIT"
    ERROR = "ERROR"
    SYSTEM = "SYSTEM"


_BLANK = logging.makeLogRecord({"name": "waddlebot.audit", "processName": None, "process": None}).__dict__


class EventRecord(logging.LogRecord):
    """An audit event on its way through ``logging``; its words are put together only when it is written."""

    def __init__(
        self,
        level: int,
        category: str,
        module_name: str,
        community: str,
        user: str,
        action: str,
        result: str,
        details: Mapping[str, Any],
    ) -> None:
        # The base looks up thread, process and task, which the line does not have: most of a record's cost.
        self.__dict__ = {
            **_BLANK,
            "levelno": level,
            "levelname": logging.getLevelName(level),
            "created": time.time(),
            "category": category,
            "module_name": module_name,
            "community": community,
            "user": user,
            "action": action,
            "result": result,
            "details": details,
        }

    def getMessage(self) -> str:  # noqa: N802  the standard library's name
        """The fields, as any other handler shows them."""
        fields = vars(self)
        head = f"{fields['category']} {_fields(fields)}"
        return head + "".join(f" {quoted(name)}={quoted(value)}" for name, value in fields["details"].items())


class LineFormatter(logging.Formatter):
    """Makes lines of records. ``version`` is what follows each module's name."""

    def __init__(self, version: str) -> None:
        super().__init__()
        self._version = version
        self._second = -1
        self._stamp = ""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line; an exception follows in indented lines, which pass for no record."""
        fields = vars(record)
        if isinstance(record, EventRecord):
            line = f"{self._head(record, fields['module_name'])} {record.getMessage()}"
        else:
            category = Category.ERROR if record.levelno >= logging.ERROR else Category.SYSTEM
            head = self._head(record, record.name.removeprefix(PACKAGE))
            line = f"{head} {category} {_fields(fields)} {safe(record.getMessage(), TEXT_MAX)}"
        if record.stack_info:
            line += indented(record.stack_info)
        if record.exc_info and record.exc_info[0] is not None:
            line += indented("".join(traceback.format_exception(*record.exc_info)))
        return line

    def _head(self, record: logging.LogRecord, module: str) -> str:
        second = int(record.created)
        if second != self._second:
            self._second, self._stamp = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        milliseconds = int((record.created - second) * 1000)
        return f"[{self._stamp}.{milliseconds:03}Z] {record.levelname} {quoted(module)}:{self._version}"


def safe(text: str, length_max: int) -> str:
    r"""``text`` without anything that moves a cursor or ends a line; such characters show as ``\x1b``."""
    if len(text) > length_max:
        text = f"{text[:length_max]}… ({len(text)} characters)"
    if text.isprintable():
        return text
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def quoted(value: object) -> str:
    """A field's value: bare where it is one plain word, else in quotes; ``-`` where there is none."""
    text = "" if value is None else str(value)
    if not text:
        return "-"
    if len(text) <= VALUE_MAX and _BARE.fullmatch(text):
        return text
    text = safe(text, VALUE_MAX).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def indented(text: str) -> str:
    """Further lines of a record, each set in, so that none of them can pass for a record."""
    return "".join(f"\n    {safe(line, TEXT_MAX)}" for line in text.splitlines())


def _fields(fields: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={quoted(fields.get(name))}" for name in ("community", "user", "action", "result"))
