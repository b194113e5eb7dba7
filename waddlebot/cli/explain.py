"""``waddlebot explain``: why the bot did, or did not, answer."""

from typing import TYPE_CHECKING, Annotated

import typer

from waddlebot.cli.failures import Failure

if TYPE_CHECKING:
    from waddlebot.libs.contracts.router import Trace
    from waddlebot.runtime.environment import Environment

_COLOURS = {"answered": "green", "ignored": "yellow", "refused": "yellow", "failed": "red"}


def explain(
    event_id: Annotated[str, typer.Argument(help="The event's id: of `!why`, a log line or a REST answer.")],
    community: Annotated[str, typer.Option(help="Only in this community. Without: in every one.")] = "",
) -> None:
    """Show what became of an event, stage by stage, and why.

    A running bot knows the last 20,000 events that concerned it, and of lines that did not the last 500. Failures
    are kept for a month and shown without it, too.

    \b
    Examples:
      waddlebot explain evt-42
      waddlebot explain evt-42 --community lab
    """
    from waddlebot.runtime.environment import load

    environment = load()
    trace = _of_bot(environment, event_id, community)
    if trace is None:
        raise Failure(
            f"Nothing is known of the event {event_id}{f' in {community}' if community else ''}: it is older than "
            "the last 20,000 (500 of plain lines), or never came."
        )
    _draw(trace)


def _of_bot(environment: "Environment", event_id: str, community: str) -> "Trace | None":
    """What the running bot knows, or, where none runs, the database: failures only."""
    from urllib.parse import quote

    import msgspec

    from waddlebot.cli import bot, screen
    from waddlebot.libs.contracts.router import Trace

    try:
        found = bot.ask(environment, f"/processing.router/traces/{quote(event_id, safe='')}", community)
    except bot.NotRunning:
        screen.notes().print("No bot runs here, so only failures are known.")
        return _of_database(event_id, community)
    return None if found is None else msgspec.convert(found, Trace)


def _of_database(event_id: str, community: str) -> "Trace | None":
    from waddlebot.cli import work
    from waddlebot.libs.contracts.router import Trace
    from waddlebot.libs.dal import Community, System
    from waddlebot.processing.router.module import module
    from waddlebot.processing.router.store import RouterStore
    from waddlebot.runtime.installation import Installation

    async def read(installation: Installation) -> Trace | None:
        scope = Community(community) if community else System("the operator asks about an event")
        store = installation.dal.bind(module.name, scope)
        assert isinstance(store, RouterStore)  # noqa: S101  for the type checker: the module declares it
        return await store.failure(event_id)

    return work.on_installation(read)


def _draw(trace: "Trace") -> None:
    from rich.text import Text
    from rich.tree import Tree

    from waddlebot.cli import screen, work

    def words(text: str, style: str = "") -> Text:
        return Text(screen.visible(text), style)

    colour = _COLOURS.get(trace.status, "red")
    who = f"{trace.account_login} ({trace.account})" if trace.account_login else trace.account
    tree = Tree(words(f"{trace.kind} {trace.event_id}", "bold"))
    where = f"{trace.entity} in {trace.community}"
    tree.add(words(f"{work.when(trace.at)}  {where}  {who}  via {trace.source or 'the bus'}"))
    for step in trace.steps:
        if step.decision == "passed":
            tree.add(words(f"✓ {step.stage}", "green"))
        else:
            tree.add(words(f"✗ {step.stage}: {step.decision}", colour))
    what = f" {trace.command} of {trace.module}" if trace.command else ""
    why = f": {trace.reason}" if trace.reason else ""
    tree.add(words(f"{trace.status}{what}{why}", f"bold {colour}"))
    screen.out().print(tree)
