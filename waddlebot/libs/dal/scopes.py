"""For whom a unit of work runs: one community, several, or the system itself."""

from dataclasses import dataclass

from waddlebot.libs.dal.errors import ScopeError

SEPARATOR = "\x1f"  # ASCII unit separator: joins ids in PostgreSQL's setting, so no id may contain it
EVERYBODY = "*"  # the setting's value in a system scope, so no community may be called that


def check_community(community: str) -> str:
    """The id itself if it can name a community, else ScopeError."""
    if not community or community == EVERYBODY or SEPARATOR in community or "\0" in community:
        raise ScopeError(f"{community!r} cannot be the id of a community")
    return community


@dataclass(frozen=True, slots=True)
class Community:
    """Work for one community: it sees and writes that community's rows alone."""

    id: str

    def __post_init__(self) -> None:
        check_community(self.id)


@dataclass(frozen=True, slots=True)
class Batch:
    """Work for several communities at once (observers): every row names its own."""

    ids: frozenset[str]

    def __post_init__(self) -> None:
        for community in self.ids:
            check_community(community)


@dataclass(frozen=True, slots=True)
class System:
    """Work for nobody in particular (schedules, polls, operators). It sees every row, so its reason is logged."""

    reason: str

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ScopeError("a system scope needs a reason: it is what the log shows")


type Scope = Community | Batch | System
