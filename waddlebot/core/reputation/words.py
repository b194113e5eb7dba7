"""What a score is made of, in words for chat."""

import time

from waddlebot.core.reputation.scores import SCORE_START, score_of, tier_of
from waddlebot.core.reputation.store import Event, Part, Why
from waddlebot.libs.sdk import listed

_EVENTS_MAX = 3

# One, and several.
_WORDS: dict[str, tuple[str, str]] = {
    "chat": ("chat line", "chat lines"),
    "command": ("command", "commands"),
    "giveaway": ("giveaway", "giveaways"),
    "follow": ("follow", "follows"),
    "subscription_1": ("subscription", "subscriptions"),
    "subscription_2": ("subscription of tier 2", "subscriptions of tier 2"),
    "subscription_3": ("subscription of tier 3", "subscriptions of tier 3"),
    "gift": ("subscription given away", "subscriptions given away"),
    "donation": ("dollar donated", "dollars donated"),
    "cheer": ("hundred bits", "hundreds of bits"),
    "raid": ("raid", "raids"),
    "boost": ("boost", "boosts"),
    "warn": ("warning", "warnings"),
    "timeout": ("timeout", "timeouts"),
    "kick": ("kick", "kicks"),
    "ban": ("ban", "bans"),
    "adjust": ("moderator's adjustment", "moderators' adjustments"),
    "decay": ("week that passed", "weeks that passed"),
}
_PLAIN = {"limit": "because scores stop at 300 and 850", "earlier": "from before there was a history"}


def made_of(name: str, why: Why, now: float) -> str:
    """A person's score with its parts, and the newest things that were no chat."""
    score = score_of(why.gained)
    parts = [_part(part) for part in why.parts if f"{part.gained:+.1f}" not in ("+0.0", "-0.0")]
    text = f"{name}: {score:.1f} ({tier_of(score)}) = {SCORE_START:g} {listed(parts)}".rstrip()
    events = "; ".join(_event(event, now) for event in why.events[:_EVENTS_MAX])
    return f"{text}. Last: {events}." if events else f"{text}."


def signed(gained: float) -> str:
    """A gain as people read it: ``+1.5``, ``−25.0``."""
    return f"{gained:+,.1f}".replace("-", "−")


def named(kind: str, number: float = 1.0) -> str:
    """What a kind is called, of so many."""
    one, several = _WORDS.get(kind, (kind, kind))
    return one if number == 1 else several


def _part(part: Part) -> str:
    if part.kind in _PLAIN:
        return f"{signed(part.gained)} {_PLAIN[part.kind]}"
    return f"{signed(part.gained)} for {part.number:,.0f} {named(part.kind, part.number)}"


def _event(event: Event, now: float) -> str:
    day = time.strftime("%Y-%m-%d", time.gmtime(event.at))
    when = "today" if now - event.at < 86_400 else f"on {day}"
    reason = f" ({event.reason})" if event.reason else ""
    return f"{signed(event.gained)} {named(event.kind)} {when}{reason}"
