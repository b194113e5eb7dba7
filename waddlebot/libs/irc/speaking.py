"""Replies become lines: each gets an outcome soon, even where the platform makes the line wait."""

import asyncio
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from waddlebot.libs.irc.client import IrcClient
from waddlebot.libs.irc.errors import SendError

_SETTLE_S = 0.25
_ACTION = re.compile(r"/me\s+", re.IGNORECASE)
_ANNOUNCEMENT = re.compile(r"/announce(?:blue|green|orange|purple)?\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Utterance:
    """A text to say. A leading `/me` makes it an action; a leading `/announce…`, which IRC does not know, goes."""

    target: str
    text: str
    notice: bool = False
    may_command: bool = False


class Speaker:
    """Says texts in order per target, and waits for none of them for long.

    A text that is still waiting for the platform's rate after a quarter of a second counts as sent: it stays in
    the connection's bounded queue. Should the link break before it leaves, that is logged.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._waiting: set[asyncio.Task[None]] = set()

    async def say(self, utterances: Mapping[str, tuple[IrcClient[Any], Utterance]]) -> dict[str, str]:
        """By the same keys, why each text was not sent; empty for those that were."""
        tasks = {key: asyncio.create_task(_say(*utterance)) for key, utterance in utterances.items()}
        if not tasks:
            return {}
        done, waiting = await asyncio.wait(tasks.values(), timeout=_SETTLE_S)
        for task in waiting:
            self._waiting.add(task)
            task.add_done_callback(self._finish)
        return {key: str(task.exception() or "") if task in done else "" for key, task in tasks.items()}

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._waiting.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._log.warning("a reply that waited for its turn was lost: %s", error)


async def _say(client: IrcClient[Any], utterance: Utterance) -> None:
    text = utterance.text
    action = _ACTION.match(text)
    if action is not None:
        text = text[action.end() :]
    elif not utterance.may_command:
        text = _ANNOUNCEMENT.sub("", text, count=1) if _ANNOUNCEMENT.match(text) else text
    if not text.strip():
        raise SendError("there is no text to send")
    await client.send(
        utterance.target,
        text,
        action=action is not None,
        notice=utterance.notice,
        may_command=utterance.may_command,
    )
