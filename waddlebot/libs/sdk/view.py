"""What modules contribute to a community's compiled view: configuration as data, run by the router's engine.

The router asks nobody anything for a plain line (ARCHITECTURE §6). So a module with its own commands,
rules or switches hands them over as these records whenever the community's configuration changes.
"""

from typing import Literal

import msgspec

VIEW = "View"
CONTRIBUTE = "contribute"
"""By what names a module is asked for its contributions, as if all modules promised one contract."""

type RuleAction = Literal["warn", "block", "command", "webhook", "reply"]


class DynamicCommand(msgspec.Struct, frozen=True, gc=False):
    """A command that a community made: an alias, a custom command.

    ``name`` is what users type after a prefix; with ``bare`` it is the whole trigger, prefix or not, and
    may have spaces. ``handler`` names the contributing module's ``@module.dynamic`` handler and ``data``
    is handed to it, so that no store is read on the way. ``least`` is a mask of :class:`Rank` admitted.
    Cooldowns are seconds.
    """

    name: str
    handler: str
    data: bytes = b""
    bare: bool = False
    least: int = 127
    cooldown_s: float = 0.0
    user_cooldown_s: float = 0.0
    enabled: bool = True
    help: str = ""
    hidden: bool = False


class Alias(msgspec.Struct, frozen=True, gc=False):
    """Another word for a command line. The router puts the line in its place before any check, so that rank,
    cooldown and switch are those of the command it leads to.

    ``line`` is what is run, without prefix; ``table`` says where its command is found: among the ``main``
    commands, those of ``community`` modules, or the ``bare`` triggers. In it ``{user}``, ``{args}``,
    ``{all_args}``, ``{arg1}`` … ``{arg9}`` and ``{touser}`` are filled in; what was typed follows where the
    line has no place for it. ``ranks`` is the mask of who made it: nobody does more by it than that person may.
    """

    name: str
    line: str
    table: Literal["main", "community", "bare"] = "main"
    ranks: int = 0


class Rule(msgspec.Struct, frozen=True, gc=False):
    """A string rule (P3).

    ``entities`` empty means all of the community; higher ``priority`` first. ``exempt`` is the mask of
    ranks it does not apply to. ``value`` is what the action needs: the warning or reply, the command to
    run, the URL to post to; ``seconds`` the timeout of ``block`` (0: delete only). ``ranks`` are those of who
    made it: what it runs may do what both its maker and the chatter may. ``secret_id`` is part of what a webhook's
    signing secret derives from.
    """

    id: str
    pattern: str
    kind: Literal["exact", "contains", "word", "regex", "*"] = "contains"
    action: RuleAction = "warn"
    value: str = ""
    seconds: int = 0
    case_sensitive: bool = False
    priority: int = 0
    entities: tuple[str, ...] = ()
    exempt: int = 0
    ranks: int = 1
    secret_id: str = ""


type FilterKind = Literal[
    "blocklist", "links", "crowd", "duplicates", "rate", "zalgo", "caps", "symbols", "emotes", "characters",
    "words", "length",
]  # fmt: skip
"""What filters look for; of several that find something the first here acts (libs/filters)."""

type FilterAction = Literal["delete", "warn", "timeout"]


class Phrase(msgspec.Struct, frozen=True, gc=False):
    """What a blocklist holds: as a ``word`` of its own or anywhere (``contains``); ``*`` is any few characters."""

    text: str
    kind: Literal["word", "contains"] = "word"


class Filter(msgspec.Struct, frozen=True, gc=False):
    """A filter of chat lines that is on (libs/filters); a ``canary`` only notes what it finds.

    What is too much depends on the kind: ``limit`` times (or characters), in lines of at least ``least``
    characters, ``share`` per cent of them, within ``window_s``. ``exempt`` is the mask of ranks it leaves alone,
    ``exempt_labels`` are labels whose holders it does; ``entities`` empty means all of the community. ``action``
    is done at once: delete the line, ``warn`` in words and no more, or a timeout of ``seconds``; ``value`` are the
    words said. ``phrases`` are a blocklist's; ``allowed`` the domains that links may lead to, and ``permits``
    accounts that may post any until then (seconds since the epoch).
    """

    kind: FilterKind
    canary: bool = False
    limit: int = 0
    least: int = 0
    share: int = 0
    window_s: float = 0.0
    exempt: int = 0
    exempt_labels: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    action: FilterAction = "delete"
    seconds: int = 0
    value: str = ""
    phrases: tuple[Phrase, ...] = ()
    allowed: tuple[str, ...] = ()
    permits: dict[str, float] = {}


class Override(msgspec.Struct, frozen=True, gc=False):
    """What a community changed of a module's command; ``None`` keeps the declared value."""

    command: str
    name: str | None = None
    enabled: bool | None = None
    least: int | None = None
    cooldown_s: float | None = None
    user_cooldown_s: float | None = None
    say_limited: bool | None = None


class Range(msgspec.Struct, frozen=True, omit_defaults=True):
    """Numbers from ``at_least`` on and under ``below``; ``None`` is no limit on that side."""

    at_least: float | None = None
    below: float | None = None


class Hours(msgspec.Struct, frozen=True, omit_defaults=True):
    """Part of the week in a time zone: ``days`` has a bit for each weekday, Monday's is 1.

    ``start`` and ``end`` are minutes of the day. An end that is not after the start is on the next day.
    """

    days: int = 127
    start: int = 0
    end: int = 0
    zone: str = "UTC"


class Conditions(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an :class:`AccessRule` asks; all that is set must hold. Of several values in a tuple any will do.

    About who asks: an ``account`` (``platform:user_id``), a mask ``rank``, ``roles`` and ``labels``, reputation
    (``score``, ``tiers``, ``points``) and ``age_s``, the seconds since the account was made or first seen here.
    About the occasion: ``platforms``, ``entities``, whether the channel is ``live``, ``hours``.

    What a ``require`` uses up: ``cost`` points; ``uses`` in ``per_s`` seconds; a cooldown of ``group_s`` seconds
    that all rules with the same ``group`` share. The last two are each person's own, or ``together`` everybody's.
    """

    account: str = ""
    rank: int = 0
    roles: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    score: Range | None = None
    tiers: tuple[str, ...] = ()
    points: Range | None = None
    age_s: Range | None = None
    platforms: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    live: bool | None = None
    hours: Hours | None = None
    cost: int = 0
    uses: int = 0
    per_s: float = 0.0
    group: str = ""
    group_s: float = 0.0
    together: bool = False


type Effect = Literal["allow", "deny", "require"]


class AccessRule(msgspec.Struct, frozen=True):
    """Who may use what, and when; ``libs/access`` decides by them.

    ``target`` is ``command:NAME``, ``timer:NAME``, ``module:NAME`` or ``*``. ``ranks`` is the mask of who made it:
    it gives nobody more than that.
    """

    id: str
    effect: Effect
    target: str
    conditions: Conditions = Conditions()
    ranks: int = 1


class Restriction(msgspec.Struct, frozen=True, gc=False):
    """An account that the bot does not answer, and why; but for the commands in ``allows``, such as an appeal.

    ``until`` is in seconds since 1970, 0 for ever. With ``person`` it holds for all accounts of whoever has this
    one, as they are linked at any time.
    """

    account: str
    reason: str
    until: float = 0.0
    allows: tuple[str, ...] = ()
    person: bool = False

    def joined(self, other: "Restriction") -> "Restriction":
        """What holds where both do: as long as the longer one, allowing what both allow."""
        longer, shorter = (self, other) if not self.until or 0 < other.until <= self.until else (other, self)
        allows = tuple(name for name in longer.allows if name in shorter.allows)
        return Restriction(self.account, longer.reason, longer.until, allows, longer.person or shorter.person)


class Contribution(msgspec.Struct, frozen=True):
    """All that one module contributes to one community's view. Every part may be left empty.

    ``ranks`` maps accounts to :class:`Rank` masks, ``settings`` modules to their changed values,
    ``disabled`` names modules switched off. ``prefix`` and ``community_prefix`` are ``!`` and ``#``
    where a community did not choose others; ``late_s`` is the age above which events are not answered. ``native``
    are the platforms whose accounts a receiver of ours vouches for in this community. ``labels`` maps accounts to
    the labels they were given here, and ``role_labels`` roles of platforms, as ``platform:role``, to those that
    whoever has the role has with it: a person's are those of all their accounts. ``roles`` maps accounts to the
    community's own roles that they hold. ``filters`` are those that are on.
    """

    commands: tuple[DynamicCommand, ...] = ()
    rules: tuple[Rule, ...] = ()
    overrides: tuple[Override, ...] = ()
    restrictions: tuple[Restriction, ...] = ()
    disabled: tuple[str, ...] = ()
    ranks: dict[str, int] = {}
    settings: dict[str, dict[str, object]] = {}
    prefix: str | None = None
    community_prefix: str | None = None
    late_s: float | None = None
    aliases: tuple[Alias, ...] = ()
    native: tuple[str, ...] = ()
    labels: dict[str, tuple[str, ...]] = {}
    access: tuple[AccessRule, ...] = ()
    roles: dict[str, tuple[str, ...]] = {}
    role_labels: dict[str, tuple[str, ...]] = {}
    filters: tuple[Filter, ...] = ()


class Communities(msgspec.Struct, frozen=True):
    """Which communities' contributions are asked for, as it travels between processes."""

    communities: tuple[str, ...]


class Contributed(msgspec.Struct, frozen=True):
    """A module's contributions by community, as they travel between processes."""

    contributions: dict[str, Contribution]
