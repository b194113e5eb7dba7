"""Everything that crosses a process border comes out as it went in, whatever its type holds."""

import enum
import importlib
import inspect
import runpy
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from waddlebot.docs.protos import PORTS, Numbers, compiled, contracts_there_are, protos_of
from waddlebot.libs.grpc_protos import shapes
from waddlebot.libs.grpc_protos.codec import Codec, WireError, message_of
from waddlebot.libs.grpc_protos.promises import Promises
from waddlebot.libs.sdk import Module
from waddlebot.libs.sdk.contract import Contract
from waddlebot.libs.sdk.event import Event
from waddlebot.libs.sdk.ports import Call
from waddlebot.libs.sdk.view import CONTRIBUTE, VIEW, Communities, Contributed, Contribution


class Size(enum.StrEnum):
    SMALL = "small"
    LARGE = "large"


class Level(enum.IntEnum):
    ONE = 1
    TWO = 2


class Leaf(msgspec.Struct, frozen=True):
    name: str
    parent: "Leaf | None" = None
    weight: float = 1.5


class Other(msgspec.Struct, frozen=True):
    number: int


type Words = tuple[str, ...]


class Everything(msgspec.Struct, frozen=True):
    """One field for each kind of type that a contract may declare."""

    text: str
    raw: bytes
    number: int
    real: float
    flag: bool
    word: Literal["a", "b"]
    size: Size
    level: Level
    leaf: Leaf
    either: Leaf | Other
    plain: int | str | list[int]
    maybe: str | None
    maybe_leaf: Leaf | None
    maybe_either: Leaf | Other | None
    maybe_words: tuple[str, ...] | None
    words: Words
    leaves: list[Leaf]
    nested: tuple[tuple[int, ...], ...]
    holes: list[str | None]
    by_name: dict[str, int]
    leaf_by_name: dict[str, Leaf]
    words_by_name: dict[str, list[str]]
    anything: Any
    things: dict[str, Any]
    settings: dict[str, dict[str, object]]
    pair: tuple[str, int]
    rows: tuple[tuple[str, Leaf | None], ...]
    event: Event
    events: tuple[Event, ...]
    choice_default: Literal["x", "y"] = "y"
    number_default: int = 127
    flag_default: bool = True
    words_default: tuple[str, ...] = ("one",)
    map_default: dict[str, int] = {}
    none_default: int | None = None


class Old(msgspec.Struct, frozen=True):
    name: str
    count: int = 5


class New(msgspec.Struct, frozen=True):
    name: str
    count: int = 5
    words: tuple[str, ...] = ("before",)
    leaf: Leaf | None = None
    mode: Literal["fast", "slow"] = "slow"
    retries: int = 3
    by_name: dict[str, Leaf] = {}


@pytest.fixture(scope="session")
def codec(tmp_path_factory: pytest.TempPathFactory) -> Codec:
    """Converters for the structs of this file, by protos made of them like all others."""
    protos = protos_of([Everything, Old, New], [], Numbers(""))
    (name,) = protos
    texts = compiled({f"{name}.proto": protos[name].text()})
    path: Path = tmp_path_factory.mktemp("protos") / f"{name}_pb2.py"
    path.write_text(texts[path.name])
    messages = runpy.run_path(str(path))

    def find(struct: type) -> type[Message]:
        found: type[Message] = messages[struct.__name__]
        return found

    return Codec(find)


INT64 = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PACKED = st.recursive(
    st.none() | st.booleans() | INT64 | st.floats(allow_nan=False) | TEXT | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(), "int": INT64, "float": st.floats(allow_nan=False), "str": TEXT,
    "bytes": st.binary(max_size=12),
}  # fmt: skip
EVENTS = st.builds(
    Event, st.just(1), TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, st.lists(TEXT, max_size=2).map(tuple), TEXT,
    SCALARS["float"], SCALARS["float"], TEXT, TEXT, TEXT, st.dictionaries(TEXT, PACKED, max_size=2),
)  # fmt: skip


def values_of(shape: shapes.Shape) -> st.SearchStrategy[Any]:  # noqa: C901  a case for each kind
    """Values of a shape."""
    match shape:
        case shapes.Scalar(word=word, allowed=allowed, enumeration=enumeration):
            if enumeration is not None:
                return st.sampled_from(list(enumeration))
            return st.sampled_from(sorted(allowed)) if allowed else SCALARS[word]
        case shapes.Packed(hint=hint):
            if hint is Event:
                return EVENTS
            return PACKED if hint in (Any, object) else st.dictionaries(TEXT, PACKED, max_size=2)
        case shapes.Message(struct=struct):
            return st.deferred(lambda: structs_of(struct))
        case shapes.Repeated(item=item, container=container):
            return st.lists(values_of(item), max_size=3).map(container)
        case shapes.Mapped(value=value):
            return st.dictionaries(TEXT, values_of(value), max_size=3)
        case shapes.Wrapped(inner=inner):
            return values_of(inner)
        case shapes.Optional(inner=inner):
            return st.none() | values_of(inner)
        case shapes.Row(items=items):
            return st.tuples(*map(values_of, items))
        case shapes.Choice(options=options):
            return st.one_of([values_of(option) for _, option in options])


def structs_of(struct: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Values of a struct; what has a default has it now and then."""

    def made(values: dict[str, Any]) -> Any:
        return struct(**values)

    parts = shapes.parts_of(struct)
    required = {part.name: values_of(part.shape) for part in parts if part.required}
    optional = {part.name: values_of(part.shape) for part in parts if not part.required}
    return st.fixed_dictionaries(required, optional=optional).map(made)


def roots() -> list[type[msgspec.Struct]]:
    """All that protos are made of."""
    asked = [s for c in contracts_there_are() for m in c.methods.values() for s in (m.request, m.answer)]
    return sorted({*PORTS, Communities, Contributed, *asked}, key=lambda struct: struct.__qualname__)


OWN = Codec()


@pytest.mark.parametrize("struct", roots(), ids=lambda struct: f"{struct.__module__}.{struct.__name__}")
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_contracts_and_ports_come_out_as_they_went_in(struct: type[msgspec.Struct], data: st.DataObject) -> None:
    value = data.draw(structs_of(struct))
    converter = OWN.of(struct)
    assert converter.loads(converter.dumps(value)) == value


@settings(max_examples=150, deadline=None)
@given(value=structs_of(Everything))
def test_every_kind_of_type_comes_out_as_it_went_in(codec: Codec, value: Everything) -> None:
    converter = codec.of(Everything)
    found = converter.loads(converter.dumps(value))
    assert found == value
    assert type(found.words) is tuple
    assert type(found.leaves) is list
    assert type(found.size) is Size


@settings(deadline=None)
@given(value=structs_of(New))
def test_an_older_host_passes_over_what_it_does_not_know(codec: Codec, value: New) -> None:
    assert codec.of(Old).loads(codec.of(New).dumps(value)) == Old(value.name, value.count)


@settings(deadline=None)
@given(value=structs_of(Old))
def test_a_newer_host_has_its_defaults_for_what_is_left_out(codec: Codec, value: Old) -> None:
    assert codec.of(New).loads(codec.of(Old).dumps(value)) == New(value.name, value.count)


def test_a_default_is_nobody_elses(codec: Codec) -> None:
    first = codec.of(New).loads(codec.of(Old).dumps(Old("a")))
    first.by_name["x"] = Leaf("x")
    assert codec.of(New).loads(codec.of(Old).dumps(Old("a"))).by_name == {}


@pytest.mark.parametrize("raw", [b"\xff", b"\x0a\xff\xff\xff\xff\x0f", b"\x12\x03abc" * 3, b"\x1a\x00", b""])
def test_garbage_is_refused_in_words(raw: bytes) -> None:
    with pytest.raises(WireError, match="no Call"):
        OWN.of(Call).loads(raw)


@settings(max_examples=300, deadline=None)
@given(raw=st.binary(max_size=200))
def test_no_bytes_break_the_reader(codec: Codec, raw: bytes) -> None:
    for struct in (Everything, New):
        try:
            codec.of(struct).loads(raw)
        except WireError:
            continue


@pytest.mark.parametrize("change", [{"count": 2**63}, {"name": "\ud800"}, {"name": 5}, {"mode": 7}])
def test_what_cannot_leave_is_said(codec: Codec, change: dict[str, Any]) -> None:
    value = msgspec.structs.replace(New("a"), **change)
    with pytest.raises(WireError, match="New cannot leave"):
        codec.of(New).dumps(value)


def test_a_word_of_no_meaning_is_refused(codec: Codec) -> None:
    raw = codec.of(New).message(name="a", mode="furious").SerializeToString()
    with pytest.raises(WireError, match="furious"):
        codec.of(New).loads(raw)


class Bad(msgspec.Struct):
    value: set[int]


class BadDefault(msgspec.Struct):
    value: int | None = 5


class BadKeys(msgspec.Struct):
    value: dict[int, str]


class BadUnion(msgspec.Struct):
    value: tuple[int, ...] | list[int]


class BadWords(msgspec.Struct):
    value: Literal["a", 1]


@pytest.mark.parametrize("struct", [Bad, BadDefault, BadKeys, BadUnion, BadWords])
def test_a_type_without_a_place_is_named(struct: type[msgspec.Struct]) -> None:
    with pytest.raises(shapes.ShapeError, match=rf"{struct.__name__}\.value"):
        shapes.parts_of(struct)


def test_every_contract_has_its_generated_service() -> None:
    for contract in contracts_there_are():
        module = importlib.import_module(message_of(next(iter(contract.methods.values())).request).__module__)
        methods = {
            method.name: (method.input_type.name, method.output_type.name)
            for method in module.DESCRIPTOR.services_by_name[contract.__name__].methods
        }
        assert methods == {
            name.title().replace("_", ""): (method.request.__name__, method.answer.__name__)
            for name, method in contract.methods.items()
        }
        assert inspect.getdoc(contract)


class Knock(msgspec.Struct, frozen=True):
    times: int


class Doors(Contract):
    """A contract that no proto was made of: one of an outside package."""

    async def knock(self, request: Knock) -> Knock:
        """Knock."""
        raise NotImplementedError


def test_contracts_of_outside_packages_travel_too() -> None:
    module = Module("vendor.door.module", "A door.", http_port=1, grpc_port=2)

    @module.answers(Doors.knock)
    async def knock(ctx: Any, request: Knock) -> Knock:
        return request

    promises = Promises({module.name: module}, OWN)
    assert promises.providers == {"Doors": "vendor.door"}
    request, answer = promises.ways("Doors", "knock")
    assert answer.loads(request.dumps(Knock(3))) == Knock(3)
    with pytest.raises(WireError):
        answer.loads(b"\xc1")
    with pytest.raises(WireError):
        request.dumps({1, object()})
    with pytest.raises(WireError, match=r"Doors\.open"):
        promises.ways("Doors", "open")


def test_contributions_travel_as_they_are() -> None:
    request, answer = Promises({}, OWN).ways(VIEW, CONTRIBUTE)
    assert request.loads(request.dumps(("home",))) == ("home",)
    found = {"home": Contribution(settings={"a.b": {"x": 1}}, late_s=2.5)}
    assert answer.loads(answer.dumps(found)) == found
