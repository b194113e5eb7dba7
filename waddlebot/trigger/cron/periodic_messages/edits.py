"""What ``!timer edit`` can change, each by one function from a timer and the typed text to the new timer."""

import dataclasses
from collections.abc import Callable, Collection

from waddlebot.libs.sdk import Refusal
from waddlebot.libs.sdk.arguments import parse_duration
from waddlebot.trigger.cron.periodic_messages.schedule import (
    INTERVAL_S_MAX,
    INTERVAL_S_MIN,
    ScheduleError,
    next_of_cron,
    quiet_hours,
    zone_of,
)
from waddlebot.trigger.cron.periodic_messages.store import Timer

MESSAGES_MAX = 25
MESSAGE_LENGTH_MAX = 1_000
LINES_MAX = 1_000
NAME_LENGTH_MAX = 50

_ON = {"on": True, "yes": True, "true": True, "off": False, "no": False, "false": False}

type Edit = Callable[[Timer, str, Collection[str]], Timer]


def edited(timer: Timer, what: str, text: str, channels: Collection[str]) -> Timer:
    """The timer with one part changed; ``channels`` are the community's entities.

    Raises ``Refusal`` that says what can be changed, or what that part takes.
    """
    edit = _EDITS.get(what.lower())
    if edit is None:
        raise Refusal(f"{what} cannot be changed. These can: {', '.join(_EDITS)}.")
    try:
        return edit(timer, text.strip(), channels)
    except ScheduleError as error:
        raise Refusal(str(error)) from None


def check(timer: Timer) -> None:
    """Raise ``Refusal`` for a timer that no edit would have made."""
    check_name(timer.name)
    if bool(timer.cron) == bool(timer.interval_s):
        raise Refusal(f"The timer {timer.name} has an interval_s or a cron.")
    if timer.interval_s and not INTERVAL_S_MIN <= timer.interval_s <= INTERVAL_S_MAX:
        raise Refusal("A timer speaks at most once a minute and at least once a year.")
    if not 0 < len(timer.messages) <= MESSAGES_MAX:
        raise Refusal(f"A timer has 1 to {MESSAGES_MAX} messages.")
    for text in timer.messages:
        _checked(text)
    if not 0 <= timer.lines_min <= LINES_MAX:
        raise Refusal(f"Lines are how many people must have written in five minutes: 0 to {LINES_MAX}.")
    _check_times(timer)


def check_name(name: str) -> None:
    """Raise ``Refusal`` for what cannot be a timer's name."""
    if not name or len(name) > NAME_LENGTH_MAX or name != name.lower() or any(sign.isspace() for sign in name):
        raise Refusal(f"A timer's name is one word of at most {NAME_LENGTH_MAX} characters.")


def _check_times(timer: Timer) -> None:
    try:
        zone_of(timer.zone)
        if timer.cron:
            next_of_cron(timer.cron, timer.zone, 0.0)
        if timer.quiet:
            quiet_hours(timer.quiet)
    except ScheduleError as error:
        raise Refusal(str(error)) from None


def scheduled(timer: Timer, when: str) -> Timer:
    """The timer by an interval such as ``15m`` or a cron expression such as ``0 18 * * *``. Raises ``Refusal``."""
    return edited(timer, "cron" if len(when.split()) > 1 or "*" in when else "every", when, ())


def _every(timer: Timer, text: str, channels: Collection[str]) -> Timer:
    try:
        interval_s = parse_duration(text)
    except ValueError:
        raise Refusal(
            f'{text} is no time. Write 15m, 1h30m, or a cron expression in quotes: "0 18 * * *"'
        ) from None
    if not INTERVAL_S_MIN <= interval_s <= INTERVAL_S_MAX:
        raise Refusal(
            "A timer speaks at most once a minute and at least once a year. Five minutes are a good least."
        )
    return dataclasses.replace(timer, interval_s=interval_s, cron="")


def _cron(timer: Timer, text: str, channels: Collection[str]) -> Timer:
    expression = " ".join(text.split())
    next_of_cron(expression, timer.zone, 0.0)
    return dataclasses.replace(timer, interval_s=0.0, cron=expression)


def _zone(timer: Timer, text: str, channels: Collection[str]) -> Timer:
    return dataclasses.replace(timer, zone=zone_of(text).key)


def _message(timer: Timer, text: str, channels: Collection[str]) -> Timer:
    return dataclasses.replace(timer, messages=(_checked(text),))


def _add(timer: Timer, text: str, channels: Collection[str]) -> Timer:
    if len(timer.messages) >= MESSAGES_MAX:
        raise Refusal(f"A timer has at most {MESSAGES_MAX} messages.")
    return dataclasses.replace(timer, messages=(*timer.messages, _checked(text)))


def _drop(timer: Timer, text: str, channels: Collection[str]) -> Timer:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
    if not 1 <= number <= len(timer.messages) or len(timer.messages) == 1:
        raise Refusal(f"Write which of its messages goes: 1 to {len(timer.messages)}. The last one stays.")
    kept = timer.messages[: number - 1] + timer.messages[number:]
    return dataclasses.replace(timer, messages=kept)


def _order(timer: Timer, text: str, channels: Collection[str]) -> Timer:
    if text not in ("shuffled", "ordered"):
        raise Refusal("The order of messages is shuffled or ordered.")
    return dataclasses.replace(timer, shuffled=text == "shuffled")


def _lines(timer: Timer, text: str, channels: Collection[str]) -> Timer:
    if not (text.isascii() and text.isdigit() and len(text) < 5 and int(text) <= LINES_MAX):
        raise Refusal(f"Lines are how many people must have written in five minutes: 0 to {LINES_MAX}.")
    return dataclasses.replace(timer, lines_min=int(text))


def _live(timer: Timer, text: str, channels: Collection[str]) -> Timer:
    if text.lower() not in _ON:
        raise Refusal("Live is on (only while the channel is live) or off.")
    return dataclasses.replace(timer, live_only=_ON[text.lower()])


def _quiet(timer: Timer, text: str, channels: Collection[str]) -> Timer:
    if _is_off(text):
        return dataclasses.replace(timer, quiet="")
    quiet_hours(text)
    return dataclasses.replace(timer, quiet=text)


def _title(timer: Timer, text: str, channels: Collection[str]) -> Timer:
    return dataclasses.replace(timer, title="" if _is_off(text) else _checked(text))


def _category(timer: Timer, text: str, channels: Collection[str]) -> Timer:
    return dataclasses.replace(timer, category="" if _is_off(text) else _checked(text))


def _channels(timer: Timer, text: str, channels: Collection[str]) -> Timer:
    if text.lower() == "all":
        return dataclasses.replace(timer, targets=())
    targets = []
    for word in text.split():
        found = [entity for entity in channels if word in (entity, entity.split(":", 2)[2])]
        if len(found) != 1:
            known = ", ".join(sorted(channels)[:10])
            raise Refusal(f"{word} is {'several channels' if found else 'no channel'} here. There are: {known}.")
        targets += found
    if not targets:
        raise Refusal("Write which channels, or all.")
    return dataclasses.replace(timer, targets=tuple(dict.fromkeys(targets)))


def _is_off(text: str) -> bool:
    return text.lower() in ("off", "any", "none", "")


def _checked(text: str) -> str:
    if not text or len(text) > MESSAGE_LENGTH_MAX:
        raise Refusal(f"A text has 1 to {MESSAGE_LENGTH_MAX} characters.")
    return text


_EDITS: dict[str, Edit] = {
    "every": _every, "cron": _cron, "zone": _zone, "message": _message, "add": _add, "drop": _drop,
    "order": _order, "lines": _lines, "live": _live, "quiet": _quiet, "title": _title, "category": _category,
    "channels": _channels,
}  # fmt: skip
