"""Capacity: whether a PostgreSQL server has the connections that a host may open."""

import logging

from waddlebot.libs.dal.admin import Admin
from waddlebot.libs.dal.budgets import Budgets
from waddlebot.libs.dal.errors import Unavailable

# (https://www.postgresql.org/docs/current/runtime-config-connection.html; -1 means no limit of that kind)
_LIMITS = """
    select current_setting('max_connections')::int,
        current_setting('superuser_reserved_connections')::int
            + coalesce(current_setting('reserved_connections', true), '0')::int,
        (select rolconnlimit from pg_roles where rolname = current_user),
        (select datconnlimit from pg_database where datname = current_database()),
        (select sum(numbackends)::int - 1 from pg_stat_database),
        pg_backend_pid()
"""

_log = logging.getLogger(__name__)


def check_connections(database: Admin, budgets: Budgets) -> None:
    """Raise Unavailable when the server can never give this host its connections; warn when it cannot now."""
    ((most, reserved, of_role, of_database, used, pid),) = database.run(_LIMITS)
    if pid != database.connection.info.backend_pid:
        return  # a pooler stands between, and shares few connections among many hosts
    allowed = min(most - reserved, *(limit for limit in (of_role, of_database) if limit >= 0), most)
    wanted = (
        f"this host may open {budgets.connections} connections to PostgreSQL ({budgets.readers.threads} readers, "
        f"{budgets.writers.threads} writers, 2 aside)"
    )
    advice = "lower DATABASE_CONNECTIONS_MAX, raise max_connections there, or put a pgbouncer between"
    if budgets.connections > allowed:
        raise Unavailable(
            f"{wanted}, which gives it at most {allowed} (max_connections = {most}, {reserved} of them reserved; "
            f"limits of its role and database: {of_role}, {of_database}, -1 is none): {advice}"
        )
    if budgets.connections > most - reserved - used:
        _log.warning(
            "%s, which has %d left of max_connections = %d, with %d reserved and %d in use: %s",
            wanted, max(0, most - reserved - used), most, reserved, used, advice,
        )  # fmt: skip
