"""Profiles: what a host does by itself, chosen by the database's URL scheme. The only place that knows."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from waddlebot.libs.dal.budgets import ASIDE, Budget, Budgets
from waddlebot.runtime.environment import Environment


@dataclass(frozen=True, slots=True)
class Profile:
    """``upgrade_first``: the host brings the schema up to date at start, after a backup. ``alone``: no other host
    works on the database, unless there is a carrier between them. ``readers`` and
    ``writers`` are database threads, so connections, where the operator names no other numbers.
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


def budgets_of(environment: Environment) -> Budgets:
    """How many threads work on the database, and how long each may take.

    Raises ``ValueError`` for a scheme we do not know, and for budgets that the operator's limit does not hold.
    """
    profile = profile_of(environment.database)
    most = environment.database_connections_max
    fewer = max(1, (most - ASIDE) // 2)
    readers = environment.database_readers or min(profile.readers, fewer)
    writers = environment.database_writers or min(profile.writers, fewer)
    if readers + writers + ASIDE > most:
        raise ValueError(
            f"DATABASE_READERS ({readers}), DATABASE_WRITERS ({writers}) and {ASIDE} connections beside them are "
            f"more than DATABASE_CONNECTIONS_MAX ({most}): lower the former or raise the latter."
        )
    return Budgets(
        Budget(readers, environment.database_read_timeout_s), Budget(writers, environment.database_write_timeout_s)
    )
