"""Runs an image as an engine would, without one: its account, a read-only root, its two folders to write to."""

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from deploy.programs import output, run

ACCOUNT = "10001"
STOP_S = 40.0


class Container:
    """One image, its file system at ``root``; ``mounts`` are folders of ours by the place where they are seen."""

    def __init__(
        self, root: str, settings: Mapping[str, Any], environ: Mapping[str, str], mounts: Mapping[str, Path]
    ) -> None:
        self.environ = dict(pair.split("=", 1) for pair in settings["Env"]) | dict(environ)
        self.settings = settings
        self._root = root
        self._folder = tempfile.TemporaryDirectory(prefix="waddlebot-container-")
        self._places: list[object] = []
        for place in settings["Volumes"]:
            inside = Path(self._folder.name) / place.replace("/", "-")
            inside.mkdir()
            os.chown(inside, int(ACCOUNT), int(ACCOUNT))
            self._places += ["--bind", inside, place]
        for place, folder in mounts.items():
            # What bubblewrap makes on the way there only root could enter.
            self._places += ["--perms", "0755", "--dir", str(Path(place).parent), "--ro-bind", folder, place]
        self._process: subprocess.Popen[bytes] | None = None
        self._log = Path(self._folder.name) / "output"

    def start(self) -> None:
        """Start what the image is for."""
        command = [*self._sandbox(), *self.settings["Entrypoint"], *self.settings["Cmd"]]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603  the image's own command

    def call(self, *arguments: str, **environ: str) -> str:
        """Run ``waddlebot ARGUMENTS`` in it, with further variables; what it prints."""
        return output(*self._sandbox(environ), *self.settings["Entrypoint"], *arguments)

    def check(self) -> None:
        """Run the image's health check. Raises ``CalledProcessError`` where it fails."""
        run(*self._sandbox(), *self.settings["Healthcheck"]["Test"][1:])

    @property
    def ended(self) -> bool:
        """Whether it runs no more."""
        return self._process is None or self._process.poll() is not None

    def log(self) -> str:
        """What it printed."""
        return self._log.read_text(encoding="utf-8") if self._log.exists() else ""

    def stop(self) -> None:
        """Ask it to stop, as engines do; end it where it does not."""
        if self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_S)
            self._process.kill()
        self._folder.cleanup()

    def _sandbox(self, more: Mapping[str, str] | None = None) -> list[str]:
        environ = self.environ | dict(more or {})
        parts: list[object] = [
            "bwrap", "--ro-bind", self._root, "/", "--tmpfs", "/run", *self._places, "--proc", "/proc",
            "--dev", "/dev", "--unshare-pid", "--die-with-parent", "--chdir", self.settings["WorkingDir"],
            "--clearenv", *(part for name, value in environ.items() for part in ("--setenv", name, value)),
            # Of root's powers the one to become the image's account, which has none.
            "--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID",
            "setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups", "--no-new-privs",
        ]  # fmt: skip
        return [str(part) for part in parts]


@contextlib.contextmanager
def container_of(image: str, environ: Mapping[str, str], mounts: Mapping[str, Path]) -> Iterator[Container]:
    """A container of an image, not started; stopped and removed at the end."""
    made = output("buildah", "from", "--pull-never", image)
    try:
        settings = json.loads(output("buildah", "inspect", made))["Docker"]["config"]
        container = Container(output("buildah", "mount", made), settings, environ, mounts)
        try:
            yield container
        finally:
            container.stop()
    finally:
        run("buildah", "rm", made)
