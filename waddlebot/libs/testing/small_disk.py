"""A disk that fills up: a file system of its own, in memory. Only root may mount one (Linux)."""

import contextlib
import errno
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CHUNK = bytes(1 << 20)


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A mounted file system of a few megabytes."""

    path: Path

    @property
    def _filler(self) -> Path:
        return self.path / "filler"

    def fill(self) -> None:
        """Leave no byte free, until `clear`."""
        file = os.open(self._filler, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = len(_CHUNK)
            while size:
                try:
                    os.write(file, _CHUNK[:size])
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    size //= 2
        finally:
            os.close(file)

    def clear(self) -> None:
        """Make space again; harmless where there is some."""
        self._filler.unlink(missing_ok=True)


@contextlib.contextmanager
def small_disk(size_mb: int) -> Iterator[SmallDisk]:
    """A disk of so many megabytes, for as long as the block runs. Raises RuntimeError where it cannot be."""
    path = Path(tempfile.mkdtemp(prefix="waddlebot-disk-"))
    path.chmod(0o755)  # servers with an account of their own reach what they have there
    try:
        _run("mount", "-t", "tmpfs", "-o", f"size={size_mb}m,mode=755", "waddlebot", str(path))
        try:
            yield SmallDisk(path)
        finally:
            _run("umount", "--lazy", str(path))  # whatever still has a file open there
    finally:
        path.rmdir()


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  the system's own programs
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()} (only root may mount a small disk)")
