"""Row-level security: PostgreSQL's own wall between communities, behind the one in our statements.

Each transaction sets `waddlebot.communities` to the ids of its scope. Policies are forced on the tables' owner
too; a superuser and a role with BYPASSRLS pass every policy, so hosts refuse to run as one.
(https://www.postgresql.org/docs/current/ddl-rowsecurity.html)
"""

import re

from waddlebot.libs.dal.admin import Admin
from waddlebot.libs.dal.errors import SchemaError
from waddlebot.libs.dal.owner import Owner

# Sub-selects, so that the setting is read and split once a statement and not once a row. An unset setting is null,
# and null lets nothing through.
_POLICY = """
    community = any ((select string_to_array(current_setting('waddlebot.communities', true), chr(31)))::text[])
    or (select current_setting('waddlebot.communities', true)) = '*'
"""
_ROLE = re.compile(r"[A-Za-z_][A-Za-z0-9_$-]{0,62}")


def protect(database: Admin, owner: Owner, host_role: str | None) -> None:
    """Give every scoped table of the owner its policy, and the hosts' role its rights."""
    existing = {
        name
        for (name,) in database.run(
            "select tablename from pg_tables where schemaname = %(schema)s", {"schema": owner.schema}
        )
    }
    for name, table in owner.tables.items():
        if not table.scoped or name not in existing:
            continue
        qualified = database.dialect.qualified(owner.name, name)
        database.script(
            f"alter table {qualified} enable row level security; alter table {qualified} force row level security;"
            f"drop policy if exists waddlebot_scope on {qualified};"
            f"create policy waddlebot_scope on {qualified} using ({_POLICY}) with check ({_POLICY});"
        )
    if host_role is not None:
        if not _ROLE.fullmatch(host_role):
            raise SchemaError(f"{host_role!r} cannot be the name of the hosts' role")
        schema, role = f'"{owner.schema}"', f'"{host_role}"'
        database.script(
            f"grant usage on schema {schema} to {role};"
            f"grant select, insert, update, delete on all tables in schema {schema} to {role};"
            f"grant usage on all sequences in schema {schema} to {role};"
        )


def check_role(database: Admin, owners_tables: bool) -> None:
    """Raise SchemaError when row-level security would not bind this role.

    With `owners_tables` the role may also not own the tables, since an owner can take the policies away.
    """
    ((name, superuser, bypass),) = database.run(
        "select rolname, rolsuper, rolbypassrls from pg_roles where rolname = current_user"
    )
    if superuser or bypass:
        raise SchemaError(
            f"PostgreSQL does not keep communities apart for the role {name!r}, because it is a superuser or has "
            f"BYPASSRLS: run hosts as a role made by `create role … login nosuperuser nobypassrls`"
        )
    if owners_tables and database.run("select 1 from pg_tables where tableowner = current_user limit 1"):
        raise SchemaError(
            f"the role {name!r} owns tables, so it could switch row-level security off: "
            "run `waddlebot db upgrade` as the owner, and hosts as another role"
        )
