"""``make-secrets`` and ``waddlebot.env.example``: what an operator fills in before the first start."""

from collections.abc import Sequence
from itertools import groupby

from deploy.services import Service, settings

MADE = (
    "DATABASE_URL",
    "DATABASE_REPLICA_URLS",
    "DATABASE_ADMIN_URL",
    "REDIS_URL",
    "WADDLEBOT_SECRET",
    "METRICS_TOKEN",
)
"""Secrets that the script makes; the others are platforms', and only their owners have them."""

_SCRIPT = """\
#!/bin/sh
# Made by `make docs` from the manifests: change those, or deploy/secrets.py, not this file.
#
# make-secrets NAME: everything secret that compose.yaml mounts, in deploy/secrets, once; NAME is the public host
# name. What is there stays. Then put the platforms' own secrets into their files: {theirs}.
set -eu
umask 077
name=${{1:?usage: make-secrets NAME, such as waddlebot.example.org}}
mkdir -p "$(dirname "$0")/secrets"
cd "$(dirname "$0")/secrets"

# keep FILE: writes standard input there, unless there is something already.
keep() {{
    if [ -e "$1" ]; then cat >/dev/null; else cat >"$1.new" && mv "$1.new" "$1"; fi
}}

for file in postgres_superuser postgres_owner postgres_host postgres_replication redis_password \\
    METRICS_TOKEN WADDLEBOT_SECRET; do
    [ -e "$file" ] || openssl rand -hex 32 | keep "$file"
done
host=$(cat postgres_host) owner=$(cat postgres_owner) redis=$(cat redis_password)
echo "postgresql://waddlebot_host:$host@postgres/waddlebot" | keep DATABASE_URL
echo "postgresql://waddlebot_host:$host@postgres-replica/waddlebot" | keep DATABASE_REPLICA_URLS
echo "postgresql://waddlebot_owner:$owner@postgres/waddlebot" | keep DATABASE_ADMIN_URL
echo "redis://waddlebot:$redis@redis:6379" | keep REDIS_URL
# The bot's own keys and no administration: nobody empties or stops Redis by its password.
keep redis_acl <<EOF
user default off
user waddlebot on #$(printf %s "$redis" | openssl dgst -sha256 -r | cut -d ' ' -f 1) ~wb:* &* {acl}
EOF
for file in {empty}; do
    keep "$file" </dev/null
done

# The hosts' own authority, for the calls between them (TLS on both sides).
request() {{
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "$@" 2>/dev/null
}}
if [ ! -e grpc_cert ]; then
    request -x509 -days 3650 -subj "/CN=WaddleBot hosts" -keyout grpc_ca_key -out grpc_ca
    cat >grpc_extensions <<EOF
subjectAltName = DNS:waddlebot
extendedKeyUsage = serverAuth,clientAuth
EOF
    request -subj "/CN=waddlebot" -keyout grpc_key | openssl x509 -req -days 3650 -CA grpc_ca -CAkey grpc_ca_key \\
        -CAcreateserial -extfile grpc_extensions -out grpc_cert 2>/dev/null
    rm -f grpc_extensions grpc_ca.srl
fi
# For browsers: replace it by one that they trust, in these two files.
[ -e tls_certificate ] || request -x509 -days 90 -subj "/CN=$name" -addext "subjectAltName = DNS:$name" \\
    -keyout tls_key -out tls_certificate

# Containers read them as accounts of their own (10001, 999 …); the folder keeps everybody else out.
chmod 0700 .
chmod 0644 ./*
chmod 0400 grpc_ca_key redis_password
echo "The secrets are in $(pwd). Keep a copy of WADDLEBOT_SECRET: without it sealed values are lost."
"""

_ACL = "+@all -@admin -@dangerous +info"
"""Categories of commands (https://valkey.io/topics/acl)."""

_EXAMPLE = """\
# Made by `make docs` from the manifests: change those, not this file.
# What can be set and is no secret. Copy it to waddlebot.env; every service of compose.yaml reads that.
"""


def script(found: Sequence[Service]) -> str:
    """The text of ``make-secrets``."""
    empty = sorted({name for service in found for name in service.secrets} - {*MADE})
    return _SCRIPT.format(theirs=", ".join(empty), empty=" ".join(empty), acl=_ACL)


def example() -> str:
    """The text of ``waddlebot.env.example``."""
    parts = [_EXAMPLE]
    for of, group in groupby(settings(), key=lambda setting: setting[0]):
        parts.append(f"\n# --- {of} ---\n")
        for _, name, info in group:
            default = "" if info.required or info.default in ("", ()) else str(info.default)
            parts.append(f"# {info.field.help}\n# {name}={default.lower() if info.type is bool else default}\n")
    return "".join(parts)
