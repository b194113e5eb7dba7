"""The decision: which of the rules that concern a command, a timer or a module hold, and what follows.

docs/decisions/0015 has the reasons. In short, for one attempt:

* A rule stands on a level: an ``allow`` or ``deny`` that names a person above one that names a rank, role or
  label, above all others, which stand where their target does: a command or timer, above a module, above all.
  A ``require`` stands where its target does, whatever it asks.
* An ``allow`` overrules each ``deny`` of a lower level, each ``require`` of its own or a lower level, and the rank
  that the command asks for, but never a rule of somebody who stands above its maker, nor more than its maker may.
* Any ``deny`` that holds and any ``require`` that does not, unless overruled, is the end of it. What nobody knows
  counts against: a ``deny`` holds, a ``require`` and an ``allow`` do not.

It is said of sets, not of steps, so the order of rules cannot matter, and a further ``deny`` lets nobody in.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from waddlebot.libs.access.conditions import Need, concerns_nobody, failing, holds, needs_of, uses_up
from waddlebot.libs.access.facts import EVERYWHERE, Facts
from waddlebot.libs.access.grammar import on_words, said, what_is_missing
from waddlebot.libs.sdk.rank import lesser
from waddlebot.libs.sdk.view import AccessRule

PERSON, GROUP, ONE, MODULE, DEFAULT = 5, 4, 3, 2, 1

_GROUPS = ("rank", "roles", "labels")


class Decided(NamedTuple):
    """What came of it. ``rule`` decided, or none did; ``admitted`` where it lets in whom the rank does not.

    ``reason`` is for the trace, ``words`` for who was refused (empty where a ``deny`` says nothing to them). Of
    those who may, ``spends`` are the rules that use something up.
    """

    may: bool
    rule: AccessRule | None = None
    reason: str = ""
    words: str = ""
    admitted: bool = False
    spends: Sequence[AccessRule] = ()


FREE = Decided(True)


def level_of(rule: AccessRule) -> int:
    """The level that a rule stands on."""
    if rule.effect != "require":
        if rule.conditions.account:
            return PERSON
        if any(getattr(rule.conditions, name) for name in _GROUPS):
            return GROUP
    if rule.target == EVERYWHERE:
        return DEFAULT
    return MODULE if rule.target.startswith("module:") else ONE


class Policy:
    """The rules that concern one command, timer or answer. ``needs`` is what has to be asked for them."""

    __slots__ = ("_allows", "_denies", "_requires", "needs")

    def __init__(self, rules: Iterable[AccessRule]) -> None:
        ordered = sorted(rules, key=lambda rule: (-level_of(rule), rule.id))
        self._allows = tuple(rule for rule in ordered if rule.effect == "allow")
        self._denies = tuple(rule for rule in ordered if rule.effect == "deny")
        self._requires = tuple(rule for rule in ordered if rule.effect == "require")
        self.needs = frozenset[Need]().union(*(needs_of(rule.conditions) for rule in ordered))

    def decide(self, facts: Facts, least: int) -> Decided:
        """Whether somebody may, where the rank asked for is ``least``, a mask; it is not asked again here."""
        allows = [rule for rule in self._allows if holds(rule.conditions, facts, facts.sure) is True]
        for rule in self._denies:
            if holds(rule.conditions, facts, facts.who) is not False and not self._overruled(rule, allows, facts):
                return Decided(False, rule, f"denied to {_whom(rule)} ({_named(rule)})")
        spends = []
        for rule in self._requires:
            if self._overruled(rule, allows, facts):
                continue
            field, known = failing(rule.conditions, facts, facts.sure)
            if field:
                words = what_is_missing(rule.conditions, field, known)
                return Decided(False, rule, f"{words} ({_named(rule)})", words)
            if rule.conditions.cost and not facts.payable:
                words = "no module keeps points here"
                return Decided(False, rule, f"{words} ({_named(rule)})", words)
            if uses_up(rule.conditions):
                spends.append(rule)
        for rule in allows:
            if lesser(rule.ranks, facts.bound) & least:
                return Decided(True, rule, f"allowed to {_whom(rule)} ({_named(rule)})", "", True, spends)
        return Decided(True, spends=spends) if spends else FREE

    @staticmethod
    def _overruled(rule: AccessRule, allows: Sequence[AccessRule], facts: Facts) -> bool:
        above = level_of(rule) + (rule.effect == "deny")
        return any(
            level_of(allow) >= above and covers(lesser(allow.ranks, facts.bound), rule.ranks) for allow in allows
        )


def covers(ranks: int, others: int) -> bool:
    """Whether somebody with ``ranks`` may do all that somebody with ``others`` may. Bit masks."""
    return lesser(others, ranks) == others


class Access:
    """The rules of one community, by what they concern."""

    def __init__(self, rules: Iterable[AccessRule]) -> None:
        self._by_target: dict[str, list[AccessRule]] = {}
        for rule in rules:
            self._by_target.setdefault(rule.target, []).append(rule)
        self._policies: dict[tuple[str, ...], Policy | None] = {}

    def of(self, target: str, module: str, aliases: tuple[str, ...] = ()) -> Policy | None:
        """The policy for a ``command:NAME`` or ``answer:KIND`` of a module, called by ``aliases``, which are
        ``command:NAME``, too; ``None`` where no rule concerns it.
        """
        key = target, module, *aliases
        if key not in self._policies:
            if len(self._policies) > 10_000:  # names come from a table, so this many are a fault, not a memory
                self._policies.clear()
            found = list(self._concerning(target, module, *aliases))
            self._policies[key] = Policy(found) if found else None
        return self._policies[key]

    def of_timer(self, name: str, module: str) -> Policy | None:
        """The policy for a timer: the rules about platform, channel, live state and hours alone."""
        found = [rule for rule in self._concerning(f"timer:{name}", module) if concerns_nobody(rule.conditions)]
        return Policy(found) if found else None

    def _concerning(self, target: str, module: str, *aliases: str) -> Iterator[AccessRule]:
        for one in dict.fromkeys((target, *aliases, f"module:{module}", EVERYWHERE)):
            yield from self._by_target.get(one, ())


def _whom(rule: AccessRule) -> str:
    return said(rule.conditions) or "everybody"


def _named(rule: AccessRule) -> str:
    return f"rule {rule.id} on {on_words(rule.target)}"
