"""Access rules in the pipeline: from memory where that is enough, else what is not known is asked once.

Uses and shared cooldowns are cooldowns like others: a limit of three is three places that each take their time to
be free again. So they are bounded, and handed on with the partition.
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import TYPE_CHECKING

import msgspec

from waddlebot.libs.access import Facts, Policy, Who
from waddlebot.libs.access.conditions import Need
from waddlebot.libs.access.facts import ALL_RANKS
from waddlebot.libs.contracts.labels import labels_here
from waddlebot.libs.sdk import CHAT_MESSAGE, Event, Rank, admits
from waddlebot.libs.sdk.event import by_key
from waddlebot.libs.sdk.rank import lesser
from waddlebot.libs.sdk.view import AccessRule
from waddlebot.processing.router.view import Entry, View

if TYPE_CHECKING:
    from waddlebot.processing.router.engine import Router
    from waddlebot.processing.router.pipeline import Trip

PAUSED = "something is asked first"
"""What a stage returns that has to be called again when the router's question is answered."""
DEADLINE_S = 2.0
KEPT_S = 5.0
"""How long answers hold."""
KEPT_FAILED_S = 1.0
KEPT_MAX = 20_000

_STAFF = int(admits(Rank.MODERATOR))
_ABOVE_MODERATOR = int(Rank.ADMIN | Rank.OWNER)


class Known(msgspec.Struct, frozen=True):
    """What was asked of somebody, ``None`` where nobody could tell. ``asked`` are the questions."""

    asked: frozenset[Need] = frozenset()
    score: float | None = None
    tier: str | None = None
    points: float | None = None
    known_since: float | None = None
    live: bool | None = None


NOTHING = Known()

type Asker = Callable[[Event, tuple[str, ...], frozenset[Need]], Awaitable[Known]]
"""Asks other modules about an event's account, whose person has these accounts; what nobody tells is ``None``."""


async def _nobody(event: Event, accounts: tuple[str, ...], needs: frozenset[Need]) -> Known:
    return Known(needs)


class Questions:
    """What rules need that the router has not in memory: asked by ``asker``, and kept for some seconds."""

    def __init__(self) -> None:
        self.asker: Asker = _nobody
        self._kept: dict[tuple[str, str, str], tuple[float, Known]] = {}

    def known(self, lane: tuple[str, str], entity: str, needs: frozenset[Need], now_s: float) -> Known | None:
        """What is known of a person in an entity of a community, where that answers all that is needed."""
        until_s, known = self._kept.get((*lane, entity), (0.0, NOTHING))
        return known if until_s > now_s and needs <= known.asked else None

    async def ask(self, event: Event, person: str, accounts: tuple[str, ...], needs: frozenset[Need]) -> Known:
        """Ask, for two seconds at most. Never raises: what cannot be told is not known."""
        kept_s = KEPT_S
        try:
            async with asyncio.timeout(DEADLINE_S):
                known = await self.asker(event, accounts, needs)
        except Exception as error:
            logging.getLogger(__name__).warning("an access rule cannot be told what it asks for: %s", error)
            known, kept_s = Known(needs), KEPT_FAILED_S
        if len(self._kept) >= KEPT_MAX:
            self._kept.clear()
        self._kept[event.community, person, event.entity] = (time.monotonic() + kept_s, known)
        return known


def judge(trip: "Trip") -> str | None:
    """What the access rules say, as a stage does. ``trip.decided`` is what they decided."""
    policy = policy_of(trip.view, trip.entry, trip.aliases)
    if policy is None:
        return None
    if policy.needs - trip.known.asked:
        paused = trip.router.ask(trip, "permit", policy.needs)
        if paused is not None:
            return paused
    trip.decided = decided = policy.decide(facts_of(trip), trip.entry.least)
    if decided.may:
        return None
    if decided.words and trip.event.kind == CHAT_MESSAGE:
        said = f"{decided.words[0].upper()}{decided.words[1:]}: {trip.view.prefix}{trip.entry.name}."
        trip.router.say_limited(trip, said, 30.0)
    return decided.reason


def policy_of(view: View, entry: Entry, aliases: tuple[str, ...] = ()) -> Policy | None:
    """The rules that concern a command here, or an answer; where an alias calls it, also the alias' own."""
    if view.access is None:
        return None
    kind, _, declared = entry.handler.partition(":")
    target = (
        f"answer:{entry.name}" if kind == "answer" else f"command:{declared if kind == 'command' else entry.name}"
    )
    return view.access.of(target, entry.module, aliases)


def admitted(trip: "Trip", entry: Entry) -> bool:
    """Whether the next module that answers the same word may, too, by what is known already."""
    policy = policy_of(trip.view, entry, trip.aliases)
    if policy is None:
        return bool(entry.least & trip.ranks)
    decided = policy.decide(facts_of(trip), entry.least)
    return decided.may and (decided.admitted or bool(entry.least & trip.ranks))


def spend(trip: "Trip") -> str | None:
    """Take what the rules that let somebody in use up, all of it or nothing. Staff need not wait for cooldowns."""
    assert trip.decided is not None  # noqa: S101  for the type checker: a stage looked before
    cooldowns, now_s = trip.router.cooldowns, trip.router.now_s
    taken: list[tuple[Hashable, float]] = []
    for rule in trip.decided.spends:
        asked = rule.conditions
        whose = "" if asked.together else trip.person
        if asked.group and not trip.ranks & _STAFF:
            key: Hashable = (trip.event.community, "\0group", asked.group, whose)
            if wait_s := cooldowns.left_s(key, now_s):
                return _wait(trip, rule, wait_s, f"the cooldown {asked.group}")
            taken.append((key, asked.group_s))
        if asked.uses:
            keys = [(trip.event.community, "\0uses", rule.id, whose, str(n)) for n in range(asked.uses)]
            waits = [cooldowns.left_s(key, now_s) for key in keys]
            if 0.0 not in waits:
                return _wait(trip, rule, min(waits), f"{asked.uses} uses are used up")
            taken.append((keys[waits.index(0.0)], asked.per_s))
    for key, seconds in taken:
        cooldowns.start(key, seconds, now_s)
    return None


def _wait(trip: "Trip", rule: AccessRule, wait_s: float, what: str) -> str:
    trip.router.say_limited(
        trip, f"Wait another {math.ceil(wait_s)} s for {trip.view.prefix}{trip.entry.name}.", wait_s
    )
    return f"{what}: another {wait_s:.1f} s (rule {rule.id})"


def facts_of(trip: "Trip") -> Facts:
    """What is known of a trip."""
    facts = facts_about(trip.router, trip.view, trip.event, trip.ranks, trip.known)
    if trip.bound:
        facts.bound = lesser(facts.bound, trip.bound)
    return facts


def facts_about(router: "Router", view: View, event: Event, ranks: int, known: Known) -> Facts:
    """What is known of who wrote an event, who has ``ranks``.

    A key may name anybody. What is denied to a person is denied whoever says to be them; what is allowed to them
    is allowed to the account alone that the key names, and no further than the key can vouch.
    """
    account = event.account
    fellows = router.fellows.get(account, (account,))
    asserted = by_key(event)
    who = _who(view, event, fellows, ranks)
    bound = ALL_RANKS
    if asserted and view.vouched(_ABOVE_MODERATOR, event) != _ABOVE_MODERATOR:
        bound = int(Rank.MODERATOR)
    made_at = event.data.get("account_created_at")
    since = [at for at in (made_at, known.known_since) if isinstance(at, int | float)]
    return Facts(
        who, _who(view, event, (account,), ranks) if asserted else who, event.platform, event.entity,
        router.wall_s, bound, known.live, known.score, known.tier, known.points,
        router.wall_s - min(since) if since else None,
    )  # fmt: skip


def _who(view: View, event: Event, accounts: Sequence[str], ranks: int) -> Who:
    return Who(
        frozenset(accounts), ranks,
        frozenset(role for account in accounts for role in view.roles.get(account, ())),
        labels_here(event.account, event.roles, accounts, view.labels, view.role_labels),
    )  # fmt: skip
