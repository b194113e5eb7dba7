#!/bin/sh
# A streaming replica: copied from the primary at the first start, then following it. Its data may be thrown away at
# any time; the next start copies anew.
set -eu
PGDATA=${PGDATA:-/var/lib/postgresql/18/docker}
PGPASSWORD=$(cat "$REPLICATION_PASSWORD_FILE")
export PGDATA PGPASSWORD

if [ ! -s "$PGDATA/standby.signal" ]; then
    # Copied beside it first: half a copy is never taken for a whole one.
    rm -rf "$PGDATA" "$PGDATA.copy"
    mkdir -p "$PGDATA.copy"
    chmod 0700 "$PGDATA.copy"
    pg_basebackup --pgdata "$PGDATA.copy" --checkpoint fast --wal-method stream --write-recovery-conf \
        --dbname "host=$PRIMARY_HOST port=${PRIMARY_PORT:-5432} user=waddlebot_replication application_name=replica"
    # A file with something in it tells that the copy is whole.
    echo replica >"$PGDATA.copy/standby.signal"
    mv "$PGDATA.copy" "$PGDATA"
fi
exec postgres -c config_file="${CONFIG_FILE:-/etc/waddlebot/postgresql.conf}" "$@"
