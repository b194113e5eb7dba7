"""What the log lines look like, what can never be in them, and what happens when they cannot be written."""

import errno
import io
import json
import logging
import re
import sys
import threading
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.libs import audit
from waddlebot.libs.audit.lines import LineFormatter, quoted
from waddlebot.libs.audit.redact import REDACTED, Redactor
from waddlebot.libs.audit.writer import BufferedHandler, ConsoleSink, FileSink

LINE = re.compile(
    r"\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\] (DEBUG|INFO|WARNING|ERROR|CRITICAL) \S+:\S+ "
    r"(AUTH|AUTHZ|AUDIT|ERROR|SYSTEM) community=\S+ user=(\S+|\".*\") action=(\S+|\".*\") result=\S+.*"
)


@pytest.fixture
def log_dir(tmp_path: Path) -> Path:
    return tmp_path / "logs"


@pytest.fixture
def log(log_dir: Path) -> Iterator[audit.AuditLog]:
    with audit.setup(log_dir, logging.INFO) as log:
        yield log


def written(log: audit.AuditLog, log_dir: Path) -> list[str]:
    log.flush()
    return (log_dir / "waddlebot.log").read_text().splitlines()


def test_an_event_is_one_line_of_the_promised_shape(log: audit.AuditLog, log_dir: Path) -> None:
    audit.event(
        audit.Category.AUTH, "web", "home", "key:laptop", "login", "OK", address="127.0.0.1", note="two words"
    )
    (line,) = written(log, log_dir)
    assert LINE.fullmatch(line)
    assert re.search(
        r"INFO web:[\d.]+ AUTH community=home user=key:laptop action=login result=OK "
        r'address=127.0.0.1 note="two words"$',
        line,
    )


def test_an_ordinary_record_has_the_same_shape(log: audit.AuditLog, log_dir: Path) -> None:
    logging.getLogger("waddlebot.core.identity").info("linked %d accounts", 3)
    logging.getLogger("elsewhere").error("lost")
    first, second = written(log, log_dir)
    assert LINE.fullmatch(first)
    assert " INFO core.identity:" in first
    assert first.endswith(" SYSTEM community=- user=- action=- result=- linked 3 accounts")
    assert LINE.fullmatch(second)
    assert " ERROR community=-" in second


def test_an_event_is_written_whatever_the_level(log_dir: Path) -> None:
    with audit.setup(log_dir, "ERROR") as log:
        audit.event(audit.Category.AUDIT, "m", "home", "u", "change", "OK")
        logging.getLogger("x").info("quiet")
        assert len(written(log, log_dir)) == 1


def test_a_level_that_does_not_exist_is_refused_by_name(log_dir: Path) -> None:
    with pytest.raises(ValueError, match="LOG_LEVEL is one of"):
        audit.setup(log_dir, "LOUD")


@given(st.text())
def test_no_text_starts_a_line_or_moves_the_cursor(text: str) -> None:
    record = logging.makeLogRecord({"msg": text, "name": text, "levelno": logging.INFO, "levelname": "INFO"})
    line = LineFormatter("1").format(record)
    assert line.splitlines() == [line]
    assert not re.search("[\x00-\x1f\x7f-\x9f]", line)


@given(st.text(min_size=1))
def test_no_value_poses_as_a_field(value: str) -> None:
    shown = quoted(value)
    assert re.fullmatch(r'[^\s="\\]+|"([^"\\]|\\.)*"', shown)


def test_a_traceback_is_set_in_so_that_it_cannot_pass_for_a_record(log: audit.AuditLog, log_dir: Path) -> None:
    try:
        raise RuntimeError(
            "no\n[2026-01-01T00:00:00.000Z] INFO web:1 AUTH community=home user=x action=y result=OK\x1b[2J"
        )
    except RuntimeError:
        logging.getLogger("x").exception("broke")
    lines = written(log, log_dir)
    assert [line for line in lines if LINE.match(line)] == lines[:1]
    assert all(line.startswith("    ") for line in lines[1:])
    assert any("\\x1b[2J" in line for line in lines)


@pytest.mark.parametrize(
    "text",
    [
        "GET /?token=hunter2secret&x=1",
        "https://irc.example/login?access_token=hunter2secret",
        "PASS hunter2secret",
        "oauth:hunter2secret",
        "Authorization: Bearer hunter2secret",
        "authorization=Basic hunter2secret",
        "{'Authorization': 'Bearer hunter2secret'}",
        "X-API-Key: hunter2secret",
        '{"password": "with blanks hunter2secret"}',
        "password=hunter2secret",
        "client_secret: hunter2secret",
        "ircs://nick:hunter2secret@irc.example:6697",
        "Cookie: waddlebot_console=hunter2secret; other=hunter2secret",
        "key wbk_hunter2secret was refused",
        "key wbo_hunter2secret.hunter2secret was refused",
        "AUTHENTICATE hunter2secret",
    ],
)
def test_secrets_are_blanked_out_by_the_words_around_them(text: str) -> None:
    shown = Redactor().redact(text)
    assert "hunter2secret" not in shown
    assert REDACTED in shown


@pytest.mark.parametrize(
    "text", ["the token bucket is full", "a pass for everyone", "key:laptop", "community=home user=a"]
)
def test_ordinary_words_stay(text: str) -> None:
    assert Redactor().redact(text) == text


def test_registered_values_are_blanked_out_also_in_urls() -> None:
    redactor = Redactor()
    redactor.register("s3cr3t&value", "abc")
    assert redactor.redact("x s3cr3t&value y s3cr3t%26value abc") == f"x {REDACTED} y {REDACTED} abc"


@pytest.mark.parametrize("shown", [str, repr, json.dumps, urllib.parse.quote, lambda value: f"PASS oauth:{value}"])
def test_a_registered_value_is_hidden_however_it_is_written(shown: Callable[[str], str]) -> None:
    redactor = Redactor()
    value = "p\"a's\\s wörd"
    redactor.register("oauth:" + value)
    assert "wörd" in value
    for part in ("wörd", "w\\u00f6rd", "w%C3%B6rd"):
        assert part not in redactor.hide(f"got {shown(value)} here")


def test_hiding_leaves_words_that_only_announce_a_secret() -> None:
    redactor = Redactor()
    redactor.register("s3cr3t")
    advice = "set TWITCH_BOT_TOKEN: without a token nobody speaks"
    assert redactor.hide(f"{advice} (s3cr3t)") == f"{advice} ({REDACTED})"


def test_a_secret_in_an_event_or_its_details_is_not_written(log: audit.AuditLog, log_dir: Path) -> None:
    log.redactor.register("correct horse")
    audit.event(
        audit.Category.AUTH, "web", "home", "x", "login", "DENIED", why="got correct horse", password="p4ss phrase"
    )
    (line,) = written(log, log_dir)
    assert "horse" not in line
    assert "p4ss" not in line
    assert "phrase" not in line


def test_a_warning_is_written_before_the_call_returns(log: audit.AuditLog, log_dir: Path) -> None:
    logging.getLogger("x").info("first")
    logging.getLogger("x").warning("now")
    lines = (log_dir / "waddlebot.log").read_text().splitlines()
    assert [line.rsplit(" ", 1)[1] for line in lines] == ["first", "now"]


class _Collected:
    """A sink that says when lines arrived."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.arrived = threading.Event()

    def write(self, lines: Sequence[tuple[int, str]]) -> None:
        self.lines += [line for _, line in lines]
        self.arrived.set()

    def close(self) -> None:
        pass


def _logger(handler: logging.Handler) -> logging.Logger:
    logger = logging.Logger("t")
    logger.addHandler(handler)
    return logger


def test_the_buffer_is_written_when_its_time_has_come() -> None:
    sink = _Collected()
    handler = BufferedHandler(LineFormatter("1"), Redactor(), [sink], flush_every_s=0.01)
    _logger(handler).info("soon")
    assert sink.arrived.wait(10)
    handler.close()
    assert len(sink.lines) == 1


def test_a_full_batch_does_not_wait_for_its_time() -> None:
    sink = _Collected()
    handler = BufferedHandler(LineFormatter("1"), Redactor(), [sink], flush_every_s=3600)
    logger = _logger(handler)
    for number in range(1_000):
        logger.info("line %d", number)
    assert sink.arrived.wait(10)
    handler.close()
    assert [int(line.rsplit(" ", 1)[1]) for line in sink.lines] == list(range(1_000))


def test_closing_writes_the_rest_and_later_records_at_once() -> None:
    sink = _Collected()
    handler = BufferedHandler(LineFormatter("1"), Redactor(), [sink], flush_every_s=3600)
    logger = _logger(handler)
    logger.info("kept")
    handler.close()
    assert len(sink.lines) == 1
    logger.info("late")
    assert len(sink.lines) == 2


def test_arguments_are_taken_as_they_were() -> None:
    sink = _Collected()
    handler = BufferedHandler(LineFormatter("1"), Redactor(), [sink], flush_every_s=3600)
    values = [1]
    _logger(handler).info("values %s", values)
    _logger(handler).info("number %d", "none")
    values.append(2)
    handler.close()
    assert sink.lines[0].endswith("values [1]")
    assert "number %d" in sink.lines[1]


def test_what_does_not_fit_is_dropped_and_counted() -> None:
    sink = _Collected()
    handler = BufferedHandler(LineFormatter("1"), Redactor(), [sink], flush_every_s=3600, buffer_max=10)
    logger = _logger(handler)
    for _ in range(25):
        logger.info("x")
    handler.close()
    assert len(sink.lines) == 11
    assert sink.lines[-1].startswith("15 log records were dropped")


def test_threads_lose_nothing() -> None:
    sink = _Collected()
    handler = BufferedHandler(LineFormatter("1"), Redactor(), [sink], flush_every_s=0.001)
    logger = _logger(handler)

    def work(name: str) -> None:
        for number in range(500):
            logger.log(logging.WARNING if number % 50 == 0 else logging.INFO, "%s-%d", name, number)

    threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    handler.close()
    assert len(sink.lines) == 2_000
    assert {line.rsplit(" ", 1)[1] for line in sink.lines} == {f"t{t}-{n}" for t in range(4) for n in range(500)}


def test_files_are_rotated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    sink = FileSink(tmp_path / "a.log", ConsoleSink(), size_max=1_000, files_max=2)
    for number in range(100):
        sink.write([(logging.INFO, f"{number:04} " + "x" * 95)])
    sink.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.log", "a.log.1", "a.log.2"]
    assert all(path.stat().st_size <= 1_000 for path in tmp_path.iterdir())
    assert "0099 " in (tmp_path / "a.log").read_text()


def test_a_folder_that_cannot_be_made_costs_one_warning_and_heals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "logs"
    blocked.write_text("a file where the folder should be")
    console = io.StringIO()
    monkeypatch.setattr(sys, "stderr", console)
    sink = FileSink(blocked / "a.log", ConsoleSink(logging.WARNING), retry_after_s=0)
    sink.write([(logging.INFO, "one")])
    sink.write([(logging.INFO, "two"), (logging.WARNING, "shown by the console itself")])
    warning, *rest = console.getvalue().splitlines()
    assert "cannot be written" in warning
    assert "LOG_DIR" in warning
    assert rest == ["one", "two"]
    blocked.unlink()
    sink.write([(logging.INFO, "three")])
    assert (blocked / "a.log").read_text() == "three\n"
    assert "written again; 3 lines" in console.getvalue().splitlines()[-1]
    sink.close()


def test_a_full_disk_does_not_stop_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.log"
    path.symlink_to("/dev/full")
    console = io.StringIO()
    monkeypatch.setattr(sys, "stderr", console)
    sink = FileSink(path, ConsoleSink(logging.WARNING), retry_after_s=0)
    sink.write([(logging.INFO, "one")])
    sink.write([(logging.INFO, "two")])
    assert "No space left" in console.getvalue()
    assert console.getvalue().splitlines()[1:] == ["one", "two"]
    path.unlink()
    sink.write([(logging.INFO, "three")])
    assert path.read_text() == "three\n"
    sink.close()


def test_a_closed_console_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError(errno.EPIPE, "gone")

    monkeypatch.setattr(sys, "stderr", Closed())
    ConsoleSink().write([(logging.INFO, "x")])
    monkeypatch.setattr(sys, "stderr", None)
    ConsoleSink().write([(logging.INFO, "x")])


def test_a_second_setup_replaces_the_first(tmp_path: Path) -> None:
    with audit.setup(tmp_path / "a", "INFO"), audit.setup(tmp_path / "b", "INFO") as second:
        logging.getLogger("x").info("here")
        second.flush()
        assert "here" in (tmp_path / "b" / "waddlebot.log").read_text()
        assert not (tmp_path / "a" / "waddlebot.log").exists()
    assert not any(isinstance(handler, BufferedHandler) for handler in logging.getLogger().handlers)


def test_other_handlers_can_show_events(log: audit.AuditLog, caplog: pytest.LogCaptureFixture) -> None:
    audit.event(audit.Category.AUTHZ, "web", "home", "key:x", "route", "DENIED", role="trigger")
    assert caplog.messages == ["AUTHZ community=home user=key:x action=route result=DENIED role=trigger"]
    assert caplog.records[0].levelno == logging.WARNING
