"""How many disguises are found, and how many ordinary lines are taken for one."""

import dataclasses
from collections import Counter

from waddlebot.action.security.content_filter.settings import KINDS, standard
from waddlebot.action.security.content_filter.tests import corpus
from waddlebot.libs.filters import Filters
from waddlebot.libs.sdk import CHAT_MESSAGE, EVENT_VERSION, Event, Phrase

HIT_RATE_MIN = 0.97
FALSE_RATE_MAX = 0.003


def line(text: str, number: int = 0) -> Event:
    at = 1_750_000_000.0 + 30 * number
    user = str(number)
    return Event(
        EVENT_VERSION, f"e{number}", CHAT_MESSAGE, "twitch", "", "#c", user, user, user, (), text, at, at, "home"
    )  # fmt: skip


def all_on() -> Filters:
    """Every filter as it comes, with the corpus' blocklist and domains."""
    phrases = tuple(Phrase(text) for text in corpus.BLOCKED)
    links = dataclasses.replace(standard("links"), allowed=corpus.ALLOWED)
    settings = [links if kind == "links" else standard(kind) for kind in KINDS]
    return Filters([setting.compiled(phrases) for setting in settings])


def test_disguises_are_found() -> None:
    filters, found, missed = all_on(), Counter[str](), list[corpus.Labelled]()
    lines = list(corpus.evasions())
    for number, one in enumerate(lines):
        kinds = {hit.filter.kind for hit in filters.check(line(one.text, number))}
        if "blocklist" in kinds:
            found[one.technique] += 1
        else:
            missed.append(one)
    rate = found.total() / len(lines)
    print(f"{len(lines)} disguised lines of {len(corpus.TECHNIQUES)} kinds: {rate:.1%} found; missed: {missed}")  # noqa: T201  the figures are what it is for
    assert len(lines) >= 300
    assert rate >= HIT_RATE_MIN, missed
    assert not set(corpus.TECHNIQUES) - set(found), "every kind of disguise is found at least now and then"


def test_ordinary_lines_pass() -> None:
    filters, taken = all_on(), list[tuple[str, list[str]]]()
    lines = list(corpus.ordinary())
    for number, one in enumerate(lines):
        hits = filters.check(line(one.text, number))
        if hits:
            taken.append((one.text, [f"{hit.filter.kind}: {hit.reason}" for hit in hits]))
    print(f"{len(lines)} ordinary lines: {len(taken) / len(lines):.2%} taken for what they are not: {taken}")  # noqa: T201  the figures are what it is for
    assert len(lines) >= 3_000
    assert len({one.text for one in lines}) == len(lines)
    assert len(taken) <= FALSE_RATE_MAX * len(lines), taken
