"""What ``!permcom``, ``!coolcom`` and their like change: commands that are built in, and those made in chat."""

import re
from collections.abc import Collection
from typing import Any

from waddlebot.core.community.catalogue import Catalogue
from waddlebot.core.community.store import CommunityStore
from waddlebot.libs.access import levels
from waddlebot.libs.contracts.commands import CommandChange, CustomCommands
from waddlebot.libs.sdk import CallError, Command, Context, Rank, Refusal, Reply, UsageError
from waddlebot.libs.sdk.arguments import parse_duration
from waddlebot.libs.sdk.rank import words

COOLDOWN_S_MAX = 86_400.0

type Ctx = Context[Any, CommunityStore]


async def permitted(ctx: Ctx, command: str) -> Reply:
    """Change who may use a command, by the words of ``!permcom``."""
    name, _, word = command.rpartition(" ")
    if not name:
        raise UsageError("Usage: permcom <command> <rank>, such as: permcom uptime vip")
    if (made := await _change_made(ctx, name, level=word)) is not None:
        return made
    found = await command_of(ctx, name)
    if not ctx.is_at_least(Rank.ADMIN):
        raise Refusal("Only admins and the owner say who may use a built-in command.")
    if word == "reset":
        await ctx.store.override(found.name, {"least": None})
        return Reply(f"{found.name} is for {words(found.rank)}s again.")
    least = levels.mask_of(word)
    await ctx.store.override(found.name, {"least": least})
    if least & Rank.VIEWER:
        return Reply(f"{found.name} is for everyone now.")
    return Reply(f"{found.name} is for {levels.in_words(least).replace(',', 's,')}s and above now.")


async def cooled(ctx: Ctx, command: str) -> Reply:
    """Change a command's cooldowns, by the words of ``!coolcom``."""
    names, changes = [], dict[str, Any]()
    for word in command.split():
        what, sign, time = word.partition("=")
        if word == "clear":
            changes = {"cooldown_s": None, "user_cooldown_s": None}
        elif sign and what in ("global", "user"):
            changes["cooldown_s" if what == "global" else "user_cooldown_s"] = _cooldown(time)
        else:
            names.append(word)
    if not names or not changes:
        raise UsageError("Usage: coolcom <command> global=30 user=1m, or: coolcom <command> clear")
    cleared = {name: value or 0.0 for name, value in changes.items()}
    if (made := await _change_made(ctx, " ".join(names), **cleared)) is not None:
        return made
    found = await command_of(ctx, " ".join(names))
    await ctx.store.override(found.name, changes)
    merged = {"cooldown_s": found.cooldown_s, "user_cooldown_s": found.user_cooldown_s} | {
        name: value for name, value in changes.items() if value is not None
    }
    return Reply(
        f"{found.name} can be used every {merged['cooldown_s']:g} s, and by one person every "
        f"{merged['user_cooldown_s']:g} s."
    )


async def enabled(ctx: Ctx, command: str) -> Reply:
    """Bring a command back that was disabled."""
    if (made := await _change_made(ctx, command, enabled=True)) is not None:
        return made
    found = await command_of(ctx, command)
    await ctx.store.override(found.name, {"enabled": None})
    return Reply(f"{found.name} is enabled.")


async def disabled(ctx: Ctx, command: str, needed: Collection[str]) -> Reply:
    """Disable a command here."""
    if (made := await _change_made(ctx, command, enabled=False)) is not None:
        return made
    found = await command_of(ctx, command)
    if found.name in needed:
        raise Refusal(f"{found.name} cannot be disabled: it may be what brings the others back.")
    await ctx.store.override(found.name, {"enabled": False})
    return Reply(f"{found.name} is disabled.")


async def _change_made(ctx: Ctx, typed: str, **changes: Any) -> Reply | None:
    """What became of a command that was made in chat; None where there is none of that name."""
    try:
        changed = await ctx.use(CustomCommands).change(CommandChange(typed, ctx.call.ranks, **changes))
    except CallError as error:
        # Built-in commands can be changed without the module of the others.
        ctx.log.debug("commands that were made here cannot be asked for: %s", error)
        return None
    if changed.refused:
        raise Refusal(changed.words)
    return Reply(changed.words) if changed.found else None


async def renamed(ctx: Ctx, command: str, name: str) -> Reply:
    """Give a built-in command another name here; its own name brings it back."""
    found = await command_of(ctx, command)
    name = " ".join(name.lower().removeprefix(ctx.settings.prefix).split())
    if name == found.name:
        await ctx.store.override(found.name, {"name": None})
        return Reply(f"{name} is called {name} again.")
    if not re.fullmatch(r"[^\s!#]{1,50}", name):
        raise Refusal("A command's name is one word.")
    if ctx.state(Catalogue).taken(name):
        raise Refusal(f"{name} is another command's name already.")
    await ctx.store.override(found.name, {"name": name})
    return Reply(f"{found.name} is called {name} now.")


async def command_of(ctx: Ctx, typed: str) -> Command:
    """The built-in command that somebody wants to change: one that they may use themselves."""
    found = ctx.state(Catalogue).command(typed, await ctx.store.overrides())
    if not found.least & ctx.call.ranks:
        raise Refusal(f"{found.name} is not yours to change: it is for {words(found.rank)}s.")
    return found


def _cooldown(text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError:
        seconds = COOLDOWN_S_MAX + 1
    if seconds > COOLDOWN_S_MAX:
        raise Refusal(f"{text} is no cooldown. Write a time such as 30, 5m or 1h, of a day at most.")
    return seconds
