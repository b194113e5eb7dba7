"""Custom commands, aliases and counters."""

import dataclasses
import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from waddlebot.action.interactive.alias.names import BuiltIns, check_no_rings, check_rings
from waddlebot.libs.dal import Edit
from waddlebot.libs.sdk import (
    Column,
    Field,
    Rank,
    Refusal,
    Store,
    Table,
    admits,
    configures,
    reads,
    resource,
    writes,
)

COMMANDS_MAX = 2_000
ALIASES_MAX = 1_000
COUNTERS_MAX = 10_000
"""Counters of a community: a template may name one by what a chatter typed."""

NAME_LENGTH_MAX = 100
COOLDOWN_S_MAX = 7 * 86_400.0
COST_MAX = 1_000_000_000

COUNTER = Table("counter", (Column("name", "text"), Column("value", "integer")), key=("community", "name"))

type ReplyStyle = Literal["", "say", "reply", "whisper"]
type Target = Literal["main", "community", "bare"]


@resource(key=("name",), table="custom")
@dataclasses.dataclass(frozen=True, slots=True)
class CustomCommand:
    """A command that a community made: ``text`` is said when ``name`` is typed."""

    name: Annotated[str, Field("What is typed, without prefix.", length_max=NAME_LENGTH_MAX)]
    text: Annotated[str, Field("What is said, with variables.", length_max=5_000)]
    dialect: Annotated[
        str, Field("How variables are written.", choices=("native", "nightbot", "streamelements"))
    ] = "nightbot"
    bare: Annotated[bool, Field("Whether it is typed as it is, without prefix; then it may have spaces.")] = False
    enabled: Annotated[bool, Field("Whether it answers.")] = True
    hidden: Annotated[bool, Field("Whether lists of commands leave it out.")] = False
    least: Annotated[int, Field("Who may use it: a mask of ranks.", at_least=0, at_most=127)] = 127
    cooldown_s: Annotated[
        float, Field("Seconds between two uses.", at_least=0, at_most=COOLDOWN_S_MAX)
    ] = 0.0  # fmt: skip
    user_cooldown_s: Annotated[
        float, Field("Seconds between two uses by one person.", at_least=0, at_most=COOLDOWN_S_MAX)
    ] = 0.0
    cost: Annotated[
        int, Field("Points that a use costs, where there is loyalty.", at_least=0, at_most=COST_MAX)
    ] = 0
    reply: Annotated[
        ReplyStyle, Field("How it answers; empty as the community's setting says.")
    ] = ""  # fmt: skip
    may_command: Annotated[bool, Field("Whether its text may begin with a platform's command.")] = False
    tell_identity: Annotated[bool, Field("Whether custom APIs are told who asks and where, as Nightbot does.")] = (
        False
    )


@resource(key=("name",), table="alias", own=("ranks",))
@dataclasses.dataclass(frozen=True, slots=True)
class CommandAlias:
    """Another word for a command line.

    ``line`` has no prefix; ``target`` says where its command is found. ``ranks`` are those of who made it.
    """

    name: Annotated[str, Field("What is typed, without prefix.", length_max=NAME_LENGTH_MAX)]
    line: Annotated[str, Field("The command it stands for, without prefix.", length_max=1_000)]
    target: Annotated[Target, Field("main, community (modules) or bare.")] = "main"
    ranks: Annotated[int, Field("The ranks of who made it, as a mask.", at_least=0, at_most=127)] = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Made:
    """All that one community made, by name."""

    commands: dict[str, CustomCommand]
    aliases: dict[str, CommandAlias]


class AliasStore(Store):
    """What communities made."""

    tables = (COUNTER,)
    resources = (CustomCommand, CommandAlias)

    @reads
    def made(self) -> Made:
        """All that the community made."""
        return self._made()

    @reads
    def made_by_community(self) -> dict[str, Made]:
        """All that the communities of the scope made."""
        commands = self.list_by_community(CustomCommand)
        aliases = self.list_by_community(CommandAlias)
        return {
            community: Made(
                {record.name: record for record in commands.get(community, ())},
                {record.name: record for record in aliases.get(community, ())},
            )
            for community in commands.keys() | aliases.keys()
        }

    @configures
    def add(self, command: CustomCommand, built_in: BuiltIns) -> None:
        """Keep a new command. Raises ``Refusal`` for a name that is taken, or when there are too many."""
        self._add(command, self._made(), built_in)

    @configures
    def change(self, command: CustomCommand) -> None:
        """Keep a changed command."""
        self.put(command)

    @configures
    def keep(self, command: CustomCommand, built_in: BuiltIns) -> None:
        """Keep a command, new or changed. Raises ``Refusal`` as :meth:`add` does."""
        made = self._made()
        if command.name in made.commands:
            self.put(command)
        else:
            self._add(command, made, built_in)

    @configures
    def rename(self, name: str, command: CustomCommand, built_in: BuiltIns) -> None:
        """Keep a command under another name; the aliases that lead to it follow. Raises ``Refusal``."""
        made = self._made()
        before = made.commands[name]
        self._check_free(command.name, made, built_in)
        self.remove(CustomCommand, name=name)
        self.put(command)
        for alias in made.aliases.values():
            rest = _after(alias, before)
            if rest is not None:
                target: Target = "bare" if command.bare else "main"
                self.put(dataclasses.replace(alias, line=f"{command.name}{rest}", target=target))
        self._move_counter(name, command.name)

    @configures
    def drop(self, name: str) -> bool:
        """Remove a command; False where there is none."""
        return self.remove(CustomCommand, name=name)

    @configures
    def add_alias(self, alias: CommandAlias, built_in: BuiltIns) -> bool:
        """Keep an alias; False where it took the place of another of that name.

        Raises ``Refusal`` for a name that is taken, a ring, a chain that is too long, or when there are too many.
        """
        made = self._made()
        is_new = alias.name not in made.aliases
        if is_new:
            self._check_free(alias.name, made, built_in)
            if len(made.aliases) >= ALIASES_MAX:
                raise Refusal(f"There are {ALIASES_MAX} aliases already. Remove one first.")
        if alias.target == "main":
            others = [other for other in made.aliases.values() if other.name != alias.name]
            lines = {other.name: other.line for other in others if other.target == "main"}
            # Here a chain ends: at a command typed with our prefix, or where an alias leaves the main commands.
            ends = {command.name for command in made.commands.values() if not command.bare}
            ends |= {other.name for other in others if other.target != "main"}
            check_rings(alias.name, alias.line, lines, lambda word: word in ends or built_in.has(word))
        self.put(alias)
        return is_new

    @configures
    def drop_alias(self, name: str) -> bool:
        """Remove an alias; False where there is none."""
        return self.remove(CommandAlias, name=name)

    @reads
    def count(self, name: str) -> int:
        """A counter's value; 0 for one that nobody counted."""
        rows = self.db.execute("select value from {counter} where {scope} and name = :name", {"name": name})
        return int(rows[0][0]) if rows else 0

    @writes
    def add_count(self, name: str, by: int) -> int | None:
        """Add to a counter and return its value; None where there would be too many counters."""
        return self._counted(name, "value + :value", by)

    @writes
    def set_count(self, name: str, value: int) -> int | None:
        """Set a counter and return its value; None where there would be too many counters."""
        return self._counted(name, ":value", value)

    def bring(self, before: Any, after: Any) -> Any:
        """See :class:`Store`: what is typed can be typed, and an alias runs with the ranks of who brings it in."""
        if after is None:
            return None
        is_bare = isinstance(after, CustomCommand) and after.bare
        spaced = any(sign.isspace() for sign in after.name) and not is_bare
        if not after.name.strip() or not after.name.isprintable() or after.name != after.name.lower() or spaced:
            raise Refusal(f"{after.name!r} cannot be typed: a name is one word in small letters.")
        if isinstance(after, CustomCommand):
            if not after.text.strip():
                raise Refusal(f"The command {after.name} says nothing.")
            return after
        if not after.line.strip() or not after.line.isprintable() or "{" in after.line.split(None, 1)[0]:
            raise Refusal(f"The alias {after.name} stands for no command line.")
        return dataclasses.replace(after, ranks=self.ranks & 127)

    def admit(self, edits: Sequence[Edit]) -> None:
        """See :class:`Store`: names are of one thing each, aliases go round in no ring, and there are not too
        many.
        """
        made = self._made()
        for there, most, what in (
            (made.commands, COMMANDS_MAX, "commands"),
            (made.aliases, ALIASES_MAX, "aliases"),
        ):
            if len(there) > most:
                raise Refusal(f"There are {most} {what} at most. Remove one first.")
        if both := sorted(made.commands.keys() & made.aliases.keys()):
            raise Refusal(f"{both[0]} would be a command and an alias. Rename or remove one first.")
        for edit in edits:
            commands = isinstance(edit.after, CustomCommand) and edit.after.may_command
            if commands and not getattr(edit.before, "may_command", False) and not self.ranks & admits(Rank.ADMIN):
                raise Refusal("Only admins and the owner let a command begin with a platform's command.")
        if any(isinstance(edit.after, CommandAlias) for edit in edits):
            lines = {alias.name: alias.line for alias in made.aliases.values() if alias.target == "main"}
            ends = {command.name for command in made.commands.values() if not command.bare}
            ends |= made.aliases.keys() - lines.keys()
            check_no_rings(lines, lambda word: word in ends)

    def _add(self, command: CustomCommand, made: Made, built_in: BuiltIns) -> None:
        self._check_free(command.name, made, built_in)
        if len(made.commands) >= COMMANDS_MAX:
            raise Refusal(f"There are {COMMANDS_MAX} commands already. Remove one first.")
        self.put(command)

    def _counted(self, name: str, new: str, value: int) -> int | None:
        values = {"name": name, "value": value}
        update = f"update {{counter}} set value = {new} where {{scope}} and name = :name"  # noqa: S608  # of the two texts above
        if not self.db.execute(update, values).changed:
            (count,) = self.db.execute("select count(*) from {counter} where {scope}")[0]
            if count >= COUNTERS_MAX:
                return None
            self.db.insert_many("counter", [values])
        rows = self.db.execute("select value from {counter} where {scope} and name = :name", {"name": name})
        return int(rows[0][0])

    def _move_counter(self, name: str, to: str) -> None:
        values = {"name": name, "to": to}
        self.db.execute("delete from {counter} where {scope} and name = :to", values)
        self.db.execute("update {counter} set name = :to where {scope} and name = :name", values)

    def _made(self) -> Made:
        return Made(
            {record.name: record for record in self.list(CustomCommand)},
            {record.name: record for record in self.list(CommandAlias)},
        )

    @staticmethod
    def _check_free(name: str, made: Made, built_in: BuiltIns) -> None:
        if name in made.commands:
            raise Refusal(f"There is a command {name} already. Change it by: command edit {name} …")
        if name in made.aliases:
            raise Refusal(f"There is an alias {name} already. Remove it first: unalias {name}")
        if built_in.has(name):
            raise Refusal(
                f"{name} is a built-in command. Choose another name, or free it first: renamecom {name} …"
            )


def _after(alias: CommandAlias, command: CustomCommand) -> str | None:
    """What follows the command in an alias that leads to it; None for one that does not."""
    if alias.target != ("bare" if command.bare else "main"):
        return None
    found = re.match(rf"{re.escape(command.name)}(?=\s|$)", alias.line, re.IGNORECASE)
    return alias.line[found.end() :] if found else None
