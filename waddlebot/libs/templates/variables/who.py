"""Who says what, and where: variables that are at hand."""

import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

from waddlebot.libs.templates.levels import level_of
from waddlebot.libs.templates.scope import Scope
from waddlebot.libs.templates.variables.variable import Evaluate, Shape, Variable

_POSITION = re.compile(r"(?:arg)?(\d{1,2})(?P<open>:(\d{1,2})?)?(?:\.(emote|word))?")


def of_user(attribute: str) -> str:
    """The three names under which StreamElements knows a fact about the caller."""
    return f"user.{attribute} sender.{attribute} source.{attribute}"


def named(scope: Scope, args: list[str]) -> str:
    """The login that the arguments name, or the caller's."""
    return args[0].lstrip("@").lower() if args and args[0] else scope.user.login


def _name(scope: Scope, args: list[str]) -> str:
    return args[0].lstrip("@") if args and args[0] else scope.user.name


def _target(scope: Scope, args: list[str]) -> str:
    return scope.args[0] if scope.args else scope.user.name


def _percent(text: str) -> str:
    return quote(text, safe="!'()*-._~")  # as encodeURIComponent, ECMA-262 19.2.6.4


def _level(bot: str) -> Evaluate:
    return lambda scope, args: level_of(bot, scope.user.ranks)


def _own(read: Callable[[Scope], str]) -> Evaluate:
    return lambda scope, args: read(scope)


def positional(head: str) -> Variable | None:
    """The variable for `2`, `arg2`, `2:`, `2:4`, `2.emote` or `2.word`; None for another form."""
    match = _POSITION.fullmatch(head)
    if match is None:
        return None
    first, last, kind = int(match[1]), match[3], match[4]
    if first < 1:
        return None
    if match["open"]:
        end = int(last) if last else None
        return Variable(head, "A run of words after the command.", _slice(first - 1, end))
    return Variable(head, "One word after the command.", _filtered(first, kind) if kind else _word(first - 1))


def _word(index: int) -> Evaluate:
    return lambda scope, args: scope.args[index] if index < len(scope.args) else ""


def _slice(start: int, end: int | None) -> Evaluate:
    return lambda scope, args: " ".join(scope.args[start:end])


def _filtered(number: int, kind: str) -> Evaluate:
    def evaluate(scope: Scope, args: list[str]) -> str:
        words = [word for word in scope.args if (word in scope.emotes) == (kind == "emote")]
        return words[number - 1] if number <= len(words) else ""

    return evaluate


VARIABLES = (
    Variable(
        "user",
        "Display name of the person who says the command.",
        _name,
        native="user sender",
        nightbot="user",
        streamelements="user sender source",
        shape=Shape.WORDS,
    ),
    Variable(
        "login",
        "Login name of that person.",
        named,
        native="login user.name",
        streamelements=of_user("name"),
        shape=Shape.WORDS,
    ),
    Variable(
        "userid",
        "The platform's id of that person.",
        _own(lambda scope: scope.user.id),
        native="userid",
        nightbot="userid",
        streamelements=of_user("id"),
    ),
    Variable(
        "userlevel",
        "Level of that person, in Nightbot's words.",
        _level("nightbot"),
        native="level",
        nightbot="userlevel",
    ),
    Variable(
        "user.level",
        "Level of that person, in StreamElements' numbers.",
        _level("streamelements"),
        streamelements=of_user("level"),
    ),
    Variable(
        "touser",
        "The first word after the command, or else the person who says it.",
        _target,
        native="touser target",
        nightbot="touser",
        streamelements="touser",
    ),
    Variable(
        "args",
        "Everything after the command.",
        _own(lambda scope: scope.text),
        native="args all_args query",
        nightbot="query",
        streamelements="args",
    ),
    Variable(
        "querystring",
        "The given text, or else everything after the command, encoded for a URL.",
        lambda scope, args: _percent(args[0] if args and args[0] else scope.text),
        native="querystring",
        nightbot="querystring",
        streamelements="querystring",
        shape=Shape.TEXT,
    ),
    Variable(
        "queryescape",
        "The given text, encoded for the part of a URL after the question mark.",
        lambda scope, args: quote_plus(args[0], safe="-._~"),
        native="queryescape",
        streamelements="queryescape",
        shape=Shape.TEXT,
    ),
    Variable(
        "pathescape",
        "The given text, encoded for the path of a URL.",
        lambda scope, args: quote(args[0], safe="$&+:=@-._~"),
        native="pathescape",
        streamelements="pathescape",
        shape=Shape.TEXT,
    ),
    Variable(
        "channel",
        "Name of the channel.",
        _own(lambda scope: scope.place.login),
        native="channel",
        nightbot="channel",
        streamelements="channel channel.name",
    ),
    Variable(
        "channel.display_name",
        "Display name of the channel.",
        _own(lambda scope: scope.place.name or scope.place.login),
        native="channel.display_name",
        streamelements="channel.display_name",
    ),
    Variable(
        "channelid",
        "The platform's id of the channel.",
        _own(lambda scope: scope.place.provider_id),
        native="channelid",
        nightbot="channelid",
        streamelements="channel.provider_id",
    ),
    Variable(
        "chatid",
        "Our id of the channel.",
        _own(lambda scope: scope.place.id),
        native="chatid",
        nightbot="chatid",
        streamelements="channel.id",
    ),
    Variable(
        "channel.alias",
        "The channel's name in the address of its public page.",
        _own(lambda scope: scope.place.alias or scope.place.login),
        streamelements="channel.alias",
    ),
    Variable(
        "provider",
        "The platform, such as twitch.",
        _own(lambda scope: scope.place.provider),
        native="provider platform",
        nightbot="provider",
        streamelements="channel.provider",
    ),
    Variable(
        "command",
        "The command, as it was typed.",
        _own(lambda scope: scope.command),
        native="command",
        nightbot="command",
        streamelements="command",
    ),
    Variable(
        "msgid",
        "The platform's id of the message.",
        _own(lambda scope: scope.message_id),
        native="msgid",
        streamelements="msgid",
    ),
)
