"""A router with a few modules, and lines for it."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

from waddlebot.libs.adapters.local import LocalEndpoint
from waddlebot.libs.matching import Matchers
from waddlebot.libs.sdk import (
    CHAT_MESSAGE,
    Context,
    Contribution,
    Event,
    EventBatch,
    EventResult,
    Module,
    Rank,
    Refusal,
    Reply,
    Rest,
    Send,
)
from waddlebot.libs.sdk.context import Services
from waddlebot.processing.router.engine import Router
from waddlebot.processing.router.view import Catalogue, View, build

type Ctx = Context[Any, Any]


def lent(module: str) -> Services:
    """What a module without store, settings or contracts asks for."""
    return cast("Services", SimpleNamespace(module=module, log=logging.getLogger(module)))


def modules(gate: asyncio.Event | None = None) -> dict[str, Module]:
    pets = Module("waddlebot.action.interactive.pets.module", "Pets.", http_port=1, grpc_port=2)
    farm = Module("waddlebot.action.interactive.farm.module", "Farm.", http_port=3, grpc_port=4)
    for word, says, more in (
        ("feed", "munch", {"cooldown_s": 100, "user_cooldown_s": 200}),
        ("loud", "WOOF", {"user_cooldown_s": 100, "limited": "say"}),
        ("shh", "…", {"user_cooldown_s": 100, "limited": "silent"}),
        ("sell", "sold", {"rank": Rank.MODERATOR}),
        ("swear", "sworn", {"by_hand": True}),
        ("sell all", "all sold", {"rank": Rank.ADMIN}),
    ):
        pets.command(word, **cast("dict[str, Any]", more))(saying(says))
    add_handlers(pets)
    add_slow(pets, gate)
    pets.on("channel.raided", priority=1)(saying("pets greet"))
    farm.on("channel.raided", priority=5)(saying("farm greets"))

    @farm.command("pat")
    async def pat_too(ctx: Ctx, whom: Rest | None = None) -> Reply:
        """Pat a cow."""
        return Reply("moo")

    return {pets.name: pets, farm.name: farm}


def saying(words: str) -> Callable[[Ctx], Awaitable[Reply]]:
    async def handler(ctx: Ctx) -> Reply:
        """Say something."""
        return Reply(words)

    return handler


def add_handlers(pets: Module) -> None:
    @pets.command("pat", aliases=("stroke",))
    async def pat(ctx: Ctx, whom: Rest | None = None) -> Reply:
        """Pat somebody."""
        return Reply(f"pats {whom or ctx.event.user_name}")

    @pets.command("bad")
    async def bad(ctx: Ctx) -> Reply:
        """Fail."""
        raise ZeroDivisionError("no")

    @pets.command("no")
    async def no(ctx: Ctx) -> Reply:
        """Refuse."""
        raise Refusal("Not today.")

    @pets.dynamic("custom")
    async def custom(ctx: Ctx) -> Reply:
        return Reply(f"custom {ctx.call.data.decode()}|{ctx.call.args}")


def add_slow(pets: Module, gate: asyncio.Event | None) -> None:
    ran: list[str] = []

    @pets.command("slow", timeout_s=5)
    async def slow(ctx: Ctx, what: Rest) -> Reply:
        """Take your time."""
        assert gate is not None
        ran.append(f"begin {what}")
        await gate.wait()
        ran.append(f"end {what}")
        return Reply(f"slow {what}, after {len(ran)}")


class Desk:
    """A router with real modules, and lists where its replies, results and dead letters go."""

    def __init__(
        self,
        contribution: Contribution | None = None,
        gate: asyncio.Event | None = None,
        *,
        tells_executed: bool = True,
    ) -> None:
        manifests = modules(gate)
        self.catalogue = Catalogue(manifests)
        self.contribution = contribution or Contribution()
        self.sent: list[Send] = []
        self.results: list[EventResult] = []
        self.following: list[list[Event]] = []
        self.buried: list[tuple[str, str, int]] = []
        self.published: list[EventBatch] = []
        self.has_room = True
        self.version = 1
        self.loads = 0
        directory = {name: LocalEndpoint(m, lent(name)) for name, m in manifests.items()}
        self.router = Router(
            directory, self.sent.extend, lambda _: self.has_room, self._answered, self._load, self._bury,
            lambda reply, _: reply, self._publish, tells_executed,
        )  # fmt: skip
        self.router.views["c"] = self.view()
        self.numbers = 0

    def view(self) -> View:
        given = {"core.community": self.contribution, "interactive.pets": Contribution()}
        return build("c", self.version, self.catalogue, given, Matchers())

    async def _load(self, communities: Sequence[str]) -> Mapping[str, View]:
        self.loads += 1
        if self.loads == 1 and self.version == 99:
            raise OSError("not yet")
        return {community: self.view() for community in communities}

    async def _answered(
        self, _: EventBatch, results: Sequence[EventResult], sends: Sequence[Send], following: Sequence[Event]
    ) -> None:
        self.results.extend(results)
        self.sent.extend(sends)
        self.following.append(list(following))

    async def _publish(self, batch: EventBatch) -> None:
        self.published.append(batch)
        done = self.router.handle(batch)
        assert done is None, "nobody waits for what the router announced itself"

    async def _bury(self, event: Event, reason: str, tries: int) -> None:
        self.buried.append((event.id, reason, tries))

    def event(self, text: str, user: str = "ann", **more: Any) -> Event:
        self.numbers += 1
        now = time.time()
        values = {
            "id": f"e{self.numbers}", "kind": CHAT_MESSAGE, "roles": (), "occurred_at": now, "community": "c",
            "channel": "main", "received_at": now, **more,
        }  # fmt: skip
        self.last_id = values["id"]
        return Event(
            1, values["id"], values["kind"], "p", "s", values["channel"], user, user, user, values["roles"], text,
            values["occurred_at"], values["received_at"], values["community"], "test",
        )  # fmt: skip

    async def say(self, text: str, user: str = "ann", **more: Any) -> list[str]:
        """The words that answer a live line."""
        self.sent.clear()
        self.router.handle(EventBatch("live", [self.event(text, user, **more)]))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return [send.reply.text for send in self.sent]

    async def post(self, *events: Event) -> list[EventResult]:
        """The results of an inboxed batch."""
        self.results.clear()
        done = self.router.handle(EventBatch("b", list(events), inboxed=True))
        assert done is not None
        await done
        return self.results

    def why(self) -> str:
        """Why the last event ended."""
        found = self.router.traces.find(self.last_id)
        assert found is not None
        return found.reason


MOD = ("moderator",)
