"""Coordinator: which hosts live, which of them holds which name, and this host's part in it (ARCHITECTURE §5).

A host is believed to live until ``Timing.expiry_s`` after its last heartbeat, on the database's clock, or until
another one has seen its process end (witness.py). It believes so itself for the shorter ``Timing.sure_s``, on a
clock of its own that nobody can set: a process that was frozen, or cannot reach the database, holds nothing
before others take it for dead.
"""

import asyncio
import contextlib
import logging
import math
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import msgspec

from waddlebot.libs.adapters.lease_store import HostRow, Lease, LeaseStore, News, Want
from waddlebot.libs.dal import DalError
from waddlebot.libs.sdk.ports import PARTITIONS
from waddlebot.runtime.claims import HostClaims, Moves
from waddlebot.runtime.sharing import Wish, plan

PARTITION = "partition"
"""The kind of the leases by which routers own partitions."""

_ENDLESS_S = 1e12
_NOTHING: Mapping[str, int] = MappingProxyType({})
_UNOWNED: Mapping[int, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Timing:
    """How long to wait for what, in seconds."""

    beat_s: float = 2.5
    """Between two heartbeats."""
    retry_s: float = 1.0
    """Before a failed heartbeat is tried again."""
    expiry_s: float = 10.0
    """A host that was silent for so long is dead."""
    sure_s: float = 8.0
    """A host whose heartbeat was not confirmed for so long holds nothing; what it is shorter is for clocks."""
    poll_s: float = 1.0
    """Between two looks for what others changed."""
    patience_s: float = 5.0
    """After the database was away, others get so long to say that they live."""
    orderly_s: float = 5.0
    """How long what is given up may take to be finished."""


def uptime_s() -> float:
    """Seconds since the machine started, those while it slept among them where the system counts them."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


class Coordinator:
    """This host among the others.

    ``store`` is bound anew for each use. ``row`` is this host as others see it, with an ``id`` that is replaced.
    ``routes``: a router runs here, so this host takes its share of the partitions. ``alone``: the database is this
    process's own, so nobody is waited for and no heartbeat is needed.
    """

    def __init__(
        self,
        store: Callable[[], LeaseStore],
        row: HostRow,
        log: logging.Logger,
        *,
        routes: bool = False,
        alone: bool = False,
        timing: Timing | None = None,
        clock: Callable[[], float] = uptime_s,
    ) -> None:
        self._store = store
        self._row = row
        self._log = log
        self._alone = alone
        self._timing = timing or Timing()
        self._clock = clock
        self._beaten_s = -math.inf
        self._contact_s = math.inf
        self._ahead_s: float | None = None
        self._number = 0
        self._hosts: Mapping[str, HostRow] = {}
        self._wishes: dict[str, dict[str, Wish]] = {}
        self._leases: dict[str, Lease] = {}
        self._claims: dict[str, HostClaims] = {}
        self._told: dict[str, Wish] = {}
        self._giving: set[str] = set()
        self._ended: set[str] = set()
        self._fences: dict[str, int] = {}
        self._owned: Mapping[int, int] = _UNOWNED
        self._trouble = ""
        self._settled = -1
        self._waiting = False
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()
        self._listeners: list[Callable[[], None]] = []
        self._finishers: list[Callable[[Collection[int]], Awaitable[None]]] = []
        if routes:
            self.claims(PARTITION).want({partition_name(number): 0 for number in range(PARTITIONS)})

    # --- what is so ------------------------------------------------------------------------------------

    @property
    def host(self) -> str:
        """This host's id. It gets another one after it was taken for dead."""
        return self._row.id

    @property
    def row(self) -> HostRow:
        """This host as others see it."""
        return self._row

    def time(self) -> float:
        """Seconds since 1970 by the database's clock, on which all hosts agree; by ours until it has told."""
        return time.time() if self._ahead_s is None else self._clock() + self._ahead_s

    def hosts(self) -> Mapping[str, HostRow]:
        """The living hosts by id, this one among them."""
        return self._hosts

    @property
    def owned(self) -> Mapping[int, int]:
        """The partitions that this host owns, and the fence of each. Another object after each change."""
        return self._owned if self.is_sure else _UNOWNED

    def owner_of(self, partition: int) -> str:
        """The host that owns a partition; empty when nobody does."""
        return self.holder_of(partition_name(partition))

    def holder_of(self, name: str) -> str:
        """The host that holds a name; empty when nobody does."""
        lease = self._leases.get(name)
        return lease.holder if lease is not None and lease.holder in self._hosts else ""

    def fence_of(self, name: str) -> int:
        """The fence under which this host holds a name, or held it last; 0 for one that it never held.

        What is read under a claim carries it, even when it leaves after the claim was lost: it is dropped then.
        """
        return self._fences.get(name, 0)

    def current_fence(self, name: str) -> int:
        """The highest fence known of a name: what carries a lower one comes too late. 0 for an unknown name."""
        lease = self._leases.get(name)
        return 0 if lease is None else lease.fence

    @property
    def is_sure(self) -> bool:
        """Whether no other host can have taken this one for dead."""
        return self._alone or self._clock() - self._beaten_s < self._timing.sure_s

    def when_changed(self, callback: Callable[[], None]) -> None:
        """``callback`` is called after hosts, owners or holders changed."""
        self._listeners.append(callback)

    def when_giving_up(self, finish: Callable[[Collection[int]], Awaitable[None]]) -> None:
        """``finish`` is awaited, for some seconds, before partitions go to another living host.

        They are not among :attr:`owned` any more then.
        """
        self._finishers.append(finish)

    def claims(self, module: str) -> HostClaims:
        """What a module shares with its replicas on other hosts."""
        claims = self._claims.get(module)
        if claims is None:
            claims = self._claims[module] = HostClaims(self._is_it_sure, self.holder_of, self._wake.set)
        return claims

    def _is_it_sure(self) -> bool:
        return self.is_sure

    def ended(self, host: str) -> None:
        """Another host's process has ended, that is certain: what it held is free before its silence shows."""
        self._ended.add(host)
        self._wake.set()

    # --- life ------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Be among the living, and take what is free. Raises ``DalError``."""
        await self._arrive()
        await self._step()

    async def run(self) -> None:
        """Stay alive and take part, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._take_part())
            if not self._alone:
                tasks.create_task(self._stay_alive())

    async def close(self) -> None:
        """Hand everything over. What cannot be said in time, others find out."""
        self._let_go()
        with contextlib.suppress(DalError, TimeoutError):
            async with asyncio.timeout(self._timing.orderly_s):
                await self._store().leave(self.host)

    async def _arrive(self) -> None:
        timing = self._timing
        self._row = msgspec.structs.replace(self._row, id=f"host-{secrets.token_hex(8)}")
        self._told.clear()
        self._giving.clear()
        asked_s = self._clock()
        await self._store().arrive(self._row, _ENDLESS_S if self._alone else timing.expiry_s, self._alone)
        self._beaten_s = self._contact_s = asked_s

    async def _stay_alive(self) -> None:
        timing = self._timing
        while True:
            await asyncio.sleep(
                timing.beat_s if self._clock() - self._beaten_s < timing.beat_s else timing.retry_s
            )
            asked_s = self._clock()
            try:
                if await self._store().beat(self.host, timing.expiry_s):
                    self._confirmed(asked_s)
                else:
                    await self._come_back()
            except DalError as error:
                self._complain(error)

    def _confirmed(self, asked_s: float) -> None:
        if asked_s - self._beaten_s > self._timing.sure_s:
            self._contact_s = asked_s
            self._log.info("the database confirms again what this host holds")
        was_sure, self._beaten_s = self.is_sure, asked_s
        self._trouble = ""
        if not was_sure:  # to listeners that looked meanwhile, nothing was held
            self._tell()

    async def _come_back(self) -> None:
        """Others took us for dead: what we held may be theirs. Begin anew."""
        self._log.warning("this host was silent for too long and lost what it held; it claims its share anew")
        self._let_go()
        async with self._turn:
            await self._arrive()
        self._wake.set()

    async def _take_part(self) -> None:
        while True:
            try:
                await self._step()
            except DalError as error:
                self._complain(error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if self._alone else self._timing.poll_s):
                    await self._wake.wait()
            self._wake.clear()

    def _complain(self, error: DalError) -> None:
        """Say once, not every second, that the database is away."""
        if str(error) != self._trouble:
            self._trouble = str(error)
            self._log.warning("hosts cannot agree who holds what while the database is away: %s", error)

    async def look(self) -> None:
        """Look now what changed, and do our part. Raises ``DalError``."""
        await self._step()

    # --- one round -------------------------------------------------------------------------------------

    async def _step(self) -> None:
        """Look what changed, and do our part."""
        async with self._turn:
            if self.is_sure:
                await self._round()

    async def _round(self) -> None:
        await self._publish()
        news = await self._store().news(self._number)
        self._take_in(news)
        self._ended &= self._hosts.keys()
        lapsed = news.lapsed and self._may_bury()
        if lapsed or self._ended:
            dead = await self._store().bury([*self._ended], bool(lapsed))
            if dead:
                self._log.warning("ended or silent for too long, and buried: %s", ", ".join(map(self._name, dead)))
            self._take_in(await self._store().news(self._number))
        give, take = self._moves()
        if give or take:
            await self._finish(give)
            await self._store().trade(self.host, give, take)
            self._giving.clear()
            self._take_in(await self._store().news(self._number))
        elif not self._waiting:
            self._settled = self._number

    async def _publish(self) -> None:
        """Tell the others what is wanted here, where they do not know."""
        for kind, claims in list(self._claims.items()):
            wish = claims.wish
            if wish is not None and self._told.get(kind) is not wish:
                await self._store().want(Want(self.host, kind, dict(wish.names), wish.most))
                self._told[kind] = wish

    def _may_bury(self) -> bool:
        """Whether those who live had the time to say so since the database is back."""
        return self.is_sure and self._clock() - self._contact_s >= self._timing.patience_s

    def _take_in(self, news: News) -> None:
        self._ahead_s = news.at - self._clock()
        if news.number == self._number:
            return
        self._number = news.number
        self._hosts = {row.id: row for row in news.hosts}
        for want in news.wants:
            self._wishes.setdefault(want.kind, {})[want.host] = Wish(want.names, want.most)
        for kind, wishes in self._wishes.items():
            self._wishes[kind] = {host: wish for host, wish in wishes.items() if host in self._hosts}
        self._leases.update((lease.name, lease) for lease in news.leases)
        self._tell()

    def _tell(self) -> None:
        """Let modules and listeners know what is held now."""
        mine: dict[str, dict[str, int]] = {kind: {} for kind in self._claims}
        for lease in self._leases.values():
            if lease.holder == self.host and lease.name not in self._giving and lease.kind in mine:
                mine[lease.kind][lease.name] = self._fences[lease.name] = lease.fence
        for kind, claims in self._claims.items():
            claims.settle(mine[kind], len(self._wishes.get(kind, ())))
        owned = {partition_of_name(name): fence for name, fence in mine.get(PARTITION, _NOTHING).items()}
        if owned != self._owned:
            self._owned = MappingProxyType(owned)
        for listener in self._listeners:
            listener()

    def _let_go(self) -> None:
        """Nothing is held from now on."""
        self._beaten_s = -math.inf
        self._giving.update(lease.name for lease in self._leases.values() if lease.holder == self.host)
        self._tell()

    def _moves(self) -> tuple[list[str], dict[str, list[str]]]:
        """What we are to give up, and what to take by kind."""
        if self._number == self._settled and not self._giving:
            return [], {}
        # Whether an earlier try to give these up came through is not known, and they are not held any more.
        give = [name for name in self._giving if self._leases[name].holder == self.host]
        take: dict[str, list[str]] = {}
        self._waiting = False
        for kind, claims in self._claims.items():
            if self.host in self._wishes.get(kind, ()):
                lost, taken = self._moves_of(kind, claims.moves)
                give += lost
                if taken:
                    take[kind] = taken
        return give, take

    def _moves_of(self, kind: str, moves: Moves) -> tuple[list[str], list[str]]:
        """What to give up and to take of one kind."""
        wishes = self._wishes[kind]
        wish = wishes[self.host]
        names = set[str]().union(*(other.names for other in wishes.values()))
        planned = plan(wishes, {name: self.holder_of(name) for name in names})
        held = [
            lease.name
            for lease in self._leases.values()
            if lease.kind == kind and lease.holder == self.host and lease.name not in self._giving
        ]
        unwanted = [name for name in held if name not in wish.names]
        due = sorted(
            (name for name in held if name in wish.names and planned.get(name) != self.host),
            key=lambda name: wish.names[name],
        )
        going = due[: moves.allow(len(due), self._clock())]
        self._waiting = self._waiting or len(going) < len(due)
        room = math.inf if wish.most is None else wish.most - (len(held) - len(unwanted) - len(going))
        free = [name for name, host in planned.items() if host == self.host and not self.holder_of(name)]
        free.sort(key=lambda name: -wish.names[name])
        return unwanted + going, free[: int(min(room, len(free)))]

    async def _finish(self, names: Iterable[str]) -> None:
        """Let what is given up be finished: from now on it is not held here."""
        self._giving.update(names)
        if not self._giving:
            return
        partitions = [n for n in self._owned if partition_name(n) in self._giving]
        self._tell()
        if partitions:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._timing.orderly_s):
                    await asyncio.gather(*(finish(partitions) for finish in self._finishers))

    def _name(self, host: str) -> str:
        row = self._hosts.get(host)
        return f"{row.name} ({host})" if row is not None else host


def partition_name(partition: int) -> str:
    """The lease of a partition."""
    return f"{PARTITION}/{partition:02}"


def partition_of_name(name: str) -> int:
    """The partition of a lease."""
    return int(name.removeprefix(f"{PARTITION}/"))
