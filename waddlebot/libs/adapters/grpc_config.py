"""What an operator sets about calls between hosts. Imports nothing of gRPC, so that every host can show it."""

import dataclasses
import socket
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from waddlebot.libs.sdk.fields import Field

_EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104  compared, not bound


class GrpcConfigError(ValueError):
    """What is set cannot be; the text names the variables and says what to do."""


@dataclasses.dataclass(frozen=True, slots=True)
class GrpcConfig:
    """Read it with ``from_environment(GrpcConfig, "grpc")``: the variables are ``GRPC_HOST``, ``GRPC_PORT`` …"""

    host: Annotated[
        str, Field("The address on which other hosts may ask the modules here; 0.0.0.0 for every one.")
    ] = "127.0.0.1"
    port: Annotated[
        int,
        Field(
            "The port on which other hosts may ask; unset with REDIS_URL that of the first module, else none.",
            at_least=0,
            at_most=65535,
        ),
    ] = 0
    advertise: Annotated[
        str,
        Field(
            "HOST:PORT by which other hosts reach this one; empty for the address and port above, or for this "
            "machine's name where that is every address."
        ),
    ] = ""
    tls_cert: Annotated[
        str, Field("File of this host's certificate chain (PEM), shown as server and as client.")
    ] = ""
    tls_key: Annotated[str, Field("File of the certificate's private key (PEM).")] = ""
    tls_ca: Annotated[
        str, Field("File of the authorities (PEM) that sign the hosts' certificates; empty for the system's.")
    ] = ""
    tls_name: Annotated[
        str,
        Field(
            "The name that all hosts' certificates are for, whatever a host's address is, as of pods; empty where "
            "each is for its own address."
        ),
    ] = ""
    tls_clients: Annotated[
        Literal["required", "off"],
        Field("Whether callers must show a certificate signed by GRPC_TLS_CA, where that is set."),
    ] = "required"
    fallback: Annotated[
        Literal["local", "http", "off"],
        Field(
            "How hosts are asked when gRPC is refused: local (over HTTP on the same machine), http (also between "
            "machines, readable on the network), or off."
        ),
    ] = "local"

    @property
    def address(self) -> str:
        """HOST:PORT by which other hosts reach this one."""
        host = socket.gethostname() if self.host in _EVERY_ADDRESS else self.host
        return self.advertise or f"{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def secure(self) -> bool:
        """Whether calls are encrypted."""
        return bool(self.tls_cert)

    def check(self) -> None:
        """Raise :class:`GrpcConfigError` for settings that contradict each other, or would talk in the clear."""
        if bool(self.tls_cert) != bool(self.tls_key):
            raise GrpcConfigError("Set both GRPC_TLS_CERT and GRPC_TLS_KEY, or neither.")
        if self.tls_ca and not self.tls_cert:
            raise GrpcConfigError("GRPC_TLS_CA needs GRPC_TLS_CERT and GRPC_TLS_KEY beside it.")
        if self.port and not self.secure and not is_loopback(self.host):
            raise GrpcConfigError(
                f"gRPC on {self.host} would be readable on the network. Set GRPC_TLS_CERT and GRPC_TLS_KEY (and "
                "GRPC_TLS_CA, where an authority of yours signs them), or GRPC_HOST=127.0.0.1."
            )
        for name in ("tls_cert", "tls_key", "tls_ca"):
            self.pem(name)

    def pem(self, name: str) -> bytes | None:
        """The content of the file that a field names, None where it is empty. Raises :class:`GrpcConfigError`."""
        path = getattr(self, name)
        if not path:
            return None
        try:
            return Path(path).read_bytes()
        except OSError as error:
            raise GrpcConfigError(f"GRPC_{name.upper()}: {path} cannot be read: {error.strerror}.") from None

    def may_ask(self, address: str) -> bool:
        """Whether calls to HOST:PORT stay private: encrypted, or on this machine."""
        return self.secure or is_loopback(address.rpartition(":")[0])

    def may_fall_back(self, url: str) -> bool:
        """Whether a host may be asked by this ``http://`` URL."""
        here = is_loopback(urlsplit(url).hostname or "")
        return self.fallback == "http" or (self.fallback == "local" and here)


def is_loopback(host: str) -> bool:
    """Whether an address or name never leaves this machine."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
