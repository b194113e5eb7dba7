"""A server as a process of its own, which a test starts, kills and freezes."""

import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

_START_S = 20.0


@dataclass(slots=True, kw_only=True)
class ServerProcess:
    """The life of a server; which one it is, and how it is asked, is in the classes made of it."""

    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def launch(self, command: Sequence[str], *, account: str | None = None) -> None:
        """Start it, or start it again, and wait until it answers. Raises RuntimeError when it does not."""
        self.process = subprocess.Popen(  # noqa: S603  a wheel's or Debian's own program, a configuration of ours
            command,
            user=account,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline_s = time.monotonic() + _START_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline_s:
                self.kill()
                raise RuntimeError(f"it does not start: run {' '.join(command)}")
            time.sleep(0.02)

    def kill(self) -> None:
        """End at once, as a crash would; harmless when it does not run."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def suspend(self) -> None:
        """Let it hang: connections stay open and nothing answers."""
        if self.process is not None:
            self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Undo `suspend`."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        """Whether it is up."""
        raise NotImplementedError


def listens(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a TCP connection can be made."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
