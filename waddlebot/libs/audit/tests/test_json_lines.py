"""Log lines as JSON: one object a line, whatever a record holds, and no secret in it."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.libs import audit
from waddlebot.libs.audit.json_lines import JsonFormatter
from waddlebot.libs.audit.redact import REDACTED, Redactor


@pytest.fixture
def log(tmp_path: Path) -> Iterator[audit.AuditLog]:
    with audit.setup(tmp_path, logging.INFO, form="json") as log:
        yield log


def written(log: audit.AuditLog, folder: Path) -> list[dict[str, Any]]:
    log.flush()
    return [json.loads(line) for line in (folder / "waddlebot.log").read_text("utf-8").splitlines()]


def test_an_event_is_one_object(log: audit.AuditLog, tmp_path: Path) -> None:
    audit.event(audit.Category.AUTH, "web", "home", "key:laptop", "login", "DENIED", address="127.0.0.1")
    (found,) = written(log, tmp_path)
    assert found.pop("time").endswith("Z")
    assert found.pop("version")
    assert found == {
        "level": "WARNING", "module": "web", "event_type": "AUTH", "community": "home", "user": "key:laptop",
        "action": "login", "result": "DENIED", "details": {"address": "127.0.0.1"},
    }  # fmt: skip


def test_a_failure_is_one_object_with_its_trace(log: audit.AuditLog, tmp_path: Path) -> None:
    try:
        raise ZeroDivisionError("by\nnothing")
    except ZeroDivisionError:
        logging.getLogger("waddlebot.core.identity").exception("it %s", "broke")
    (found,) = written(log, tmp_path)
    assert (found["module"], found["event_type"], found["message"]) == ("core.identity", "ERROR", "it broke")
    assert "ZeroDivisionError: by" in found["trace"]


@given(st.text(), st.text())
def test_whatever_it_holds_it_is_one_line_of_json_before_and_after_redaction(message: str, name: str) -> None:
    record = logging.makeLogRecord(
        {"name": name, "msg": message, "community": name, "levelname": "INFO", "levelno": 20}
    )
    line = JsonFormatter("1").format(record)
    assert "\n" not in line
    assert json.loads(line)["event_type"] == "SYSTEM"
    assert json.loads(Redactor().redact(line))["level"] == "INFO"


def test_secrets_are_blanked_and_it_stays_json() -> None:
    redactor = Redactor()
    redactor.register('s3cret"quoted')
    text = 'password=s3cret"quoted token: "abc", https://me:hunter22@example.org Authorization: Bearer abcdefghij'
    line = redactor.redact(
        JsonFormatter("1").format(logging.makeLogRecord({"name": "a", "msg": text, "levelno": 20}))
    )
    found = json.loads(line)
    assert REDACTED in found["message"]
    for secret in ("s3cret", "hunter22", "abcdefghij"):
        assert secret not in line
