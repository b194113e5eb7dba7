#!/bin/sh
# The roles, at the first start of the primary: an owner who changes the schema, hosts who only read and write rows
# (row-level security holds for them), and the replica. Passwords are files, as secrets are in containers.
set -eu
export SECRETS="${SECRETS:-/run/secrets}"

psql --quiet --no-psqlrc -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d "${POSTGRES_DB:-waddlebot}" <<'SQL'
\set owner `cat "$SECRETS/postgres_owner"`
\set host `cat "$SECRETS/postgres_host"`
\set replication `cat "$SECRETS/postgres_replication"`
create role waddlebot_owner login password :'owner' nosuperuser nobypassrls nocreatedb nocreaterole;
create role waddlebot_host login password :'host' nosuperuser nobypassrls nocreatedb nocreaterole;
create role waddlebot_replication login replication password :'replication';
revoke all on database :DBNAME from public;
revoke all on schema public from public;
grant connect, create on database :DBNAME to waddlebot_owner;
grant connect on database :DBNAME to waddlebot_host;
SQL
