"""Pages of Markdown: sections, tables, and the division of what is too long for one file."""

import inspect
import types
import typing
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from waddlebot.libs.sdk.fields import FieldInfo, fields_of, literal_choices, type_words, unwrap_optional

MARK = "<!-- Made by `make docs` from the code: change that, not this page. -->"
FILE_MAX = 24_000
"""Characters of one file; a longer page becomes an index with a file for each section."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page. ``title`` also names its file where it gets one of its own."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the reference: ``name.md``, or an index of that name and a folder of its sections."""

    name: str
    title: str
    about: str
    sections: Sequence[Section]

    def files(self) -> dict[str, str]:
        """File name → text. Raises ValueError for a section that is too long even alone."""
        head = f"# {self.title}\n\n{MARK}\n\n{self.about.strip()}\n"
        whole = head + "".join(f"\n## {section.title}\n\n{section.text.strip()}\n" for section in self.sections)
        if len(whole) <= FILE_MAX:
            return {f"{self.name}.md": whole}
        links = "".join(f"- [{section.title}]({self.name}/{section.title}.md)\n" for section in self.sections)
        found = {f"{self.name}.md": f"{head}\n{links}"}
        for section in self.sections:
            text = f"# {self.title}: {section.title}\n\n{MARK}\n\n{section.text.strip()}\n"
            if len(text) > FILE_MAX:
                raise ValueError(f"{self.name}: the section {section.title} has {len(text):,} characters")
            found[f"{self.name}/{section.title}.md"] = text
        return found


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; empty where there are no rows."""
    lines = [f"| {' | '.join(map(_cell, row))} |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"| {' | '.join(columns)} |", f"| {' | '.join('--' for _ in columns)} |", *lines]) + "\n"


def code(text: str) -> str:
    """Text as code; empty stays empty."""
    return f"`{text}`" if text else ""


def summary_of(thing: Any) -> str:
    """The first paragraph of something's docstring, on one line."""
    return (inspect.getdoc(thing) or "").split("\n\n")[0].replace("\n", " ")


def settings_table(shape: type) -> str:
    """The fields of a Settings or Config: name, meaning, what it takes, default."""
    rows = [(code(info.name), info.field.help, takes(info), default_of(info)) for info in fields_of(shape)]
    return table(("Setting", "Meaning", "Takes", "Default"), rows)


def takes(info: FieldInfo) -> str:
    """What a field takes, in words, with its bounds."""
    choices = info.field.choices or literal_choices(info.type)
    if choices:
        return ", ".join(map(code, choices))
    inner, _ = unwrap_optional(info.type)
    words = "a list" if get_origin(inner) in (tuple, list, frozenset) else type_words(info)
    bounds = [
        f"at {word} {limit:g}"
        for word, limit in (("least", info.field.at_least), ("most", info.field.at_most))
        if limit is not None
    ]
    for word, length in (("least", info.field.length_min), ("most", info.field.length_max)):
        if length is not None:
            bounds.append(f"at {word} {length} characters")
    return ", ".join([words, *bounds])


def default_of(info: FieldInfo) -> str:
    """A field's default as the reader would write it."""
    if info.required:
        return "must be set"
    if isinstance(info.default, bool):
        return code("true" if info.default else "false")
    if isinstance(info.default, (tuple, list, frozenset)):
        return ", ".join(code(str(item)) for item in info.default)
    if isinstance(info.default, float):
        return code(f"{info.default:g}")
    return "" if info.default is None else code(str(info.default))


def type_name(hint: Any) -> str:
    """A type as Python writes it, without module names."""
    if isinstance(hint, typing.TypeAliasType):
        return hint.__name__
    origin = get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        return " | ".join(type_name(part) for part in get_args(hint))
    if origin is not None:
        return (
            f"{origin.__name__}[{', '.join('…' if part is ... else type_name(part) for part in get_args(hint))}]"
        )
    return "None" if hint is type(None) else getattr(hint, "__name__", str(hint))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
