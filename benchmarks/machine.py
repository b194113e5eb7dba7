"""The machine that is measured: its facts, and a core for a process."""

import os
import platform
import subprocess
import sysconfig
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parent.parent


def pin(core: int = -1) -> None:
    """Keep this process and its children on one of the cores it may use, by default the last. Linux alone can."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[core % len(cores)]})


def unpin() -> None:
    """Let this process use every core, whatever its parent was kept on. Linux alone can."""
    os.sched_setaffinity(0, range(os.cpu_count() or 1))


def facts() -> dict[str, str | int]:
    """Return what a reader needs to judge the figures: processor, cores, Python, date (UTC), commit."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "system": platform.platform(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "python_built_with": _built_with(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
    }


def _built_with() -> str:
    """The optimisations that the interpreter was built with: profiles and link time make a third or so."""
    arguments = str(sysconfig.get_config_var("CONFIG_ARGS") or "")
    found = [name for name in ("--enable-optimizations", "--with-lto") if name in arguments]
    return " ".join(found) or "neither profiles nor link-time optimisation"


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _commit() -> str:
    """Return the commit measured, with `+` behind it if files differ from it; empty outside a repository."""
    try:
        return _git("rev-parse", "HEAD") + ("+" if _git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
