"""The page of commands."""

from collections.abc import Sequence

from waddlebot.docs.pages import Page, Section, code, table
from waddlebot.libs.sdk.module import Command, Module
from waddlebot.libs.sdk.rank import words

_ABOUT = """
What users type, after the community's prefix (`!` unless it chose another; `#` for community modules). `<word>`
must be given, `[word]` may be left out, `word…` takes the rest of the line, `a|b` is one of these. Communities
may rename, disable, re-rank and slow down each of them in chat (`!renamecom`, `!disablecom`, `!permcom`,
`!coolcom`); moderators, admins and owners may use whatever a lower rank may.
"""


def page(manifests: Sequence[Module]) -> Page:
    """Every command of every module."""
    sections = [
        Section(module.name, f"{module.summary}\n\n" + _table(module)) for module in manifests if module.commands
    ]
    return Page("commands", "Commands", _ABOUT, sections)


def _table(module: Module) -> str:
    shown = [command for command in module.commands.values() if not command.hidden]
    rows = [(code(_typed(c)), ", ".join(map(code, c.aliases)), words(c.rank), _cooldown(c), c.help) for c in shown]
    return table(("Command", "Also", "Who", "Cooldown", "What it does"), rows)


def _typed(command: Command) -> str:
    return ("#" if command.community else "!") + command.usage


def _cooldown(command: Command) -> str:
    parts = []
    if command.cooldown_s:
        parts.append(f"{command.cooldown_s:g} s")
    if command.user_cooldown_s:
        parts.append(f"{command.user_cooldown_s:g} s per person")
    return ", ".join(parts)
