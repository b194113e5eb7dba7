"""The outbox: queued → sending (committed) → sent. What may have left before a crash is never sent again."""

import asyncio
import contextlib
import logging
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from waddlebot.libs.adapters.delivery_store import DeliveryStore, Leaving, unknown_of
from waddlebot.libs.adapters.membership import Alone, Membership
from waddlebot.libs.dal import Busy, DalError, InDoubt
from waddlebot.libs.sdk.ports import CallError, CallLost, Endpoint, Send, Sent

QUEUE_MAX = 20_000
_COMMUNITY_SHARE = 4
_BATCH_FIRST = 64
_BATCH_MIN = 8
_BATCH_MAX = 1_024
_FAST_S = 0.1
_SLOW_S = 0.2
_RETRY_S = 1.0
_UNSURE_S = 0.2
_TIMEOUT_S = 60.0
_DOUBTFUL_MAX = 1_000


class Outbox:
    """One queue per platform, each emptied by one task through the module that delivers there.

    ``deliverers`` are the endpoints by platform, looked up for each delivery; ``platforms`` are all that may ever
    be among them. What a platform without one is sent is counted in ``undeliverable``: the door that brought the
    event has the reply in its answer. ``members`` says which host this is, and whose rows are left behind.
    """

    def __init__(
        self,
        store: Callable[[], DeliveryStore],
        deliverers: Mapping[str, Endpoint],
        log: logging.Logger,
        members: Membership | None = None,
        platforms: Collection[str] = (),
    ) -> None:
        self._store = store
        self._deliverers = deliverers
        self._log = log
        self._members = members or Alone()
        self.platforms = tuple(platforms) or tuple(deliverers)
        self._queues: dict[str, deque[tuple[Send, str]]] = {platform: deque() for platform in self.platforms}
        self._wake: dict[str, asyncio.Event] = {platform: asyncio.Event() for platform in self.platforms}
        self._held: Counter[str] | None = None
        self._size = 0
        self._left: list[str] = []
        self._doubtful: frozenset[str] = frozenset()
        self._nobody_until_s: dict[str, float] = {}
        self._stopping = asyncio.Event()
        self.undeliverable = 0
        self.outcomes: Counter[str] = Counter()

    @property
    def size(self) -> int:
        """How many replies wait."""
        return self._size

    def room(self, community: str) -> bool:
        """Whether another reply of this community may wait: no community holds more than a quarter."""
        share = QUEUE_MAX // _COMMUNITY_SHARE
        if self._size < share:
            return True
        if self._held is None:  # counted from a quarter on: below that nobody can hold too much
            self._held = Counter(send.community for queue in self._queues.values() for send, _ in queue)
        return self._size < QUEUE_MAX and self._held[community] < share

    def put(self, sends: Sequence[Send], durable: bool = False) -> None:
        """Queue replies. ``durable`` ones have a row already and are always taken.

        Raises ``Busy``, taking none of them, when there is no room.
        """
        full = not durable and self._size + len(sends) > QUEUE_MAX // _COMMUNITY_SHARE
        if full and not all(self.room(send.community) for send in sends):
            raise Busy("too many replies wait to be sent; try again in a moment")
        queues = self._queues
        woken = set()
        for send in sends if not self._doubtful else self._first(sends):
            queue = queues.get(send.platform)
            if queue is None:
                self.undeliverable += 1
                continue
            queue.append((send, send.id if durable else ""))
            self._size += 1
            woken.add(send.platform)
            if self._held is not None:
                self._held[send.community] += 1
        for platform in woken:
            self._wake[platform].set()

    def _first(self, sends: Sequence[Send]) -> list[Send]:
        """Those that no host which is gone may have sent."""
        first = [send for send in sends if send.id not in self._doubtful]
        self.outcomes["unknown"] += len(sends) - len(first)
        return first

    def delivers(self, platform: str) -> bool:
        """Whether some module delivers to a platform, even where none that does runs at the moment."""
        return platform in self._queues

    async def adopt(self) -> None:
        """Quarantine what hosts that are gone were sending, and queue what they had only queued."""
        members = self._members
        if not members.owned:
            return
        gone = await members.gone(await self._store().senders())
        if not gone:
            return
        doubtful, queued = await self._store().adopt_outbox(members.host, gone)
        if doubtful:
            self._log.warning(
                "%d times replies may or may not have left before a host stopped; see waddlebot dlq list", doubtful
            )
        for row in queued:
            self.put(row.sends, durable=True)

    async def beware(self) -> None:
        """Lines that a host which is gone had begun are processed again: do not repeat what it may have said."""
        rows = await self._store().leaving("unknown", _DOUBTFUL_MAX)
        self._doubtful = frozenset(send.id for row in rows for send in row.sends)

    def abandon(self) -> None:
        """Others took this host for dead, and what it held is theirs: forget what waits here."""
        for queue in self._queues.values():
            self.outcomes["abandoned"] += len(queue)
            queue.clear()
        self._size, self._held = 0, None

    async def run(self, platform: str) -> None:
        """Send what is queued for a platform, in order, until stopped and empty."""
        queue, wake = self._queues[platform], self._wake[platform]
        most = _BATCH_FIRST
        while queue or not self._stopping.is_set():
            if not queue:
                wake.clear()
                await wake.wait()
                continue
            taken = [queue.popleft() for _ in range(min(most, len(queue)))]
            self._let_go(taken)
            took_s = await self._send(platform, taken)
            if took_s > _SLOW_S:
                most = max(most // 2, _BATCH_MIN)
            elif took_s < _FAST_S and len(taken) == most:
                # Many commit cheaply; but what a crash catches half-way is never sent again.
                most = min(most * 2, _BATCH_MAX)

    def _let_go(self, taken: Sequence[tuple[Send, str]]) -> None:
        self._size -= len(taken)
        if self._size < QUEUE_MAX // _COMMUNITY_SHARE:
            self._held = None
        elif self._held is not None:
            self._held.subtract([send.community for send, _ in taken])

    async def _send(self, platform: str, taken: Sequence[tuple[Send, str]]) -> float:
        """Hand replies over, between two commits; returns how many seconds the module took."""
        members = self._members
        host = members.host
        # Frozen, or without the database, for so long that others may have taken over: time alone will tell.
        while not members.is_sure:  # noqa: ASYNC110  the clock says when it ends, no event does
            await asyncio.sleep(_UNSURE_S)
        if members.host != host:
            self.outcomes["abandoned"] += len(taken)
            return 0.0
        sends = [send for send, _ in taken]
        row = Leaving(secrets.token_hex(12), platform, "sending", sends, time.time(), host)
        sends = await self._claim(row, [queued for _, queued in taken if queued])
        row = replace(row, sends=sends)
        if len(sends) < len(taken):
            self.outcomes["abandoned"] += len(taken) - len(sends)
        if not sends:
            return 0.0
        began_s = time.monotonic()
        outcomes = await self._deliver(platform, sends)
        took_s = time.monotonic() - began_s
        if outcomes is None:  # this host stops, and nobody tried: another one will
            await self._store().requeue(row)
            return took_s
        self.outcomes.update([sent.status for sent in outcomes])
        unknown = unknown_of(row, outcomes)
        if unknown:
            await self._store().sent([row.id], unknown)
        else:
            self._left.append(row.id)
            asyncio.get_running_loop().call_later(0.05, self._settle_soon)
        return took_s

    async def _claim(self, row: Leaving, queued: list[str]) -> list[Send]:
        """Commit that these are about to leave; which of them may, as soon as the database says so."""
        in_doubt = False
        while True:
            left, self._left = self._left, []
            try:
                return await self._store().sending(row, left, queued, in_doubt)
            except DalError as error:
                in_doubt = in_doubt or isinstance(error, InDoubt)
                self._left = left + self._left
                self._log.warning("replies to %s wait for the database: %s", row.platform, error)
                await asyncio.sleep(_RETRY_S)

    async def _deliver(self, platform: str, sends: Sequence[Send]) -> Sequence[Sent] | None:
        """Hand replies to the module; wait for it where nothing was tried, because nobody was there to try.

        Where nobody has been for long, the next ones do not wait as long again. Returns what became of them, None
        where this host stops before anybody tried.
        """
        while True:
            try:
                deliverer = self._deliverers.get(platform)
                if deliverer is None:
                    raise CallError("no host runs a module that does")
                async with asyncio.timeout(_TIMEOUT_S):
                    outcomes = await deliverer.deliver(sends)
                self._nobody_until_s.pop(platform, None)
                return outcomes
            except CallLost as error:
                return [Sent(send.id, "unknown", str(error)) for send in sends]
            except CallError as error:
                if self._stopping.is_set():
                    return None
                if time.monotonic() >= self._nobody_until_s.setdefault(platform, time.monotonic() + _TIMEOUT_S):
                    why = f"nobody delivers to {platform}: {error}"
                    return [Sent(send.id, "refused", why) for send in sends]
                self._log.warning("%d replies wait for who delivers to %s: %s", len(sends), platform, error)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), _RETRY_S)
            except Exception as error:
                self._log.exception("pushing to %s failed", platform)
                return [Sent(send.id, "unknown", str(error)) for send in sends]

    def _settle_soon(self) -> None:
        if self._left:
            self._settling = asyncio.get_running_loop().create_task(self.settle())

    async def settle(self) -> None:
        """Forget the rows of what has left."""
        left, self._left = self._left, []
        if left:
            try:
                await self._store().sent(left, [])
            except DalError:
                self._left = left + self._left

    def stop(self) -> None:
        """Let the queues run empty."""
        self._stopping.set()
        for wake in self._wake.values():
            wake.set()
