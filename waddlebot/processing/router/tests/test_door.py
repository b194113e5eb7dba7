import datetime
import json
from typing import Any

import pytest

from waddlebot.libs.web.errors import HttpError
from waddlebot.processing.router.door import BATCH_MAX, TEXT_MAX, decode, wait_of

LINE = {
    "id": "1", "kind": "chat.message", "platform": "p", "server": "s", "channel": "c", "user_id": "u",
    "text": "hi",
}  # fmt: skip


def body(**changes: Any) -> bytes:
    return json.dumps({name: value for name, value in (LINE | changes).items() if value is not None}).encode()


def refusal(raw: bytes) -> HttpError:
    with pytest.raises(HttpError) as caught:
        decode(raw)
    return caught.value


def test_one_event_or_a_list() -> None:
    assert decode(body())[0].text == "hi"
    assert decode(body(platform="twitch", server=""))[0].server == ""
    assert [one.id for one in decode(b" [" + body() + b"," + body(id="2") + b"]")] == ["1", "2"]


@pytest.mark.parametrize(
    ("raw", "status", "words"),
    [
        (b"", 400, "no JSON"),
        (b"{", 400, "no JSON"),
        (b"nonsense", 400, "no JSON"),
        (b"\xff\xfe", 400, "no JSON"),
        (b"7", 400, "Event 0 is no object"),
        (b"[7]", 400, "Event 0 is no object"),
        (b"[]", 400, "empty"),
        (b"[" * 100_000, 400, "no JSON"),
        (body(colour="red", size=3), 400, "unknown: colour, size; known: id, kind"),
        (body(id=None, kind=None), 400, "missing: id, kind"),
        (body(id=None, colour="red"), 400, "unknown: colour; known: id, kind, platform, server, channel"),
        (body(id=""), 400, "missing or empty: id"),
        (body(text=None, user_id=None), 400, "missing or empty: user_id, text"),
        (body(id=7), 400, "Expected `str`, got `int`"),
        (body(id="a\nb"), 400, "control characters"),
        (body(channel="x" * 201), 400, "at most 200"),
        (body(platform="a:b"), 400, "no colon"),
        (body(platform="console"), 400, "door of its own"),
        (body(text="x" * (TEXT_MAX + 1)), 400, "at most 5000"),
        (body(roles=["r"] * 21), 400, "at most 20"),
        (body(data={"x": "y" * 70_000}), 400, "65536 bytes"),
        (b"[" + b",".join([body()] * (BATCH_MAX + 1)) + b"]", 413, "at most 100"),
    ],
)
def test_refused_with_what_is_wrong(raw: bytes, status: int, words: str) -> None:
    refused = refusal(raw)
    assert refused.status == status
    assert words in refused.detail


def test_other_kinds_need_no_user_and_no_text() -> None:
    assert decode(body(kind="stream.online", user_id=None, text=None))[0].kind == "stream.online"


def test_waiting() -> None:
    assert wait_of("") == 0
    assert wait_of("wait=2.5") == 2.5
    for wrong in ("wait=", "wait=-1", "wait=31", "wait=soon", "wait=nan"):
        with pytest.raises(HttpError, match="from 0 to 30"):
            wait_of(wrong)
    with pytest.raises(HttpError, match="Unknown parameter: colour"):
        wait_of("colour=red")


def test_times() -> None:
    from waddlebot.processing.router.door import _occurred

    now = 1_800_000_000.0
    assert _occurred(None, now, 0) == now
    assert _occurred(now - 5, now, 0) == now - 5
    assert _occurred(now + 5, now, 0) == now, "a clock a little ahead is not the future"
    written = datetime.datetime.fromtimestamp(now - 60, datetime.UTC).isoformat()
    assert _occurred(written, now, 0) == now - 60
    assert _occurred(written.removesuffix("+00:00"), now, 0) == now - 60
    for wrong in (-1.0, now + 86_400, float("nan"), "yesterday", "2026-13-01"):
        with pytest.raises(HttpError, match="occurred_at"):
            _occurred(wrong, now, 0)
