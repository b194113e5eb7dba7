"""What each router promises about the communities whose partition it owns: what it alone has in its memory."""

import msgspec

from waddlebot.libs.contracts.registration import Registration
from waddlebot.libs.sdk.contract import Contract


class Step(msgspec.Struct, frozen=True):
    """One stage's decision: ``passed``, or what ended the trip."""

    stage: str
    decision: str


class Trace(msgspec.Struct, frozen=True):
    """What became of one event, stage by stage. ``at`` is when it occurred, in seconds since 1970."""

    event_id: str
    source: str
    community: str
    entity: str
    account: str
    account_login: str
    kind: str
    at: float
    status: str
    reason: str
    command: str
    module: str
    steps: tuple[Step, ...]

    def in_words(self) -> str:
        """One sentence for chat."""
        what = f"The command {self.command}" if self.command else "The message"
        return f"{what} was {self.status}" + (f": {self.reason}." if self.reason else ".") + f" [{self.event_id}]"


class TracesRequest(msgspec.Struct, frozen=True):
    """The newest traces of the asking community's commands, at most ``most``; of one entity where it is named.

    With ``event_id`` the newest one of that event, a plain line's too; then without a community in any of them.
    """

    event_id: str = ""
    entity: str = ""
    most: int = 1


class Traces(msgspec.Struct, frozen=True):
    """The traces that this router still has, newest first."""

    traces: tuple[Trace, ...]


class TallyRequest(msgspec.Struct, frozen=True):
    """The asking community's counters are wanted."""


class Posted(msgspec.Struct, frozen=True):
    """What became of a rule's posts since the start, and why the last that failed or was dropped did so."""

    delivered: int = 0
    failed: int = 0
    dropped: int = 0
    waiting: int = 0
    problem: str = ""


class Tally(msgspec.Struct, frozen=True):
    """What the router counted of a community since its start, ``uptime_s`` seconds ago.

    ``events`` are those that were for the bot, by what became of them; ``posts`` are by rule.
    """

    uptime_s: float
    events: dict[str, int]
    posts: dict[str, Posted]


class LateResponse(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A late or partial reply of a module, for the session it answers."""

    session: str
    entity: str
    module: str
    text: str


class Responded(msgspec.Struct, frozen=True):
    """Both are empty for a response that is on its way; else why it never will be, or not now."""

    refused: str = ""
    busy: str = ""


class RegisteredRequest(msgspec.Struct, frozen=True):
    """The registered modules are wanted."""


class Registered(msgspec.Struct, frozen=True):
    """The registered modules, by name."""

    modules: tuple[Registration, ...]


class RouterService(Contract):
    """What the owner of a community's partition knows of it. Ask it there (``at=ports.owner(community)``)."""

    async def traces(self, request: TracesRequest) -> Traces:
        """Why the bot did or did not answer."""
        raise NotImplementedError

    async def tally(self, request: TallyRequest) -> Tally:
        """What was counted."""
        raise NotImplementedError

    async def respond(self, request: LateResponse) -> Responded:
        """Say something late, in the session of the event it answers."""
        raise NotImplementedError

    async def registered(self, request: RegisteredRequest) -> Registered:
        """The modules in other languages that registered; any router knows."""
        raise NotImplementedError
