"""``python -m waddlebot.docs.protos``: the protos of contracts and ports, and the code that protoc makes of them.

Field numbers come from ``fields.lock``: a field keeps its number for ever, a new one gets the next, the number of
one that is gone is reserved. ``--check`` writes nothing and fails where a file is stale.
"""

import importlib
import inspect
import pkgutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from waddlebot.libs import contracts, grpc_protos
from waddlebot.libs.grpc_protos import shapes
from waddlebot.libs.grpc_protos.shapes import Shape, file_of, method_of
from waddlebot.libs.sdk.contract import Contract
from waddlebot.libs.sdk.personal import FORGET, HELD, PERSONAL, Forgotten, Held, Person
from waddlebot.libs.sdk.ports import Call, CallScope, Result, Send, Sent
from waddlebot.libs.sdk.view import CONTRIBUTE, VIEW, Communities, Contributed

FOLDER = Path(grpc_protos.__file__).parent
IMPORT_ROOT = "waddlebot/libs/grpc_protos"
"""Where protos import each other from; the Python code made of them does so by the same path."""
LOCK = "fields.lock"
PORTS = (Call, Result, Send, Sent, CallScope)
BY_HAND = ("peer.proto", "action.proto")


class Numbers:
    """Field numbers by message and field, which never change once they were given.

    A line of the lock is ``message field number type``; a field of another type is another field.
    """

    def __init__(self, text: str) -> None:
        self._numbers: dict[tuple[str, str, str], int] = {}
        for line in text.splitlines():
            message, field, number, kind = line.split(" ", 3)
            self._numbers[message, field, kind] = int(number)
        self._used: set[tuple[str, str, str]] = set()

    def number(self, message: str, field: str, kind: str) -> int:
        """The number of a field; a new one gets the next of its message."""
        key = (message, field, kind)
        if key not in self._numbers:
            given = [number for (owner, _, _), number in self._numbers.items() if owner == message]
            self._numbers[key] = max(given, default=0) + 1
        self._used.add(key)
        return self._numbers[key]

    def retired(self, message: str) -> list[int]:
        """The numbers of fields that a message once had."""
        return sorted(
            number
            for key, number in self._numbers.items()
            if key[0] == message and key not in self._used
        )  # fmt: skip

    def text(self) -> str:
        """The lock."""
        lines = sorted((message, number, field, kind) for (message, field, kind), number in self._numbers.items())
        return "".join(f"{message} {field} {number} {kind}\n" for message, number, field, kind in lines)


class Proto:
    """One file: the structs of one Python module, and its contracts as services."""

    def __init__(self, name: str, source: str, numbers: Numbers) -> None:
        self.name = name
        self._source = source
        self._numbers = numbers
        self._imports: set[str] = set()
        self._messages: dict[str, list[str]] = {}
        self._services: list[str] = []

    def add(self, struct: type[msgspec.Struct]) -> list[type[msgspec.Struct]]:
        """Describe a struct; returns the structs that stand in it."""
        if struct.__name__ in self._messages:
            return []
        parts = shapes.parts_of(struct)
        fields = [(part.name, part.shape, part.present) for part in parts]
        self._messages[struct.__name__] = []  # in the order in which they are found, even if one contains itself
        lines = self._message(struct.__name__, f"{shapes.PACKAGE}.{self.name}.{struct.__name__}", fields)
        self._messages[struct.__name__] = [*_comment(_summary(struct)), *lines]
        return [found for part in parts for found in _structs_in(part.shape)]

    def serve(self, name: str, about: str, methods: Iterable[tuple[str, str, type, type]]) -> None:
        """Describe a service; a method is its name, what it does, its request and its answer."""
        lines = [*_comment(about), f"service {name} {{"]
        for method, what, request, answer in methods:
            rpc = f"rpc {method}({self._reference(request)}) returns ({self._reference(answer)});"
            lines += ["  " + line for line in (*_comment(what), rpc)]
        self._services.append("\n".join([*lines, "}"]))

    def text(self) -> str:
        """The whole file."""
        head = [
            f"// Made by `make docs` from {self._source}: change that, not this file.",
            'syntax = "proto3";\n',
            f"package {shapes.PACKAGE}.{self.name};",
        ]
        imports = [f'import "{IMPORT_ROOT}/{name}.proto";' for name in sorted(self._imports)]
        blocks = ["\n".join(head), *(["\n".join(imports)] if imports else []), *self._services]
        return "\n\n".join([*blocks, *("\n".join(lines) for lines in self._messages.values())]) + "\n"

    def _message(self, name: str, path: str, fields: Iterable[tuple[str, Shape, bool]]) -> list[str]:
        nested: list[str] = []
        lines = []
        for field, shape, present in fields:
            kind = self._kind(shape, method_of(field), path, nested)
            number = self._numbers.number(path, field, kind)
            mark = "optional " if present and not kind.startswith(("repeated ", "map<")) else ""
            lines.append(f"{mark}{kind} {field} = {number};")
        return self._body(name, path, nested, lines)

    def _body(self, name: str, path: str, nested: list[str], lines: list[str]) -> list[str]:
        retired = self._numbers.retired(path)
        reserved = [f"reserved {', '.join(map(str, retired))};"] if retired else []
        return [f"message {name} {{", *("  " + line for line in (*nested, *reserved, *lines)), "}"]

    def _kind(self, shape: Shape, name: str, path: str, nested: list[str]) -> str:
        """What a field is declared as. Messages of its own are added to ``nested``."""
        match shape:
            case shapes.Scalar(proto=proto):
                return proto
            case shapes.Packed():
                return "bytes"
            case shapes.Message(struct=struct):
                return self._reference(struct)
            case shapes.Repeated(item=item):
                return f"repeated {self._kind(item, name, path, nested)}"
            case shapes.Mapped(value=value):
                return f"map<string, {self._kind(value, name, path, nested)}>"
            case shapes.Optional(inner=inner):
                return self._kind(inner, name, path, nested)
            case shapes.Wrapped(inner=inner):
                nested += self._message(name, f"{path}.{name}", [("value", inner, _may_lack(inner))])
            case shapes.Row(items=items):
                fields = [(f"item_{n}", item, _may_lack(item)) for n, item in enumerate(items, 1)]
                nested += self._message(name, f"{path}.{name}", fields)
            case shapes.Choice(options=options):
                nested += self._choice(name, f"{path}.{name}", options)
        return name

    def _choice(self, name: str, path: str, options: tuple[tuple[str, Shape], ...]) -> list[str]:
        nested: list[str] = []
        lines = ["oneof choice {"]
        for word, shape in options:
            kind = self._kind(shape, method_of(word), path, nested)
            lines.append(f"  {kind} {word} = {self._numbers.number(path, word, kind)};")
        return self._body(name, path, nested, [*lines, "}"])

    def _reference(self, struct: type) -> str:
        name = file_of(struct)
        if name != self.name:
            self._imports.add(name)
        return f"{shapes.PACKAGE}.{name}.{struct.__name__}"


def protos_of(
    structs: Iterable[type[msgspec.Struct]], services: Iterable[type[Contract]], numbers: Numbers
) -> dict[str, Proto]:
    """The files that structs and contracts need, by name. Raises ``ShapeError`` for what protobuf cannot say."""
    found: dict[str, Proto] = {}
    sources: dict[str, str] = {}

    def proto(thing: type) -> Proto:
        name, source = file_of(thing), thing.__module__
        if sources.setdefault(name, source) != source:
            raise shapes.ShapeError(f"{source} and {sources[name]} would make one proto: name one of them anew")
        return found.setdefault(name, Proto(name, source, numbers))

    for contract in services:
        methods = [(method_of(m.name), m.help, m.request, m.answer) for m in contract.methods.values()]
        proto(contract).serve(contract.__name__, inspect.getdoc(contract) or "", methods)
    waiting = [*structs, *(s for c in services for m in c.methods.values() for s in (m.request, m.answer))]
    while waiting:
        struct = waiting.pop(0)
        waiting += proto(struct).add(struct)
    return found


def contracts_there_are() -> Iterator[type[Contract]]:
    """Every contract in ``libs/contracts``, by module and in the order of declaration."""
    for info in pkgutil.iter_modules(contracts.__path__):
        module = importlib.import_module(f"{contracts.__name__}.{info.name}")
        for thing in vars(module).values():
            if isinstance(thing, type) and issubclass(thing, Contract) and thing.__module__ == module.__name__:
                yield thing


def sources(lock: str) -> dict[str, str]:
    """The protos and the lock, by file name."""
    numbers = Numbers(lock)
    protos = protos_of(
        [*PORTS, Communities, Contributed, Person, Held, Forgotten], list(contracts_there_are()), numbers
    )
    about = "What every module contributes to the compiled view of a community."
    what = "One module's contributions; the metadata `waddlebot-module` says whose."
    protos[file_of(Contributed)].serve(VIEW, about, [(method_of(CONTRIBUTE), what, Communities, Contributed)])
    about = "What every module that keeps something about people is asked when they want to see it, or it gone."
    whose = "The metadata `waddlebot-module` says which module is asked."
    protos[file_of(Held)].serve(
        PERSONAL,
        about,
        [
            (method_of(HELD), f"What it holds about somebody. {whose}", Person, Held),
            (method_of(FORGET), f"Delete it; what stays, and why. {whose}", Person, Forgotten),
        ],
    )
    return {f"{proto.name}.proto": proto.text() for proto in protos.values()} | {LOCK: numbers.text()}


def compiled(texts: Mapping[str, str]) -> dict[str, str]:
    """What protoc makes of protos: file name → text. Raises ``RuntimeError`` where it finds a mistake."""
    from grpc_tools import protoc  # noqa: PLC0415  a tool of developers, which nobody else has installed

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, IMPORT_ROOT)
        place.mkdir(parents=True)
        names = [name for name in texts if name.endswith(".proto")]
        for name in names:
            (place / name).write_text(texts[name], encoding="utf-8")
        paths = [f"{IMPORT_ROOT}/{name}" for name in names]
        if protoc.main(["protoc", f"-I{folder}", f"--python_out={folder}", f"--pyi_out={folder}", *paths]):
            raise RuntimeError("protoc refuses the protos: see above")
        return {path.name: _typed(path.read_text(encoding="utf-8")) for path in sorted(place.glob("*_pb2.py*"))}


def _typed(text: str) -> str:
    """protoc's code with the one type complete that a strict checker misses in it."""
    return text.replace(", _Mapping]", ", _Mapping[str, object]]")


def files(folder: Path) -> dict[str, str]:
    """All that is made, and what it is made from besides Python: file name → text."""
    lock = folder / LOCK
    texts = {name: (folder / name).read_text(encoding="utf-8") for name in BY_HAND}
    texts |= sources(lock.read_text(encoding="utf-8") if lock.exists() else "")
    return texts | compiled(texts)


def stale(folder: Path) -> list[str]:
    """The names of files in a folder that are missing, not what they would be, or no longer made."""
    fresh = files(folder)
    here = {path.name for pattern in ("*.proto", "*_pb2.py*", LOCK) for path in folder.glob(pattern)}
    there = {name: (folder / name).read_text(encoding="utf-8") for name in here}
    return sorted(name for name in fresh.keys() | here if fresh.get(name) != there.get(name))


def write(folder: Path) -> list[str]:
    """Write what is stale in a folder; returns the names."""
    fresh, old = files(folder), stale(folder)
    for name in old:
        if name in fresh:
            (folder / name).write_text(fresh[name], encoding="utf-8", newline="\n")
        else:
            (folder / name).unlink()
    return old


def _structs_in(shape: Shape) -> Iterator[type[msgspec.Struct]]:
    match shape:
        case shapes.Message(struct=struct):
            yield struct
        case shapes.Repeated(item=inner) | shapes.Mapped(value=inner):
            yield from _structs_in(inner)
        case shapes.Optional(inner=inner) | shapes.Wrapped(inner=inner):
            yield from _structs_in(inner)
        case shapes.Row(items=items):
            for item in items:
                yield from _structs_in(item)
        case shapes.Choice(options=options):
            for _, option in options:
                yield from _structs_in(option)


def _may_lack(shape: Shape) -> bool:
    return isinstance(shape, shapes.Optional)


def _summary(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").replace("``", "`")


def _comment(text: str) -> list[str]:
    return [f"// {line}".rstrip() for line in text.replace("``", "`").splitlines()]


def main() -> None:
    """Write into the package, or check it."""
    match sys.argv[1:]:
        case []:
            names = write(FOLDER)
            sys.stdout.write(f"{len(names)} files written in {FOLDER}\n")
        case ["--check"]:
            if names := stale(FOLDER):
                sys.exit(f"{IMPORT_ROOT} is stale ({', '.join(names)}): run make docs and commit what it writes.")
        case _:
            sys.exit("usage: python -m waddlebot.docs.protos [--check]")


if __name__ == "__main__":
    main()
