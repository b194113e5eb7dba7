"""``python -m deploy.images [MODULE…]``: build the image of each module and start it, without a container engine.

buildah builds in a chroot, on a base that mmdebstrap makes of this machine's Debian packages and Python;
where there is an engine, `docker build` does the same. All of them are then started together: ``deploy.trial``.
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
from pathlib import Path

from deploy.programs import output, run
from deploy.services import services
from deploy.trial import say, trial

ROOT = Path(__file__).resolve().parent.parent
BASE = "localhost/waddlebot-python:3.13"
_PROGRAMS = {"buildah": "buildah", "mmdebstrap": "mmdebstrap", "bwrap": "bubblewrap"}
"""Programs and the Debian packages that have them."""
_PACKAGES = ("ca-certificates", "libstdc++6", "tzdata")


def main() -> None:
    """Build the modules that the command line names; or all, and start those together."""
    chosen = [found for found in services() if not sys.argv[1:] or found.module in sys.argv[1:]]
    if missing := [package for program, package in _PROGRAMS.items() if shutil.which(program) is None]:
        sys.exit(f"make images needs: apt-get install --yes --no-install-recommends {' '.join(missing)}")
    if os.geteuid() != 0:
        sys.exit("make images makes file systems, which only root may: sudo make images")
    if not output("buildah", "images", "--quiet", "--filter", f"reference={BASE}"):
        _make_base()
    for service in chosen:
        began_s = time.monotonic()
        image = _build(service.module)
        size = json.loads(output("buildah", "images", "--json", image))[0]["size"]
        say(f"{service.module:<24} {size:>8}  built in {time.monotonic() - began_s:.0f} s")
    if len(chosen) == len(services()):
        trial(chosen)


def _make_base() -> None:
    """Debian's smallest system with the Python that make uses: what ``python:3.13-slim`` is elsewhere."""
    python = Path(output(ROOT / "scripts" / "find-python"))
    prefix = Path(output(python, "-c", "import sys; print(sys.base_prefix)"))
    suite = output("sh", "-c", '. /etc/os-release && echo "$VERSION_CODENAME"')
    with tempfile.TemporaryDirectory() as made:
        archive = Path(made) / "base.tar"
        sources = [*Path("/etc/apt/sources.list.d").glob("*.sources"), *Path("/etc/apt").glob("sources.list")]
        packages = ",".join((*_PACKAGES, *_libraries(prefix)))
        run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}", suite, archive, *sources)
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
        container = output("buildah", "from", "scratch")
        run("buildah", "add", "--quiet", container, archive, "/")
        run("buildah", "copy", "--quiet", container, copied, "/usr/local")
        run("buildah", "run", "--isolation", "chroot", container, "--", "ldconfig")
        run("buildah", "config", "--env", "PATH=/usr/local/bin:/usr/bin:/bin", "--env", "LANG=C.UTF-8", container)
        run("buildah", "commit", "--quiet", "--rm", container, BASE)


def _libraries(prefix: Path) -> set[str]:
    """The Debian packages whose libraries the interpreter and its extensions are linked with."""
    linked = output("ldd", prefix / "bin" / "python3.13", *prefix.glob("lib/python3.13/lib-dynload/*.so"))
    paths = {line.split(" => ")[1].split(" (")[0] for line in linked.splitlines() if " => /" in line}
    found = set()
    system = [path for path in paths if not path.startswith(str(prefix))]
    for path in {name for linked_to in system for name in _names(linked_to)}:
        with contextlib.suppress(subprocess.CalledProcessError):  # not of a package, or known by another name
            found.add(output("dpkg", "-S", path).split(":")[0])
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
        run(
            "buildah", "build", "--quiet", "--isolation", "chroot", "--network", "host", "--format", "docker",
            "--layers", *(part for one in mounted for part in ("--volume", one)),
            *(part for one in arguments for part in ("--build-arg", one)),
            "--ignorefile", ROOT / "deploy" / "Dockerfile.dockerignore",
            "--file", ROOT / "deploy" / "Dockerfile", "--tag", image, ROOT,
        )  # fmt: skip
    return image


def _pip_settings() -> str:
    """This machine's settings of pip, of its files and its environment, as one file."""
    told = output(sys.executable, "-m", "pip", "config", "list")
    pairs = (line.partition("=") for line in told.splitlines() if line.startswith(("global.", ":env:.")))
    settings = {name.rpartition(".")[2]: ast.literal_eval(value) for name, _, value in pairs}
    return "\n".join(("[global]", *(f"{name} = {value}" for name, value in settings.items()), ""))


if __name__ == "__main__":
    main()
