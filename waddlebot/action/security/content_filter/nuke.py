"""Nukes: what was said a moment ago, gone with whoever said it."""

import dataclasses
import re
from collections.abc import Mapping, Sequence

from waddlebot.action.security.content_filter.backtest import pattern_judge
from waddlebot.action.security.content_filter.chat import Line
from waddlebot.action.security.content_filter.settings import TIMEOUT_S_MAX
from waddlebot.action.security.content_filter.store import Nuke, Target
from waddlebot.libs.sdk import Refusal, Reply, Send
from waddlebot.libs.sdk.arguments import parse_duration
from waddlebot.libs.sdk.orders import Deed, order

LOOKBACK_S_MAX = 300
"""How far a nuke looks back, as StreamElements' does."""
TARGETS_MAX = 200
LINES_MAX = 500
_DEEDS: Mapping[str, Deed] = {"ban": "ban", "delete": "delete"}
USAGE = "nuke lookback seconds|ban|delete text or /expression/flags, such as: nuke 60s 10m free coins"


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What somebody typed: how far back, what to do to whom, and what to look for."""

    lookback_s: float
    deed: Deed
    seconds: int
    text: str


def plan_of(typed: str) -> Plan:
    """Read a nuke as typed. Raises :class:`Refusal`."""
    found = re.fullmatch(r"(\S+)\s+(\S+)\s+(\S.*)", typed.strip(), re.DOTALL)
    if found is None:
        raise Refusal(f"Usage: {USAGE}")
    lookback_s, what, text = _duration(found[1]), found[2].lower(), found[3].strip()
    if not 1 <= lookback_s <= LOOKBACK_S_MAX:
        raise Refusal(f"A nuke looks back 1 to {LOOKBACK_S_MAX} s. Usage: {USAGE}")
    if what in _DEEDS:
        return Plan(lookback_s, _DEEDS[what], 0, text)
    seconds = int(_duration(what))
    if not 1 <= seconds <= TIMEOUT_S_MAX:
        raise Refusal(f"A timeout is 1 s to two weeks long. Usage: {USAGE}")
    return Plan(lookback_s, "timeout", seconds, text)


def hit(lines: Sequence[Line], plan: Plan, ranks: Mapping[str, int], spared: str) -> list[Line]:
    """The lines that a plan is about: not those of moderators and above, nor of the account ``spared``.

    ``ranks`` are those given in the community, by account. Raises :class:`Refusal` for no expression.
    """
    judge = pattern_judge(plan.text, ranks)
    return [line for line in lines if line.account != spared and judge(line)]


def targets_of(lines: Sequence[Line]) -> tuple[Target, ...]:
    """Who wrote some lines and where, each once; of more than a nuke may hit the last."""
    found = {(line.entity, line.user_id): Target(line.entity, line.user_id, line.login) for line in lines}
    return tuple(found.values())[-TARGETS_MAX:]


def deletions(lines: Sequence[Line], community: str, key: str) -> list[Send]:
    """Orders that have lines deleted."""
    return [
        _send(f"{key}:{n}", community, line.entity,
              order("delete", "", user_id=line.user_id, user_login=line.login, message_id=line.id))
        for n, line in enumerate(lines[-LINES_MAX:])
    ]  # fmt: skip


def punishments(targets: Sequence[Target], deed: Deed, seconds: int, community: str, key: str) -> list[Send]:
    """Orders that do something to people."""
    return [
        _send(f"{key}:{n}", community, target.entity,
              order(deed, "", user_id=target.user_id, user_login=target.login, seconds=seconds))
        for n, target in enumerate(targets)
    ]  # fmt: skip


def lifted(nuke: Nuke) -> Deed:
    """What takes a nuke back."""
    return "unban" if nuke.deed == "ban" else "untimeout"


def _send(id_: str, community: str, entity: str, reply: Reply) -> Send:
    platform, server, channel = entity.split(":", 2)
    return Send(id_, community, platform, server, channel, reply)


def _duration(word: str) -> float:
    try:
        return parse_duration(word)
    except ValueError:
        raise Refusal(f"{word} is no time such as 60 or 5m. Usage: {USAGE}") from None
