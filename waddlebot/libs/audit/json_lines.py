"""One record, one JSON object on one line: what collectors of container logs read without being taught."""

import json
import logging
import time
import traceback
from typing import Any

from waddlebot.libs.audit.lines import PACKAGE, TEXT_MAX, VALUE_MAX, Category, EventRecord, safe

_FIELDS = ("community", "user", "action", "result")


class JsonFormatter(logging.Formatter):
    """Makes JSON of records, with the names that the text lines use. ``version`` is the program's."""

    def __init__(self, version: str) -> None:
        super().__init__()
        self._version = version

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON. Fields that are empty are left out; a field never has another's name."""
        fields = vars(record)
        event = isinstance(record, EventRecord)
        category = Category.ERROR if record.levelno >= logging.ERROR else Category.SYSTEM
        found: dict[str, Any] = {
            "time": _stamp(record.created),
            "level": record.levelname,
            "module": fields["module_name"] if event else record.name.removeprefix(PACKAGE),
            "version": self._version,
            "event_type": str(fields["category"]) if event else str(fields.get("category") or category),
        }
        found |= {name: safe(str(value), VALUE_MAX) for name in _FIELDS if (value := fields.get(name))}
        if event:
            found["details"] = {
                str(name): safe(str(value), VALUE_MAX) for name, value in fields["details"].items()
            }
        else:
            found["message"] = safe(record.getMessage(), TEXT_MAX)
        trace = record.stack_info or ""
        if record.exc_info and record.exc_info[0] is not None:
            trace += "".join(traceback.format_exception(*record.exc_info))
        if trace:
            found["trace"] = [safe(line, TEXT_MAX) for line in trace.splitlines()]
        return json.dumps(found, ensure_ascii=False)


def _stamp(seconds: float) -> str:
    whole = int(seconds)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{int((seconds - whole) * 1000):03}Z"
