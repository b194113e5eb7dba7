"""Writes a new module from the templates in ``scaffold/``."""

import keyword
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from itertools import count
from pathlib import Path

from jinja2 import Environment, FunctionLoader, StrictUndefined

import waddlebot
from waddlebot.cli.failures import UNUSABLE, Failure
from waddlebot.libs.sdk.discovery import discover

_FOLDERS = {
    "interactive": "action/interactive",
    "security": "action/security",
    "core": "core",
    "processing": "processing",
    "admin": "admin",
    "receiver": "trigger/receiver",
    "poller": "trigger/poller",
    "cron": "trigger/cron",
    "pushing": "action/pushing",
}
"""Where modules of a kind live."""
_COMMANDED = frozenset({"interactive", "security", "core", "processing", "admin"})
"""Kinds that begin with a command; the others have templates of their own."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,23}")
_HTTP_FIRST, _GRPC_FIRST = 8100, 50100
"""Ports from which new modules take the first free pair; those below are given to modules that are planned."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a module goes and what it is called: ``vendor`` is empty inside the bot's own package."""

    root: Path
    package: str
    vendor: str
    name: str

    @property
    def module(self) -> str:
        """The module's name: the last two folders."""
        return ".".join(self.package.split(".")[-2:])


def scaffold(kind: str, name: str, path: Path | None, *, with_store: bool) -> list[Path]:
    """Write a module's files and return them. Raises ``Failure`` and writes nothing where something is there."""
    if with_store and kind not in _COMMANDED:
        raise Failure(f"--store is for kinds that answer commands: {', '.join(sorted(_COMMANDED))}.", UNUSABLE)
    place = _place(kind, name, path)
    texts = dict(_files(kind, place, with_store))
    if there := [str(path) for path in texts if path.exists() and path.name != "__init__.py"]:
        raise Failure(f"{', '.join(there)} exists already: choose another name.", UNUSABLE)
    written = []
    for file, text in texts.items():
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
            written.append(file)
    return written


def _place(kind: str, name: str, path: Path | None) -> Place:
    vendor, _, last = name.rpartition(".")
    for part in (last, vendor or last):
        if not _NAME.fullmatch(part) or keyword.iskeyword(part):
            raise Failure(f"{name!r} is no module name: write it like greeting or acme.greeting.", UNUSABLE)
    if vendor:
        if vendor == "waddlebot":
            raise Failure("A module of the bot's own has no vendor: leave waddlebot. out.", UNUSABLE)
        return Place((path or Path(f"{vendor}-{last}")).absolute(), name, vendor, last)
    root = (path or Path(waddlebot.__file__).parents[1]).absolute()
    if not (root / "pyproject.toml").is_file() or not (root / "waddlebot").is_dir():
        raise Failure(
            f"{root} is no checkout of the source: name one with --path, or write VENDOR.{name} for a package of "
            "your own.",
            UNUSABLE,
        )
    return Place(root, f"waddlebot.{_FOLDERS[kind].replace('/', '.')}.{last}", "", last)


def _files(kind: str, place: Place, with_store: bool) -> Iterator[tuple[Path, str]]:
    folder = place.root.joinpath(*place.package.split("."))
    store = f"{_title(place.name).replace(' ', '')}Store" if with_store else ""
    render = _Templates(place, store).render
    template = "command" if kind in _COMMANDED else kind
    yield folder / "__init__.py", f'"""{_title(place.name)}."""\n'
    yield folder / "module.py", render(f"{template}/module.py")
    yield folder / "tests" / f"test_{place.name}.py", render(f"{template}/test.py")
    if kind == "receiver":
        yield folder / f"{place.name}.py", render("receiver/translation.py")
    if store:
        yield folder / "store.py", render("command/store.py")
        yield folder / "migrations" / f"0001_{place.name}.sql", render("command/migration.sql")
    if place.vendor:
        yield place.root / "pyproject.toml", render("outside/pyproject.toml")
        yield place.root / "README.md", render("outside/README.md")
    else:
        above = folder.parent
        while above.name != "waddlebot":
            yield above / "__init__.py", f'"""Modules of the kind {above.name}."""\n'
            above = above.parent


class _Templates:
    """The templates, and what they are filled with."""

    def __init__(self, place: Place, store: str) -> None:
        self._place = place
        http_port, grpc_port = _free_ports()
        self._values: Mapping[str, object] = {
            "name": place.name,
            "module": place.module,
            "package": place.package,
            "vendor": place.vendor,
            "title": _title(place.name),
            "store": store,
            "http_port": http_port,
            "grpc_port": grpc_port,
            "imports": self._imports,
            "own": self._own,
            # Packages outside have no PostgreSQL to test with: the bench is the same on both engines.
            "database": "tmp_path: Path" if place.vendor else "database_url: str",
            "url": "f\"sqlite:///{tmp_path / 'test.db'}\"" if place.vendor else "database_url",
            "path_import": "from pathlib import Path" if place.vendor else "",
        }

    def render(self, name: str) -> str:
        """A template's text, with one line break at its end."""
        folder = files("waddlebot.cli") / "scaffold"
        environment = Environment(  # noqa: S701  it makes Python, not HTML
            loader=FunctionLoader(lambda path: (folder / f"{path}.jinja").read_text(encoding="utf-8")),
            undefined=StrictUndefined,
        )
        return environment.get_template(name).render(self._values).rstrip("\n") + "\n"

    def _own(self, file: str, names: str) -> str:
        """An import of the module's own; nothing where it imports nothing."""
        return f"from {self._place.package}.{file} import {names}" if names else ""

    def _imports(self, *lines: str) -> str:
        """Imports as ruff sorts them: the standard library, others' packages, our own."""
        ours = self._place.vendor or "waddlebot"
        sections: tuple[list[str], list[str], list[str]] = ([], [], [])
        for line in filter(None, lines):
            root = line.split()[1].partition(".")[0]
            sections[0 if root in sys.stdlib_module_names else 2 if root == ours else 1].append(line)
        return "\n\n".join("\n".join(sorted(section, key=_import_order)) for section in sections if section)


def _import_order(line: str) -> tuple[bool, str]:
    word, name = line.split()[:2]
    return word == "from", name


def _title(name: str) -> str:
    return name.replace("_", " ").title()


def _free_ports() -> tuple[int, int]:
    taken = {port for module in discover().values() for port in (module.http_port, module.grpc_port)}
    http = next(port for port in count(_HTTP_FIRST) if port not in taken)
    return http, next(port for port in count(_GRPC_FIRST) if port not in taken)
