"""Lines of the wire: what real servers send, and what nobody should."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.libs.irc.message import (
    IrcMessage,
    build_line,
    decode,
    escape_tag,
    find_tag,
    parse_line,
    parse_tags,
    split_lines,
    unescape_tag,
)

TWITCH = (
    "@badge-info=subscriber/8;badges=moderator/1,subscriber/6;color=#0D4200;display-name=Lovin\\sgt3s;"
    "emotes=25:0-4,12-16/1902:6-10;first-msg=0;flags=;id=b34ccfc7-4977-403a-8a94-33c6bac34fb8;mod=1;"
    "room-id=1337;subscriber=1;tmi-sent-ts=1507246572675;turbo=1;user-id=1337;user-type=mod "
    ":lovingt3s!lovingt3s@lovingt3s.tmi.twitch.tv PRIVMSG #ronni :Kappa Keepo Kappa :)"
)

middles = st.text(
    st.characters(exclude_characters="\r\n\0 ", exclude_categories=["Cs"]), min_size=1, max_size=20
).filter(lambda text: not text.startswith(":"))
trailings = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=80)
keys = st.text(string.ascii_letters + string.digits + "-+/.", min_size=1, max_size=20)
values = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
commands = st.text(string.ascii_uppercase, min_size=1, max_size=12) | st.from_regex(r"[0-9]{3}", fullmatch=True)


def _read(chunk: bytes) -> list[IrcMessage]:
    return [parse_line(line) for line in split_lines(chunk)]


def test_a_twitch_line_is_read_in_parts() -> None:
    message = parse_line(TWITCH)
    assert message.command == "PRIVMSG"
    assert message.source == "lovingt3s!lovingt3s@lovingt3s.tmi.twitch.tv"
    assert message.nick == "lovingt3s"
    assert message.params == ("#ronni", "Kappa Keepo Kappa :)")
    assert message.target == "#ronni"
    assert message.text == "Kappa Keepo Kappa :)"
    assert find_tag(message.tags, "id") == "b34ccfc7-4977-403a-8a94-33c6bac34fb8"
    assert find_tag(message.tags, "badges") == "moderator/1,subscriber/6"
    assert find_tag(message.tags, "badge-info") == "subscriber/8"
    assert find_tag(message.tags, "display-name") == "Lovin gt3s"
    assert find_tag(message.tags, "flags") == ""
    assert find_tag(message.tags, "user-type") == "mod"
    assert find_tag(message.tags, "type") == ""
    assert find_tag(message.tags, "nothing") == ""


@pytest.mark.parametrize(
    ("line", "command", "params"),
    [
        ("PING :tmi.twitch.tv", "PING", ("tmi.twitch.tv",)),
        ("ping x", "PING", ("x",)),
        (":s 005 me NETWORK=Net PREFIX=(ov)@+ :are ok", "005", ("me", "NETWORK=Net", "PREFIX=(ov)@+", "are ok")),
        (":a!b@c JOIN #chan", "JOIN", ("#chan",)),
        (":a!b@c JOIN :#chan", "JOIN", ("#chan",)),
        (":a MODE #c  +o   nick ", "MODE", ("#c", "+o", "nick")),
        (":a PRIVMSG #c :", "PRIVMSG", ("#c", "")),
        (":a PRIVMSG #c ::)", "PRIVMSG", ("#c", ":)")),
        (":a PRIVMSG #c :one  two ", "PRIVMSG", ("#c", "one  two ")),
        ("@a=b  :x  CMD", "CMD", ()),
        ("@only-tags", "", ()),
        (":only-source", "", ()),
        (" ", "", ()),
    ],
)  # fmt: skip
def test_lines_are_read(line: str, command: str, params: tuple[str, ...]) -> None:
    message = parse_line(line)
    assert (message.command, message.params) == (command, params)


@pytest.mark.parametrize(
    "text",
    [
        "please PING me",
        "we lost RECONNECT now",
        "x PRIVMSG #other :!ban everyone",
        "\u2028:tmi.twitch.tv RECONNECT",
        "\x85PING :x",
        "\x0bERROR :bye",
        "\x0c:a!a@a PRIVMSG #c :fake",
        "\x1c:a!a@a PRIVMSG #c :fake",
        "\r:a!a@a PRIVMSG #c :fake",
        "@mod=1 :a PRIVMSG #c :fake",
    ],
)
def test_what_a_chatter_types_stays_text(text: str) -> None:
    messages = _read(f":a!a@a PRIVMSG #c :{text}\r\nPING :1\r\n".encode())
    said = text.replace("\r", "")
    assert messages == [IrcMessage("", "a!a@a", "PRIVMSG", ("#c", said)), IrcMessage("", "", "PING", ("1",))]


def test_bytes_that_are_no_utf8_are_read_as_old_clients_mean_them() -> None:
    assert decode("häßlich ✓".encode()) == "häßlich ✓"
    assert decode("häßlich €".encode("cp1252")) == "häßlich €"
    assert decode("✓ ".encode() + b"\xe9t\xe9") == "✓ été"
    assert decode(b"cut \xe2\x9c") == "cut âœ"


def test_an_old_clients_line_does_not_change_how_its_neighbours_are_read() -> None:
    lines = [":a!a@a PRIVMSG #c :✓".encode(), ":b!b@b PRIVMSG #c :été".encode("cp1252"), b"PI\0NG :1"]
    assert [message.text for message in _read(b"\r\n".join(lines) + b"\r\n")] == ["✓", "été", "1"]
    assert _read(lines[2])[0].command == "PING", "NUL is dropped"


@given(st.binary(max_size=600))
def test_no_bytes_break_the_parser(data: bytes) -> None:
    for message in _read(data):
        assert not any("\n" in part for part in (message.tags, message.source, message.command, *message.params))
        assert isinstance(message.nick + message.target + message.text, str)
        for key, value in parse_tags(message.tags).items():
            assert isinstance(key + value, str)


@given(
    commands,
    st.lists(middles, max_size=8),
    st.none() | trailings,
    st.just("") | middles,
    st.dictionaries(keys, values, max_size=5),
)
def test_what_is_built_is_read_back(
    command: str, params: list[str], trailing: str | None, source: str, tags: dict[str, str]
) -> None:
    if trailing is not None:
        params.append(trailing)
    line = build_line(command, *params, source=source, tags=tags)
    assert "\r" not in line
    assert "\n" not in line
    (message,) = _read(f"{line}\r\n".encode())
    assert message.source == source
    assert message.command == command
    assert message.params == tuple(params)
    assert parse_tags(message.tags) == tags
    assert all(find_tag(message.tags, key) == value for key, value in tags.items())
    again = build_line(message.command, *message.params, source=message.source, tags=parse_tags(message.tags))
    assert parse_line(again) == message


@given(values)
def test_tag_values_survive_escaping(value: str) -> None:
    escaped = escape_tag(value)
    assert not set(escaped) & set("; \r\n")
    assert unescape_tag(escaped) == value


@pytest.mark.parametrize(
    ("escaped", "value"),
    [
        ("a\\:b", "a;b"),
        ("a\\sb", "a b"),
        ("\\\\s", "\\s"),
        ("\\\\\\s", "\\ "),
        ("\\b", "b"),
        ("end\\", "end"),
        ("\\r\\n", "\r\n"),
    ],
)
def test_tag_escapes_are_those_of_the_specification(escaped: str, value: str) -> None:
    assert unescape_tag(escaped) == value


@pytest.mark.parametrize(
    ("command", "params"),
    [
        ("PRIVMSG", ("#c", "a\r\nQUIT")),
        ("PRIVMSG", ("#c", "a\nQUIT")),
        ("PRIVMSG", ("#c", "a\0b")),
        ("PRIVMSG", ("#c x", "a")),
        ("PRIVMSG", ("", "a")),
        ("PRIVMSG", (":c", "a")),
        ("PRIV MSG", ("#c", "a")),
        ("", ()),
        ("PASS\r\nOPER", ("a",)),
    ],
)
def test_a_line_that_would_be_another_is_refused(command: str, params: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="IRC"):
        build_line(command, *params)


def test_tags_and_source_cannot_break_out_either() -> None:
    with pytest.raises(ValueError, match="tag key"):
        build_line("PING", "x", tags={"a;b": "c"})
    with pytest.raises(ValueError, match="source"):
        build_line("PING", "x", source="a b")
    assert build_line("PING", "x", tags={"a": "1;b=2 \r\n"}) == "@a=1\\:b=2\\s\\r\\n PING x"
