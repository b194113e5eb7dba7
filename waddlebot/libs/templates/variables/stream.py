"""The channel's stream, and changes to it."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from waddlebot.libs.templates import moment
from waddlebot.libs.templates.ports import ChannelFacts, Service
from waddlebot.libs.templates.scope import Scope
from waddlebot.libs.templates.variables.variable import NOT_LIVE, UNKNOWN, Ask, Shape, Variable, absent

_NEEDS = frozenset({Service.CHANNEL})

# As JavaScript prints a Date, which is what Nightbot shows.
_DATE_FORMAT = "ddd MMM DD YYYY HH:mm:ss [GMT]ZZ (z)"


async def _facts(scope: Scope, args: list[str]) -> ChannelFacts | None:
    if scope.ports.channel is None:
        raise absent(Service.CHANNEL)
    name = args[0].lstrip("@").lower() if args and args[0] else scope.place.login
    return await scope.ports.channel.channel(name)


def _said(value: object) -> str:
    return UNKNOWN if value is None else str(value)


def _count(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value:,}"


def _while_live(facts: ChannelFacts, value: str) -> str:
    return NOT_LIVE if facts.live is False else value


def _date(when: datetime | None) -> str:
    return UNKNOWN if when is None else moment.write(when, _DATE_FORMAT)


def _since(scope: Scope, when: datetime | None) -> str:
    return UNKNOWN if when is None else moment.length(when, scope.now)


# Field of a Nightbot format → its text. (docs.nightbot.tv/variables/twitch)
_FIELDS: Mapping[str, Callable[[Scope, ChannelFacts], str]] = {
    "name": lambda scope, facts: facts.name,
    "displayName": lambda scope, facts: facts.display_name or facts.name,
    "url": lambda scope, facts: facts.url or UNKNOWN,
    "status": lambda scope, facts: UNKNOWN if facts.live is None else "live" if facts.live else "offline",
    "title": lambda scope, facts: _said(facts.title),
    "game": lambda scope, facts: _said(facts.game),
    "tags": lambda scope, facts: UNKNOWN if facts.tags is None else ", ".join(facts.tags),
    "createdAt": lambda scope, facts: _date(facts.created_at),
    "createdLength": lambda scope, facts: _since(scope, facts.created_at),
    "viewers": lambda scope, facts: _while_live(facts, _count(facts.viewers)),
    "views": lambda scope, facts: _count(facts.views),
    "followers": lambda scope, facts: _count(facts.followers),
    "resolution": lambda scope, facts: _while_live(facts, _said(facts.resolution)),
    "fps": lambda scope, facts: _while_live(facts, _said(facts.fps)),
    "uptimeAt": lambda scope, facts: _while_live(facts, _date(facts.started_at)),
    "uptimeLength": lambda scope, facts: _while_live(facts, _since(scope, facts.started_at)),
    "subscriberCount": lambda scope, facts: _count(facts.subscribers),
}


async def _channel_fields(scope: Scope, args: list[str]) -> Mapping[str, str]:
    facts = await _facts(scope, args)
    if facts is None:
        return dict.fromkeys(_FIELDS, UNKNOWN)
    return {name: field(scope, facts) for name, field in _FIELDS.items()}


def _fact(read: Callable[[Scope, ChannelFacts], str]) -> Ask:
    async def ask(scope: Scope, args: list[str]) -> str:
        facts = await _facts(scope, args)
        return UNKNOWN if facts is None else read(scope, facts)

    return ask


async def _chatter_count(scope: Scope, args: list[str]) -> str:
    if scope.ports.chatters is None:
        raise absent(Service.CHATTERS)
    return str(len(await scope.ports.chatters.names()))


def _action(name: str) -> Ask:
    async def ask(scope: Scope, args: list[str]) -> str:
        if scope.ports.actions is None:
            raise absent(Service.ACTIONS)
        request: Callable[[str], Awaitable[str]] = getattr(scope.ports.actions, name)
        return await request(args[0])

    return ask


def _variable(name: str, meaning: str, ask: Ask, names: str) -> Variable:
    return Variable(name, meaning, ask=ask, native=names, streamelements=names, shape=Shape.WORDS, needs=_NEEDS)


VARIABLES = (
    Variable(
        "twitch",
        "Facts about a channel, in a format with fields in double braces.",
        ask=_channel_fields,
        nightbot="twitch stream",
        shape=Shape.FORMAT,
        needs=_NEEDS,
        fields=frozenset(_FIELDS),
        format="{{displayName}} ({{status}}): {{game}}, {{title}} - {{url}}",
    ),
    _variable(
        "title", "Title of the channel, or of the one named.", _fact(_FIELDS["title"]), "title channel.title"
    ),
    _variable(
        "game", "Category of the channel, or of the one named.", _fact(_FIELDS["game"]), "game channel.game"
    ),
    _variable(
        "uptime", "How long the stream has been live.", _fact(_FIELDS["uptimeLength"]), "uptime channel.uptime"
    ),
    _variable("viewers", "Viewers at present.", _fact(_FIELDS["viewers"]), "viewers channel.viewers"),
    _variable(
        "followers", "Followers of the channel.", _fact(_FIELDS["followers"]), "followers channel.followers"
    ),
    _variable("subs", "Subscribers of the channel.", _fact(_FIELDS["subscriberCount"]), "subs channel.subs"),
    _variable(
        "subpoints",
        "Subscriber points of the channel.",
        _fact(lambda scope, facts: _count(facts.subscriber_points)),
        "channel.subpoints",
    ),
    Variable(
        "chatters",
        "How many people are in chat.",
        ask=_chatter_count,
        native="chatters",
        streamelements="channel.chatters",
        needs=frozenset({Service.CHATTERS}),
    ),
    Variable(
        "settitle",
        "Sets the channel's title.",
        ask=_action("set_title"),
        native="settitle",
        streamelements="settitle",
        shape=Shape.TEXT,
        needs=frozenset({Service.ACTIONS}),
    ),
    Variable(
        "setgame",
        "Sets the channel's category.",
        ask=_action("set_game"),
        native="setgame",
        streamelements="setgame",
        shape=Shape.TEXT,
        needs=frozenset({Service.ACTIONS}),
    ),
)
