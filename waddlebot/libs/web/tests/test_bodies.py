"""Bodies of every shape, and bodies that come in pieces or not at all."""

from collections.abc import MutableMapping
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.libs.web import HttpError
from waddlebot.libs.web.bodies import Body
from waddlebot.libs.web.doors import read_body


class Circle(msgspec.Struct, tag="circle"):
    radius: float


class Square(msgspec.Struct, tag="square"):
    side: float


class Drawing(msgspec.Struct):
    shape: Circle | Square
    also: list[Circle] | str | None = None
    colors: dict[str, int] | None = None
    size: Literal["s", "l"] = "s"
    at: tuple[int, ...] = ()


def refusal(body: Body, value: object) -> HttpError:
    with pytest.raises(HttpError) as refused:
        body.decode(msgspec.json.encode(value))
    assert refused.value.status == 400
    return refused.value


def test_members_of_unions_are_told_apart_by_their_tag() -> None:
    body = Body(Drawing)
    square = {"type": "square", "side": 2}
    found = body.decode(
        msgspec.json.encode({"shape": square, "also": [{"type": "circle", "radius": 1}], "at": [1, 2]})
    )
    assert found == Drawing(Square(2.0), [Circle(1.0)], at=(1, 2))
    assert "'shape.radius'; known here: side, type" in refusal(body, {"shape": square | {"radius": 1}}).detail
    also = {"shape": square, "also": [{"type": "circle", "side": 1}]}
    assert "Unknown field 'also[0].side'" in refusal(body, also).detail


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"shape": {"type": "star"}}, "'shape.type': Invalid value 'star'"),
        ({"shape": {"type": "circle", "radius": 1}, "size": "xl"}, "'size'"),
        (
            {"shape": {"type": "circle", "radius": 1}, "colors": {"red": "much"}},
            "'colors[...]' takes a whole number",
        ),
        ({"shape": {"type": "circle", "radius": 1}, "also": 3}, "'also' takes text or a list or null"),
        ({"shape": 3}, "'shape' takes an object, not a whole number"),
    ],
)
def test_a_wrong_value_is_named_in_plain_words(value: object, words: str) -> None:
    error = refusal(Body(Drawing), value)
    assert error.error == "bad_value"
    assert words in error.detail


def test_lists_and_maps_at_the_top() -> None:
    assert Body(list[Circle]).decode(b'[{"type":"circle","radius":1}]') == [Circle(1.0)]
    assert "'[1].radius'" in refusal(Body(list[Circle]), [{"radius": 1}, {}]).detail
    assert "'a.side'" in refusal(Body(dict[str, Circle]), {"a": {"radius": 1, "side": 1}}).detail
    assert len(refusal(Body(Circle), {"x" * 5_000: 1}).detail) < 500


def outcome(raw: bytes) -> Drawing | int:
    """The drawing, or the status of the refusal."""
    try:
        found: Drawing = Body(Drawing).decode(raw)
    except HttpError as error:
        return error.status
    return found


@given(st.binary())
def test_any_bytes_are_decoded_or_refused(raw: bytes) -> None:
    found = outcome(raw)
    assert found == 400 or isinstance(found, Drawing)


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["shape", "also", "type", "radius", "x"]), inner)
    ),
)


@given(json)
def test_any_json_is_decoded_or_refused(value: Any) -> None:
    found = outcome(msgspec.json.encode(value))
    assert found == 400 or isinstance(found, Drawing)


async def body_of(*messages: dict[str, Any], limit: int = 10, length: bytes | None = None) -> bytes:
    waiting = iter(messages)

    async def receive() -> MutableMapping[str, Any]:
        return next(waiting)

    headers = [(b"content-length", length)] if length is not None else []
    return await read_body({"type": "http", "headers": headers}, receive, limit)


def part(body: bytes, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_body_in_pieces_is_put_together() -> None:
    assert await body_of(part(b"abc")) == b"abc"
    assert await body_of(part(b"ab", more=True), part(b"", more=True), part(b"c")) == b"abc"
    assert await body_of(part(b"0123456789"), length=b"10") == b"0123456789"


@pytest.mark.parametrize(
    ("messages", "length", "status"),
    [
        ([], b"11", 413),
        ([part(b"01234567890")], None, 413),
        ([part(b"012345", more=True), part(b"67890", more=True)], None, 413),
        ([part(b"0", more=True), {"type": "http.disconnect"}], None, 400),
        ([{"type": "http.disconnect"}], None, 400),
    ],
)
async def test_a_body_that_is_too_large_or_cut_off_is_refused(
    messages: list[dict[str, Any]], length: bytes | None, status: int
) -> None:
    with pytest.raises(HttpError) as refused:
        await body_of(*messages, length=length)
    assert refused.value.status == status
