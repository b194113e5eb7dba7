"""The pipeline, readable as a list (P1). To add a rule: one function, one line in ``PIPELINE``.

A stage looks at a trip and lets it go on (``None``) or ends it with a reason; it may leave replies on it. The
first four only look into memory; the rest see what matched. Lines that a view ignores, which most are, never get
here: no stage would do anything with them.
"""

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING

from waddlebot.libs.access import Decided
from waddlebot.libs.sdk import CHAT_MESSAGE, Event, Rank, Reply, admits
from waddlebot.libs.sdk.rank import lesser, of_platform, words
from waddlebot.processing.router import deciding
from waddlebot.processing.router.aliases import follow
from waddlebot.processing.router.deciding import NOTHING, Known
from waddlebot.processing.router.sessions import Session
from waddlebot.processing.router.view import ABOVE_MODERATOR, Entry, View

if TYPE_CHECKING:
    from waddlebot.processing.router.engine import Delivery, Router

STAFF = admits(Rank.MODERATOR)
_STUFFING = " \U000e0000"  # chat clients append it to repeat a line that Twitch would refuse

PLAIN = "no match"


class Trip:
    """One event's way through the pipeline. ``inboxed`` is the delivery whose results it is among."""

    # Defaults of the class cost nothing until a stage sets them.
    entry = Entry("", "", "")
    session: Session | None = None
    text = ""
    word = ""
    args = ""
    person = ""
    ranks = 0
    bound = 0
    stage = 0
    tries = 0
    alone_s = 0.0
    taken_s = 0.0  # these two only where traces are collected
    asked_s = 0.0
    replies: tuple[Reply, ...] = ()
    known: Known = NOTHING  # what was asked for it, where an access rule needs that
    decided: Decided | None = None
    aliases: tuple[str, ...] = ()  # by which it was called, as access rules name them
    held = False  # it has its person's lane already, since something was asked

    def __init__(self, router: "Router", event: Event, view: View, inboxed: "Delivery | None") -> None:
        self.router = router
        self.event = event
        self.view = view
        self.inboxed = inboxed


type Stage = Callable[[Trip], str | None]
type Course = tuple[Stage, ...]


def deduplicate(trip: Trip) -> str | None:
    """The same event twice, from the same source, is one event; the inbox has looked already."""
    return None if trip.inboxed is not None or trip.router.recent.add(trip.event) else "a repeated event"


def restrict(trip: Trip) -> str | None:
    """Who is banned here is not answered."""
    restricted = trip.view.restricted
    if restricted:
        account = trip.event.account
        for one in trip.router.fellows.get(account, (account,)):
            found = restricted.get(one)
            if found is None or (one != account and not found.person) or 0 < found.until <= trip.router.wall_s:
                continue
            called = trip.view.find(trip.event.text) if found.allows else None
            if called is None or called[0].name not in found.allows:
                return f"restricted: {found.reason}"
    return None


def moderate(trip: Trip) -> str | None:
    """Filters, then string rules: all patterns of the community at once."""
    event, view = trip.event, trip.view
    if event.kind != CHAT_MESSAGE:
        return None
    if view.filters is not None:
        found = view.filters.check(
            event, is_command=event.text[:1] in view.starts and view.find(event.text) is not None
        )
        reason = trip.router.filtering.apply(trip, found) if found else None
        if reason is not None:
            return reason
    if view.matcher is not None:
        hits = view.matcher.match(event.text)
        if hits:
            return trip.router.rules.apply(trip, hits)
    return None


def match(trip: Trip) -> str | None:
    """Is it for anybody? Most lines end here."""
    event, view = trip.event, trip.view
    if event.kind == CHAT_MESSAGE:
        text = trip.text or event.text
        if text[:1] in view.starts or view.bare:
            found = view.find(text)
            if found is not None:
                trip.entry, trip.word, args = found
                trip.args = args.strip(_STUFFING)
                return None if trip.entry.alias is None else follow(trip)
        return PLAIN
    entry = view.answers.get(event.kind)
    if entry is None:
        return PLAIN
    trip.entry, trip.word, trip.args = entry, event.kind, ""
    return None


def in_time(trip: Trip) -> str | None:
    """Late events still count but are not answered."""
    event = trip.event
    late_s = event.received_at - event.occurred_at
    return f"it came {late_s:.0f} s late" if late_s > trip.view.late_s else None


def enabled(trip: Trip) -> str | None:
    """Switched off here: the module or the command."""
    entry, view = trip.entry, trip.view
    if entry.module in view.disabled:
        return f"the module {entry.module} is switched off here"
    return None if entry.enabled else "the command is switched off here"


def limit_rate(trip: Trip) -> str | None:
    """No account, command or channel may keep the bot busy."""
    event = trip.event
    if event.kind != CHAT_MESSAGE:
        return None
    return trip.router.limits.refuse(event, trip.entry.name, trip.view.limits)


def identify(trip: Trip) -> str | None:
    """Whose account is it? An unlinked account is its own person."""
    account = trip.event.account
    trip.person = trip.router.persons.get(account, account)
    return None


def permit(trip: Trip) -> str | None:
    """Ranks are a set: any one that the command admits will do."""
    event, doubt = trip.event, ""
    if trip.entry.by_hand and (trip.bound or trip.text):
        return "who it concerns has to type it; an alias or rule may not"
    mask = trip.router.rank_masks.get(event.roles)
    if mask is None:
        mask = trip.router.remember_roles(event.roles, of_platform(event.roles))
    if trip.view.ranks:
        mask |= trip.router.given(event, trip.view)
        if mask & ABOVE_MODERATOR and trip.view.vouched(mask, event) != mask:
            mask, doubt = trip.view.vouched(mask, event), ", which a key can say of nobody here"
    if trip.bound:
        mask = lesser(mask, trip.bound)
    trip.ranks = mask
    if trip.view.access is not None and (ended := deciding.judge(trip)) is not None:
        return ended
    if mask & trip.entry.least or event.kind != CHAT_MESSAGE or (trip.decided and trip.decided.admitted):
        return None
    least = words(Rank(trip.entry.least & -trip.entry.least))
    # The command's name stands last: a line that begins with it would look like the command to other bots.
    trip.router.say_limited(trip, f"Only {least} and above may use {trip.view.prefix}{trip.entry.name}.", 30.0)
    return f"only for {least} and above{doubt}"


def complete(trip: Trip) -> str | None:
    """A word that is only the first of two, alone or with a second that is none, says which there are."""
    entry = trip.entry
    if entry.handler:
        return None
    off = trip.view.disabled
    verbs = sorted(
        verb
        for verb, below in entry.verbs.items()
        if below.enabled and below.module not in off and below.least & trip.ranks
    )
    if verbs:
        called = f"{trip.view.prefix}{entry.name}"
        trip.router.say_limited(trip, f"{called} {'|'.join(verbs)}: {trip.view.prefix}help {entry.name}", 30.0)
    return "no such verb"


def sessionise(trip: Trip) -> str | None:
    """A late or partial response will have to carry this session."""
    router = trip.router
    trip.session = router.sessions.open(trip.event, trip.entry.module, router.now_s)
    return None


def limit_person(trip: Trip) -> str | None:
    """Cooldowns: for all, and for each person; staff need not wait."""
    entry = trip.entry
    if trip.decided is not None and trip.decided.spends and (ended := deciding.spend(trip)) is not None:
        return ended
    if not (entry.cooldown_s or entry.user_cooldown_s) or trip.ranks & STAFF:
        return None
    cooldowns, now_s = trip.router.cooldowns, trip.router.now_s
    shared = (trip.event.community, entry.name)
    personal = (*shared, trip.person)
    wait_s = max(cooldowns.left_s(shared, now_s), cooldowns.left_s(personal, now_s))
    if wait_s:
        words = f"Wait another {math.ceil(wait_s)} s for {trip.view.prefix}{entry.name}."
        trip.router.say_limited(trip, words, wait_s)
        return f"cooling down for another {wait_s:.1f} s"
    if entry.cooldown_s:
        cooldowns.start(shared, entry.cooldown_s, now_s)
    if entry.user_cooldown_s:
        cooldowns.start(personal, entry.user_cooldown_s, now_s)
    return None


def execute(trip: Trip) -> str | None:
    """Ask the module; ``record`` follows when it answers, at once or later."""
    trip.router.execute(trip)
    return None


PIPELINE: tuple[Stage, ...] = (
    # every line, in memory
    deduplicate, restrict, moderate, match,
    # what matched
    in_time, enabled, limit_rate, identify, permit, complete, limit_person, sessionise, execute,
)  # fmt: skip
LINE_STAGES = 4

# When a stage would pass every trip of a view, or of a command in any view without access rules that has no module
# switched off.
_IDLE_IN: Mapping[Stage, Callable[[View], bool]] = {
    restrict: lambda view: not view.restricted,
    moderate: lambda view: view.matcher is None and view.filters is None,
}
_IDLE_FOR: Mapping[Stage, Callable[[Entry], bool]] = {
    enabled: lambda entry: entry.enabled,
    complete: lambda entry: bool(entry.handler),
    limit_person: lambda entry: not (entry.cooldown_s or entry.user_cooldown_s),
}

STAGE_NAMES: tuple[str, ...] = (*(stage.__name__ for stage in PIPELINE), "record")
NUMBERS: Mapping[Stage, int] = {stage: number for number, stage in enumerate(PIPELINE)}
EXECUTE = NUMBERS[execute]


def line_course(view: View) -> Course:
    """The stages that may do something to a line here."""
    view.course = _course(0, frozenset(stage for stage, idle in _IDLE_IN.items() if idle(view)))
    return view.course


def course_of(view: View, entry: Entry) -> Course:
    """The stages that may do something to what matched a command here."""
    if view.disabled or view.access is not None:
        return _course(LINE_STAGES, frozenset())
    entry.course = _course(LINE_STAGES, frozenset(stage for stage, idle in _IDLE_FOR.items() if idle(entry)))
    return entry.course


@cache
def _course(first: int, idle: frozenset[Stage]) -> Course:
    """The stages from one on without some; of 0 those of lines alone. Few, and shared by thousands of commands."""
    last = LINE_STAGES if first == 0 else len(PIPELINE)
    return tuple(stage for stage in PIPELINE[first:last] if stage not in idle)
