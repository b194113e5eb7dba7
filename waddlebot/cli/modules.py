"""``waddlebot modules``: what there is, and what can be set."""

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from waddlebot.libs.sdk.fields import FieldInfo


def modules(
    env: Annotated[bool, typer.Option("--env", help="List every environment variable instead.")] = False,
) -> None:
    """List the modules, or every environment variable there is.

    A module that is off lacks a variable of the operator; communities switch modules by themselves, in chat
    with !module on|off. A variable's value is shown unless it is secret.

    \b
    Examples:
      waddlebot modules
      waddlebot modules --env
    """
    from waddlebot.cli import screen

    screen.out().print(_variables() if env else _modules())


def _modules() -> Any:
    from waddlebot.cli import screen
    from waddlebot.cli.switches import state_of
    from waddlebot.libs.sdk.discovery import discover

    table = screen.table("MODULE", "KIND", "HTTP", "GRPC", "COMMANDS", "STATE", "SUMMARY")
    for module in discover().values():
        table.add_row(
            module.name, module.kind, str(module.http_port), str(module.grpc_port), str(len(module.commands)),
            screen.plain(state_of(module, os.environ)), module.summary,
        )  # fmt: skip
    return table


def _variables() -> Any:
    from waddlebot.cli import screen
    from waddlebot.libs.sdk.discovery import discover
    from waddlebot.runtime.environment import variables

    table = screen.table("VARIABLE", "OF", "MEANING", "DEFAULT", "NOW")
    for of, name, info in variables(discover()):
        table.add_row(name, of, screen.plain(info.field.help), _default(info), screen.plain(_now(name, info)))
    return table


def _default(info: "FieldInfo") -> str:
    if info.required:
        return "must be set"
    return "" if info.default in ("", ()) else str(info.default)


def _now(name: str, info: "FieldInfo") -> str:
    from waddlebot.libs.sdk.fields import FieldError, value_of

    try:
        value = value_of(info, name, os.environ)
    except FieldError as error:
        return f"wrong: {error}"
    if not value:
        return ""
    return "set" if info.field.secret else value
