"""The command line as a whole. Each command stands in a file of its own."""

from collections.abc import Callable
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from waddlebot.cli import (
    backup,
    bench,
    chat,
    config,
    db,
    dlq,
    doctor,
    explain,
    health,
    key,
    modules,
    mydata,
    new,
    rule,
    run,
    undo,
    user,
)

if TYPE_CHECKING:
    from typer import _click as click

_ABOUT = """One bot for a community that lives on many platforms at once.

`waddlebot run` starts it; it needs no configuration. Then open the address of its last line, or use
`waddlebot chat` in another terminal, and type !help.
"""

_EPILOG = """\
First steps:

\b
  waddlebot run                               start the bot
  waddlebot chat                              talk to it in another terminal
  TWITCH_CHANNELS=yourname waddlebot run      read a Twitch channel
  waddlebot modules --env                     everything that can be set
  waddlebot doctor                            what is wrong, and what to do

Exit codes:

\b
  0    all went well
  1    the command worked and found something wrong, or nothing of that name
  2    wrong usage or configuration; the message says what to do
  130  ended by Ctrl+C

Configuration is by environment variables alone. Everything the bot keeps is in one folder (WADDLEBOT_DATA_DIR),
or in the database that DATABASE_URL names.
"""

_PANELS = _EVERYDAY, _DATA, _AUTHORS = "Everyday", "Keys and data", "For module authors"


class _Manual(TyperGroup):
    """Lists the commands by what they are for. Typer does so with rich panels only, which take 0.3 s to import."""

    def format_commands(self, ctx: "click.Context", formatter: "click.HelpFormatter") -> None:
        commands = sorted((self.commands[name] for name in self.list_commands(ctx)), key=_place_of)
        width = formatter.width - 6 - max(len(str(command.name)) for command in commands)
        for panel, listed in groupby(commands, _panel_of):
            with formatter.section(panel):
                formatter.write_dl([(str(command.name), command.get_short_help_str(width)) for command in listed])

    def list_commands(self, ctx: "click.Context") -> list[str]:
        return list(self.commands)


def _panel_of(command: Any) -> str:
    return getattr(command, "rich_help_panel", None) or "Commands"


def _place_of(command: Any) -> int:
    panel = _panel_of(command)
    return _PANELS.index(panel) if panel in _PANELS else 0


def build() -> typer.Typer:
    """All commands, put together, in the order in which people need them."""
    app = _group("waddlebot", _ABOUT)
    app.callback(help=_ABOUT, epilog=_EPILOG)(_options)
    _add(app, _EVERYDAY, run.run, chat.chat, modules.modules, explain.explain, doctor.doctor, health.health)
    keys = {"create": key.create, "list": key.list_, "rotate": key.rotate, "revoke": key.revoke}
    app.add_typer(_group("key", "Make, list, rotate and revoke API keys.", keys), rich_help_panel=_DATA)
    users = {
        "add": user.add, "list": user.list_, "disable": user.disable, "enable": user.enable, "reset": user.reset,
        "sessions": user.sessions, "remove": user.remove,
    }  # fmt: skip
    app.add_typer(_group("user", "Who may sign in on the bot's pages.", users), rich_help_panel=_DATA)
    people = {"export": mydata.export, "forget": mydata.forget}
    app.add_typer(
        _group("mydata", "What is held about a person: get or delete it.", people), rich_help_panel=_DATA
    )
    secrets = {"secret": rule.secret}
    app.add_typer(_group("rule", "Secrets of rules that post to a URL.", secrets), rich_help_panel=_DATA)
    documents = {
        "export": config.export, "plan": config.plan, "apply": config.apply, "rollback": config.rollback,
        "history": config.history,
    }  # fmt: skip
    app.add_typer(
        _group("config", "A community's configuration as a document, and going back.", documents),
        rich_help_panel=_DATA,
    )
    _add(app, _DATA, undo.undo, backup.backup, backup.restore)
    dead = {"list": dlq.list_, "replay": dlq.replay, "drop": dlq.drop}
    app.add_typer(_group("dlq", "List, replay or drop what could not be processed.", dead), rich_help_panel=_DATA)
    schema = {"upgrade": db.upgrade, "status": db.status}
    app.add_typer(_group("db", "Upgrade the database's schema, or show it.", schema), rich_help_panel=_DATA)
    app.add_typer(_group("new", "Make a module to build on.", {"module": new.module}), rich_help_panel=_AUTHORS)
    passing_on = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
    app.command(rich_help_panel=_AUTHORS, context_settings=passing_on)(bench.bench)
    return app


def _add(app: typer.Typer, panel: str, *commands: Callable[..., None]) -> None:
    for command in commands:
        app.command(rich_help_panel=panel)(command)


def _group(name: str, words: str, commands: dict[str, Any] | None = None) -> typer.Typer:
    group = typer.Typer(
        name=name,
        cls=_Manual,
        help=words,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    for word, command in (commands or {}).items():
        group.command(word)(command)
    return group


def _version(asked: bool) -> None:
    import importlib.metadata

    if asked:
        typer.echo(importlib.metadata.version("waddlebot"))
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """What can be asked of the program as a whole."""
