"""Which of a timer's messages is next, and where it may be said now."""

import hashlib
import random

from waddlebot.trigger.cron.periodic_messages.store import Channel, Timer


def message_of(timer: Timer, community: str, position: int, secret: bytes) -> str:
    """The message in turn. Shuffled ones are each said once before any is said again, never one twice in a row.

    The order derives from a secret and the round, so it need not be kept and a re-run says the same.
    """
    count = len(timer.messages)
    turn = position % count
    if not timer.shuffled or count < 3:  # two messages in turn is all that never repeats one
        return timer.messages[turn]
    order = _order(timer, community, position // count, secret)
    if order[0] == _order(timer, community, position // count - 1, secret)[-1]:
        order[0], order[1] = order[1], order[0]
    return timer.messages[order[turn]]


def _order(timer: Timer, community: str, number: int, secret: bytes) -> list[int]:
    seed = hashlib.blake2b(f"{community}\n{timer.name}\n{number}".encode(), key=secret, digest_size=32)
    order = list(range(len(timer.messages)))
    random.Random(seed.digest()).shuffle(order)  # noqa: S311  an order of messages, not a secret
    return order


def holds(timer: Timer, channel: Channel, lines: int) -> bool:
    """Whether a channel's conditions hold. What its platform does not tell does not hold."""
    return (
        lines >= timer.lines_min
        and (not timer.live_only or channel.live is True)
        and (not timer.title or timer.title.casefold() in (channel.title or "").casefold())
        and (not timer.category or timer.category.casefold() == (channel.category or "").casefold())
    )
