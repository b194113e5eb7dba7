"""Who may use a command: the words of several bots as masks of ranks, wherever somebody types a level.

A level is the set of ranks that the bot it comes from would have let in (``waddlebot.libs.templates.levels``). A
word or number means the same to most; where it does not, the bot stands in front: ``phantombot:regular``,
``slcb:+e``, ``twir:VIP``.
"""

from collections.abc import Iterable

from waddlebot.libs.sdk import Rank, Refusal, admits
from waddlebot.libs.templates.levels import EVERYONE, LEVELS

ALL = int(sum(Rank))
"""The mask of every rank."""

# StreamElements' words for its numbers (docs.streamelements.com/chatbot/commands/default/command).
_STREAMELEMENTS = {
    "broadcaster": "2000", "supermoderator": "1000", "editor": "1000", "moderator": "500", "vip": "400",
    "regular": "300", "subscriber": "250", "everyone": "100",
}  # fmt: skip

# What Firebot, sogeBot and people in a hurry write.
_SHORT = {
    "all": "everyone", "viewer": "everyone", "viewers": "everyone", "sub": "subscriber", "subs": "subscriber",
    "subscribers": "subscriber", "mod": "moderator", "mods": "moderator", "moderators": "moderator",
    "vips": "vip", "reg": "regular", "regulars": "regular", "caster": "owner", "streamer": "owner",
}  # fmt: skip


def mask_of(word: str) -> int:
    """The ranks that a level lets in: by Nightbot's, StreamElements', PhantomBot's or our own name, or another
    bot's with that bot in front; several may be joined by commas. Raises ``Refusal`` with the words there are.
    """
    mask = 0
    for part in word.lower().split(","):
        mask |= _mask(part.strip(), word)
    return mask


def rank_named(word: str) -> Rank | None:
    """The one rank that a word or PhantomBot's number means, as when it is given to somebody; None for no rank."""
    name = word.lower()
    name = _PHANTOMBOT_NUMBERS.get(name, name)
    name = _ALIKE.get(name, _SHORT.get(name, name))
    return Rank.VIEWER if name in ("everyone", "viewer") else _OWN.get(name)


def exactly(word: str) -> int:
    """The ranks that a level names, without those that stand above them. Raises ``Refusal``."""
    mask = mask_of(word)
    if mask & Rank.VIEWER:
        return int(Rank.VIEWER)
    named = [rank_named(part.strip()) for part in word.split(",") if not part.strip().isdecimal()]
    return sum({int(rank) for rank in named if rank is not None}) or mask


def _mask(level: str, word: str) -> int:
    bot, colon, theirs = level.partition(":")
    if colon and bot in LEVELS:
        return _of_bot(bot, theirs, word)
    level = _SHORT.get(level, level)
    for bot, name in (
        ("nightbot", "" if level == "admin" else level),  # its own staff, where everybody else means ours
        ("streamelements", _STREAMELEMENTS.get(level, level)),
        ("phantombot", level),
        ("slcb", level),
    ):
        ranks = LEVELS[bot].get(name)
        if ranks:
            return _of_names(ranks)
    if level in _OWN:
        return admits(_OWN[level])
    known = ", ".join(reversed(_OWN))
    raise Refusal(f"There is no level {word}. Levels are: everyone, {known}; several with commas between.")


def _of_bot(bot: str, level: str, word: str) -> int:
    names = {name.lower(): name for name in LEVELS[bot]}
    name = names.get(_NAMES.get(bot, {}).get(level, level))
    if name is None:
        raise Refusal(f"{bot} has no level {level or word}. Its levels are: {', '.join(LEVELS[bot])}.")
    mask = _of_names(LEVELS[bot][name])
    if not mask:
        raise Refusal(f"{word} lets nobody in. Disable the command instead.")
    return mask


# Groups that come with PhantomBot, by their numbers (its database's table `groups`).
_PHANTOMBOT = {
    "caster": "0", "administrator": "1", "moderator": "2", "subscriber": "3", "donator": "4", "vip": "5",
    "regular": "6", "viewer": "7",
}  # fmt: skip
_PHANTOMBOT_NUMBERS = {number: name for name, number in _PHANTOMBOT.items()}
_ALIKE = {
    "administrator": "admin", "supermoderator": "admin", "editor": "admin", "broadcaster": "owner",
    "twitch_vip": "vip",
}  # fmt: skip
_NAMES = {"streamelements": _STREAMELEMENTS, "phantombot": _PHANTOMBOT}

_OWN = {str(rank.name).lower(): rank for rank in Rank if rank is not Rank.VIEWER}


def _of_names(names: Iterable[str]) -> int:
    """Our ranks by name as a mask; donators and others that we do not know count for nobody."""
    if names == EVERYONE:
        return admits(Rank.VIEWER)
    return sum(int(_OWN[name]) for name in names if name in _OWN)


def in_words(mask: int) -> str:
    """A mask as people say it: ``everyone``, ``moderator``, ``vip, subscriber``."""
    if mask & Rank.VIEWER:
        return "everyone"
    staff = int(admits(Rank.MODERATOR))
    named = [name for name, rank in _OWN.items() if mask & rank and not rank & staff]
    lowest = next((name for name, rank in _OWN.items() if mask & rank & staff), "")
    return ", ".join([*reversed(named), *([lowest] if lowest and not named else [])]) or "nobody"
