"""How gRPC is set up between hosts: credentials, limits, signs of life."""

import grpc
import grpc.aio

from waddlebot.libs.adapters.frames import FRAME_BYTES_MAX
from waddlebot.libs.adapters.grpc_config import GrpcConfig

TALK = "/waddlebot.peer.Peer/Talk"
AUTHORIZATION = "authorization"
_OVERHEAD_BYTES = 64 * 1024
_PING_S = 10
_PING_TIMEOUT_S = 5

type Options = list[tuple[str, int]]
# The names are those of grpc's channel arguments (grpc.github.io/grpc/core/group__grpc__arg__keys.html).

_BOTH: Options = [
    ("grpc.max_receive_message_length", FRAME_BYTES_MAX + _OVERHEAD_BYTES),
    ("grpc.max_send_message_length", FRAME_BYTES_MAX + _OVERHEAD_BYTES),
    ("grpc.max_metadata_size", 16 * 1024),
    # A host that is frozen, or behind a cable that was cut, sends no FIN: pings tell.
    ("grpc.keepalive_time_ms", _PING_S * 1_000),
    ("grpc.keepalive_timeout_ms", _PING_TIMEOUT_S * 1_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
]

SERVER: Options = [
    *_BOTH,
    ("grpc.so_reuseport", 0),  # a port that another process has is an error, not half of the calls lost
    ("grpc.http2.min_ping_interval_without_data_ms", _PING_S * 500),
]

CLIENT: Options = [
    *_BOTH,
    ("grpc.enable_retries", 0),  # only we know which calls may be repeated
    # A channel is one try to connect: neither its pause nor its connection is another's.
    ("grpc.use_local_subchannel_pool", 1),
    # One that tries for longer waits for a host that is just starting.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 200),
]


_TLS_NAME = "grpc.ssl_target_name_override"
"""Which name to verify (grpc_types.h, GRPC_SSL_TARGET_NAME_OVERRIDE_ARG)."""


def server_credentials(config: GrpcConfig) -> grpc.ServerCredentials | None:
    """What the server shows and asks for, None without TLS. Raises ``GrpcConfigError``."""
    key, chain, authorities = config.pem("tls_key"), config.pem("tls_cert"), config.pem("tls_ca")
    if key is None or chain is None:
        return None
    ask = authorities is not None and config.tls_clients == "required"
    return grpc.ssl_server_credentials([(key, chain)], authorities if ask else None, require_client_auth=ask)


def channel_to(address: str, credentials: grpc.ChannelCredentials | None, tls_name: str = "") -> grpc.aio.Channel:
    """A channel to HOST:PORT, not connected yet; encrypted where there are credentials.

    With ``tls_name`` the other host's certificate has to be for that name instead of its address.
    """
    if credentials is None:
        return grpc.aio.insecure_channel(address, options=CLIENT)
    named = [(_TLS_NAME, tls_name)] if tls_name else []
    return grpc.aio.secure_channel(address, credentials, options=[*CLIENT, *named])


def channel_credentials(config: GrpcConfig) -> grpc.ChannelCredentials | None:
    """What callers show and trust, None without TLS. Raises ``GrpcConfigError``."""
    key, chain = config.pem("tls_key"), config.pem("tls_cert")
    if key is None or chain is None:
        return None
    return grpc.ssl_channel_credentials(config.pem("tls_ca"), key, chain)
