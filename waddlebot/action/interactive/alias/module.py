"""Aliases and custom commands: what communities teach the bot to answer. Start here."""

import dataclasses
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from waddlebot.action.interactive.alias import aliases, grammar, routes, words
from waddlebot.action.interactive.alias.edits import changed, checked
from waddlebot.action.interactive.alias.names import Here, here_of
from waddlebot.action.interactive.alias.rendering import Kitchen, recipe_of
from waddlebot.action.interactive.alias.services import Web, counter_of
from waddlebot.action.interactive.alias.store import COST_MAX, AliasStore, CustomCommand, Made
from waddlebot.libs.access import levels
from waddlebot.libs.contracts.commands import CommandChange, CommandChanged, CustomCommands
from waddlebot.libs.contracts.community import CommunityService
from waddlebot.libs.sdk import (
    Alias,
    Answers,
    Batch,
    Context,
    Contribution,
    DynamicCommand,
    Field,
    Module,
    Rank,
    Refusal,
    Reply,
    Rest,
    Role,
    RouteContext,
    ServiceContext,
    UsageError,
    admits,
    listed,
)
from waddlebot.libs.templates.script import JavaScript, is_installed


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """What holds for the commands and aliases of a community."""

    dialect: Annotated[
        str,
        Field(
            "How new commands write variables, where their text leaves it open.",
            choices=("nightbot", "streamelements", "native"),
        ),
    ] = "nightbot"
    managers: Annotated[
        str, Field("Who may make and change commands and aliases.", choices=("moderator", "admin", "owner"))
    ] = "moderator"
    reply: Annotated[
        str,
        Field(
            "How commands answer: say; reply, with @name in front; whisper.", choices=("say", "reply", "whisper")
        ),
    ] = "say"
    cooldown_s: Annotated[float, Field("Cooldown of new commands, in seconds.", at_least=0, at_most=86_400)] = 0.0


type Ctx = Context[Settings, AliasStore]
type ServiceCtx = ServiceContext[Settings, AliasStore]
type Request = RouteContext[Settings, AliasStore]

module = Module(
    __name__,
    "Teach the bot commands and other words for commands.",
    http_port=8006,
    grpc_port=50906,
    settings=Settings,
    store=AliasStore,
    uses=(CommunityService,),
)


@module.starts
@asynccontextmanager
async def open_kitchen(ctx: ServiceCtx) -> AsyncIterator[Kitchen]:
    """Keep compiled templates, and what they may ask."""
    async with Web() as web, JavaScript() as script:
        yield Kitchen(ctx.services.manifests, web, script if is_installed() else None)


# What runs


@module.contributes
async def contribute(ctx: ServiceCtx, communities: tuple[str, ...]) -> dict[str, Contribution]:
    """The commands and aliases of communities."""
    store = ctx.store_in(Batch(frozenset(communities)))
    store.primary = True  # asked because something changed, which a replica may not know yet
    found = await store.made_by_community()
    return {community: _contribution(made) for community, made in found.items()}


def _contribution(made: Made) -> Contribution:
    commands = tuple(
        DynamicCommand(
            c.name, "custom", recipe_of(c), c.bare, c.least, c.cooldown_s, c.user_cooldown_s, c.enabled,
            "a command of this community.", c.hidden,
        )
        for c in made.commands.values()
    )  # fmt: skip
    return Contribution(
        commands=commands, aliases=tuple(Alias(a.name, a.line, a.target, a.ranks) for a in made.aliases.values())
    )


@module.dynamic("custom")
async def say(ctx: Ctx) -> Answers:
    """Say what a custom command says."""
    recipe, text = await ctx.state(Kitchen).said(ctx)
    if not text.strip():
        return None
    style = recipe.reply or ctx.settings.reply
    if style == "reply":
        return Reply(f"@{ctx.event.user_name}, {text}")
    return Reply(text, private=style == "whisper", may_command=recipe.may_command)


# Aliases


@module.command("alias add", aliases=("aliascom",), rank=Rank.MODERATOR)
async def add_alias(ctx: Ctx, name_and_command: Rest) -> Reply:
    """Make an alias: its name, then the command it stands for, with {user}, {args} and {arg1} where you like."""
    return await _add_alias(ctx, await _managing(ctx), *aliases.read(name_and_command))


async def _add_alias(ctx: Ctx, here: Here, typed: str, line: str) -> Reply:
    name = aliases.name_of(typed, here)
    alias = aliases.alias_of(name, line, here, await _made(ctx), ctx.call.ranks)
    is_new = await ctx.store.add_alias(alias, here.built_in)
    line = words.leads_to(alias, here.prefix, here.community_prefix)
    notes = [f"{place} is filled in by nothing and stays as written." for place in aliases.unknown_places(line)]
    return Reply(
        " ".join([f"Saved: {here.prefix}{name} {'stands' if is_new else 'now stands'} for {line}", *notes])
    )


@module.command(
    "alias remove",
    aliases=("alias delete", "alias del", "alias rm", "unalias", "delalias"),
    rank=Rank.MODERATOR,
)
async def remove_alias(ctx: Ctx, name: str) -> Reply:
    """Remove an alias."""
    here = await _managing(ctx)
    name = aliases.name_of(name, here)
    if not await ctx.store.drop_alias(name):
        raise Refusal(f"There is no alias {name}. See: {here.prefix}alias list")
    return Reply(f"The alias {here.prefix}{name} is gone.")


@module.command("alias list", aliases=("aliases",), user_cooldown_s=2)
async def list_aliases(ctx: Ctx) -> Reply:
    """List the aliases."""
    return await _list_aliases(ctx)


async def _list_aliases(ctx: Ctx) -> Reply:
    names = sorted((await _made(ctx)).aliases)
    return Reply(f"Aliases: {listed(names)}" if names else "There are no aliases yet.")


@module.command("alias show", rank=Rank.MODERATOR)
async def show_alias(ctx: Ctx, name: str) -> Reply:
    """Show what an alias stands for."""
    return await _show_alias(ctx, name)


async def _show_alias(ctx: Ctx, name: str) -> Reply:
    here = await _here(ctx)
    alias = (await _made(ctx)).aliases.get(aliases.name_of(name, here))
    if alias is None:
        raise Refusal(f"There is no alias {name}. See: {here.prefix}alias list")
    line = words.leads_to(alias, here.prefix, here.community_prefix)
    return Reply(f"Alias {here.prefix}{alias.name} stands for {line}")


@module.command("alias", rank=Rank.MODERATOR)
async def alias_as_in_a_shell(ctx: Ctx, text: Rest | None = None) -> Reply:
    """Make an alias as in a shell: alias name='command'. Alone it lists them, with a name it shows one."""
    if text is None:
        return await _list_aliases(ctx)
    if "=" in text.split(None, 1)[0]:
        return await _add_alias(ctx, await _managing(ctx), *aliases.read(text))
    return await _show_alias(ctx, text)


# Custom commands


def _spelled(*verbs: str) -> tuple[str, ...]:
    """A verb under every word for commands; the first spelling is the command's name."""
    return tuple(f"{word} {verb}" for verb in verbs for word in ("command", "cmd", "commands"))[1:]


@module.command("command add", aliases=(*_spelled("add"), "addcom", "addcmd"), rank=Rank.MODERATOR)
async def add(ctx: Ctx, name_and_text: Rest) -> Reply:
    """Make a command: its name, options such as -cd=30 or -ul=vip if you like, then what it says."""
    here = await _managing(ctx)
    edit = grammar.read(name_and_text)
    if edit.alias:
        return await _add_alias(ctx, here, edit.name, aliases.native(f"{edit.alias} {edit.text}".strip()))
    if not edit.name or not edit.text:
        raise UsageError(f"Usage: {ctx.call.word} {here.prefix}name [-cd=SECONDS] [-ul=LEVEL] what it says")
    is_nightbot = ctx.call.word.lower().startswith("commands ")
    name, bare = grammar.trigger(edit, here.prefix, bare_without_prefix=is_nightbot)
    new = CustomCommand(name, edit.text, ctx.settings.dialect, bare, cooldown_s=ctx.settings.cooldown_s)
    command, notes = changed(new, edit, ctx.state(Kitchen), ctx.settings.dialect, ctx.is_at_least(Rank.ADMIN))
    await ctx.store.add(command, here.built_in)
    await _set_count(ctx, name, edit.count)
    if bare:
        notes.insert(0, f"It is said without {here.prefix}.")
    return Reply(" ".join((f"Saved {words.typed(command, here.prefix)}.", *notes)))


@module.command(
    "command edit", aliases=(*_spelled("edit", "update", "response"), "editcom", "editcmd"), rank=Rank.MODERATOR
)
async def edit_(ctx: Ctx, name_and_text: Rest) -> Reply:
    """Change a command: its name, options such as -cd=30 if you like, then what it says from now on."""
    return await _edit(ctx, name_and_text)


@module.command("command options", aliases=_spelled("options", "option", "opts", "opt", "o"), rank=Rank.MODERATOR)
async def options(ctx: Ctx, name_and_options: Rest) -> Reply:
    """Set a command's options: -cd -usercd -level -cost -type -enable -disable -hide -show -count -dialect
    -headers -maycommand.
    """
    return await _edit(ctx, name_and_options, options_only=True)


async def _edit(ctx: Ctx, text: str, *, options_only: bool = False) -> Reply:
    here = await _managing(ctx)
    edit = grammar.read(text, options_only=options_only)
    before = await _command(ctx, here, edit.name)
    if not edit.text and not edit.fields and edit.count is None:
        raise UsageError(f"Usage: {ctx.call.word} {here.prefix}name … Options are: {grammar.OPTIONS}")
    after, notes = changed(before, edit, ctx.state(Kitchen), before.dialect, ctx.is_at_least(Rank.ADMIN))
    await ctx.store.change(after)
    await _set_count(ctx, before.name, edit.count)
    return Reply(" ".join((f"Saved {words.typed(after, here.prefix)}.", *notes)))


@module.command(
    "command remove",
    aliases=(*_spelled("remove", "delete", "del", "rem"), "delcom", "delcmd"),
    rank=Rank.MODERATOR,
)
async def remove(ctx: Ctx, name: Rest) -> Reply:
    """Remove a command."""
    here = await _managing(ctx)
    command = await _command(ctx, here, name)
    left = aliases.leading_to(command.name, await _made(ctx))
    await ctx.store.drop(command.name)
    note = f" These aliases lead to nothing now: {', '.join(left)}." if left else ""
    return Reply(f"Command {words.typed(command, here.prefix)} is gone.{note}")


@module.command("command rename", aliases=_spelled("rename"), rank=Rank.MODERATOR)
async def rename(ctx: Ctx, old: str, new: str) -> Reply:
    """Give a command another name; aliases that lead to it follow."""
    here = await _managing(ctx)
    before = await _command(ctx, here, old)
    name, bare = grammar.trigger(grammar.Edit(new), here.prefix)
    after = dataclasses.replace(before, name=name, bare=bare)
    await ctx.store.rename(before.name, after, here.built_in)
    return Reply(f"Command {words.typed(before, here.prefix)} is {words.typed(after, here.prefix)} now.")


@module.command("command show", aliases=_spelled("show", "debug"), rank=Rank.MODERATOR)
async def show(ctx: Ctx, name: Rest) -> Reply:
    """Show a command with all that is set."""
    here = await _here(ctx)
    command = await _command(ctx, here, name)
    count = await ctx.store.count(counter_of(command.name))
    return Reply(words.shown(command, here.prefix, count))


@module.command("command list", aliases=_spelled("list"), user_cooldown_s=2)
async def list_(ctx: Ctx) -> Reply:
    """List the commands that this community made."""
    return await _list(ctx)


async def _list(ctx: Ctx) -> Reply:
    here, made = await _here(ctx), await _made(ctx)
    names = [words.typed(c, here.prefix) for _, c in sorted(made.commands.items()) if c.enabled and not c.hidden]
    if not names:
        return Reply(f"There are no custom commands yet. A moderator makes one by: {here.prefix}command add")
    return Reply(f"Custom commands: {listed(names)}")


@module.command("command alias", aliases=_spelled("alias", "aliases"), rank=Rank.MODERATOR)
async def alias_command(ctx: Ctx, name: str, alias: str) -> Reply:
    """Give a command another word: its name, then the new word."""
    here = await _managing(ctx)
    return await _add_alias(ctx, here, alias, words.typed(await _command(ctx, here, name), here.prefix))


@module.command("command enable", aliases=_spelled("enable"), rank=Rank.MODERATOR, hidden=True)
async def enable(ctx: Ctx, name: Rest) -> Reply:
    """Let a command answer again."""
    return await _change(ctx, name, {"enabled": True}, "answers again")


@module.command("command disable", aliases=_spelled("disable"), rank=Rank.MODERATOR, hidden=True)
async def disable(ctx: Ctx, name: Rest) -> Reply:
    """Keep a command, but let it be silent."""
    return await _change(ctx, name, {"enabled": False}, "is silent now")


@module.command("command hide", aliases=(*_spelled("hide"), "hidecom"), rank=Rank.MODERATOR, hidden=True)
async def hide(ctx: Ctx, name: Rest) -> Reply:
    """Leave a command out of lists."""
    return await _change(ctx, name, {"hidden": True}, "is in no list now")


@module.command("command unhide", aliases=(*_spelled("unhide"), "showcom"), rank=Rank.MODERATOR, hidden=True)
async def unhide(ctx: Ctx, name: Rest) -> Reply:
    """List a command again."""
    return await _change(ctx, name, {"hidden": False}, "is listed again")


@module.command("command cooldown", aliases=_spelled("cooldown"), rank=Rank.MODERATOR, hidden=True)
async def cooldown(ctx: Ctx, name: str, time: str, by_one_person: str | None = None) -> Reply:
    """Set a command's cooldown: minutes, or two numbers of seconds for everybody and for one person."""
    if by_one_person is None:
        cooldown_s = grammar.seconds(f"{time}m" if time.isdecimal() else time)
        return await _change(ctx, name, {"cooldown_s": cooldown_s}, f"can be used every {cooldown_s:g} s")
    fields = {"cooldown_s": grammar.seconds(time), "user_cooldown_s": grammar.seconds(by_one_person)}
    said = "can be used every {:g} s, and every {:g} s by one person".format(*fields.values())
    return await _change(ctx, name, fields, said)


@module.command("command restrict", aliases=_spelled("restrict"), rank=Rank.MODERATOR, hidden=True)
async def restrict(ctx: Ctx, name: str, level: Rest) -> Reply:
    """Say who may use a command: levels such as vip, several with commas between."""
    least = levels.mask_of(level)
    return await _change(ctx, name, {"least": least}, f"is for {levels.in_words(least)} now")


@module.command("command usage", aliases=_spelled("usage"), rank=Rank.MODERATOR, hidden=True)
async def usage(ctx: Ctx, name: str, where: str) -> Reply:
    """Say where a command answers, in Streamlabs' letters: one that ends in W whispers, others say."""
    if not re.fullmatch(r"[SDC][CWB]|A", where.upper()):
        raise Refusal("It is one of SC, SW, SB, DC, DW, DB, CB, CW or A.")
    style = "whisper" if where.upper().endswith("W") else "say"
    return await _change(ctx, name, {"reply": style}, f"answers by {style} now")


@module.command("pricecom", rank=Rank.MODERATOR)
async def price(ctx: Ctx, name: str, points: str) -> Reply:
    """Set what a use of a command costs; it is taken where there is loyalty."""
    cost = grammar.whole_number(points, COST_MAX)
    return await _change(ctx, name, {"cost": cost}, f"costs {cost}. It is taken once there is loyalty here")


@module.command("command setcount", aliases=(*_spelled("setcount"), "resetcom"), rank=Rank.MODERATOR)
async def set_count(ctx: Ctx, name: str, count: str = "0") -> Reply:
    """Set how often a command was counted; 0 if you say no number."""
    here = await _managing(ctx)
    command = await _command(ctx, here, name)
    value = grammar.whole_number(count, grammar.COUNT_MAX)
    await _set_count(ctx, command.name, value)
    return Reply(f"The count of {words.typed(command, here.prefix)} is {value} now.")


@module.command("editcounter", rank=Rank.MODERATOR)
async def edit_counter(ctx: Ctx, name: str, value: str) -> Reply:
    """Set a counter, or change it by +1 or -1."""
    await _managing(ctx)
    number = grammar.whole_number(value.lstrip("+-"), grammar.COUNT_MAX)
    counter = counter_of(name)
    match value[:1]:
        case "+" | "-":
            now = await ctx.store.add_count(counter, -number if value[0] == "-" else number)
        case _:
            now = await ctx.store.set_count(counter, number)
    if now is None:
        raise Refusal("There are too many counters already.")
    return Reply(f"{counter} is {now} now.")


@module.command("count", user_cooldown_s=2)
async def count_(ctx: Ctx, name: Rest) -> Reply:
    """Show a counter."""
    counter = counter_of(name)
    return Reply(f"{counter}: {await ctx.store.count(counter)}")


@module.command("command", aliases=("cmd",), hidden=True)
async def command_(ctx: Ctx, text: Rest | None = None) -> Reply:
    """List the commands that this community made."""
    if text is not None:
        verbs = "add|edit|remove|rename|show|list|options|alias|enable|disable|cooldown|restrict"
        raise UsageError(f"Usage: command {verbs} <name> …")
    return await _list(ctx)


# For core.community, whose words for built-in commands serve these too


@module.answers(CustomCommands.change)
async def change(ctx: ServiceCtx, request: CommandChange) -> CommandChanged:
    """Change a command's level, cooldowns or switch."""
    if not ctx.enabled(ctx.community):
        return CommandChanged(False)
    here = await here_of(ctx.use(CommunityService), ctx.community, ctx.state(Kitchen).manifests)
    name = grammar.plain_name(request.name, here.prefix)
    before = (await ctx.store.made()).commands.get(name)
    if before is None:
        return CommandChanged(False)
    try:
        if not request.ranks & admits(Rank[ctx.settings(ctx.community).managers.upper()]):
            raise Refusal("Commands are not yours to change here.")
        names = ("cooldown_s", "user_cooldown_s", "enabled")
        fields: dict[str, Any] = {n: v for n in names if (v := getattr(request, n)) is not None}
        if request.level is not None:
            fields["least"] = levels.mask_of("everyone" if request.level == "reset" else request.level)
        after = checked(dataclasses.replace(before, **fields))
    except Refusal as refusal:
        return CommandChanged(True, refusal.text, refused=True)
    await ctx.store.change(after)
    return CommandChanged(True, f"{words.facts(after, here.prefix)}.")


async def _change(ctx: Ctx, name: str, fields: dict[str, Any], said: str) -> Reply:
    here = await _managing(ctx)
    command = await _command(ctx, here, name)
    await ctx.store.change(checked(dataclasses.replace(command, **fields)))
    return Reply(f"Command {words.typed(command, here.prefix)} {said}.")


async def _managing(ctx: Ctx) -> Here:
    """The names here, for somebody who may change them. Raises ``Refusal`` for others."""
    least = ctx.settings.managers
    if not ctx.is_at_least(Rank[least.upper()]):
        raise Refusal(f"Only {least}s and above change commands here.")
    return await _here(ctx)


async def _here(ctx: Ctx) -> Here:
    return await here_of(ctx.use(CommunityService), ctx.community, ctx.state(Kitchen).manifests)


async def _made(ctx: Ctx) -> Made:
    ctx.store.primary = True  # a replica may lag behind what somebody changed a moment ago
    return await ctx.store.made()


async def _command(ctx: Ctx, here: Here, typed: str) -> CustomCommand:
    """The command that somebody named. Raises ``Refusal``."""
    name = grammar.plain_name(typed, here.prefix)
    command = (await _made(ctx)).commands.get(name)
    if command is not None:
        return command
    if here.built_in.has(name.partition(" ")[0]):
        raise Refusal(f"{name} is a built-in command. These change it: permcom, coolcom, disablecom, renamecom.")
    raise Refusal(f"There is no command {name}. See: {here.prefix}command list")


async def _set_count(ctx: Ctx, name: str, count: int | None) -> None:
    if count is not None and await ctx.store.set_count(counter_of(name), count) is None:
        raise Refusal("There are too many counters already.")


# HTTP


@module.route("GET", "/commands", role=Role.USER)
async def get_commands(ctx: Request) -> routes.CommandsAnswer:
    """List the custom commands of the community, as they can be put back."""
    return await routes.get_commands(ctx)


@module.route("PUT", "/commands", role=Role.ADMIN)
async def put_command(ctx: Request, command: CustomCommand) -> routes.Done:
    """Make or change a custom command."""
    return await routes.put_command(ctx, command)


@module.route("DELETE", "/commands/{name}", role=Role.ADMIN)
async def delete_command(ctx: Request) -> routes.Done:
    """Remove a custom command."""
    return await routes.delete_command(ctx)


@module.route("GET", "/aliases", role=Role.USER)
async def get_aliases(ctx: Request) -> routes.AliasesAnswer:
    """List the aliases of the community, as they can be put back."""
    return await routes.get_aliases(ctx)


@module.route("PUT", "/aliases", role=Role.ADMIN)
async def put_alias(ctx: Request, alias: routes.TypedAlias) -> routes.Done:
    """Make or change an alias."""
    return await routes.put_alias(ctx, alias)


@module.route("DELETE", "/aliases/{name}", role=Role.ADMIN)
async def delete_alias(ctx: Request) -> routes.Done:
    """Remove an alias."""
    return await routes.delete_alias(ctx)
