"""One target under atheris, in a process of its own: libFuzzer ends the process that it ran in."""

import contextlib
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from fuzz import corpora, targets

CPU_S_MAX = 0.1
"""Processor time that one input may take."""

FINDINGS = corpora.HERE / "findings"
_RERUNS = 3


class TooSlowError(Exception):
    """An input took more processor time than :data:`CPU_S_MAX`, each time that it ran."""


def fuzz(target: str, seconds: int, scratch: Path) -> None:
    """Feed a target for so many seconds; never returns.

    Inputs that reach something new go to `scratch`. One that fails is kept in :data:`FINDINGS`, and is the end.
    """
    import atheris  # noqa: PLC0415  exists on Linux only, and instruments what is imported after it

    with contextlib.suppress(AttributeError, OSError):  # no such thing on Windows
        os.nice(19)
    logging.disable()
    FINDINGS.mkdir(exist_ok=True)
    with atheris.instrument_imports(include=["waddlebot"]):
        door = targets.load(target)
    folder = corpora.folder(target)
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(door.SEEDS):
        (scratch / f"seed-{number}").write_bytes(seed)
    tempfile.tempdir = str(scratch.parent)  # which its maker removes; libFuzzer leaves no time to
    words = scratch.parent / "words"
    words.write_text("".join(_quoted(word) for word in door.WORDS), encoding="ascii")
    options = [
        f"-max_total_time={seconds}", f"-max_len={door.SIZE_MAX}", f"-dict={words}", "-rss_limit_mb=2048",
        f"-artifact_prefix={FINDINGS / target}-", "-timeout=20", "-print_final_stats=1", "-len_control=20",
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, str(scratch), str(folder)], timed(door.check))
    atheris.Fuzz()


def timed(check: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """The check, which also raises :class:`TooSlowError`.

    Processor time, since the machine is shared; and an input is run again before it is blamed, since the first run
    fills caches and the collector of garbage may take its turn in any.
    """

    def run(data: bytes) -> None:
        if _cpu_s(check, data) > CPU_S_MAX:
            took_s = min(_cpu_s(check, data) for _ in range(_RERUNS))
            if took_s > CPU_S_MAX:
                raise TooSlowError(f"{took_s:.3f} s of processor time for {len(data)} bytes")

    return run


def _cpu_s(check: Callable[[bytes], None], data: bytes) -> float:
    started_s = time.process_time()
    check(data)
    return time.process_time() - started_s


def _quoted(word: str) -> str:
    """An entry of libFuzzer's dictionary."""
    return '"' + "".join(f"\\x{byte:02x}" for byte in word.encode()) + '"\n'
