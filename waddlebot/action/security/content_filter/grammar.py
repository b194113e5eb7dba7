"""What moderators type to set a filter, in Nightbot's words, and a filter in words."""

import dataclasses
import re
from typing import Any

from waddlebot.action.security.content_filter.settings import (
    ACTIONS,
    ALSO,
    KINDS,
    LEAST_MOST,
    MESSAGE_LENGTH_MAX,
    MOST_MOST,
    NOBODY,
    TIMEOUT_S_MAX,
    USES,
    FilterSetting,
    standard,
)
from waddlebot.libs.sdk import Rank, Refusal
from waddlebot.libs.sdk.arguments import parse_duration
from waddlebot.libs.sdk.options import switch
from waddlebot.libs.sdk.view import FilterKind

VERBS = (
    "enable", "disable", "canary", "limit", "share", "least", "window", "action", "time", "message", "silent",
    "userlevel", "labels", "in", "allow", "disallow", "reset",
)  # fmt: skip
"""What may be said of a filter."""
ALLOWED_MAX = 200
ENTITIES_MAX = 50
LABELS_MAX = 20
_MODES = {"enable": "on", "on": "on", "disable": "off", "off": "off", "canary": "canary"}
_WORDS = {"most": "limit", "share": "share", "least": "least", "window_s": "window", "allowed": "allow"}
_DOMAIN = re.compile(r"[^\W_](?:[\w-]*[^\W_])?(?:\.[^\W_](?:[\w-]*[^\W_])?)+", re.IGNORECASE)


def kinds_of(word: str) -> tuple[FilterKind, ...]:
    """The filters that a word means. Raises :class:`Refusal`."""
    word = word.lower()
    found = (KINDS[word],) if word in KINDS else ALSO.get(word)
    if found is None:
        raise Refusal(f"There is no filter {word}. There are: {', '.join(KINDS)}.")
    return found


def edited(setting: FilterSetting, verb: str, value: str, here: str) -> FilterSetting:
    """A filter after ``verb value``, typed in the entity ``here``. Raises :class:`Refusal` for what cannot be."""
    verb = verb.lower()
    if verb in _MODES:
        return dataclasses.replace(setting, mode=_MODES[verb])
    if verb == "reset":
        return standard(setting.kind)
    if verb not in VERBS:
        raise Refusal(f"There is no {verb} of a filter. There are: {', '.join(VERBS)}.")
    if not value:
        raise Refusal(f"What should {verb} be?")
    return dataclasses.replace(setting, **_fields(setting, verb, value, here))


def _fields(setting: FilterSetting, verb: str, value: str, here: str) -> dict[str, Any]:
    match verb:
        case "limit" | "share" | "least" | "window":
            return _numbers(setting, verb, value)
        case "action":
            return {"action": _one_of(value, ACTIONS)}
        case "time":
            seconds = _seconds(value, 0, TIMEOUT_S_MAX)
            return {"action": "timeout", "seconds": int(seconds)} if seconds else {"action": "delete"}
        case "message" | "silent":
            return _words(verb, value)
        case "userlevel":
            return {"exempt": _one_of(value, (NOBODY, *(str(rank.name).lower() for rank in Rank)))}
        case "labels":
            return {"exempt_labels": _several(value, LABELS_MAX, "nobody")}
        case "in":
            named = [here if name == "here" else name for name in _several(value, ENTITIES_MAX, "everywhere")]
            return {"entities": tuple(dict.fromkeys(named))}
        case _:
            return {"allowed": _allowed(setting, verb, value)}


def _numbers(setting: FilterSetting, verb: str, value: str) -> dict[str, Any]:
    match verb:
        case "limit":
            least, most = LEAST_MOST.get(setting.kind, 1), MOST_MOST.get(setting.kind, 10_000)
            return {"most": _number(setting, "most", value, least, most)}
        case "share":
            return {"share": _number(setting, "share", value, 0, 100)}
        case "least":
            return {"least": _number(setting, "least", value, 0, 500)}
        case _:
            _check_used(setting, "window_s")
            return {"window_s": _seconds(value, 1, 3_600)}


def _words(verb: str, value: str) -> dict[str, Any]:
    if verb == "silent":
        return {"silent": switch(value)}
    if len(value) > MESSAGE_LENGTH_MAX:
        raise Refusal(f"The message may have {MESSAGE_LENGTH_MAX} characters.")
    return {"message": value, "silent": False}


def _allowed(setting: FilterSetting, verb: str, value: str) -> tuple[str, ...]:
    _check_used(setting, "allowed")
    domains = [word.lower().removeprefix("https://").removeprefix("http://").rstrip("/") for word in value.split()]
    if wrong := [domain for domain in domains if not _DOMAIN.fullmatch(domain) or len(domain) > 253]:
        raise Refusal(f"{wrong[0]} is no domain; one is written like example.com.")
    if verb == "disallow":
        return tuple(domain for domain in setting.allowed if domain not in domains)
    allowed = tuple(dict.fromkeys((*setting.allowed, *domains)))
    if len(allowed) > ALLOWED_MAX:
        raise Refusal(f"At most {ALLOWED_MAX} domains may be allowed.")
    return allowed


def _check_used(setting: FilterSetting, field: str) -> None:
    if setting.kind not in USES[field]:
        raise Refusal(f"The filter {setting.kind} has no {_WORDS[field]}; these have: {', '.join(USES[field])}.")


def _number(setting: FilterSetting, field: str, value: str, least: int, most: int) -> int:
    _check_used(setting, field)
    if not re.fullmatch(r"[0-9]{1,5}%?", value) or not least <= int(value.rstrip("%")) <= most:
        raise Refusal(f"It is a number from {least} to {most}, not {value}.")
    return int(value.rstrip("%"))


def _seconds(value: str, least: int, most: int) -> float:
    try:
        seconds = parse_duration(value)
    except ValueError:
        raise Refusal(f"{value} is no time. It is a time such as 60 or 10m.") from None
    if not least <= seconds <= most:
        raise Refusal(f"It is a time from {least} to {most} seconds.")
    return seconds


def _one_of(value: str, choices: tuple[str, ...]) -> str:
    if value.lower() not in choices:
        raise Refusal(f"It is one of {', '.join(choices)}, not {value}.")
    return value.lower()


def _several(value: str, most: int, none: str) -> tuple[str, ...]:
    named = tuple(dict.fromkeys(part for part in re.split(r"[,\s]+", value) if part))
    if len(named) > most:
        raise Refusal(f"At most {most} may be named.")
    return () if named == (none,) else named


def shown(setting: FilterSetting, hits: tuple[int, int] = (0, 0)) -> str:
    """A filter with all that is set."""
    kind = setting.kind
    facts = [
        f"limit {setting.most}" if kind in USES["most"] else "",
        f"share {setting.share} %" if kind in USES["share"] else "",
        f"lines of {setting.least} characters and more" if kind in USES["least"] and setting.least else "",
        f"within {setting.window_s:g} s" if kind in USES["window_s"] else "",
        f"timeout {setting.seconds} s" if setting.action == "timeout" else setting.action,
        "for moderators too" if setting.exempt == NOBODY else f"not for {setting.exempt} and above",
        f"nor for the labels {', '.join(setting.exempt_labels)}" if setting.exempt_labels else "",
        f"in {', '.join(setting.entities)}" if setting.entities else "",
        f"allowed {', '.join(setting.allowed)}" if setting.allowed else "",
        "silent" if setting.silent else f"says “{setting.message}”",
        f"acted {hits[0]}×" if hits[0] else "",
        f"as a canary {hits[1]}×" if hits[1] else "",
    ]
    return f"{kind} is {setting.mode}: {', '.join(fact for fact in facts if fact)}"


def in_list(setting: FilterSetting, hits: tuple[int, int]) -> str:
    """A filter among others."""
    if setting.mode == "canary":
        return f"{setting.kind} (canary, would have acted {hits[1]}×)"
    action = f"timeout {setting.seconds} s" if setting.action == "timeout" else setting.action
    return f"{setting.kind} ({action}, {hits[0]}×)"
