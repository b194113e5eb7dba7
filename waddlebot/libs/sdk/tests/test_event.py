"""The one event type: its order is locked, its bytes are for ever."""

import importlib.resources
import itertools
import json
from typing import Any

import msgspec
import pytest

from waddlebot.libs.sdk import EVENT_VERSION, Event
from waddlebot.libs.sdk.event import Codec

FIELDS: dict[str, Any] = {
    "version": 1, "id": "e1", "kind": "chat.message", "platform": "irc", "server": "net", "channel": "#room",
    "user_id": "u7", "user_login": "ann", "user_name": "Ann", "roles": ("vip",), "text": "!hi",
    "occurred_at": 1.5, "received_at": 2.5, "community": "home", "source": "key:1", "native": "", "data": {"n": 1},
}  # fmt: skip


def lock() -> dict[str, list[str]]:
    raw = (importlib.resources.files("waddlebot.libs.sdk") / "events.lock").read_text("utf-8")
    locked: dict[str, list[str]] = json.loads(raw)
    return locked


def test_the_fields_are_the_locked_ones_in_their_order() -> None:
    assert list(Event.__struct_fields__) == lock()[str(EVENT_VERSION)]


def test_versions_only_append_and_what_they_append_has_a_default() -> None:
    versions = [fields for _, fields in sorted(lock().items(), key=lambda item: int(item[0]))]
    for older, newer in itertools.pairwise(versions):
        assert newer[: len(older)] == older
    optional = set(Event.__struct_fields__[-len(Event.__struct_defaults__) :])
    assert set(versions[-1]) - set(versions[0]) <= optional


GOLDEN_1 = (
    "91dc001101a26531ac636861742e6d657373616765a3697263a36e6574a523726f6f6da27537a3616e6ea3416e6e91a3766970a3216869"
    "cb3ff8000000000000cb4004000000000000a4686f6d65a56b65793a31a081a16e01"
)


def test_golden_bytes_of_version_1() -> None:
    assert Codec.decode(bytes.fromhex(GOLDEN_1)) == [Event(**FIELDS)]
    assert Codec.encode([Event(**FIELDS)]).hex() == GOLDEN_1


def test_an_event_of_a_later_version_is_read_up_to_what_we_know() -> None:
    later = msgspec.msgpack.encode([[*FIELDS.values(), "a field of tomorrow"]])
    assert Codec.decode(later) == [Event(**FIELDS)]


def test_an_event_without_the_last_fields_gets_their_defaults() -> None:
    short = msgspec.msgpack.encode([list(FIELDS.values())[:13]])
    [event] = Codec.decode(short)
    assert (event.community, event.source, event.native, event.data) == ("", "", "", {})


@pytest.mark.parametrize("raw", [b"", b"\x00", b"\x91\xc0", msgspec.msgpack.encode([["1"]])])
def test_what_is_no_batch_is_refused(raw: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        Codec.decode(raw)


def test_names_of_where_and_who() -> None:
    event = Event(**FIELDS)
    assert (event.entity, event.account) == ("irc:net:#room", "irc:u7")


def test_data_as_a_typed_record() -> None:
    class Payload(msgspec.Struct):
        n: int

    assert Event(**FIELDS).payload(Payload) == Payload(1)
    with pytest.raises(msgspec.ValidationError):
        Event(**{**FIELDS, "data": {"n": "one"}}).payload(Payload)
