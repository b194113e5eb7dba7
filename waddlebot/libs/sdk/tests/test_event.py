"""The one event type: its order is locked, its bytes are for ever."""

import importlib.resources
import itertools
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.libs.sdk import EVENT_VERSION, Event
from waddlebot.libs.sdk.event import Codec

FIELDS: dict[str, Any] = {
    "version": 1, "id": "e1", "kind": "chat.message", "platform": "irc", "server": "net", "channel": "#room",
    "user_id": "u7", "user_login": "ann", "user_name": "Ann", "roles": ("vip",), "text": "!hi",
    "occurred_at": 1.5, "received_at": 2.5, "community": "home", "source": "key:1", "native": "", "data": {"n": 1},
}  # fmt: skip


REQUIRED_1 = 13
"""So many fields every event of version 1 has."""


def lock() -> dict[str, list[str]]:
    raw = (importlib.resources.files("waddlebot.libs.sdk") / "events.lock").read_text("utf-8")
    locked: dict[str, list[str]] = json.loads(raw)
    return locked


def breaches(shape: type[msgspec.Struct], locked: dict[str, list[str]]) -> list[str]:
    """What bytes of another release would be misread for, were ``shape`` the event."""
    found: list[str] = []
    if not shape.__struct_config__.array_like:
        found.append("no array")
    versions = [locked[str(number)] for number in range(1, len(locked) + 1)]
    if list(shape.__struct_fields__) != versions[-1]:
        found.append("not the locked fields")
    if any(newer[: len(older)] != older for older, newer in itertools.pairwise(versions)):
        found.append("a version that does more than append")
    if {field.name for field in msgspec.structs.fields(shape) if field.required} - {*versions[0][:REQUIRED_1]}:
        found.append("an appended field without a default")
    return found


def declared(fields: list[Any], *, array_like: bool = True) -> type[msgspec.Struct]:
    return msgspec.defstruct("Event", fields, array_like=array_like)


def declaration(field: msgspec.structs.FieldInfo) -> tuple[Any, ...]:
    if field.required:
        return (field.name, field.type)
    made = field.default_factory is not msgspec.NODEFAULT
    return (field.name, field.type, field.default_factory() if made else field.default)


NOW: list[Any] = [declaration(field) for field in msgspec.structs.fields(Event)]


def test_the_event_is_the_locked_one() -> None:
    assert list(lock()) == [str(number) for number in range(1, EVENT_VERSION + 1)]
    assert breaches(Event, lock()) == []


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param([NOW[1], NOW[0], *NOW[2:]], id="moved"),
        pytest.param([*NOW[:15], NOW[16], NOW[15]], id="moved among those with defaults"),
        pytest.param([*NOW[:10], ("message", str), *NOW[11:]], id="renamed"),
        pytest.param([*NOW[:5], *NOW[6:]], id="removed"),
        pytest.param(NOW[:-1], id="removed from the end"),
        pytest.param([*NOW[:13], ("extra", str, ""), *NOW[13:]], id="inserted"),
        pytest.param([*NOW, ("extra", str, "")], id="appended and not locked"),
    ],
)
def test_a_field_cannot_move_vanish_or_slip_in(fields: list[Any]) -> None:
    assert "not the locked fields" in breaches(declared(fields), lock())


def test_a_field_is_appended_with_a_default_under_a_version_of_its_own() -> None:
    names = lock()[str(EVENT_VERSION)]
    locked = {**lock(), str(EVENT_VERSION + 1): [*names, "extra"]}
    assert breaches(declared([*NOW, ("extra", str, "")]), locked) == []
    required = [(name, kind) for name, kind, *_ in NOW]
    assert breaches(declared([*required, ("extra", str)]), locked) == ["an appended field without a default"]
    assert "a version that does more than append" in breaches(
        declared(NOW), {str(EVENT_VERSION): [*names[:-2], "data", "native"], str(EVENT_VERSION + 1): names}
    )
    assert breaches(declared(NOW, array_like=False), lock()) == ["no array"]


@pytest.mark.parametrize("version", list(lock()))
def test_golden_bytes_of_each_version_are_read_for_ever(version: str) -> None:
    folder = Path(__file__).parent / "fixtures"
    told = json.loads((folder / f"events-{version}.json").read_text("utf-8"))
    expected = [Event(**{**fields, "roles": tuple(fields["roles"])}) for fields in told]
    raw = (folder / f"events-{version}.msgpack").read_bytes()
    assert Codec.decode(raw) == expected
    if version == str(EVENT_VERSION):
        assert Codec.encode(expected) == raw


def test_an_event_of_a_later_version_is_read_up_to_what_we_know() -> None:
    later = msgspec.msgpack.encode([[*FIELDS.values(), "a field of tomorrow"]])
    assert Codec.decode(later) == [Event(**FIELDS)]


def test_an_event_without_the_last_fields_gets_their_defaults() -> None:
    short = msgspec.msgpack.encode([list(FIELDS.values())[:13]])
    [event] = Codec.decode(short)
    assert (event.community, event.source, event.native, event.data) == ("", "", "", {})


WHOLE = Codec.encode([Event(**FIELDS)])
NESTED = b"\x91" * 100_000 + b"\x90"


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x00", id="a number"),
        pytest.param(b"\x91\xc0", id="null for an event"),
        pytest.param(b"\xc1", id="a byte that msgpack does not use"),
        pytest.param(msgspec.msgpack.encode([["1"]]), id="too short an event"),
        pytest.param(msgspec.msgpack.encode([{**FIELDS}]), id="an event by names"),
        pytest.param(WHOLE[:-1], id="cut off"),
        pytest.param(WHOLE + b"\x00", id="trailing bytes"),
        pytest.param(WHOLE.replace(b"!hi", b"!\xffi"), id="text that is no UTF-8"),
        pytest.param(WHOLE.replace(b"\x81\xa1n\x01", b"\x81\xa1n" + NESTED), id="data nested without end"),
    ],
)
def test_what_is_no_batch_is_refused(raw: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        Codec.decode(raw)


SPOILT = st.builds(lambda at, raw: WHOLE[:at] + raw + WHOLE[at + 1 :], st.integers(0, len(WHOLE)), st.binary())


@given(st.binary() | SPOILT)
def test_any_bytes_are_events_or_refused(raw: bytes) -> None:
    try:
        events = Codec.decode(raw)
    except msgspec.DecodeError:
        return
    assert all(type(event) is Event for event in events)


@pytest.mark.parametrize(
    ("value", "error"), [(object(), TypeError), (2**64, OverflowError), ("\ud800", UnicodeEncodeError)]
)
def test_data_that_has_no_msgpack_is_refused(value: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        Codec.encode([Event(**{**FIELDS, "data": {"n": value}})])


PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text()


@given(
    st.lists(
        st.builds(
            Event, st.just(1), *[st.text()] * 8, st.lists(st.text(), max_size=3).map(tuple), st.text(),
            st.floats(allow_nan=False), st.floats(allow_nan=False), st.text(), st.text(), st.text(),
            st.dictionaries(st.text(), PLAIN | st.lists(PLAIN, max_size=3), max_size=3),
        ),
        max_size=3,
    )
)  # fmt: skip
def test_events_arrive_as_they_left(events: list[Event]) -> None:
    assert Codec.decode(Codec.encode(events)) == events


def test_names_of_where_and_who() -> None:
    event = Event(**FIELDS)
    assert (event.entity, event.account) == ("irc:net:#room", "irc:u7")


def test_data_as_a_typed_record() -> None:
    class Payload(msgspec.Struct):
        n: int

    assert Event(**FIELDS).payload(Payload) == Payload(1)
    with pytest.raises(msgspec.ValidationError):
        Event(**{**FIELDS, "data": {"n": "one"}}).payload(Payload)
