"""The module's HTTP: export, import and removal. A key bound to a community sees that one alone."""

from typing import Any

import msgspec

from waddlebot.action.interactive.alias import aliases, grammar, words
from waddlebot.action.interactive.alias.edits import checked
from waddlebot.action.interactive.alias.names import Here, here_of
from waddlebot.action.interactive.alias.rendering import Kitchen
from waddlebot.action.interactive.alias.store import AliasStore, CustomCommand
from waddlebot.libs.contracts.community import CommunityService
from waddlebot.libs.sdk import Rank, Refusal, RouteContext
from waddlebot.libs.templates import TemplateError
from waddlebot.libs.web.errors import HttpError

type Request = RouteContext[Any, AliasStore]

_ALL_RANKS = int(sum(Rank))


class CommandsAnswer(msgspec.Struct):
    """All custom commands of a community."""

    commands: list[CustomCommand]


class TypedAlias(msgspec.Struct, forbid_unknown_fields=True):
    """An alias as somebody would type it: ``line`` begins with a prefix or not."""

    name: str
    line: str


class AliasesAnswer(msgspec.Struct):
    """All aliases of a community."""

    aliases: list[TypedAlias]


class Done(msgspec.Struct):
    """What was changed."""

    done: str


async def get_commands(ctx: Request) -> CommandsAnswer:
    """List the custom commands of the community, as they can be put back."""
    return CommandsAnswer(list((await ctx.store.made()).commands.values()))


async def put_command(ctx: Request, command: CustomCommand) -> Done:
    """Make or change a custom command."""
    here = await _here(ctx)
    try:
        grammar.check_name(command.name, command.bare)
        command = checked(command)
        ctx.state(Kitchen).compiled(command.text, command.dialect, guess=False)
        await ctx.store.keep(command, here.built_in)
    except (Refusal, TemplateError) as error:
        raise HttpError(400, "invalid_command", str(error)) from None
    return Done(f"The command {command.name} is saved.")


async def delete_command(ctx: Request) -> Done:
    """Remove a custom command."""
    if not await ctx.store.drop(ctx.path["name"].lower()):
        raise HttpError(404, "no_such_command", f"There is no command {ctx.path['name']}.")
    return Done(f"The command {ctx.path['name']} is gone.")


async def get_aliases(ctx: Request) -> AliasesAnswer:
    """List the aliases of the community, as they can be put back."""
    here, made = await _here(ctx), await ctx.store.made()
    return AliasesAnswer(
        [
            TypedAlias(alias.name, words.leads_to(alias, here.prefix, here.community_prefix))
            for alias in made.aliases.values()
        ]
    )


async def put_alias(ctx: Request, posted: TypedAlias) -> Done:
    """Make or change an alias. It may lead to any command: who types it still needs the rank."""
    here = await _here(ctx)
    try:
        name = aliases.name_of(posted.name, here)
        alias = aliases.alias_of(name, posted.line.strip(), here, await ctx.store.made(), _ALL_RANKS)
        await ctx.store.add_alias(alias, here.built_in)
    except Refusal as error:
        raise HttpError(400, "invalid_alias", str(error)) from None
    return Done(f"The alias {name} is saved.")


async def delete_alias(ctx: Request) -> Done:
    """Remove an alias."""
    if not await ctx.store.drop_alias(ctx.path["name"].lower()):
        raise HttpError(404, "no_such_alias", f"There is no alias {ctx.path['name']}.")
    return Done(f"The alias {ctx.path['name']} is gone.")


async def _here(ctx: Request) -> Here:
    return await here_of(ctx.use(CommunityService), ctx.community, ctx.state(Kitchen).manifests)
