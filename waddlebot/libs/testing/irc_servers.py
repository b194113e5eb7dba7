"""pytest plugin: real IRC servers from Debian (`apt-get install ngircd inspircd`), started for the tests.

Load it with `pytest_plugins = ["waddlebot.libs.testing.irc_servers"]`, or import the fixtures. Tests that kill or
stop a server take one of their own from `new_ngircd` or `new_inspircd`; all others share `ngircd` and `inspircd`.
"""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from waddlebot.libs.testing.ports import free_port
from waddlebot.libs.testing.server_process import ServerProcess, listens


@dataclass(frozen=True, slots=True)
class IrcCertificates:
    """Files of a private CA, and of a server's and a client's certificate (each with its key) that it signed."""

    ca: Path
    server_cert: Path
    server_key: Path
    client: Path


@dataclass(slots=True)
class IrcServer(ServerProcess):
    """A running server. `port` is plain, `tls_port` is TLS with a certificate for 127.0.0.1 and localhost."""

    name: str
    command: list[str]
    port: int
    tls_port: int
    ca: Path
    config: Path
    link_port: int = 0
    host: str = "127.0.0.1"

    def url(self, channels: str, nick: str = "waddlebot", options: str = "", tls: bool = False) -> str:
        """A URL for IRC_URLS; `channels` are percent-encoded and separated by commas."""
        scheme, port = ("ircs", self.tls_port) if tls else ("irc", self.port)
        return f"{scheme}://{nick}@{self.host}:{port}/{channels}{'?' if options else ''}{options}"

    def configure(self, more: str) -> None:
        """Add to the configuration, for the next start."""
        self.config.write_text(self.config.read_text() + more)

    def start(self) -> None:
        """Start, or start again on the same ports, and wait until it answers."""
        self.launch(self.command)

    def _answers(self) -> bool:
        return listens(self.port, self.host)


def program(name: str) -> str:
    """Path of a server's program. Raises RuntimeError that says how to get it."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if path is None:
        raise RuntimeError(f"{name} is missing: apt-get install -y --no-install-recommends ngircd inspircd")
    return path


def make_ngircd(folder: Path, certificates: IrcCertificates, name: str = "one", **options: str) -> IrcServer:
    """An ngIRCd that is not started yet. `options` replace lines of its [Limits], or add a `peer` section."""
    port, tls_port = free_port(), free_port()
    limits = {"MaxConnectionsIP": "0", "MaxJoins": "0", "MaxNickLength": "20", "MaxPenaltyTime": "0"} | {
        key: value for key, value in options.items() if key != "peer"
    }
    config = folder / f"ngircd-{name}.conf"
    config.write_text(
        f"""[Global]
Name = {name}.ngircd.test
Info = test server
Network = NgTest
Listen = 127.0.0.1
Ports = {port}
MotdPhrase = "hello"
ServerUID = {os.getuid() if os.getuid() else "root"}
ServerGID = {os.getgid() if os.getgid() else "root"}
[Limits]
{"\n".join(f"{key} = {value}" for key, value in limits.items())}
[Options]
DNS = no
Ident = no
PAM = no
[SSL]
CertFile = {certificates.server_cert}
KeyFile = {certificates.server_key}
Ports = {tls_port}
{options.get("peer", "")}
"""
    )
    command = [program("ngircd"), "-n", "-f", str(config)]
    return IrcServer(f"{name}.ngircd.test", command, port, tls_port, certificates.ca, config)


def make_inspircd(folder: Path, certificates: IrcCertificates, connect: str = "", extra: str = "") -> IrcServer:
    """An InspIRCd that is not started yet: flood limits and recvq are its defaults unless `connect` (attributes
    of its connect class) says otherwise; it takes a services server, see `IrcServices`, on its `link_port`."""
    port, tls_port, link_port = free_port(), free_port(), free_port()
    modules = (
        "ssl_gnutls cap sasl services_account spanningtree sslinfo namesx chanhistory banredirect redirect "
        "ircv3 ircv3_accounttag ircv3_batch ircv3_capnotify ircv3_ctctags ircv3_echomessage ircv3_msgid "
        "ircv3_servertime"
    )
    config = folder / "inspircd.conf"
    config.write_text(
        f"""<server name="inspircd.test" description="test server" id="0IN" network="InspTest">
<admin name="test" nick="test" email="test@example.org">
<path datadir="{folder}" logdir="{folder}" runtimedir="{folder}">
<pid file="{folder}/inspircd.pid">
{"\n".join(f'<module name="{name}">' for name in modules.split())}
<sslprofile name="Clients" provider="gnutls" certfile="{certificates.server_cert}"
  keyfile="{certificates.server_key}" requestclientcert="yes" hash="sha256">
<bind address="127.0.0.1" port="{port}" type="clients">
<bind address="127.0.0.1" port="{tls_port}" type="clients" sslprofile="Clients">
<bind address="127.0.0.1" port="{link_port}" type="servers">
<connect allow="*" maxchans="5000" resolvehostnames="no" useident="no" localmax="500" globalmax="500" {connect}>
<link name="services.test" ipaddr="127.0.0.1" port="1" allowmask="127.0.0.1" sendpass="link" recvpass="link">
<uline server="services.test" silent="yes">
<sasl target="services.test" requiressl="no">
<chanhistory maxlines="50" prefixmsg="yes" enableumode="no">
<performance somaxconn="128">
<security maxtargets="20">
<options casemapping="ascii">
<badnick nick="forbidden" reason="test">
{extra}
"""
    )
    command = [program("inspircd"), "--config", str(config), "--nofork", "--nopid", "--nolog"]
    if os.getuid() == 0:
        command.append("--runasroot")
    return IrcServer("inspircd.test", command, port, tls_port, certificates.ca, config, link_port)


@pytest.fixture(scope="session")
def irc_certificates(tmp_path_factory: pytest.TempPathFactory) -> IrcCertificates:
    """Certificates of a CA that nobody trusts unless told to."""
    return certificates_in(tmp_path_factory.mktemp("irc-certificates"))


def certificates_in(folder: Path) -> IrcCertificates:
    """New ones in a folder."""
    authority = trustme.CA()
    server = authority.issue_cert("localhost", "127.0.0.1")
    files = IrcCertificates(folder / "ca.pem", folder / "server.pem", folder / "server.key", folder / "client.pem")
    authority.cert_pem.write_to_path(files.ca)
    for blob in server.cert_chain_pems:
        blob.write_to_path(files.server_cert, append=True)
    server.private_key_pem.write_to_path(files.server_key)
    authority.issue_cert("waddlebot@example.org").private_key_and_cert_chain_pem.write_to_path(files.client)
    return files


@pytest.fixture(scope="session")
def ngircd(tmp_path_factory: pytest.TempPathFactory, irc_certificates: IrcCertificates) -> Iterator[IrcServer]:
    """A shared ngIRCd."""
    yield from _running(make_ngircd(tmp_path_factory.mktemp("ngircd"), irc_certificates))


@pytest.fixture(scope="session")
def inspircd(tmp_path_factory: pytest.TempPathFactory, irc_certificates: IrcCertificates) -> Iterator[IrcServer]:
    """A shared InspIRCd whose flood limits are high, so that tests need not wait for them."""
    folder = tmp_path_factory.mktemp("inspircd")
    yield from _running(
        make_inspircd(folder, irc_certificates, 'commandrate="100000" threshold="1000" recvq="1M"')
    )


@pytest.fixture
def new_ngircd(tmp_path: Path, irc_certificates: IrcCertificates) -> Iterator[Callable[..., IrcServer]]:
    """Makes an ngIRCd for one test, started; see `make_ngircd`."""
    yield from _factory(lambda **options: make_ngircd(tmp_path, irc_certificates, **options))


@pytest.fixture
def new_inspircd(tmp_path: Path, irc_certificates: IrcCertificates) -> Iterator[Callable[..., IrcServer]]:
    """Makes an InspIRCd for one test, started; see `make_inspircd`."""
    yield from _factory(lambda **options: make_inspircd(tmp_path, irc_certificates, **options))


def _running(server: IrcServer) -> Iterator[IrcServer]:
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextlib.contextmanager
def ngircd_running(folder: Path) -> Iterator[IrcServer]:
    """An ngIRCd for as long as the block runs."""
    yield from _running(make_ngircd(folder, certificates_in(folder)))


def _factory(make: Callable[..., IrcServer]) -> Iterator[Callable[..., IrcServer]]:
    servers: list[IrcServer] = []

    def started(**options: str) -> IrcServer:
        servers.append(make(**options))
        servers[-1].start()
        return servers[-1]

    yield started
    for server in servers:
        server.kill()
