"""What an action says. How it is delivered is not its business."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

type Action = Literal["chat", "media", "ticker", "general", "form"]


class Reply(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One thing to say or show.

    ``private`` asks for a whisper or direct message; a platform without one says nothing in public and
    tells the trace so. ``may_command`` marks text that an author trusts to start with a platform command
    such as ``/announce``; all other text is made harmless before it leaves (``libs.templates.safety``).
    ``data`` carries what the actions beyond ``chat`` need.
    """

    text: str
    action: Action = "chat"
    private: bool = False
    may_command: bool = False
    data: dict[str, Any] = {}


class Refusal(Exception):  # noqa: N818  it is an answer to the user, not an error of ours
    """Ends a command with words for the user: what is wrong and what to do. Never retried, never a failure."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


LIST_CHARACTERS_MAX = 400
"""Characters of a list that still leave room for words before it in the shortest chat line (Twitch: 500)."""


def listed(parts: Sequence[str]) -> str:
    """As many parts as a chat line holds, and how many are left."""
    text = ""
    for number, part in enumerate(parts):
        if len(text) + len(part) > LIST_CHARACTERS_MAX:
            return f"{text} and {len(parts) - number} more"
        text += f", {part}" if text else part
    return text


type Answers = Reply | tuple[Reply, ...] | None
"""What a handler may return: one reply, several in order, or nothing."""
