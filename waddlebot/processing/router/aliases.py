"""Aliases: another word for a command line, put in its place before any check."""

from typing import TYPE_CHECKING

from waddlebot.libs.sdk import render
from waddlebot.libs.sdk.rank import lesser
from waddlebot.processing.router.view import DEPTH_MAX

if TYPE_CHECKING:
    from waddlebot.processing.router.pipeline import Trip

TEXT_MAX = 5_000
"""Longest line in characters that an alias makes; the rest is cut."""

_PLACES = ("{args}", "{all_args}", "{touser}", "{target}", *(f"{{arg{n}}}" for n in range(1, 10)))


def follow(trip: "Trip") -> str | None:
    """Put the command that the trip's alias leads to in its place. Returns why there is none, if so."""
    view = trip.view
    for _ in range(DEPTH_MAX):
        alias = trip.entry.alias
        if alias is None:
            return None
        bound = alias.ranks or 1
        trip.bound = lesser(bound, trip.bound) if trip.bound else bound
        trip.aliases += (f"command:{alias.name.lower()}",)
        line = view.typed(alias.table, alias.line)
        found = view.find(filled(line, trip.args, trip.event.user_name)[:TEXT_MAX])
        if found is None:
            return f"the alias {alias.name} stands for {line}, which is no command here"
        trip.entry, trip.word, trip.args = found
    return f"more than {DEPTH_MAX} aliases lead to one another" if trip.entry.alias is not None else None


def filled(line: str, args: str, user: str) -> str:
    """The line with what was typed after the alias; values are data, never looked at again."""
    if "{" in line:
        words = args.split()
        values = {f"arg{n}": words[n - 1] if n <= len(words) else "" for n in range(1, 10)}
        target = words[0] if words else user
        values |= {"user": user, "args": args, "all_args": args, "touser": target, "target": target}
        placed = any(place in line for place in _PLACES)
        line = render(line, values)
        if placed:
            return line.rstrip()
    return f"{line} {args}" if args else line
