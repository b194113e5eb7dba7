"""Calls between machines are encrypted, and hosts know each other by their certificates."""

import socket
from collections.abc import Callable
from pathlib import Path

import grpc.aio
import pytest
import trustme

from waddlebot.libs.adapters.grpc_config import GrpcConfig, GrpcConfigError
from waddlebot.libs.adapters.grpc_peers import Peers
from waddlebot.libs.sdk.fields import from_environment
from waddlebot.libs.testing.callee import ACTION, Serving, call_of, peers_of, serving
from waddlebot.libs.testing.ports import free_port

type MakeConfig = Callable[..., GrpcConfig]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(tmp_path: Path, authority: trustme.CA) -> MakeConfig:
    """The settings of a host with a certificate; of another authority where one is given."""

    def tls(
        ca: trustme.CA = authority,
        trusts: trustme.CA = authority,
        names: tuple[str, ...] = ("127.0.0.1", "localhost"),
        **options: object,
    ) -> GrpcConfig:
        folder = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        certificate = ca.issue_cert(*names)
        certificate.private_key_pem.write_to_path(folder / "key.pem")
        for blob in certificate.cert_chain_pems:
            blob.write_to_path(folder / "cert.pem", append=True)
        trusts.cert_pem.write_to_path(folder / "ca.pem")
        files = {f"GRPC_TLS_{name.upper()}": str(folder / f"{name}.pem") for name in ("cert", "key", "ca")}
        variables = {f"GRPC_{name.upper()}": str(value) for name, value in options.items()}
        return from_environment(GrpcConfig, "grpc", {**files, "GRPC_PORT": str(free_port()), **variables})

    return tls


async def status(peers: Peers, address: str) -> tuple[str, str]:
    result = await peers.endpoint(ACTION, address).execute(call_of())
    await peers.close()
    return result.status, result.reason


async def test_hosts_of_one_authority_talk(tls: MakeConfig) -> None:
    async with serving(tls()) as host:
        assert await status(peers_of(tls()), host.address) == ("ok", "")


async def test_certificates_may_be_for_one_name_whatever_the_address_is(tls: MakeConfig) -> None:
    async with serving(tls(names=("waddlebot",))) as host:
        assert await status(peers_of(tls(tls_name="waddlebot")), host.address) == ("ok", "")
        for other in (tls(), tls(tls_name="impostor")):
            assert (await status(peers_of(other), host.address))[0] == "failed"


def test_a_host_on_every_address_is_reached_by_its_name() -> None:
    assert GrpcConfig(host="0.0.0.0", port=5).address == f"{socket.gethostname()}:5"
    assert GrpcConfig(host="::", port=5, advertise="pod:6").address == "pod:6"
    assert GrpcConfig(host="::1", port=5).address == "[::1]:5"


async def test_a_host_of_another_authority_is_neither_asked_nor_answered(tls: MakeConfig) -> None:
    other = trustme.CA()
    async with serving(tls()) as host:
        # It does not trust us; we do not trust it.
        for stranger in (tls(ca=other, trusts=other), tls(ca=other)):
            found, reason = await status(peers_of(stranger), host.address)
            assert found == "failed"
            assert "is away" in reason
        assert not host.callee.asked


async def test_without_a_certificate_nobody_is_answered(tls: MakeConfig, authority: trustme.CA) -> None:
    config = tls()
    async with serving(config) as host:
        assert (await status(peers_of(GrpcConfig()), host.address))[0] == "failed"
        roots = authority.cert_pem.bytes()
        async with grpc.aio.secure_channel(host.address, grpc.ssl_channel_credentials(roots)) as channel:
            look_up: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
                "/waddlebot.identity.Identity/Lookup"
            )
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await look_up(b"", timeout=5)
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
        assert not host.callee.asked


async def test_certificates_of_callers_may_be_left_out(tls: MakeConfig, authority: trustme.CA) -> None:
    async with serving(tls(tls_clients="off")) as host:
        roots = authority.cert_pem.bytes()
        async with grpc.aio.secure_channel(host.address, grpc.ssl_channel_credentials(roots)) as channel:
            look_up: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
                "/waddlebot.identity.Identity/Lookup"
            )
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await look_up(b"", timeout=5)
        assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED


async def test_no_host_talks_in_the_clear_to_another_machine() -> None:
    with pytest.raises(GrpcConfigError, match="GRPC_TLS_CERT and GRPC_TLS_KEY") as caught:
        Serving(GrpcConfig(host="0.0.0.0", port=free_port()))
    assert "GRPC_HOST" in str(caught.value)
    found, reason = await status(peers_of(GrpcConfig()), "192.0.2.1:50021")
    assert found == "failed"
    assert "GRPC_TLS_CERT" in reason


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (GrpcConfig(tls_cert="cert.pem"), "both GRPC_TLS_CERT and GRPC_TLS_KEY"),
        (GrpcConfig(tls_key="key.pem"), "both GRPC_TLS_CERT and GRPC_TLS_KEY"),
        (GrpcConfig(tls_ca="ca.pem"), "GRPC_TLS_CA needs"),
        (GrpcConfig(tls_cert="no/such.pem", tls_key="no/such.pem"), "GRPC_TLS_CERT: no/such.pem cannot be read"),
    ],
)
async def test_settings_that_cannot_be_are_named(config: GrpcConfig, words: str) -> None:
    with pytest.raises(GrpcConfigError, match=words):
        Serving(config)
    with pytest.raises(GrpcConfigError, match=words):
        peers_of(config)


def test_where_a_host_is_reached() -> None:
    assert GrpcConfig(port=50_021).address == "127.0.0.1:50021"
    assert GrpcConfig(host="::1", port=1).address == "[::1]:1"
    assert GrpcConfig(host="0.0.0.0", port=1, advertise="identity-core:50030").address == "identity-core:50030"
    assert GrpcConfig().may_ask("[::1]:1")
    assert not GrpcConfig().may_ask("identity-core:50030")
