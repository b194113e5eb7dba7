"""String rules as moderators write and read them: the options of ``!rule``, and a rule in words."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from waddlebot.libs.sdk import Refusal
from waddlebot.libs.sdk.arguments import parse_duration
from waddlebot.libs.sdk.options import switch, value_of, word_at
from waddlebot.processing.router.store import NOBODY, StringRule

OPTIONS = "-seconds -priority -in -exempt -case"

_WANTS = {
    "seconds": "a timeout such as 600 or 10m, 0 to delete the line only",
    "priority": "a number from -1000 to 1000",
    "in": "here, everywhere, or channels as platform:server:channel with commas between",
    "exempt": "the least rank that the rule leaves alone, or nobody",
    "case": "on or off",
}


def read(raw: str, here: str) -> tuple[dict[str, Any], str]:
    """The options at the front of a text as fields of :class:`StringRule`, and the text behind them.

    ``here`` is the entity that ``-in=here`` means. Words in quotes, or that only look like options, belong to the
    text. Raises :class:`Refusal` for a value that is wrong.
    """
    fields: dict[str, Any] = {}
    at = 0
    while (word := word_at(raw, at)) is not None and word.option in _WANTS:
        text, at = value_of(word, raw, _WANTS[word.option])
        name, value = _field(word.option, text, here)
        fields[name] = value
    return fields, raw[at:].strip()


def pattern_and_value(text: str) -> tuple[str, str | None]:
    """The pattern, in "quotes" if it has spaces, and what stands behind it: None for nothing."""
    pattern = word_at(text)
    if pattern is None:
        raise Refusal(f"What should it look for? Options ({OPTIONS}) stand before the pattern.")
    value = text[pattern.end :].strip()
    return pattern.text, {"": None, '""': ""}.get(value, value)


def check_entities(entities: Sequence[str], community: str, known: Mapping[str, str]) -> None:
    """Raise :class:`Refusal` for channels that the community does not have. ``known`` are all with theirs."""
    foreign = [entity for entity in entities if known.get(entity) != community]
    if foreign:
        raise Refusal(
            f"{community} has no channel {', '.join(foreign)}. Channels are written platform:server:channel; "
            "-in=here means the one you are in."
        )


def shown(rule: StringRule) -> str:
    """A rule with all that is set."""
    said = f"{rule.name}: {rule.kind} “{rule.pattern}” → {rule.action} {public(rule).value}".rstrip()
    facts = _facts(rule)
    return f"{said} ({', '.join(facts)})" if facts else said


def public(rule: StringRule) -> StringRule:
    """The rule without what only admins may see: a URL's path, which is often all that its receiver asks for."""
    if rule.action != "webhook":
        return rule
    url = urlsplit(rule.value)
    return dataclasses.replace(rule, value=f"{url.scheme}://{url.netloc}/…", secret_id="")


def in_list(rule: StringRule, hits: int) -> str:
    """A rule among others: what it does, which options are set, how often it matched."""
    facts = [f"{rule.kind} → {rule.action}", *_facts(rule), f"{hits}×"]
    return f"{rule.name} ({', '.join(facts)})"


def _facts(rule: StringRule) -> list[str]:
    facts = [
        f"timeout {rule.seconds} s" if rule.action == "block" and rule.seconds else "",
        f"priority {rule.priority}" if rule.priority else "",
        f"in {', '.join(rule.entities)}" if rule.entities else "",
        "capitals matter" if rule.case_sensitive else "",
        {NOBODY: "for moderators too", "moderator": ""}.get(rule.exempt, f"not for {rule.exempt} and above"),
    ]
    return [fact for fact in facts if fact]


def _field(option: str, text: str, here: str) -> tuple[str, Any]:
    match option:
        case "seconds":
            return "seconds", _seconds(text)
        case "priority":
            if not re.fullmatch(r"[+-]?[0-9]{1,4}", text):
                raise Refusal(f"{text} is no priority. It is {_WANTS['priority']}; higher ones come first.")
            return "priority", int(text)
        case "in":
            return "entities", _entities(text, here)
        case "exempt":
            return "exempt", text.lower()
        case _:
            return "case_sensitive", switch(text)


def _seconds(text: str) -> int:
    try:
        return int(parse_duration(text))
    except ValueError:
        raise Refusal(f"{text} is no time. It is {_WANTS['seconds']}.") from None


def _entities(text: str, here: str) -> tuple[str, ...]:
    named = [here if name == "here" else name for name in text.split(",") if name]
    return () if named in ([], ["everywhere"]) else tuple(dict.fromkeys(named))
