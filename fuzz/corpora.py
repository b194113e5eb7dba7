"""The inputs that are kept: where they are, which of them are worth it, and the lines that they reach."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import coverage

from fuzz import targets

HERE = Path(__file__).parent
FILES_MAX = 300
BYTES_MAX = 300_000
ALWAYS = "bug-"
"""How the names of inputs begin that were bugs once: they are kept whatever they reach."""


class Reach(NamedTuple):
    """Lines of one module that the inputs run, of those that there are."""

    module: str
    run: int
    lines: int


def folder(target: str) -> Path:
    """Where a target's inputs are kept."""
    return HERE / "corpus" / target


def kept(target: str) -> dict[str, bytes]:
    """A target's inputs by file name."""
    return {path.name: path.read_bytes() for path in sorted(folder(target).glob("*"))}


def distil(target: str, found: Iterable[bytes]) -> list[Reach]:
    """Keep the shortest inputs that take every branch that all of these take; returns the lines that all reach.

    Call it in a process of its own, before anything else imported the door: the lines of its definitions count.
    """
    old = kept(target)
    chosen = {name: data for name, data in old.items() if name.startswith(ALWAYS)}
    measuring = coverage.Coverage(
        data_file=None, branch=True, source=[str(HERE.parent / "waddlebot")], config_file=False
    )
    measuring.start()
    door = targets.load(target)
    files = [str(HERE.parent.joinpath(*module.split(".")).with_suffix(".py")) for module in door.DOOR]
    for data in chosen.values():
        door.check(data)
    branches, size = _branches(measuring, files), sum(map(len, chosen.values()))
    for data in sorted(
        {*old.values(), *door.SEEDS, *found} - set(chosen.values()), key=lambda data: (len(data), data)
    ):
        door.check(data)
        reached = _branches(measuring, files)
        if reached > branches and len(chosen) < FILES_MAX and size + len(data) <= BYTES_MAX:
            chosen[hashlib.sha256(data).hexdigest()[:16]] = data
            size += len(data)
        branches = reached
    targets.close(door)
    measuring.stop()
    _write(folder(target), chosen)
    return [_reach(measuring, module, file) for module, file in zip(door.DOOR, files, strict=True)]


def _branches(measuring: coverage.Coverage, files: Sequence[str]) -> int:
    taken = measuring.get_data()
    return sum(len(taken.arcs(file) or ()) for file in files)


def _reach(measuring: coverage.Coverage, module: str, file: str) -> Reach:
    _, lines, _, missing, _ = measuring.analysis2(file)
    return Reach(module, len(lines) - len(missing), len(lines))


def _write(place: Path, chosen: dict[str, bytes]) -> None:
    place.mkdir(parents=True, exist_ok=True)
    for path in place.iterdir():
        if path.name not in chosen:
            path.unlink()
    for name, data in chosen.items():
        (place / name).write_bytes(data)
