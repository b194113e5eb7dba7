"""What a server tells about itself, its members and our channels; and the words of logging in."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.libs.irc.errors import IrcError, LoginError
from waddlebot.libs.irc.isupport import Isupport
from waddlebot.libs.irc.message import parse_line
from waddlebot.libs.irc.registration import Registration
from waddlebot.libs.irc.rooms import Rooms, parts
from waddlebot.libs.irc.roster import Roster
from waddlebot.libs.irc.settings import Channel, Timing
from waddlebot.libs.irc.url import parse_irc_url

PREFIX = "PREFIX=(qaohv)~&@%+ CHANMODES=beI,k,l,imnpst CHANTYPES=# CASEMAPPING=rfc1459"


def make_roster() -> Roster:
    isupport = Isupport()
    isupport.read(PREFIX.split())
    return Roster(isupport)


def tell(roster: Roster, *lines: str) -> None:
    for line in lines:
        roster.receive(parse_line(line))


def test_isupport_is_read_and_nonsense_ignored() -> None:
    isupport = Isupport()
    isupport.read(
        [
            "NETWORK=Net",
            "LINELEN=2048",
            "NICKLEN=30",
            "CHANTYPES=#!",
            "TARGMAX=JOIN:12,PART:9,PRIVMSG:4,KICK:",
            "PREFIX=(ov)@+",
            "CASEMAPPING=ascii",
            "CHANMODES=b,k,l,i",
        ]
    )
    assert (isupport.network, isupport.line_size_max, isupport.nick_size_max) == ("Net", 2048, 30)
    assert (isupport.joins_max, isupport.parts_max) == (12, 9)
    other = Isupport()
    other.read(["MAXTARGETS=20"])
    assert (other.joins_max, other.parts_max) == (0, 20)
    assert isupport.fold("A[]") == "a[]"
    isupport.read(["LINELEN=x", "NICKLEN=²", "PREFIX=(ov)@", "CHANMODES=b", "TARGMAX=JOIN:x", "LINELEN=9"])
    assert isupport.line_size_max == 512
    assert isupport.nick_size_max == 30
    assert isupport.status_modes == "ov"


def test_names_of_rfc1459_fold_their_scandinavian_letters() -> None:
    assert Isupport().fold("A[B]\\C~") == Isupport().fold("a{b}|c^")


def test_the_roster_follows_names_modes_and_nicks() -> None:
    roster = make_roster()
    tell(roster, ":s 353 me = #c :~@Own @%Op +Voice plain")
    assert [roster.status("#C", nick) for nick in ("own", "OP", "voice", "plain")] == ["qo", "oh", "v", ""]
    tell(roster, ":x MODE #c +bo-v+l *!*@* plain Voice 5")
    assert roster.status("#c", "plain") == "o"
    assert roster.status("#c", "Voice") == ""
    tell(roster, ":plain!u@h NICK :Renamed")
    assert roster.status("#c", "renamed") == "o"
    assert roster.status("#c", "plain") == ""
    tell(roster, ":x KICK #c Renamed :bye", ":Own!u@h PART #c", ":Op!u@h QUIT :hub.test leaf.test")
    assert [roster.status("#c", nick) for nick in ("renamed", "own", "op")] == ["", "", ""]


def test_a_channel_we_left_is_forgotten() -> None:
    roster = make_roster()
    tell(roster, ":s 353 me = #c :@a", ":s 353 me = #d :@a")
    roster.forget_channel("#C")
    assert (roster.status("#c", "a"), roster.status("#d", "a")) == ("", "o")
    tell(roster, ":a!u@h QUIT :x")
    assert roster.status("#d", "a") == ""


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["353", "MODE", "NICK", "KICK", "PART", "QUIT"]),
            st.lists(st.text("#@+-obv ab,", max_size=6), max_size=5),
        )
    )
)
def test_no_line_breaks_the_roster(lines: list[tuple[str, list[str]]]) -> None:
    roster = make_roster()
    for command, params in lines:
        tell(roster, f":a!b@c {command} {' '.join(params)}")


def test_joins_are_packed_into_few_lines_with_keys_first() -> None:
    rooms = Rooms(Timing())
    for number in range(1000):
        rooms.add(Channel(f"#channel{number:04d}"))
    rooms.add(Channel("#secret", "key"))
    lines = list(rooms.due_joins(0.0, 0))
    assert len(lines) < 30
    assert all(len(line.line) <= 510 for line in lines)
    assert lines[0].line.startswith("JOIN #secret,#channel0000,")
    assert lines[0].line.endswith(" key")
    assert sum(len(line.channels) for line in lines) == 1001
    assert list(rooms.due_joins(0.0, 0)) == []
    rooms.leave_all()
    assert max(len(line.channels) for line in rooms.due_joins(0.0, 20)) == 20


def test_parts_are_packed_as_well() -> None:
    names = [f"#channel{number:04d}" for number in range(1000)]
    lines = [line.line for line in parts(names, 0)]
    assert len(lines) < 30
    assert all(len(line) <= 510 for line in lines)
    assert ",".join(line.removeprefix("PART ") for line in lines).split(",") == names
    assert max(line.line.count(",") for line in parts(names, 12)) == 11
    assert list(parts([], 0)) == []


def test_a_channel_that_keeps_us_out_is_tried_a_bounded_number_of_times() -> None:
    rooms = Rooms(Timing(rejoin_s=(5, 60)))
    rooms.add(Channel("#c"))
    now_s, asked = 0.0, []
    while now_s < 1000:
        for line in rooms.due_joins(now_s, 0):
            asked.append(now_s)
            rooms.asked(line.channels, now_s)
            rooms.kept_out("#C", "#c: we are banned", now_s)
        now_s += 1
    assert asked == [0, 5, 65]
    assert rooms.failures == {"#c": "#c: we are banned; given up after 2 tries"}
    assert rooms.ask_now("#c")
    assert len(list(rooms.due_joins(now_s, 0))) == 1


def test_a_join_that_nobody_answers_fails_in_words() -> None:
    rooms = Rooms(Timing(join_timeout_s=30, rejoin_s=(60,)))
    rooms.add(Channel("#c"))
    (line,) = rooms.due_joins(0, 0)
    rooms.asked(line.channels, 10)
    rooms.expire(39)
    assert rooms.failures == {}
    rooms.expire(40)
    assert "did not answer" in rooms.failures["#c"]
    rooms.entered("#c")
    assert rooms.failures == {}
    assert rooms.joined == ("#c",)


def test_more_channels_than_a_user_may_have_are_refused_by_name() -> None:
    rooms = Rooms(Timing(), rooms_max=2)
    assert [rooms.add(Channel(name)) for name in ("#a", "#b", "#a")] == ["", "", ""]
    assert "#c" in rooms.add(Channel("#c"))
    rooms.remove("#a")
    assert rooms.add(Channel("#c")) == ""


def dialogue(url: str, *answers: str) -> tuple[Registration, list[str]]:
    """All lines we say to a server that says `answers`."""
    registration = Registration(parse_irc_url(url))
    said = registration.begin()
    for answer in answers:
        said += registration.receive(parse_line(answer))
    return registration, said


def test_only_offered_capabilities_are_asked_for_each_by_itself() -> None:
    registration, said = dialogue(
        "irc://bot@h/",
        ":s CAP * LS * :message-tags sts=port=6697 echo-message",
        ":s CAP * LS :server-time sasl=PLAIN",
        ":s CAP * ACK :message-tags",
        ":s CAP * NAK :server-time",
    )
    assert said == [
        "CAP LS 302",
        "NICK bot",
        "USER waddlebot 0 * WaddleBot",
        "CAP REQ :message-tags",
        "CAP REQ :server-time",
        "CAP END",
    ]
    assert registration.capabilities == {"message-tags"}


def test_sasl_plain_is_finished_before_the_negotiation() -> None:
    url = f"ircs://bot:{'x' * 400}@h/?account=acc"
    _, said = dialogue(
        url, ":s CAP * LS :sasl", ":s CAP * ACK :sasl", "AUTHENTICATE +", ":s 900 * * acc :in", ":s 903 * :ok"
    )
    answer = "".join(line.removeprefix("AUTHENTICATE ") for line in said if line.startswith("AUTHENTICATE "))
    assert base64.b64decode(answer.removeprefix("PLAIN")) == b"\0acc\0" + b"x" * 400
    assert max(map(len, said)) <= 510
    assert said[-1] == "CAP END"
    assert not any("PASS" in line for line in said)


def test_a_full_last_chunk_of_sasl_is_followed_by_an_empty_one() -> None:
    password = "x" * (300 - len("\0bot\0"))
    _, said = dialogue(f"ircs://bot:{password}@h/", ":s CAP * LS :sasl", ":s CAP * ACK :sasl", "AUTHENTICATE +")
    assert len(said[-2]) == len("AUTHENTICATE ") + 400
    assert said[-1] == "AUTHENTICATE +"


def test_a_server_password_goes_before_the_nick() -> None:
    _, said = dialogue("ircs://bot:pw@h/?sasl=off")
    assert said == ["CAP LS 302", "PASS pw", "NICK bot", "USER waddlebot 0 * WaddleBot"]


@pytest.mark.parametrize(
    ("url", "answers", "words"),
    [
        ("ircs://bot:pw@h/", (":s CAP * LS :server-time",), "offers no SASL.*sasl=off"),
        ("ircs://bot:pw@h/", (":s 421 * CAP :Unknown", ":s 001 bot :Hi"), "offers no SASL"),
        ("ircs://bot:pw@h/", (":s CAP * LS :sasl=EXTERNAL",), "EXTERNAL, but not PLAIN"),
        ("ircs://bot:pw@h/", (":s CAP * LS :sasl", ":s CAP * NAK :sasl"), "will not negotiate"),
        (
            "ircs://bot:pw@h/",
            (":s CAP * LS :sasl", ":s CAP * ACK :sasl", ":s 904 * :bad"),
            "SASL PLAIN failed: bad",
        ),
        ("ircs://bot:pw@h/?sasl=off", (":s 464 * :Password incorrect",), "Password incorrect"),
        ("irc://bot@h/", (":s 465 * :You are banned",), "You are banned"),
        ("irc://bot@h/", (":s 432 * bot :Erroneous nickname",), "is no nick it accepts"),
    ],
)
def test_a_refused_login_is_told_in_words(url: str, answers: tuple[str, ...], words: str) -> None:
    with pytest.raises(LoginError, match=words) as caught:
        dialogue(url, *answers)
    assert "pw" not in str(caught.value)


def test_a_nick_in_use_is_varied_a_bounded_number_of_times() -> None:
    registration, said = dialogue("irc://waddlebot@h/", *[":s 433 * waddlebot :in use"] * 10)
    nicks = [line.removeprefix("NICK ") for line in said if line.startswith("NICK ")]
    assert nicks[:2] == ["waddlebot", "waddlebot_"]
    assert all(len(nick) <= 9 for nick in nicks[2:])
    with pytest.raises(IrcError, match="no free nick"):
        registration.receive(parse_line(":s 433 * x :in use"))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["CAP", "AUTHENTICATE", "001", "433", "903", "904", "NOTICE", "464"]),
            st.lists(
                st.sampled_from(["*", "LS", "ACK", "NAK", "NEW", "DEL", "sasl", "+", "", ":a b"]), max_size=4
            ),
        )
    )
)
def test_no_answer_breaks_the_registration(answers: list[tuple[str, list[str]]]) -> None:
    registration = Registration(parse_irc_url("ircs://bot:pw@h/"))
    for command, params in answers:
        try:
            registration.receive(parse_line(f":s {command} {' '.join(params)}"))
        except IrcError:
            return
