"""Lines as Twitch documents and sends them, and the events they become."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.libs.irc.message import parse_line, split_lines
from waddlebot.libs.sdk import Event
from waddlebot.libs.sdk.event import Codec
from waddlebot.trigger.receiver.twitch.twitch import chat_line, events

NOW = 1_795_000_000.0
QUICK = chat_line("waddle_bot")


def told(line: str) -> list[Event]:
    """The events of a line; one that can be read in one step is the same read in steps."""
    (text,) = split_lines(f"{line}\r\n".encode())
    ordinary = QUICK(text)
    found = events([ordinary or parse_line(text)], NOW, "receiver.twitch", {})
    assert not ordinary or events([parse_line(text)], NOW, "receiver.twitch", {}) == found
    assert Codec.decode(Codec.encode(found)) == found
    return found


CHAT = (
    "@badge-info=subscriber/12;badges=moderator/1,subscriber/12;client-nonce=459e;color=#0000FF;"
    "display-name=Anna\\sA;emotes=;first-msg=0;flags=;id=885196de;mod=1;returning-chatter=0;room-id=713936733;"
    "subscriber=1;tmi-sent-ts=1643904084794;turbo=0;user-id=12345;user-type=mod "
    ":anna!anna@anna.tmi.twitch.tv PRIVMSG #dallas :!hello there"
)


def test_a_chat_line() -> None:
    (event,) = told(CHAT)
    assert (event.id, event.kind, event.entity) == ("885196de", "chat.message", "twitch::dallas")
    assert (event.account, event.user_login, event.user_name) == ("twitch:12345", "anna", "Anna A")
    assert event.roles == ("moderator", "subscriber")
    assert (event.text, event.occurred_at, event.received_at) == ("!hello there", 1643904084.794, NOW)
    assert event.data == {}


def test_an_ordinary_line_is_read_in_one_step_and_gets_its_community() -> None:
    read = QUICK(CHAT)
    assert read is not None
    (event,) = events([read], NOW, "receiver.twitch", {"twitch::dallas": "home"})
    assert (event.community, event.channel, event.native) == ("home", "dallas", CHAT[1:].split(" ", maxsplit=1)[0])
    assert QUICK(CHAT.replace("turbo=0;", "").replace("user-type=mod", "user-type=;vip=1")) is not None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (":anna!anna@anna", ":waddle_bot!waddle_bot@waddle_bot"),
        ("!hello there", "\x01ACTION waves\x01"),
        ("client-nonce=", "bits=100;client-nonce="),
        ("subscriber=1;", "source-room-id=1;subscriber=1;"),
        ("id=885196de;", "id=;"),
        ("user-id=12345;", ""),
        (";tmi-sent-ts=1643904084794", ""),
        ("#dallas", "#dallas,#other"),
        ("PRIVMSG", "NOTICE"),
    ],
)
def test_any_other_line_is_left_to_the_usual_way(old: str, new: str) -> None:
    assert QUICK(CHAT.replace(old, new)) is None or "," in new


@given(
    st.sampled_from([";display-name=", "user-id=", ";user-type= :", "PRIVMSG #x :", "id=1;"]), st.integers(0, 400)
)
def test_a_text_never_stands_in_for_tags(piece: str, cut: int) -> None:
    """Whatever tags were cut off, none is taken from what was said."""
    said = f"{piece};display-name=Boss;id=9;tmi-sent-ts=1;user-id=1;user-type= :boss!b@b PRIVMSG #dallas :!x"
    tags, rest = CHAT.split(" ", 1)
    line = f"{tags[:cut]} {rest.split(' :')[0]} :{said}"
    for event in told(line):
        assert event.text == said
        assert event.user_login == "anna"
        assert "Boss" not in event.user_name


def test_tags_in_another_order_are_found_too() -> None:
    (event,) = told("@user-id=9;tmi-sent-ts=5000;id=x;display-name=B;badges= :b!b@b PRIVMSG #c :hi")
    assert (event.id, event.user_id, event.user_name, event.occurred_at) == ("x", "9", "B", 5.0)


def test_a_line_without_tags_is_still_one() -> None:
    (event,) = told(":b!b@b PRIVMSG #c :hi")
    assert (event.user_login, event.user_name, event.occurred_at, event.roles) == ("b", "b", NOW, ())


@pytest.mark.parametrize("line", [CHAT.replace("id=885196de;", "id=;"), ":b!b@b PRIVMSG #c :hi"])
def test_lines_without_an_id_are_events_of_their_own(line: str) -> None:
    found = events([parse_line(line)] * 100, NOW, "receiver.twitch", {})
    assert all(event.id for event in found)
    assert len({event.id for event in found}) == 100


def test_the_broadcaster_and_vips_have_roles_and_staff_has_none() -> None:
    badges = ("broadcaster/1,premium/1", "vip/1,founder/0", "staff/1,admin/1,global_mod/1")
    found = [told(CHAT.replace("moderator/1,subscriber/12", badge))[0].roles for badge in badges]
    assert found == [("broadcaster",), ("vip", "founder"), ()]


def test_a_line_shared_from_another_channel_is_marked_and_no_chat_line_of_this_one() -> None:
    other = CHAT.replace("room-id=713936733;", "room-id=713936733;source-badges=;source-id=z;source-room-id=99;")
    (event,) = told(other)
    assert (event.kind, event.data) == ("chat.shared", {"shared_from": "99"})
    own = CHAT.replace("room-id=713936733;", "room-id=713936733;source-id=z;source-room-id=713936733;")
    assert told(own)[0].kind == "chat.message"


def test_an_action_is_said_so() -> None:
    (event,) = told(CHAT.replace("!hello there", "\x01ACTION waves\x01"))
    assert (event.text, event.data) == ("waves", {"action": True})


def test_bits_are_a_cheer_as_well() -> None:
    line, cheer = told(CHAT.replace("client-nonce", "bits=100;client-nonce"))
    assert line.kind == "chat.message"
    assert (cheer.kind, cheer.data, cheer.id) == ("channel.cheered", {"bits": 100}, "885196de:cheer")
    assert cheer.account == line.account


NOTICE = (
    "@badge-info=;badges=staff/1;color=#008000;display-name=Ronni;emotes=;id=db25007f;login=ronni;mod=0;msg-id={};"
    "room-id=12345678;subscriber=1;system-msg=ronni\\sdid\\sit;tmi-sent-ts=1507246572675;user-id=87654321{} "
    ":tmi.twitch.tv USERNOTICE #dallas{}"
)


def test_subscriptions_gifts_and_raids() -> None:
    (sub,) = told(
        NOTICE.format("resub", ";msg-param-cumulative-months=6;msg-param-sub-plan=3000", " :Great stream")
    )
    assert (sub.kind, sub.account, sub.user_name, sub.text) == (
        "channel.subscribed", "twitch:87654321", "Ronni", "Great stream",
    )  # fmt: skip
    assert sub.data == {"tier": 3, "months": 6, "again": True, "prime": False, "words": "ronni did it"}
    (bomb,) = told(NOTICE.format("submysterygift", ";msg-param-mass-gift-count=20;msg-param-sub-plan=1000", ""))
    assert (bomb.kind, bomb.data["count"]) == ("channel.gifted", 20)
    (part,) = told(NOTICE.format("subgift", ";msg-param-community-gift-id=7;msg-param-recipient-id=5", ""))
    assert (part.kind, part.data["recipient_id"]) == ("channel.gift_received", "5")
    (gift,) = told(NOTICE.format("subgift", ";msg-param-recipient-id=5;msg-param-sub-plan=1000", ""))
    assert (gift.kind, gift.data["count"]) == ("channel.gifted", 1)
    (raid,) = told(NOTICE.format("raid", ";msg-param-viewerCount=15", ""))
    assert (raid.kind, raid.data["viewers"]) == ("channel.raided", 15)
    assert told(NOTICE.format("ritual", "", "")) == []


def test_moderation_names_whom_it_concerns() -> None:
    tags = "@ban-duration=350;room-id=12345678;target-user-id=87654321;tmi-sent-ts=1642719320727"
    (timeout,) = told(f"{tags} :tmi.twitch.tv CLEARCHAT #dallas :ronni")
    assert (timeout.kind, timeout.user_id, timeout.occurred_at) == ("member.timed_out", "", 1642719320.727)
    assert timeout.data == {"target_id": "87654321", "target_login": "ronni", "seconds": 350}
    (ban,) = told("@target-user-id=5;tmi-sent-ts=1 :tmi.twitch.tv CLEARCHAT #dallas :ronni")
    assert (ban.kind, ban.data) == ("member.banned", {"target_id": "5", "target_login": "ronni"})
    (cleared,) = told("@room-id=1;tmi-sent-ts=2 :tmi.twitch.tv CLEARCHAT #dallas")
    assert cleared.kind == "chat.cleared"
    (deleted,) = told(
        "@login=foo;target-msg-id=94e6c7ff;tmi-sent-ts=3 :tmi.twitch.tv CLEARMSG #bar :what a great day"
    )
    assert (deleted.kind, deleted.data) == ("chat.deleted", {"message_id": "94e6c7ff", "target_login": "foo"})
    assert len({timeout.id, ban.id, cleared.id, deleted.id}) == 4


def test_all_else_is_no_event() -> None:
    for line in (
        ":a!a@a.tmi.twitch.tv JOIN #dallas",
        ":a!a@a.tmi.twitch.tv PART #dallas",
        "@slow=10 :tmi.twitch.tv ROOMSTATE #dallas",
        "@msg-id=slow_on :tmi.twitch.tv NOTICE #dallas :This room is in slow mode",
        ":tmi.twitch.tv USERNOTICE",
        ":tmi.twitch.tv CLEARCHAT",
    ):
        assert told(line) == []
