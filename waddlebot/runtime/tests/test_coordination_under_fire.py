"""Whatever happens to hosts, no name has two holders, fences rise, and what the dead held finds somebody."""

import asyncio
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from waddlebot.libs.testing.coordinated import NAMES, QUICK, overlaps, watched
from waddlebot.libs.testing.leases import LEASES, coordinating, leases_of
from waddlebot.libs.testing.skew import skewed
from waddlebot.libs.testing.stores import opened_dal
from waddlebot.libs.testing.waiting import until

ROUNDS = 6
SKEWS_MIN = (0, 11, -11)


class Replica:
    """A replica in a process of its own, whose clock is some minutes off."""

    def __init__(self, url: str, folder: Path, number: int, skew_min: int) -> None:
        self._arguments = (url, f"replica-{number}")
        self._path = folder / f"{number}"
        self._skew_min = skew_min
        self.paths: list[Path] = []
        self._process: asyncio.subprocess.Process

    async def start(self) -> None:
        self.paths.append(self._path.with_suffix(f".{len(self.paths)}"))
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "waddlebot.libs.testing.coordinated", *self._arguments, str(self.paths[-1]),
            env=os.environ | skewed(self._skew_min),
        )  # fmt: skip

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def kill(self) -> None:
        self.send(signal.SIGKILL)
        await self._process.wait()


async def all_held(url: str) -> bool:
    """Whether each name has a living holder, and those have equal shares."""
    async with opened_dal(url, LEASES) as dal:
        news = await leases_of(dal)().news(-1)
        living = {host.id for host in news.hosts}
        shares = [sum(lease.holder == host for lease in news.leases) for host in living]
        return not news.lapsed and sum(shares) == len(NAMES) and max(shares) - min(shares) <= 1


async def test_processes_that_are_killed_frozen_and_lied_to(postgresql_url: str, tmp_path: Path) -> None:
    chance = random.Random(20_250_601)
    replicas = [Replica(postgresql_url, tmp_path, n, skew_min) for n, skew_min in enumerate(SKEWS_MIN)]
    try:
        async with coordinating(postgresql_url, "bystander", timing=QUICK) as bystander:
            for replica in replicas:
                await replica.start()
            await until(lambda: len(bystander.hosts()) == 1 + len(replicas), 60)
            for _ in range(ROUNDS):
                await asyncio.sleep(chance.uniform(0.3, 1.5))
                replica = chance.choice(replicas)
                if chance.random() < 0.5:
                    await replica.kill()
                    await replica.start()
                else:
                    replica.send(signal.SIGSTOP)
                    await asyncio.sleep(QUICK.expiry_s * chance.uniform(0.3, 2.0))
                    replica.send(signal.SIGCONT)
            replica = replicas.pop()
            await replica.kill()
            await until(lambda: len(bystander.hosts()) == 1 + len(replicas), 30)
        await until(lambda: all_held(postgresql_url), 30)
    finally:
        for replica in replicas:
            await replica.kill()
    assert await asyncio.to_thread(written, tmp_path) == []


def written(folder: Path) -> list[str]:
    return overlaps(sorted(folder.iterdir()))


def test_threads_that_stall_and_die(sqlite_url: str, tmp_path: Path) -> None:
    """On SQLite, whose writers wait for each other whatever happens, hosts stall and die outside of it."""
    stop = threading.Event()

    def live(number: int) -> None:
        chance = random.Random(number)

        async def lives(path: Path) -> None:
            async with watched(sqlite_url, path.name, path):
                for _ in range(chance.randrange(1, 4)):
                    await asyncio.sleep(chance.uniform(0.2, 1.2))
                    time.sleep(chance.choice((0.0, QUICK.expiry_s * 1.5)))  # noqa: ASYNC251  the whole host stalls
                    if stop.is_set():
                        break

        life = 0
        while not stop.is_set():
            life += 1
            asyncio.run(lives(tmp_path / f"thread-{number}.{life}.txt"))

    threads = [threading.Thread(target=live, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(12)
    stop.set()
    for thread in threads:
        thread.join()
    assert overlaps(sorted(tmp_path.glob("thread-*"))) == []


def test_two_holders_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "a").write_text('[1.0, "host-a", {"x": 1}]\n[3.0]\n[4.0, "host-a", {}]\n[9.0, "ho')
    (tmp_path / "b").write_text('[3.5, "host-b", {"x": 2}]\n')
    assert overlaps(tmp_path.iterdir()) == []
    (tmp_path / "b").write_text('[2.5, "host-b", {"x": 2}]\n')
    assert overlaps(tmp_path.iterdir()) == ["3.000: host-a holds x at 1, host-b has held it at 2"]
    (tmp_path / "b").write_text('[3.5, "host-b", {"x": 1}]\n')
    assert overlaps(tmp_path.iterdir()) == ["3.500: host-b holds x at 1, host-a has held it at 1"]


@pytest.mark.parametrize("skew_min", SKEWS_MIN)
async def test_the_clock_is_really_off(skew_min: int) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "import time; print(time.time())",
        env=os.environ | skewed(skew_min), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert abs(float(output) - time.time() - 60 * skew_min) < 30
