"""What the router's routes take and answer, as OpenAPI shows it."""

import msgspec

from waddlebot.libs.contracts.router import Posted, Trace
from waddlebot.processing.router.store import StringRule


class CommandAnswer(msgspec.Struct):
    """One command of a community."""

    name: str
    module: str
    usage: str
    help: str
    for_: str = msgspec.field(name="for")
    cooldown_s: float = 0.0
    user_cooldown_s: float = 0.0


class CommandsAnswer(msgspec.Struct):
    """The enabled commands of the key's community."""

    prefix: str
    commands: list[CommandAnswer]


class RulesAnswer(msgspec.Struct):
    """The string rules of the key's community, how often each matched, and what became of what they posted.

    URLs are whole for admin keys alone.
    """

    rules: list[StringRule]
    hits: dict[str, int]
    posts: dict[str, Posted]


class NewSecret(msgspec.Struct):
    """What a rule's posts are signed with, in the form of Standard Webhooks. It is shown this once."""

    secret: str


class RuleChange(msgspec.Struct, forbid_unknown_fields=True):
    """Fields of a string rule; what is left out or null stays as it is."""

    pattern: str | None = None
    kind: str | None = None
    action: str | None = None
    value: str | None = None
    seconds: int | None = None
    case_sensitive: bool | None = None
    priority: int | None = None
    entities: tuple[str, ...] | None = None
    exempt: str | None = None


class Done(msgspec.Struct):
    """What was changed."""

    done: str


class ExecutionsAnswer(msgspec.Struct):
    """What became of the last commands, newest first."""

    executions: list[Trace]


class HostMetrics(msgspec.Struct):
    """All communities together: ``events`` are all there were, by what became of them."""

    events: dict[str, int]
    under_way: int
    sessions: int
    views: int


class Metrics(msgspec.Struct):
    """Counters since the start of the router that owns the community.

    ``events`` of the key's community were for the bot, by what became of them. ``host`` is for
    the operator alone, and of the host that was asked.
    """

    uptime_s: float
    events: dict[str, int]
    host: HostMetrics | None = None


class Owned(msgspec.Struct):
    """A host whose router owns partitions. ``here`` is the one that was asked."""

    host: str
    name: str
    here: bool
    partitions: list[int]


class Coordination(msgspec.Struct):
    """Who owns the partitions; ``free`` are those that nobody owns at the moment."""

    owners: list[Owned]
    free: list[int]
