"""A process whose clock is off, by libfaketime (`apt-get install faketime`)."""

from pathlib import Path

_LIBRARIES = "/usr/lib/*/faketime/libfaketimeMT.so.1"


def skewed(minutes: int) -> dict[str, str]:
    """Variables for a process whose clock is so many minutes ahead. Raises RuntimeError saying what to install."""
    found = next(Path("/").glob(_LIBRARIES.removeprefix("/")), None)
    if found is None:
        raise RuntimeError("libfaketime is missing: apt-get install -y --no-install-recommends faketime")
    return {
        "LD_PRELOAD": str(found),
        "FAKETIME": f"{minutes:+d}m",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # no setting of the clock moves that one
        "FAKETIME_DONT_RESET": "1",
    }
