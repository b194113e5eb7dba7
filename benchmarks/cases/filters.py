"""All filters at once: what the engine takes for a line of 40 to 80 characters, and plain lines with all of them.

Nothing of the corpus is too much: its links lead to allowed domains, and since it is fed a thousand times as fast
as people write, the rate has no window. The engine does all its work nevertheless.
"""

import dataclasses
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from benchmarks import corpus, hosting
from benchmarks.cases import plain_lines
from benchmarks.measuring import main
from waddlebot.action.security.content_filter.settings import KINDS, FilterSetting, standard
from waddlebot.action.security.content_filter.store import Blocked
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.filters import Filters
from waddlebot.libs.sdk import CHAT_MESSAGE, EVENT_VERSION, Event

LENGTHS = range(40, 81)
DOMAINS = ("twitch.tv", "youtube.com", "discord.gg", "example.com")
BLOCKED = tuple(
    Blocked(phrase)
    for phrase in ("scamlink", "badword", "freecoins", "hatebird", "buy followers", "cheap*viewers")
)
CHATTERS = 700


def measure(quick: bool) -> dict[str, float | int | str]:
    """Return the engine's microseconds a line, and lines per second through the whole bot."""
    messages = list(corpus.Corpus(lines=10_000 if quick else 400_000, channels=plain_lines.CHANNELS))
    lines = [_event(number, message) for number, message in enumerate(messages) if len(message.text) in LENGTHS]
    elapsed_s, share = hosting.run(partial(plain_lines.chat, messages, plain_lines.sharing(), _turn_on))
    return {
        "filters_ascii_line_us": _engine_us([line for line in lines if line.text.isascii()]),
        "filters_other_line_us": _engine_us([line for line in lines if not line.text.isascii()]),
        "plain_lines_filtered_per_s": len(messages) / elapsed_s,
        "plain_lines_filtered_cpu_share": share,
        "filtered_lines_checked": len(messages) + len(lines),
    }


def settings() -> list[FilterSetting]:
    """Return every filter, on, with limits that the corpus keeps."""
    changes: dict[str, dict[str, Any]] = {"links": {"allowed": DOMAINS}, "rate": {"window_s": 0.0}}
    return [dataclasses.replace(standard(kind), mode="on", **changes.get(kind, {})) for kind in KINDS]


def _engine_us(lines: Sequence[Event]) -> float:
    """Return the microseconds that a line takes in a community of so many chatters."""
    phrases = tuple(phrase.compiled() for phrase in BLOCKED)
    check = Filters([setting.compiled(phrases) for setting in settings()]).check
    warm, hits = len(lines) // 5, 0
    for line in lines[:warm]:
        check(line)
    began_s = time.process_time()  # of the processor: one thread, and nothing to wait for
    for line in lines[warm:]:
        hits += bool(check(line))
    elapsed_s = time.process_time() - began_s
    hosting.expect("filtered lines", hits, 0)
    return elapsed_s / (len(lines) - warm) * 1e6


async def _turn_on(dal: AsyncDAL) -> None:
    for community in plain_lines.sharing():
        store = hosting.store_of(dal, "security.content_filter", community)
        await store.change(settings())
        for phrase in BLOCKED:
            await store.block(phrase)


def _event(number: int, message: corpus.Message) -> Event:
    native = message.raw.decode().partition(" ")[0]
    at, user_id = 1_750_000_000.0 + number / 10, str(20_000_000 + number * 7 % CHATTERS)
    return Event(
        EVENT_VERSION, message.id, CHAT_MESSAGE, "twitch", "", message.channel, user_id, user_id, user_id, (),
        message.text, at, at, "c", "twitch", native,
    )  # fmt: skip


if __name__ == "__main__":
    main(measure)
