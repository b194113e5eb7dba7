"""How people write aliases, and what they stand for."""

import re

from waddlebot.action.interactive.alias.names import Here
from waddlebot.action.interactive.alias.store import NAME_LENGTH_MAX, CommandAlias, Made, Target
from waddlebot.libs.sdk import Command, Refusal, UsageError

LINE_LENGTH_MAX = 1_000
PLACES = ("user", "args", "all_args", "touser", "target", *(f"arg{n}" for n in range(1, 10)))
"""What an alias fills in, in braces."""

_ASSIGNED = re.compile(r"\s*([^\s=]+)=\s*(.*)", re.DOTALL)
_PARTED = re.compile(r"\s*(\S+)\s+(.*)", re.DOTALL)
_PLACE = re.compile(r"\{([^{}]*)\}")
_FOREIGN = re.compile(r"\$[({](query|args|1:|[1-9]|user|sender|touser|1\|sender)[)}]")
_NATIVE = {"query": "args", "args": "args", "1:": "args", "user": "user", "sender": "user", "touser": "touser",
           "1|sender": "touser"}  # fmt: skip


def read(raw: str) -> tuple[str, str]:
    """The name and the line of ``name='line'`` or ``name line``. Raises ``UsageError``."""
    found = _ASSIGNED.fullmatch(raw) or _PARTED.fullmatch(raw)
    if found is None or not found[2].strip():
        raise UsageError("Usage: alias add <name> <command…>, such as: alias add greet !hi {user}")
    return found[1], _unquoted(found[2].strip())


def _unquoted(line: str) -> str:
    if len(line) > 1 and line[0] == line[-1] and line[0] in "'\"" and line[0] not in line[1:-1]:
        return line[1:-1].strip()
    return line


def native(text: str) -> str:
    """A text of Nightbot or StreamElements with the variables that an alias knows, in our braces."""
    return _FOREIGN.sub(lambda found: "{" + _NATIVE.get(found[1], f"arg{found[1]}") + "}", text)


def name_of(typed: str, here: Here) -> str:
    """An alias's name, without prefix. Raises ``Refusal``."""
    name = typed.strip("\"'").lower().removeprefix(here.prefix)
    if not name or len(name) > NAME_LENGTH_MAX or not name.isprintable() or any(sign.isspace() for sign in name):
        raise Refusal(f"An alias has a name of one word with at most {NAME_LENGTH_MAX} characters.")
    return name


def alias_of(name: str, line: str, here: Here, made: Made, ranks: int) -> CommandAlias:
    """An alias as it is kept. Raises ``Refusal`` where it stands for no command, or for one that whoever makes it
    may not use.
    """
    target, line = target_of(line, here, made)
    if not line or len(line) > LINE_LENGTH_MAX or not line.isprintable():
        raise Refusal(f"An alias stands for a command line of 1 to {LINE_LENGTH_MAX} characters.")
    word = line.split(None, 1)[0]
    if _PLACE.search(word):
        raise Refusal(f"An alias stands for one command: {word} would let people choose any.")
    found: Command | None = here.built_in.find(line, community=target == "community")
    if target == "community" and found is None:
        raise Refusal(f"There is no command {here.community_prefix}{word} here.")
    if target != "bare" and found is not None and not here.built_in.least(found) & ranks:
        raise Refusal(f"{found.name} is not yours to use, so neither is an alias for it yours to make.")
    custom = made.commands.get(word.lower()) if target == "main" else None
    if custom is not None and not custom.least & ranks:
        raise Refusal(f"{custom.name} is not yours to use, so neither is an alias for it yours to make.")
    return CommandAlias(name, line, target, ranks)


def target_of(line: str, here: Here, made: Made) -> tuple[Target, str]:
    """Among which commands a line's is found, and the line without prefix."""
    if line.startswith(here.prefix):
        return "main", line[len(here.prefix) :].strip()
    if line.startswith(here.community_prefix):
        return "community", line[len(here.community_prefix) :].strip()
    lowered = line.lower()
    for command in made.commands.values():
        if command.bare and (lowered == command.name or lowered.startswith(f"{command.name} ")):
            return "bare", line
    return "main", line


def unknown_places(line: str) -> list[str]:
    """What looks like a place in a line but is filled in by nothing."""
    return [found[0] for found in _PLACE.finditer(line) if found[1] not in PLACES]


def leading_to(name: str, made: Made) -> list[str]:
    """The aliases whose command is ``name``."""
    return [
        alias.name
        for alias in made.aliases.values()
        if alias.line.lower() == name or alias.line.lower().startswith(f"{name} ")
    ]
