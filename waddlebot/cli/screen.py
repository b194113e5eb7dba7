"""Where commands speak: results on standard output, notes on standard error."""

import sys

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

_WIDTH_ELSEWHERE = 200
"""Columns where nobody looks: in a file or a pipe nothing should be folded for the sake of a screen."""


def out() -> Console:
    """Standard output."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH_ELSEWHERE, soft_wrap=False)


def notes() -> Console:
    """Standard error, for what is no result."""
    return Console(
        stderr=True, highlight=False, width=None if sys.stderr.isatty() else _WIDTH_ELSEWHERE, soft_wrap=True
    )


def table(*columns: str) -> Table:
    """A table with these headings."""
    found = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        found.add_column(column, overflow="fold")
    return found


def visible(text: str) -> str:
    """A stranger's words without what moves a terminal's cursor."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "\N{REPLACEMENT CHARACTER}" for sign in text)


def plain(text: str) -> str:
    """A stranger's words for output with markup: none of it is markup, none of it moves the cursor."""
    return escape(visible(text))
