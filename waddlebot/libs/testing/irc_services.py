"""A services server for InspIRCd 3 that knows accounts, so that SASL can be tried against a real server.

It links as `services.test` by the protocol of InspIRCd's spanningtree module (version 1205) and answers the SASL
exchange that the server relays. It can also bring in users of its own, and split away from the network.
"""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from waddlebot.libs.testing.irc_servers import IrcServer

_SID = "0SV"
_UPLINK = "0IN"


class IrcServices:
    """Link it by `linked_services`. `accounts` maps names to passwords, `fingerprints` TLS clients to names."""

    def __init__(self, accounts: Mapping[str, str], fingerprints: Mapping[str, str]) -> None:
        self._accounts, self._fingerprints = accounts, fingerprints
        self._writer: asyncio.StreamWriter | None = None
        self._linked = asyncio.Event()
        self._mechanisms: dict[str, str] = {}
        self._answers: dict[str, str] = {}
        self._users = 0
        self.logins: list[str] = []
        """Accounts that logged in, in order; a failed try is an empty text."""

    async def run(self, server: IrcServer) -> None:
        """Link and serve until the link ends."""
        reader, self._writer = await asyncio.open_connection(server.host, server.link_port)
        self._send("CAPAB START 1205")
        self._send("CAPAB END")
        self._send(f"SERVER services.test link 0 {_SID} :services")
        while line := await reader.readline():
            self._receive(line.decode().rstrip("\r\n"))

    async def wait_linked(self) -> None:
        """Wait until the server has taken us in."""
        await asyncio.wait_for(self._linked.wait(), 10)

    def introduce(self, nick: str, channel: str) -> None:
        """Bring in a user who is an operator of a channel, since before anybody else was."""
        self._users += 1
        uid = f"{_SID}A{self._users:05d}"
        self._send(f":{_SID} UID {uid} 1 {nick} far.test far.test {nick} 127.0.0.1 1 + :{nick}")
        self._send(f":{_SID} FJOIN {channel} 1 + :o,{uid}:1")

    def split(self) -> None:
        """Leave the network at once, with all users brought in."""
        if self._writer is not None:
            self._writer.close()

    def _send(self, line: str) -> None:
        if self._writer is not None:
            self._writer.write(line.encode() + b"\r\n")

    def _receive(self, line: str) -> None:
        words = line.split(" ")
        if words[0] == "SERVER":
            self._send(f":{_SID} BURST {int(time.time())}")
            self._send(f":{_SID} ENDBURST")
            self._send(f":{_SID} METADATA * saslmechlist :EXTERNAL,PLAIN")
        elif words[1] == "ENDBURST":
            self._linked.set()
        elif words[1] == "PING":
            self._send(f":{_SID} PONG {_UPLINK}")
        elif words[1] == "ENCAP" and words[3] == "SASL" and words[6] in ("S", "C"):
            self._authenticate(words[4], words[6], [word.removeprefix(":") for word in words[7:]])

    def _authenticate(self, uid: str, step: str, arguments: list[str]) -> None:
        if step == "S":
            self._mechanisms[uid] = arguments[0]
            self._answers[uid] = arguments[1] if len(arguments) > 1 else ""
            self._reply(uid, "C", "+")
            return
        account = self._check(uid, arguments[0])
        self.logins.append(account)
        if account:
            self._send(f":{_SID} METADATA {uid} accountname :{account}")
        self._reply(uid, "D", "S" if account else "F")

    def _check(self, uid: str, answer: str) -> str:
        if self._mechanisms[uid] == "EXTERNAL":
            return self._fingerprints.get(self._answers[uid], "") if answer == "+" else ""
        _, name, password = base64.b64decode(answer).decode().split("\0")
        return name if self._accounts.get(name) == password else ""

    def _reply(self, uid: str, step: str, data: str) -> None:
        self._send(f":{_SID} ENCAP {_UPLINK} SASL {_SID} {uid} {step} {data}")


@asynccontextmanager
async def linked_services(
    server: IrcServer, accounts: Mapping[str, str], fingerprints: Mapping[str, str] | None = None
) -> AsyncIterator[IrcServices]:
    """Services that are linked to the server for as long as the block runs."""
    services = IrcServices(accounts, fingerprints or {})
    task = asyncio.create_task(services.run(server))
    try:
        await services.wait_linked()
        yield services
    finally:
        services.split()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
