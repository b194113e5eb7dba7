"""View: one community's configuration, compiled so that a line needs no question to anybody."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from waddlebot.libs.access import Access
from waddlebot.libs.filters import Filters
from waddlebot.libs.matching import Matcher, Matchers
from waddlebot.libs.sdk import (
    CHAT_MESSAGE,
    Alias,
    Command,
    Contribution,
    DynamicCommand,
    Event,
    Module,
    Override,
    Rank,
    Restriction,
    Rule,
    admits,
)
from waddlebot.libs.sdk.event import by_key
from waddlebot.libs.sdk.module import Limited
from waddlebot.libs.sdk.rank import lesser
from waddlebot.processing.router.limits import Settings, settings_of

ROUTER = "processing.router"
DEFAULT_PREFIX = "!"
DEFAULT_COMMUNITY_PREFIX = "#"
DEFAULT_LATE_S = 20.0
ANYONE = admits(Rank.VIEWER)

ABOVE_MODERATOR = int(Rank.ADMIN | Rank.OWNER)

BY_ENTITY_KEY = "key:entity:"
"""What the source of events begins with that a key of one entity brought."""

DEPTH_MAX = 8
"""Aliases that may lead to one another. Longer chains and rings are refused when they are made; this is for
those that an undo or a rename leaves behind."""


type Where = Literal["main", "community", "bare"]


class Entry:
    """A command as the router runs it. ``verbs`` are the second words it knows; ``also`` is the next module
    that answers the same word, in order of priority. An ``alias`` is never run: what it stands for is.
    ``table`` tells what stands before it: our prefix, the one of community modules, or nothing.
    """

    __slots__ = (
        "alias", "also", "by_hand", "cooldown_s", "course", "data", "enabled", "handler", "help", "hidden",
        "least", "limited", "module", "name", "table", "timeout_s", "usage", "user_cooldown_s", "verbs",
    )  # fmt: skip

    def __init__(self, name: str, module: str, handler: str) -> None:
        self.name = name
        self.module = module
        self.handler = handler
        self.table: Where = "main"
        self.least = ANYONE
        self.cooldown_s = 0.0
        self.user_cooldown_s = 0.0
        self.course: tuple[Any, ...] = ()  # the stages that its trips need, worked out by who runs them
        self.timeout_s = 10.0
        self.limited: Limited = "once"
        self.enabled = True
        self.hidden = False
        self.by_hand = False
        self.data = b""
        self.help = ""
        self.usage = name
        self.verbs: dict[str, Entry] = {}
        self.also: Entry | None = None
        self.alias: Alias | None = None

    def copy(self) -> "Entry":
        """The same command, to be changed for one community."""
        twin = Entry(self.name, self.module, self.handler)
        for name in self.__slots__:
            setattr(twin, name, getattr(self, name))
        twin.course = ()
        return twin


type Table = dict[str, Entry]


class Catalogue:
    """What the manifests declare, compiled once and shared by all views."""

    def __init__(self, manifests: Mapping[str, Module]) -> None:
        self.modules = manifests
        self.main: Table = {}
        self.community: Table = {}
        self.answers: Table = {}
        self.by_name: dict[str, Entry] = {}
        self.words: dict[str, tuple[str, ...]] = {}
        self.community_names: set[str] = set()
        for module in manifests.values():
            for command in module.commands.values():
                self._add(module, command)
        self._collect_answers(manifests.values())

    def _add(self, module: Module, command: Command) -> None:
        table = self.community if command.community else self.main
        entry = entry_of(module.name, command)
        words = (command.name, *command.aliases)
        if self.by_name.setdefault(command.name, entry) is entry:
            self.words[command.name] = words
            if command.community:
                self.community_names.add(command.name)
        for word in words:
            place(table, word, entry)

    def _collect_answers(self, modules: Iterable[Module]) -> None:
        found: dict[str, list[tuple[int, Entry]]] = {}
        for module in modules:
            for number, answer in enumerate(module.answering):
                entry = Entry(answer.kind, module.name, f"answer:{number}")
                entry.timeout_s = answer.timeout_s
                found.setdefault(answer.kind, []).append((-answer.priority, entry))
        for kind, entries in found.items():
            entries.sort(key=lambda pair: (pair[0], pair[1].module))
            ordered = [entry for _, entry in entries]
            for entry, following in itertools.pairwise(ordered):
                entry.also = following
            self.answers[kind] = ordered[0]


class View:
    """What the router knows of a community. Plain attributes: the pipeline reads them for every line."""

    __slots__ = (
        "access",
        "answers",
        "answers",
        "bare",
        "bare",
        "catalogue",
        "catalogue",
        "community",
        "community",
        "community_prefix",
        "community_prefix",
        "course",
        "course",
        "disabled",
        "disabled",
        "filters",
        "labels",
        "late_s",
        "late_s",
        "limits",
        "limits",
        "matcher",
        "matcher",
        "native",
        "native",
        "own",
        "own",
        "own_community",
        "own_community",
        "prefix",
        "prefix",
        "prefixes",
        "prefixes",
        "ranks",
        "ranks",
        "restricted",
        "restricted",
        "role_labels",
        "roles",
        "rules",
        "rules",
        "settings",
        "settings",
        "starts",
        "starts",
        "version",
        "version",
    )  # fmt: skip

    def __init__(self, community: str, version: int, catalogue: Catalogue) -> None:
        self.community = community
        self.version = version
        self.catalogue = catalogue
        self.prefix = DEFAULT_PREFIX
        self.community_prefix = DEFAULT_COMMUNITY_PREFIX
        self.prefixes = frozenset((DEFAULT_PREFIX, DEFAULT_COMMUNITY_PREFIX))
        self.late_s = DEFAULT_LATE_S
        self.disabled: frozenset[str] = frozenset()
        self.settings: dict[str, dict[str, object]] = {}
        self.limits = Settings()
        self.ranks: dict[str, int] = {}
        self.native: frozenset[str] = frozenset()
        self.access: Access | None = None  # none where no rule is made, which costs commands nothing
        self.roles: dict[str, tuple[str, ...]] = {}
        self.labels: dict[str, tuple[str, ...]] = {}
        self.role_labels: dict[str, tuple[str, ...]] = {}
        self.restricted: dict[str, Restriction] = {}
        self.own: Table = {}
        self.own_community: Table = {}
        self.bare: dict[str, list[tuple[str, Entry]]] = {}
        self.answers = catalogue.answers
        self.rules: tuple[Rule, ...] = ()
        self.matcher: Matcher | None = None
        self.filters: Filters | None = None
        self.starts = DEFAULT_PREFIX + DEFAULT_COMMUNITY_PREFIX
        self.course: tuple[Any, ...] = ()  # the stages that a line needs here, worked out by who runs them

    def ignores(self, event: Event) -> bool:
        """Whether an event is a line of chat that concerns nothing here, as most do: no stage need see it."""
        return (
            event.kind == CHAT_MESSAGE
            and event.text[:1] not in self.starts
            and not self.bare
            and not (self.restricted and event.account in self.restricted)
            and (self.filters is None or not self.filters.check(event))
            and (self.matcher is None or not self.matcher.match(event.text))
        )

    def follow(self, former: "View") -> None:
        """Take the place of the view before, and go on with what its filters remember."""
        if self.filters is not None and former.filters is not None:
            self.filters.follow(former.filters)

    def restrict(self, given: Iterable[Restriction]) -> None:
        """Keep these out, too; where two modules keep somebody out, both hold."""
        for one in given:
            other = self.restricted.get(one.account)
            self.restricted[one.account] = one if other is None else one.joined(other)

    def vouched(self, ranks: int, event: Event) -> int:
        """Ranks of an event's account, cut to a moderator's where who brought the event cannot vouch for more.

        Receivers of ours vouch for everybody. So does a key of the community on platforms that none of them reads
        here; a key of one entity vouches for nobody (docs/decisions/0007).
        """
        if not ranks & ABOVE_MODERATOR or not by_key(event):
            return ranks
        if event.platform in self.native or event.source.startswith(BY_ENTITY_KEY):
            return lesser(ranks, int(Rank.MODERATOR))
        return ranks

    def find(self, text: str) -> tuple[Entry, str, str] | None:
        """The command that ``text`` calls, the word as typed and the arguments; ``None`` for a plain line."""
        if text[:1] in self.starts:
            found = None
            if text.startswith(self.prefix):
                found = _in_tables(text[len(self.prefix) :], self.own, self.catalogue.main)
            if found is None and text.startswith(self.community_prefix):
                rest = text[len(self.community_prefix) :]
                found = _in_tables(rest, self.own_community, self.catalogue.community)
            if found is not None:
                return found
        return self._bare(text) if self.bare else None

    def _bare(self, text: str) -> tuple[Entry, str, str] | None:
        lowered = text.lower()
        first = lowered.split(None, 1)
        for trigger, entry in self.bare.get(first[0], ()) if first else ():
            if lowered == trigger or lowered.startswith(trigger + " "):
                return entry, trigger, text[len(trigger) + 1 :]
        return None

    def lookup(self, name: str) -> Entry | None:
        """A command by its name without prefix, for help and rules; verbs by ``word verb``."""
        found = _in_tables(name, self.own, self.catalogue.main)
        found = found or _in_tables(name, self.own_community, self.catalogue.community) or self._bare(name)
        return found[0] if found else None

    def typed(self, table: "Where", line: str) -> str:
        """A command line with what stands before it here."""
        return {"main": self.prefix, "community": self.community_prefix, "bare": ""}[table] + line

    def commands(self) -> dict[str, Entry]:
        """Every enabled command by its listed name: module commands, then the community's own."""
        named = {name: self.lookup(name) for name in self.catalogue.by_name} | self.own | self.own_community
        for triggers in self.bare.values():
            named.update(triggers)
        return {name: entry for name, entry in named.items() if entry is not None and self._is_listed(entry)}

    def _is_listed(self, entry: Entry) -> bool:
        return bool(entry.handler) and entry.enabled and not entry.hidden and entry.module not in self.disabled


def _in_tables(text: str, own: Table, declared: Table) -> tuple[Entry, str, str] | None:
    word, _, rest = text.partition(" ")
    word = word.lower()
    entry = own.get(word) or declared.get(word)
    if entry is None:
        return None
    if entry.verbs:
        verb, _, after = rest.lstrip().partition(" ")
        found = entry.verbs.get(verb.lower())
        if found is not None:
            return found, f"{word} {verb}", after
    return entry, word, rest


def build(
    community: str,
    version: int,
    catalogue: Catalogue,
    contributions: Mapping[str, Contribution],
    matchers: Matchers,
) -> View:
    """Compile what the modules contributed. Takes milliseconds with many rules, so it runs off the loop."""
    view = View(community, version, catalogue)
    for given in contributions.values():
        view.prefix = given.prefix or view.prefix
        view.community_prefix = given.community_prefix or view.community_prefix
        view.late_s = view.late_s if given.late_s is None else given.late_s
        view.disabled |= frozenset(given.disabled)
        view.settings.update(given.settings)
        view.ranks.update(given.ranks)
        view.native |= frozenset(given.native)
        view.roles.update(given.roles)
        view.labels.update(given.labels)
        view.role_labels.update(given.role_labels)
        view.restrict(given.restrictions)
    if access := [rule for given in contributions.values() for rule in given.access]:
        view.access = Access(access)
    view.limits = settings_of(view.settings.get(ROUTER, {}))
    view.prefixes = frozenset((view.prefix, view.community_prefix))
    view.starts = view.prefix[:1] + view.community_prefix[:1]
    for given in contributions.values():
        for override in given.overrides:
            _override(view, override)
    for module, given in contributions.items():
        if module not in view.disabled:
            for command in given.commands:
                _add_dynamic(view, module, command)
            for alias in given.aliases:
                _add_alias(view, module, alias)
    _settle_aliases(view)
    active = [given for module, given in contributions.items() if module not in view.disabled]
    view.filters = _filters(active)
    rules = [rule for given in active for rule in given.rules]
    rules.sort(key=lambda rule: (-rule.priority, rule.id))
    if rules:
        view.rules = tuple(rules)
        view.matcher = matchers.get([(rule.kind, rule.pattern, rule.case_sensitive) for rule in rules])
    return view


def _filters(active: Sequence[Contribution]) -> Filters | None:
    """The filters that modules contributed, compiled."""
    filters = [one for given in active for one in given.filters]
    labels = {account: held for given in active for account, held in given.labels.items()}
    return Filters(filters, labels) if filters else None


def entry_of(module: str, command: Command) -> Entry:
    """A declared command as the router runs it."""
    entry = Entry(command.name, module, f"command:{command.name}")
    entry.least = command.least
    entry.cooldown_s = command.cooldown_s
    entry.user_cooldown_s = command.user_cooldown_s
    entry.by_hand = command.by_hand
    entry.timeout_s = command.timeout_s
    entry.limited = command.limited
    entry.hidden = command.hidden
    entry.table = "community" if command.community else "main"
    entry.help = command.help
    entry.usage = command.usage
    return entry


def place(table: Table, word: str, entry: Entry) -> None:
    """Put a command under a word, or under a word and verb; a second module joins the first."""
    first, _, verb = word.partition(" ")
    if verb:
        group = table.get(first)
        if group is None:
            group = table[first] = Entry(first, entry.module, "")
        table, first = group.verbs, verb
    there = table.get(first)
    if there is None:
        table[first] = entry
    elif not there.handler:
        entry.verbs = there.verbs
        table[first] = entry
    elif there is not entry:
        # A copy: under its other words the first module answers alone.
        last = table[first] = there.copy()
        while last.also is not None:
            last.also = last.also.copy()
            last = last.also
        last.also = entry


def _add_dynamic(view: View, module: str, command: DynamicCommand) -> None:
    entry = Entry(command.name, module, f"dynamic:{command.handler}")
    entry.data = command.data
    entry.least = command.least
    entry.cooldown_s = command.cooldown_s
    entry.user_cooldown_s = command.user_cooldown_s
    entry.enabled = command.enabled
    entry.help = command.help
    entry.hidden = command.hidden
    if command.bare:
        entry.table = "bare"
        name = command.name.lower()
        triggers = view.bare.setdefault(name.split(None, 1)[0], [])
        triggers.append((name, entry))
        triggers.sort(key=lambda pair: -len(pair[0]))
    else:
        _add_own(view, entry)


def _add_alias(view: View, module: str, alias: Alias) -> None:
    entry = Entry(alias.name, module, "alias")
    entry.alias = alias
    entry.help = f"stands for {view.typed(alias.table, alias.line)}"
    _add_own(view, entry)


def _settle_aliases(view: View) -> None:
    """Lists show an alias to those who may use what it stands for."""
    for entry in view.own.values():
        target: Entry | None = entry
        for _ in range(DEPTH_MAX):
            if target is None or target.alias is None:
                break
            found = view.find(view.typed(target.alias.table, target.alias.line))
            target = found[0] if found else None
        if entry.alias is not None:
            entry.enabled = (
                target is not None and not target.alias and target.enabled and target.module not in view.disabled
            )
            entry.least = target.least if target else 0


def _add_own(view: View, entry: Entry) -> None:
    name = entry.name.lower()
    there = view.own.get(name) or view.catalogue.main.get(name)
    if there is not None:
        if there.enabled and there.name != name and name in view.own:
            return  # a module's command was given this name, and keeps it
        entry.verbs = there.verbs  # or a command called "module" would take "module on" away
    view.own[name] = entry


def _override(view: View, override: Override) -> None:
    declared = view.catalogue.by_name.get(override.command)
    if declared is None:
        return
    entry = declared.copy()
    for name in ("enabled", "least", "cooldown_s", "user_cooldown_s"):
        value = getattr(override, name)
        if value is not None:
            setattr(entry, name, value)
    if override.say_limited is not None:
        entry.limited = "say" if override.say_limited else "silent"
    # Under every word it has: a command that only admins may use must not be everybody's by its alias.
    words = list(view.catalogue.words[override.command])
    community = override.command in view.catalogue.community_names
    own = view.own_community if community else view.own
    declared_words = view.catalogue.community if community else view.catalogue.main
    if override.name and override.name != override.command:
        words[0] = override.name.lower()
        hidden = declared.copy()
        hidden.enabled, hidden.also = False, None
        _place_own(own, declared_words, override.command, hidden)
    for number, word in enumerate(words):
        placed = entry.copy()
        placed.hidden = entry.hidden or number > 0  # lists name a command once
        _place_own(own, declared_words, word, placed)


def _place_own(own: Table, declared: Table, word: str, entry: Entry) -> None:
    """Shadow a declared word for this community; a verb shadows within a copy of its group."""
    first, _, verb = word.partition(" ")
    group = own.get(first) or declared.get(first) or Entry(first, entry.module, "")
    if verb:
        group = group.copy()
        group.verbs = {**group.verbs, verb: entry}
        own[first] = group
    else:
        entry.verbs = group.verbs
        own[first] = entry
