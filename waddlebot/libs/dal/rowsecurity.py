"""Row-level security: PostgreSQL's own wall between communities, behind the one in our statements.

Each transaction sets `waddlebot.communities` to the ids of its scope. Policies are forced on the tables' owner
too; a superuser and a role with BYPASSRLS pass every policy, and an owner may take it away, so hosts refuse to run
as one of these. (https://www.postgresql.org/docs/current/ddl-rowsecurity.html)
"""

import hashlib
from collections.abc import Iterable

from waddlebot.libs.dal.admin import Admin
from waddlebot.libs.dal.changes import SCHEMA_VERSION
from waddlebot.libs.dal.errors import SchemaError
from waddlebot.libs.dal.owner import Owner

# Sub-selects, so that the setting is read and split once a statement and not once a row. An unset setting is null,
# and null lets nothing through.
_POLICY = """
    community = any ((select string_to_array(current_setting('waddlebot.communities', true), chr(31)))::text[])
    or (select current_setting('waddlebot.communities', true)) = '*'
"""
# Kept as the policy's comment: an upgrade that has nothing to change then locks no table of a running host.
_POLICY_DIGEST = hashlib.sha256(_POLICY.encode()).hexdigest()[:16]

_WALLS = """
    select relname, relrowsecurity and relforcerowsecurity, obj_description(pg_policy.oid, 'pg_policy')
    from pg_class join pg_namespace on pg_namespace.oid = relnamespace
    left join pg_policy on polrelid = pg_class.oid and polname = 'waddlebot_scope'
    where nspname = %(schema)s and relkind in ('r', 'p')
"""
# A member may become the role at any time (SET ROLE).
ABOVE_THE_WALL = """
    select rolname::text from pg_roles
    where (rolsuper or rolbypassrls) and pg_has_role(current_user, pg_roles.oid, 'member') limit 1
"""
_OWNED = """
    select quote_ident(nspname) || '.' || quote_ident(relname), quote_ident(pg_get_userbyid(relowner))
    from pg_class join pg_namespace on pg_namespace.oid = relnamespace
    where nspname = any (%(schemas)s) and relkind in ('r', 'p') and pg_has_role(current_user, relowner, 'member')
    order by 1 limit 1
"""


def protect(database: Admin, owner: Owner) -> None:
    """Give every scoped table of the owner its policy."""
    walls = {name: (forced, digest) for name, forced, digest in database.run(_WALLS, {"schema": owner.schema})}
    for name, table in owner.tables.items():
        if not table.scoped or name not in walls or walls[name] == (True, _POLICY_DIGEST):
            continue
        qualified = database.dialect.qualified(owner.name, name)
        database.script(
            f"alter table {qualified} enable row level security; alter table {qualified} force row level security;"
            f"drop policy if exists waddlebot_scope on {qualified};"
            f"create policy waddlebot_scope on {qualified} using ({_POLICY}) with check ({_POLICY});"
            f"comment on policy waddlebot_scope on {qualified} is '{_POLICY_DIGEST}';"
        )


def grant(database: Admin, owner: Owner, role: str) -> None:
    """Let the hosts' role read and write rows of the owner's tables, those that there are and those to come."""
    schema, to = f'"{owner.schema}"', quoted(role)
    for_tables, for_sequences = "select, insert, update, delete on tables", "usage on sequences"
    database.script(
        f"grant usage on schema {schema} to {to};"
        f"grant select, insert, update, delete on all tables in schema {schema} to {to};"
        f"grant usage on all sequences in schema {schema} to {to};"
        f"alter default privileges in schema {schema} grant {for_tables} to {to};"
        f"alter default privileges in schema {schema} grant {for_sequences} to {to};"
    )
    if owner.tables.get(SCHEMA_VERSION.name) is SCHEMA_VERSION:
        qualified = database.dialect.qualified(owner.name, SCHEMA_VERSION.name)
        database.script(f"revoke insert, update, delete on {qualified} from {to}")  # only an upgrade changes it


def check_grantee(database: Admin, role: str) -> None:
    """Raise SchemaError when the role cannot be the hosts'."""
    if not database.run("select 1 from pg_roles where rolname = %(role)s", {"role": role}):
        raise SchemaError(f"there is no role {role!r}: make it by `create role {quoted(role)} login password '…'`")
    ((admin, same),) = database.run(
        "select current_user::text, pg_has_role(%(role)s, current_user, 'member')", {"role": role}
    )
    if same:
        raise SchemaError(
            f"the role {role!r} is to run hosts, and is or may become {admin!r}, which would own the tables: an "
            "owner can switch row-level security off. Give DATABASE_ADMIN_URL another account than DATABASE_URL"
        )


def check_role(database: Admin, owners: Iterable[Owner]) -> None:
    """Raise SchemaError when row-level security would not bind this role, or is not there."""
    ((name,),) = database.run("select current_user::text")
    if found := database.run(ABOVE_THE_WALL):
        which = "it" if found[0][0] == name else f"it may become {found[0][0]!r}, which"
        raise SchemaError(
            f"PostgreSQL does not keep communities apart for the role {name!r}, because {which} is a superuser or "
            "has BYPASSRLS: run hosts as a role made by `create role … login nosuperuser nobypassrls`"
        )
    owners = tuple(owners)
    if found := database.run(_OWNED, {"schemas": [owner.schema for owner in owners]}):
        table, of = found[0]
        raise SchemaError(
            f"the role {name!r} owns tables ({table}, of {of}), so it could switch row-level security off: give "
            f"them to an account of their own (`reassign owned by {of} to …`), put its URL into "
            "DATABASE_ADMIN_URL, run `waddlebot db upgrade`, and run hosts as a role that owns nothing"
        )
    for owner in owners:
        walls = {row[0]: row[1] for row in database.run(_WALLS, {"schema": owner.schema})}
        open_tables = [n for n, table in owner.tables.items() if table.scoped and n in walls and not walls[n]]
        if open_tables:
            raise SchemaError(
                f"row-level security is off for {owner.name}'s {', '.join(open_tables)}: "
                "run `waddlebot db upgrade`"
            )


def quoted(name: str) -> str:
    """A PostgreSQL name as SQL text; roles of managed services may hold any character."""
    return '"' + name.replace('"', '""') + '"'
