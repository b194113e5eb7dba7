"""A process whose clock is off, by libfaketime (`apt-get install faketime`)."""

from dataclasses import dataclass
from pathlib import Path

_LIBRARIES = "/usr/lib/*/faketime/libfaketimeMT.so.1"
_NOTICED_S = 1
"""How old what a process knows of its clock may be, in whole seconds: libfaketime looks no more often."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The wall clock of a process, which can be set while it runs. ``file`` tells libfaketime of it."""

    file: Path

    def set(self, minutes: int) -> None:
        """Let it be so many minutes ahead, from within a second on."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{minutes:+d}m\n")
        new.replace(self.file)

    def variables(self) -> dict[str, str]:
        """Variables for a process that has this clock. Raises RuntimeError saying what to install."""
        self.set(0)
        return _faked(FAKETIME_TIMESTAMP_FILE=str(self.file), FAKETIME_CACHE_DURATION=str(_NOTICED_S))


def skewed(minutes: int) -> dict[str, str]:
    """Variables for a process whose clock is so many minutes ahead. Raises RuntimeError saying what to install."""
    return _faked(FAKETIME=f"{minutes:+d}m")


def _faked(**how: str) -> dict[str, str]:
    found = next(Path("/").glob(_LIBRARIES.removeprefix("/")), None)
    if found is None:
        raise RuntimeError("libfaketime is missing: apt-get install -y --no-install-recommends faketime")
    return {
        "LD_PRELOAD": str(found),
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # no setting of the clock moves that one
        "FAKETIME_DONT_RESET": "1",
        **how,
    }
