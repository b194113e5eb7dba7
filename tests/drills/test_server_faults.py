"""Servers, clocks and disks fail, two seeded rounds of each. `make drill` runs them in full."""

import asyncio
from pathlib import Path
from random import Random

import pytest

from drills.faults import FAULTS, SERVED, Place
from drills.faults_disk import disk_of_data_full
from drills.faulty import Fault, embedded, faults, served
from waddlebot.libs.testing.small_disk import small_disk

SEED = 20_261_123
ROUNDS = 1
ROUND_S = 150.0


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("place", "kinds"), [(served, SERVED), (embedded, (disk_of_data_full,))], ids=["several", "embedded"]
)
def test_the_books_balance(tmp_path: Path, place: Place, kinds: tuple[Fault, ...]) -> None:
    """A bot of each kind has all of its faults: starting one for each family would take most of the time."""
    assert len({*SERVED, disk_of_data_full}) == len(FAULTS)
    with place(tmp_path, "") as world:

        async def drill() -> dict[str, int]:
            try:
                async with asyncio.timeout(ROUNDS * ROUND_S):
                    return await faults(*kinds)(world, Random(SEED), ROUNDS)
            except BaseException as error:
                error.add_note(f"The bot's log ends:\n{world.log()}")
                raise
            finally:
                await world.end()

        assert asyncio.run(drill())["acknowledged"] > 0


def test_a_small_disk_is_full_until_it_is_cleared() -> None:
    with small_disk(1) as disk:
        disk.fill()
        with pytest.raises(OSError, match="No space"):
            (disk.path / "more").write_bytes(bytes(4096))
        disk.clear()
        (disk.path / "more").write_bytes(bytes(4096))
