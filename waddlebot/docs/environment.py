"""The page of environment variables."""

from collections.abc import Sequence
from itertools import groupby

from waddlebot.docs.pages import Page, Section, code, default_of, table, takes
from waddlebot.libs.sdk.module import Module
from waddlebot.runtime.environment import variables

_ABOUT = """
Everything an operator can set. An empty variable counts as unset. A wrong value ends the start with a message
that names all that are wrong, as JSON where `LOG_FORMAT` is `json`. A secret variable may be read from a file: set
`NAME_FILE` to its path instead of `NAME`, as containers do. Secret values are never shown or logged. `waddlebot
modules --env` lists the same on a machine, with what is set there.
"""


def page(manifests: Sequence[Module]) -> Page:
    """Every variable there is, hosts' own first."""
    found = groupby(variables({module.name: module for module in manifests}), key=lambda variable: variable[0])
    sections = []
    for of, group in found:
        rows = [
            (
                code(name),
                info.field.help,
                takes(info) + (", secret" if info.field.secret else ""),
                default_of(info),
            )
            for _, name, info in group
        ]
        sections.append(
            Section(
                of[0].upper() + of[1:] if " " in of else of,
                table(("Variable", "Meaning", "Takes", "Default"), rows),
            )
        )
    return Page("environment-variables", "Environment variables", _ABOUT, sections)
