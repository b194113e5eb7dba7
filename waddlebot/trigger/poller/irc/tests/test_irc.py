"""Lines that real servers sent, and the events they become."""

import pytest

from waddlebot.libs.irc.isupport import Isupport
from waddlebot.libs.irc.message import parse_line, split_lines
from waddlebot.libs.sdk import Event
from waddlebot.libs.sdk.event import Codec
from waddlebot.libs.sdk.rank import Rank, of_platform
from waddlebot.trigger.poller.irc.irc import Translator

NOW = 1_795_412_453.0

# What an InspIRCd 3.15 relayed, with tags and without.
LINES = (
    "@time=2026-11-23T05:40:50.798Z;msgid=1~42;account=anna :Nick!u@host PRIVMSG #Talk :\x0304!ping\x03 é\r\n"
    ":Nick!u@host PRIVMSG #Talk :plain\r\n"
    ":Nick!u@host PRIVMSG #Talk :\x01ACTION waves\x01\r\n"
    ":Nick!u@host PRIVMSG bot :in private\r\n"
    ":Nick!u@host NOTICE #Talk :never answered\r\n"
    ":Boss!u@host KICK #Talk Troll :out with you\r\n"
)


def events(lines: str, statuses: dict[str, str] | None = None) -> list[Event]:
    held = statuses or {}
    translator = Translator("net", "poller.irc/net", Isupport().fold, lambda channel, nick: held.get(nick, ""))
    return translator.events([parse_line(line) for line in split_lines(lines.encode())], NOW)


def test_lines_become_events() -> None:
    tagged, plain, action, kick = events(LINES)
    assert (tagged.id, tagged.kind, tagged.entity) == ("1~42", "chat.message", "irc:net:#talk")
    assert (tagged.account, tagged.user_login, tagged.text) == ("irc:net/anna", "Nick", "!ping é")
    assert (tagged.occurred_at, tagged.received_at) == (1795412450.798, NOW)
    assert (plain.account, plain.text, plain.occurred_at) == ("irc:net/~nick", "plain", NOW)
    assert action.text == "waves"
    assert (kick.kind, kick.account) == ("member.kicked", "irc:net/~boss")
    assert kick.data == {"target_id": "net/~troll", "target_login": "Troll", "reason": "out with you"}
    assert len({event.id for event in (tagged, plain, action, kick)}) == 4
    assert {event.source for event in (tagged, plain, action, kick)} == {"poller.irc/net"}


def test_ids_differ_between_runs() -> None:
    assert events(LINES)[1].id != events(LINES)[1].id


@pytest.mark.parametrize(
    ("status", "rank"),
    [
        ("q", Rank.MODERATOR),
        ("ao", Rank.MODERATOR),
        ("o", Rank.MODERATOR),
        ("h", Rank.MODERATOR),
        ("v", Rank.VIP),
        ("y", Rank.VIEWER),
        ("", Rank.VIEWER),
    ],
)
def test_a_status_is_worth_at_most_a_moderators_rank(status: str, rank: Rank) -> None:
    (event,) = events(":Nick!u@host PRIVMSG #c :x\r\n", {"Nick": status})
    assert of_platform(event.roles) | Rank.VIEWER == rank | Rank.VIEWER


def test_nobody_becomes_an_account_by_its_nick() -> None:
    owner, impostor = events("@account=boss :boss!u@h PRIVMSG #c :x\r\n:boss!evil@h PRIVMSG #c :x\r\n")
    assert owner.account != impostor.account


@pytest.mark.parametrize("stamp", ["", "x", "2026-13-01T00:00:00Z", "99999"])
def test_a_broken_time_is_now(stamp: str) -> None:
    (event,) = events(f"@time={stamp} :a!b@c PRIVMSG #c :x\r\n")
    assert event.occurred_at == NOW


def test_an_event_crosses_the_wire() -> None:
    found = events(LINES)
    assert Codec.decode(Codec.encode(found)) == found
