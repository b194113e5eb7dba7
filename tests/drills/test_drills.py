"""Every family of drills, in two seeded rounds. `make drill` runs them in full."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from random import Random
from typing import Any

import pytest

from drills.families import FAMILIES, run
from drills.faults import FAULTS
from drills.fsync import check, sync_before_2xx
from drills.world import BooksError, World, engine, world

SEED = 20_261_123
ROUNDS = 1
PATIENCE = 5.0


@pytest.mark.timeout(300)
@pytest.mark.parametrize("family", [name for name in FAMILIES if name not in FAULTS])  # those have tests of theirs
def test_the_books_balance(family: str) -> None:
    assert run(family, SEED, ROUNDS, PATIENCE)["rounds"] == ROUNDS


def test_a_database_that_does_not_synchronise_is_found(tmp_path: Path) -> None:
    with (
        engine("postgresql", "-c fsync=off") as url,
        world(tmp_path, url) as running,
        pytest.raises(BooksError, match="nothing was synchronised"),
    ):
        asyncio.run(_and_end(sync_before_2xx(running, Random(SEED), 1), running))


async def _and_end(drill: Coroutine[Any, Any, object], running: World) -> None:
    try:
        await drill
    finally:
        await running.bot.end()


READ = '10 1.0 read(9, "POST /api/v1/processing.router/events", 64) = 64\n'
SYNC = "11 1.1 fdatasync(7) = 0\n"
SYNC_IN_TWO = "11 1.1 fdatasync(7 <unfinished ...>\n11 1.2 <... fdatasync resumed>) = 0\n"
ANSWER = '10 1.3 write(9, "HTTP/1.1 200 OK", 64) = 64\n'


@pytest.mark.parametrize("trace", [READ + SYNC + ANSWER, READ + SYNC_IN_TWO + ANSWER])
def test_a_synchronised_answer_counts(trace: str) -> None:
    assert check(trace) == 1


@pytest.mark.parametrize(
    "trace",
    [
        READ + ANSWER,
        SYNC.replace("1.1", "0.9") + READ + ANSWER,
        READ + SYNC.replace("1.1", "1.4") + ANSWER,
        READ + SYNC.replace("= 0", "= -1 EIO") + ANSWER,
    ],
)
def test_a_missing_synchronisation_is_found(trace: str) -> None:
    with pytest.raises(BooksError):
        check(trace)
