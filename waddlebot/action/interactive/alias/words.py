"""What the module says about what it keeps."""

from collections.abc import Sequence

from waddlebot.action.interactive.alias.store import CommandAlias, CustomCommand
from waddlebot.libs.access import levels
from waddlebot.libs.templates import Dialect, Problem, ProblemKind

_PROBLEMS_MAX = 3


def of_problems(problems: Sequence[Problem], dialect: str) -> list[str]:
    """What the author of a text should know, a sentence for each."""
    said: list[str] = []
    for problem in problems:
        name = f"{{{problem.name}}}" if dialect == Dialect.NATIVE else f"$({problem.name})"
        match problem.kind:
            case ProblemKind.UNKNOWN:
                near = f" Did you mean {problem.nearest}?" if problem.nearest else ""
                said.append(f"{name} is unknown and stays as written.{near}")
            case ProblemKind.UNAVAILABLE:
                said.append(f"{name} is not available here and stays as written.")
            case ProblemKind.MISSING:
                said.append(f"{name} is not available here and stays as written. {problem.advice}")
            case ProblemKind.UNCLOSED:
                said.append(f"{problem.name}… is opened and never closed, and stays as written.")
            case _:
                said.append(f"{name}: {problem.advice}")
    said = list(dict.fromkeys(said))
    return said[:_PROBLEMS_MAX] + ([f"And {len(said) - _PROBLEMS_MAX} more."] if len(said) > _PROBLEMS_MAX else [])


def typed(command: CustomCommand, prefix: str) -> str:
    """A command as it is typed."""
    return command.name if command.bare else f"{prefix}{command.name}"


def facts(command: CustomCommand, prefix: str, count: int = 0) -> str:
    """A command with all that is set, but for its text."""
    parts = [
        f"for {levels.in_words(command.least)}",
        f"every {command.cooldown_s:g} s" if command.cooldown_s else "",
        f"every {command.user_cooldown_s:g} s by one person" if command.user_cooldown_s else "",
        f"costs {command.cost}" if command.cost else "",
        f"answers by {command.reply}" if command.reply else "",
        "" if command.enabled else "disabled",
        "hidden" if command.hidden else "",
        "may run platform commands" if command.may_command else "",
        "tells custom APIs who asks" if command.tell_identity else "",
        f"count {count}" if count else "",
    ]
    return f"Command {typed(command, prefix)} is {', '.join(part for part in parts if part)}"


def shown(command: CustomCommand, prefix: str, count: int) -> str:
    """A command with all that is set."""
    return f"{facts(command, prefix, count)}, in {command.dialect}'s variables: {command.text}"


def leads_to(alias: CommandAlias, prefix: str, community_prefix: str) -> str:
    """What an alias stands for, as it would be typed."""
    return {"main": prefix, "community": community_prefix, "bare": ""}[alias.target] + alias.line
