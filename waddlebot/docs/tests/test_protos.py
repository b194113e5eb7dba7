"""The protos are fresh, and a field keeps its number whatever becomes of the others."""

import subprocess
import sys
from pathlib import Path
from shutil import copytree

import msgspec
import pytest

from waddlebot.docs import protos
from waddlebot.libs.grpc_protos.shapes import ShapeError


class Before(msgspec.Struct):
    name: str
    count: int
    words: tuple[str, ...]


class After(msgspec.Struct):
    """The same after years: a field in front, one gone, one of another type."""

    first: str
    count: str
    name: str


def message(struct: type[msgspec.Struct], name: str, numbers: protos.Numbers) -> str:
    """The proto of a struct under another name."""
    struct = msgspec.defstruct(
        name, [(f.name, f.type) for f in msgspec.structs.fields(struct)], module="waddlebot.libs.contracts.test"
    )
    (proto,) = protos.protos_of([struct], [], numbers).values()
    return proto.text()


def test_the_protos_and_their_code_are_fresh() -> None:
    assert protos.stale(protos.FOLDER) == []


def test_a_field_keeps_its_number() -> None:
    first = protos.Numbers("")
    assert "string name = 1;\n  int64 count = 2;\n  repeated string words = 3;" in message(Before, "Thing", first)
    second = protos.Numbers(first.text())
    text = message(After, "Thing", second)
    assert "reserved 2, 3;" in text
    assert "string first = 4;\n  string count = 5;\n  string name = 1;" in text
    third = protos.Numbers(second.text())
    assert message(After, "Thing", third) == text
    assert third.text() == second.text()


def test_two_modules_of_one_name_are_refused() -> None:
    one = msgspec.defstruct("A", [("x", int)], module="waddlebot.libs.contracts.same")
    two = msgspec.defstruct("B", [("x", int)], module="waddlebot.libs.sdk.same")
    with pytest.raises(ShapeError, match="same"):
        protos.protos_of([one, two], [], protos.Numbers(""))


def test_what_is_stale_is_named_and_written(tmp_path: Path) -> None:
    folder = copytree(protos.FOLDER, tmp_path / "protos")
    protos.write(folder)
    (folder / "identity.proto").write_text("old")
    (folder / "irc_pb2.py").unlink()
    (folder / "gone_pb2.py").write_text("")
    assert protos.stale(folder) == ["gone_pb2.py", "identity.proto", "irc_pb2.py"]
    assert protos.write(folder) == ["gone_pb2.py", "identity.proto", "irc_pb2.py"]
    assert protos.stale(folder) == []


def test_a_mistake_in_a_proto_is_no_silence() -> None:
    with pytest.raises(RuntimeError, match="protoc"):
        protos.compiled({"a.proto": 'syntax = "proto3"; message A { string a = 0; }'})


def test_the_command_checks() -> None:
    command = [sys.executable, "-m", "waddlebot.docs.protos"]
    assert subprocess.run([*command, "--check"], check=False).returncode == 0
    assert subprocess.run([*command, "--what"], check=False, capture_output=True).returncode == 1
