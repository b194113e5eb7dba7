"""``python -m deploy.images [MODULE…]``: build the image of each module and start it, without a container engine.

buildah builds in a chroot, on a base that mmdebstrap makes of this machine's Debian packages and Python;
bubblewrap starts each with a read-only root as the image's own account. Where there is an engine, `docker build`
does the same.
"""

import ast
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from deploy.services import Service, services
from waddlebot.libs.testing.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
BASE = "localhost/waddlebot-python:3.13"
READY_S = 60.0
_PROGRAMS = {"buildah": "buildah", "mmdebstrap": "mmdebstrap", "bwrap": "bubblewrap"}
"""Programs and the Debian packages that have them."""
_PACKAGES = ("ca-certificates", "libstdc++6", "tzdata")
_ACCOUNT = "10001"


def main() -> None:
    """Build and start the modules that the command line names, or all."""
    chosen = [found for found in services() if not sys.argv[1:] or found.module in sys.argv[1:]]
    if missing := [package for program, package in _PROGRAMS.items() if shutil.which(program) is None]:
        sys.exit(f"make images needs: apt-get install --yes --no-install-recommends {' '.join(missing)}")
    if os.geteuid() != 0:
        sys.exit("make images makes file systems, which only root may: sudo make images")
    if not _output("buildah", "images", "--quiet", "--filter", f"reference={BASE}"):
        _make_base()
    for service in chosen:
        began_s = time.monotonic()
        image = _build(service.module)
        built_s = time.monotonic()
        words = _start(service, image)
        size = json.loads(_output("buildah", "images", "--json", image))[0]["size"]
        took = f"built in {built_s - began_s:.0f} s, {words} in {time.monotonic() - built_s:.1f} s"
        sys.stdout.write(f"{service.module:<24} {size:>8}  {took}\n")
        sys.stdout.flush()


def _make_base() -> None:
    """Debian's smallest system with the Python that make uses: what ``python:3.13-slim`` is elsewhere."""
    python = Path(_output(ROOT / "scripts" / "find-python"))
    prefix = Path(_output(python, "-c", "import sys; print(sys.base_prefix)"))
    suite = _output("sh", "-c", '. /etc/os-release && echo "$VERSION_CODENAME"')
    with tempfile.TemporaryDirectory() as made:
        archive = Path(made) / "base.tar"
        sources = [*Path("/etc/apt/sources.list.d").glob("*.sources"), *Path("/etc/apt").glob("sources.list")]
        packages = ",".join((*_PACKAGES, *_libraries(prefix)))
        _run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}", suite, archive, *sources)
        copied = Path(made) / "local"
        ignored = shutil.ignore_patterns(
            "__pycache__", "site-packages", "test", "tests", "*.a", "idlelib", "tkinter"
        )
        shutil.copytree(
            prefix / "lib" / "python3.13", copied / "lib" / "python3.13", ignore=ignored, symlinks=True
        )
        (copied / "lib" / "python3.13" / "site-packages").mkdir()
        for library in prefix.glob("lib/libpython3.13.so*"):
            shutil.copy2(library, copied / "lib", follow_symlinks=False)
        (copied / "bin").mkdir()
        shutil.copy2(prefix / "bin" / "python3.13", copied / "bin")
        for name in ("python", "python3"):
            (copied / "bin" / name).symlink_to("python3.13")
        container = _output("buildah", "from", "scratch")
        _run("buildah", "add", "--quiet", container, archive, "/")
        _run("buildah", "copy", "--quiet", container, copied, "/usr/local")
        _run("buildah", "run", "--isolation", "chroot", container, "--", "ldconfig")
        _run("buildah", "config", "--env", "PATH=/usr/local/bin:/usr/bin:/bin", "--env", "LANG=C.UTF-8", container)
        _run("buildah", "commit", "--quiet", "--rm", container, BASE)


def _libraries(prefix: Path) -> set[str]:
    """The Debian packages whose libraries the interpreter and its extensions are linked with."""
    linked = _output("ldd", prefix / "bin" / "python3.13", *prefix.glob("lib/python3.13/lib-dynload/*.so"))
    paths = {line.split(" => ")[1].split(" (")[0] for line in linked.splitlines() if " => /" in line}
    found = set()
    system = [path for path in paths if not path.startswith(str(prefix))]
    for path in {name for linked_to in system for name in _names(linked_to)}:
        with contextlib.suppress(subprocess.CalledProcessError):  # not of a package, or known by another name
            found.add(_output("dpkg", "-S", path).split(":")[0])
    return found - {"tk8.6", "libtk8.6", "libtcl8.6"}


def _names(path: str) -> set[str]:
    """A library as it is linked, and as dpkg knows it since /lib is /usr/lib."""
    return {
        path,
        str(Path(path).resolve()),
        path.removeprefix("/usr"),
        str(Path(path).resolve()).removeprefix("/usr"),
    }


def _build(module: str) -> str:
    image = f"localhost/waddlebot/{module}"
    version = (ROOT / ".version").read_text(encoding="utf-8").strip()
    arguments = (f"PYTHON={BASE}", f"MODULE={module}", f"VERSION={version}")
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as settings:
        # How this machine reaches its package registry, for the build alone: none of it stays in the image.
        settings.write(_pip_settings())
        settings.flush()
        places = [(name, name) for name in ("/etc/ssl/certs", "/opt/wheels") if Path(name).exists()]
        mounted = [f"{there}:{here}:ro" for there, here in (*places, (settings.name, "/etc/pip.conf"))]
        _run(
            "buildah", "build", "--quiet", "--isolation", "chroot", "--network", "host", "--format", "docker",
            "--layers", *(part for one in mounted for part in ("--volume", one)),
            *(part for one in arguments for part in ("--build-arg", one)),
            "--ignorefile", ROOT / "deploy" / "Dockerfile.dockerignore",
            "--file", ROOT / "deploy" / "Dockerfile", "--tag", image, ROOT,
        )  # fmt: skip
    return image


def _pip_settings() -> str:
    """This machine's settings of pip, of its files and its environment, as one file."""
    told = _output(sys.executable, "-m", "pip", "config", "list")
    pairs = (line.partition("=") for line in told.splitlines() if line.startswith(("global.", ":env:.")))
    settings = {name.rpartition(".")[2]: ast.literal_eval(value) for name, _, value in pairs}
    return "\n".join(("[global]", *(f"{name} = {value}" for name, value in settings.items()), ""))


def _start(service: Service, image: str) -> str:
    """Run it as an engine would: its account, a read-only root, two folders to write to; until it is ready."""
    with _mounted(image) as (root, settings), tempfile.TemporaryDirectory() as folder:
        port = free_port()
        environ = dict(pair.split("=", 1) for pair in settings["Env"]) | {"HTTP_PORT": str(port)}
        assert environ["WADDLEBOT_MODULES"] == service.module, environ  # noqa: S101  what the image is for
        assert not [name for name in environ if name.startswith("PIP_")], environ  # noqa: S101  this machine's own
        assert settings["User"] == f"{_ACCOUNT}:{_ACCOUNT}", settings["User"]  # noqa: S101  never root
        places = []
        for place in settings["Volumes"]:
            inside = Path(folder) / place.replace("/", "-")
            inside.mkdir()
            os.chown(inside, int(_ACCOUNT), int(_ACCOUNT))
            places += ["--bind", inside, place]
        sandbox = [
            "bwrap", "--ro-bind", root, "/", *places, "--proc", "/proc", "--dev", "/dev", "--unshare-pid",
            "--die-with-parent", "--chdir", settings["WorkingDir"], "--clearenv",
            *(part for name, value in environ.items() for part in ("--setenv", name, value)),
            # Of root's powers the one to become the image's account, which has none.
            "--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID",
            "setpriv", f"--reuid={_ACCOUNT}", f"--regid={_ACCOUNT}", "--clear-groups", "--no-new-privs",
        ]  # fmt: skip
        log = Path(folder) / "output"
        with log.open("wb") as output:
            command = [*settings["Entrypoint"], *settings["Cmd"]]
            process = subprocess.Popen([*map(str, sandbox), *command], stdout=output, stderr=output)  # noqa: S603  ours
        try:
            words = _until_ready(process, port, log)
            checked = [*settings["Healthcheck"]["Test"][1:]]
            _run(*sandbox, *checked)
        finally:
            process.terminate()
            code = process.wait(40)
        if code not in (0, -15):  # bubblewrap hands the signal on, and ends by it
            raise RuntimeError(f"{service.module} ended with {code}:\n{log.read_text()}")
        return words


@contextlib.contextmanager
def _mounted(image: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The image's file system, and its settings."""
    container = _output("buildah", "from", image)
    try:
        settings = json.loads(_output("buildah", "inspect", container))["Docker"]["config"]
        yield _output("buildah", "mount", container), settings
    finally:
        _run("buildah", "rm", container)


def _until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> str:
    deadline_s = time.monotonic() + READY_S
    while time.monotonic() < deadline_s and process.poll() is None:
        with contextlib.suppress(URLError, OSError), urlopen(f"http://127.0.0.1:{port}/health/ready") as answer:
            return str(json.load(answer)["status"])
        time.sleep(0.1)
    raise RuntimeError(f"it was not ready within {READY_S:g} s:\n{log.read_text()}")


def _run(*command: object) -> None:
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)  # noqa: S603  chosen here


def _output(*command: object) -> str:
    done = subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603  chosen here
    return done.stdout.strip()


if __name__ == "__main__":
    main()
