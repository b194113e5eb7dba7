"""Roles that platforms are asked to give and take back, because of labels.

What platforms were asked so far is compared with what labels, people and mappings say now. So it does not matter
what changed one of them (a command, an undo, an import, a link): the role follows.
"""

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping

from waddlebot.core.labels.people import everybody, people_of
from waddlebot.core.labels.store import Given, LabelStore
from waddlebot.libs.contracts.labels import LABEL_ADDED, LABEL_REMOVED
from waddlebot.libs.sdk import EVENT_VERSION, CallError, Community, Event, Module, ServiceContext

EVERY_S = 5.0
ROUND_MAX = 500
"""Roles asked for in one community at once; the rest follow in the next round."""

type Ctx = ServiceContext[object, LabelStore]


def carries(modules: Mapping[str, Module], platform: str) -> bool:
    """Whether the bot can give roles there: what brings its replies to the platform answers ``label.added``."""
    return any(module.delivers == platform and module.wants(LABEL_ADDED) for module in modules.values())


async def give_everywhere(ctx: Ctx) -> None:
    """Ask platforms for the roles that labels ask for, in every community."""
    for community in await ctx.store_everywhere("roles follow labels in every community").asking():
        if ctx.enabled(community):
            try:
                await _give(ctx, community)
            except CallError as error:  # while nobody knows who is linked, no role is taken from anybody
                ctx.log.debug("roles of %s wait: %s", community, error)


async def _give(ctx: Ctx, community: str) -> None:
    store = ctx.store_in(Community(community))
    mappings, having, given = await store.wanted()
    people = await people_of(ctx, (one for accounts in having.values() for one in accounts), community)
    places = _places(ctx.entities, community)
    wanted = {
        (account, server, mapping.role): Given(account, server, mapping.role, mapping.label)
        for mapping in mappings
        for account in everybody(having[mapping.label], people)
        if account.startswith(f"{mapping.platform}:")
        for server in places.get(mapping.platform, {})
    }
    asked = {(one.account, one.server, one.role): one for one in given}
    added = [one for key, one in wanted.items() if key not in asked and _reachable(ctx, places, one)][:ROUND_MAX]
    removed = [one for key, one in asked.items() if key not in wanted and _reachable(ctx, places, one)][:ROUND_MAX]
    if added or removed:
        # Announced first: to be asked twice for one role does no harm, never to be asked would.
        await ctx.announce(
            [
                _event(kind, one, places, community, ctx.now())
                for kind, several in ((LABEL_ADDED, added), (LABEL_REMOVED, removed))
                for one in several
            ]
        )
        await store.asked(added, removed)


def _places(entities: Mapping[str, str], community: str) -> dict[str, dict[str, str]]:
    """Platform → server → one channel there, of a community."""
    found: dict[str, dict[str, str]] = {}
    for entity in sorted(_of(entities, community)):
        platform, server, _ = entity.split(":", 2)
        found.setdefault(platform, {}).setdefault(server, entity)
    return found


def _of(entities: Mapping[str, str], community: str) -> Iterable[str]:
    return (entity for entity, owner in entities.items() if owner == community)


def _reachable(ctx: Ctx, places: Mapping[str, Mapping[str, str]], given: Given) -> bool:
    platform = given.account.partition(":")[0]
    return given.server in places.get(platform, {}) and carries(ctx.manifests, platform)


def _event(kind: str, given: Given, places: Mapping[str, Mapping[str, str]], community: str, now: float) -> Event:
    platform, _, user_id = given.account.partition(":")
    _, server, channel = places[platform][given.server].split(":", 2)
    told = repr((community, kind, dataclasses.astuple(given), now))
    data = {"target_id": user_id, "target_login": "", "label": given.label, "role": given.role}
    return Event(
        EVENT_VERSION, hashlib.blake2b(told.encode(), digest_size=16).hexdigest(), kind, platform, server, channel,
        "", "", "", (), "", now, now, community, "core.labels", "", data,
    )  # fmt: skip
