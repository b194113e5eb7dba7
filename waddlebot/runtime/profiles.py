"""Profiles: what a host does by itself, chosen by the database's URL scheme. The only place that knows."""

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Profile:
    """``upgrade_first``: the host brings the schema up to date at start, after a backup. ``alone``: no other host
    works on the database, unless there is a carrier between them. ``readers`` and
    ``writers`` are database threads, so connections.
    """

    name: str
    upgrade_first: bool
    readers: int
    writers: int
    alone: bool = False


_BY_SCHEME = {
    "sqlite": Profile("embedded", upgrade_first=True, readers=2, writers=1, alone=True),
    "postgresql": Profile("server", upgrade_first=False, readers=8, writers=8),
    "postgres": Profile("server", upgrade_first=False, readers=8, writers=8),
}


def profile_of(database_url: str) -> Profile:
    """The profile for a database. Raises ``ValueError`` for a scheme we do not know."""
    scheme = urlsplit(database_url).scheme
    try:
        return _BY_SCHEME[scheme]
    except KeyError:
        known = ", ".join(sorted(_BY_SCHEME))
        raise ValueError(f"DATABASE_URL starts with {scheme!r}; known are {known}.") from None
