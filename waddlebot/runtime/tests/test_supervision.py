"""Tasks that live as long as the host."""

import asyncio
import logging

import pytest

from waddlebot.libs.dal import Unavailable
from waddlebot.libs.testing.waiting import until
from waddlebot.runtime.supervision import Supervisor

LOG = logging.getLogger("test.supervision")


@pytest.fixture
def supervisor() -> Supervisor:
    return Supervisor(LOG, healthy_s=0.05, pause_s=0.001)


async def test_what_fails_is_started_again_and_told(
    supervisor: Supervisor, caplog: pytest.LogCaptureFixture
) -> None:
    runs: list[int] = []

    async def work() -> None:
        runs.append(len(runs))
        if len(runs) < 4:
            raise ConnectionError("gone")
        await asyncio.Event().wait()

    supervisor.start("poller", work)
    await until(lambda: len(runs) == 4)
    assert supervisor.errors == {"poller": "ConnectionError: gone"}
    assert caplog.text.count("poller failed and starts again") == 3
    await until(lambda: not supervisor.errors)  # it runs well again
    await supervisor.stop()


async def test_pauses_grow_and_begin_anew_after_a_healthy_time(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def at_once(low: float, high: float) -> float:
        pauses.append(high)
        return 0.0

    monkeypatch.setattr("random.uniform", at_once)
    runs: list[int] = []

    async def work() -> None:
        runs.append(len(runs))
        if len(runs) == 4:
            await asyncio.sleep(0.1)
        if len(runs) == 6:
            await asyncio.Event().wait()
        raise ValueError

    supervisor.start("x", work)
    await until(lambda: len(pauses) == 5)
    await supervisor.stop()
    assert pauses == [0.001, 0.002, 0.004, 0.001, 0.002]


async def test_what_passes_by_itself_is_tried_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    def at_once(low: float, high: float) -> float:
        pauses.append(high)
        return 0.0

    monkeypatch.setattr("random.uniform", at_once)
    supervisor = Supervisor(LOG)

    async def work() -> None:
        raise Unavailable("the database is away")

    supervisor.start("x", work)
    await until(lambda: len(pauses) >= 10)
    await supervisor.stop()
    assert pauses[:4] == [0.5, 1.0, 2.0, 2.0]
    assert set(pauses[4:]) == {2.0}


async def test_what_ends_well_is_forgotten(supervisor: Supervisor) -> None:
    runs: list[int] = []

    async def work() -> None:
        runs.append(1)
        if len(runs) == 1:
            raise ValueError

    supervisor.start("x", work)
    await until(lambda: len(runs) == 2 and not supervisor.errors)
    await supervisor.drain(1)
    await supervisor.stop()


async def test_jobs_repeat_until_they_are_stopped(supervisor: Supervisor) -> None:
    runs: list[int] = []

    async def work() -> None:
        runs.append(1)

    supervisor.every("job x", 0.001, work)
    supervisor.start("module", asyncio.Event().wait)  # type: ignore[arg-type]  # it returns a bool that nobody reads
    supervisor.start("observer y", asyncio.Event().wait)  # type: ignore[arg-type]  # its bool is read by nobody
    await until(lambda: len(runs) > 3)
    await supervisor.stop(["module"])
    count = len(runs)
    await asyncio.sleep(0.01)
    assert len(runs) == count
    assert list(supervisor._tasks) == ["observer y"]
    await supervisor.stop()
    assert not supervisor._tasks


async def test_draining_waits_for_what_ends_by_itself(supervisor: Supervisor) -> None:
    stopping = asyncio.Event()
    done: list[str] = []

    async def observer() -> None:
        await stopping.wait()
        done.append("observer")

    supervisor.start("observer x", observer)
    supervisor.start("poller", asyncio.Event().wait)  # type: ignore[arg-type]  # it returns a bool that nobody reads
    stopping.set()
    await supervisor.drain(10)
    assert done == ["observer"]
    await supervisor.stop()
