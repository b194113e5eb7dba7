"""All variables, and the lookups made from them. The guide for authors is generated from `VARIABLES`."""

import difflib
from collections.abc import Mapping
from functools import cache

from waddlebot.libs.templates.syntax import Dialect
from waddlebot.libs.templates.variables import chance, clock, community, stream, web, who
from waddlebot.libs.templates.variables.variable import Shape, Variable

VARIABLES: tuple[Variable, ...] = (
    *who.VARIABLES,
    *chance.VARIABLES,
    *clock.VARIABLES,
    *stream.VARIABLES,
    *community.VARIABLES,
    *web.VARIABLES,
)

NOT_HERE: Mapping[str, str] = {
    "djkhaled": "a joke service that no longer answers",
    "lastfm": "Last.fm",
    "leagueoflegends": "Riot Games",
    "rainwave": "Rainwave",
    "steam": "Steam",
    "stockprice": "a stock exchange service",
    "teamfighttactics": "Riot Games",
    "weather": "a weather service",
}
"""Variables of other bots that ask a service of theirs: the name and whose service it is."""


@cache
def names(dialect: Dialect) -> Mapping[str, Variable]:
    """The variables of a dialect by every name they go by there, in lower case."""
    return {name: variable for variable in VARIABLES for name in getattr(variable, dialect.value).split()}


def nearest(name: str, dialect: Dialect) -> str:
    """The known name that looks most like this one, or nothing."""
    close = difflib.get_close_matches(name[:40].lower(), names(dialect), n=1, cutoff=0.7)
    return close[0] if close else ""


def table() -> str:
    """The catalogue as a Markdown table, for the documentation."""
    rows = ["| Variable | Meaning | Ours | Nightbot | StreamElements | Needs |", "|---|---|---|---|---|---|"]
    for variable in VARIABLES:
        forms = (
            _forms(variable, variable.native, "{", "}"),
            _forms(variable, variable.nightbot, "$(", ")"),
            _forms(variable, variable.streamelements, "$(", ")"),
        )
        needs = ", ".join(sorted(variable.needs))
        rows.append(f"| {variable.name} | {variable.meaning} | {' | '.join(forms)} | {needs} |")
    return "\n".join(rows) + "\n"


_SHOWN = {
    Shape.NONE: "",
    Shape.TEXT: " text",
    Shape.WORDS: " …",
    Shape.FORMAT: ' name "{{field}}"',
    Shape.CODE: " code",
}


def _forms(variable: Variable, names_: str, opener: str, closer: str) -> str:
    return " ".join(f"`{opener}{name}{_SHOWN[variable.shape]}{closer}`" for name in names_.split())
