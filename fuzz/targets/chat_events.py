"""Lines of IRC networks and of Twitch, made events of ours."""

from waddlebot.libs.irc.message import IrcMessage, parse_line, split_lines
from waddlebot.libs.sdk import CHAT_MESSAGE, Event
from waddlebot.libs.sdk.event import Codec
from waddlebot.libs.sdk.rank import Rank, of_platform
from waddlebot.trigger.poller.irc import irc
from waddlebot.trigger.receiver.twitch import twitch

from fuzz.inputs import Input

DOOR = (
    "waddlebot.trigger.poller.irc.irc", "waddlebot.trigger.receiver.twitch.twitch",
)  # fmt: skip
SIZE_MAX = 2_048
SEEDS = (
    b"\0@badge-info=subscriber/8;badges=moderator/1,vip/1,subscriber/6;bits=100;color=#FF0000;display-name=A\\sB;"
    b"id=b34ccfc7-4977;mod=1;room-id=1;source-room-id=2;tmi-sent-ts=1507246572675;user-id=1337 "
    b":ann!ann@ann.tmi.twitch.tv PRIVMSG #bob :cheer100 \xf0\x9f\x98\x80\n",
    b"\0@badges=broadcaster/1;display-name=A;id=x;tmi-sent-ts=1;user-id=1 :ann!a@b PRIVMSG #c :\x01ACTION a\x01\n",
    b"\0@id=1;login=ann;msg-id=resub;msg-param-cumulative-months=6;msg-param-sub-plan=Prime;"
    b"system-msg=Ann\\ssubscribed!;tmi-sent-ts=1;user-id=8 :tmi.twitch.tv USERNOTICE #bob :Great\n",
    b"\0@id=2;login=a;msg-id=submysterygift;msg-param-mass-gift-count=5 :t USERNOTICE #b\n",
    b"\0@id=3;login=ann;msg-id=subgift;msg-param-recipient-id=5;msg-param-recipient-user-name=bob;"
    b"msg-param-community-gift-id=9 :t USERNOTICE #b\n@msg-id=raid;msg-param-viewerCount=9;id=4 : USERNOTICE #b\n",
    b"\0@ban-duration=600;target-user-id=5;tmi-sent-ts=1 :t CLEARCHAT #bob :eve\n@id=3 :t CLEARCHAT #bob\n"
    b"@login=eve;target-msg-id=7;tmi-sent-ts=99 :t CLEARMSG #bob :x\n@msg-id=announcement;id=8 :t USERNOTICE #b\n",
    b"\1@account=ann;msgid=m1;time=2026-03-14T15:09:26.000Z :ann!a@b PRIVMSG #c :\x0304,05hello\x0f there\n",
    b"\1:ann!a@b PRIVMSG #c :\x01ACTION hi\x01\n:op!o@h KICK #c a :x\n@time=0001-01-01T00:00 :a!b@c PRIVMSG &c\n",
    b"\0@id=1;tmi-sent-ts=" + b"9" * 400 + b";user-id=1 :ann!a@b PRIVMSG #c :x\n",
)  # fmt: skip
WORDS = (
    "PRIVMSG", "USERNOTICE", "CLEARCHAT", "CLEARMSG", "KICK", "badges=", "broadcaster/1", "moderator/1", "vip/1",
    "staff/1", ";display-name=", ";id=", ";tmi-sent-ts=", ";user-id=", "bits=", "source-room-id=", "room-id=",
    "msg-id=", "sub", "resub", "subgift", "raid", "msg-param-viewerCount=", "msg-param-cumulative-months=",
    "ban-duration=", "target-user-id=", "login=", "time=", "msgid=", "account=", "9999-12-31T23:59:59", "+23:59",
    "99999999999999999999999999999999", "٣", "²", "\\s", "\\", " :", "#", "&", "\x01", "ACTION ", "\x03", "\n",
    ";", "=", "@", ":",
)  # fmt: skip

_NOW = 1_773_500_966.0
_QUICK = twitch.chat_line("bot")


def check(data: bytes) -> None:
    """Each line becomes events that any bus can carry; what is said is no more than said."""
    given = Input(data)
    translate = given.choice((_twitch, _irc))
    text = given.texts(1)[0].replace("\n", "").replace("\r", "").lstrip("\x01")
    lines = split_lines(given.rest() + b"\n")
    for event in translate([message for line in lines if _is_handed_on(message := parse_line(line))]):
        _check_event(event)
    for line in lines:
        _check_quick(line)
    said = IrcMessage("user-id=7;id=1", "eve!e@h", "PRIVMSG", ("#c", text))
    for event in translate([said]):
        assert (event.kind, event.user_login, event.roles) == (CHAT_MESSAGE, "eve", ()), event
        assert event.text in text or "\x03" in text or not text.isprintable(), event


def _check_quick(line: str) -> None:
    """What is read in one step is the same read in steps."""
    read = _QUICK(line)
    if read is not None:
        assert twitch.events([read], _NOW, "fuzz", {}) == _twitch([parse_line(line)]), line


def _is_handed_on(message: IrcMessage) -> bool:
    """What a session hands on: texts are whole, and CTCP requests are not among them."""
    return message.command != "PRIVMSG" or (
        len(message.params) > 1 and (message.text[:1] != "\x01" or message.text.startswith("\x01ACTION"))
    )


def _twitch(messages: list[IrcMessage]) -> list[Event]:
    return twitch.events(messages, _NOW, "fuzz", {})


def _irc(messages: list[IrcMessage]) -> list[Event]:
    return irc.Translator("net", "fuzz", str.lower, lambda channel, nick: "o" if nick == "op" else "").events(
        messages, _NOW
    )


def _check_event(event: Event) -> None:
    assert Codec.decode(Codec.encode([event])) == [event]
    assert of_platform(event.roles) < Rank.ADMIN, event
    assert "\n" not in event.text + event.user_login, event
