"""What a custom command says: its compiled template, and what that may ask."""

import datetime
import functools
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from waddlebot.action.interactive.alias.services import Channels, Counters, Web
from waddlebot.action.interactive.alias.store import AliasStore, CustomCommand
from waddlebot.libs.sdk import Context, Module, Rank
from waddlebot.libs.templates import Dialect, Person, Place, Ports, Scope, Service, Template, compile_template
from waddlebot.libs.templates.errors import ProblemKind
from waddlebot.libs.templates.ports import Script

TEMPLATES_MAX = 2_000
"""Compiled templates that are kept; the least recently used goes first."""

_STAYS = frozenset({ProblemKind.UNKNOWN, ProblemKind.UNAVAILABLE, ProblemKind.UNCLOSED})
# What may run as a platform's command is written by its author to the end of the word: no value decides it.
_COMMANDING = re.compile(r"[/.!][A-Za-z]+(\s|$)")


class Recipe(msgspec.Struct, frozen=True, array_like=True):
    """What the router hands back with a custom command, so that no store is asked."""

    name: str
    text: str
    dialect: str
    reply: str
    may_command: bool
    tell_identity: bool


def recipe_of(command: CustomCommand) -> bytes:
    """A command as the router keeps it."""
    may_command = command.may_command and _COMMANDING.match(command.text) is not None
    return msgspec.msgpack.encode(
        Recipe(command.name, command.text, command.dialect, command.reply, may_command, command.tell_identity)
    )


class Kitchen:
    """Compiled templates, and the services they may ask. One for a host."""

    def __init__(self, manifests: Mapping[str, Module], web: Web, script: Script | None) -> None:
        self.manifests = manifests
        self._web = web
        self._script = script
        self._channels = Channels()
        self._decode = msgspec.msgpack.Decoder(Recipe).decode
        self.prepared = functools.lru_cache(TEMPLATES_MAX)(self._prepared)
        there = {Service.CHANNEL, Service.COUNTERS, Service.FETCH} | ({Service.JAVASCRIPT} if script else set())
        self.available = frozenset(service.value for service in there)

    def _prepared(self, data: bytes) -> tuple[Recipe, Template]:
        recipe = self._decode(data)
        return recipe, compile_template(recipe.text, recipe.dialect, available=self.available)

    def compiled(self, text: str, dialect: str, *, guess: bool) -> Template:
        """The template of a text; with ``guess`` in the dialect that knows most of its variables, ``dialect``
        where several do.

        Raises ``TemplateError``.
        """
        if not guess:
            return compile_template(text, dialect, available=self.available)
        dialects = [Dialect(dialect), *(d for d in Dialect if d != dialect)]
        if "$(" in text or "${" in text:
            dialects.remove(Dialect.NATIVE)  # to it they are plain text, and all would be well
        templates = [compile_template(text, d, available=self.available) for d in dialects]
        return min(templates, key=lambda t: (sum(p.kind in _STAYS for p in t.problems), not t.names))

    async def said(self, ctx: Context[Any, AliasStore]) -> tuple[Recipe, str]:
        """What a custom command says to who asks."""
        recipe, template = self.prepared(ctx.call.data)
        if not template.names:
            return recipe, template.source
        scope = scope_of(ctx, recipe)
        if not template.needs:
            return recipe, template.render(scope)
        scope.ports = Ports(
            channel=self._channels,
            counters=Counters(ctx, recipe.name, scope.command),
            fetch=self._web,
            javascript=self._script,
        )
        return recipe, await template.render_async(scope)


def scope_of(ctx: Context[Any, AliasStore], recipe: Recipe) -> Scope:
    """Who asks, where and with which words."""
    event, text = ctx.event, ctx.call.args
    channel = event.channel.lstrip("#")
    return Scope(
        user=Person(event.user_name, event.user_login, event.user_id, names_of(ctx.call.ranks)),
        args=text.split(),
        text=text,
        place=Place(channel, "", event.entity, event.platform, event.channel),
        command=event.text.split(None, 1)[0] if event.text.strip() else recipe.name,
        message_id=event.id,
        random=_Chance(ctx),
        now=datetime.datetime.fromtimestamp(ctx.now(), datetime.UTC),
        tell_identity=recipe.tell_identity,
    )


@functools.cache
def names_of(ranks: int) -> frozenset[str]:
    """A mask of ranks by their names."""
    return frozenset(str(rank.name).lower() for rank in Rank if rank & ranks)


class _Chance:
    """The delivery's chance, made when first asked for: most commands have none."""

    __slots__ = ("_ctx",)

    def __init__(self, ctx: Context[Any, Any]) -> None:
        self._ctx = ctx

    def random(self) -> float:
        return self._ctx.random.random()

    def randint(self, a: int, b: int) -> int:
        return self._ctx.random.randint(a, b)
