"""IRC_URLS and TWITCH_*: what is right, and words for what is wrong."""

import pytest

from waddlebot.libs.irc.errors import UrlError
from waddlebot.libs.irc.settings import Channel
from waddlebot.libs.irc.twitch import twitch_settings
from waddlebot.libs.irc.url import parse_irc_url, parse_irc_urls


def test_several_networks_with_all_there_is() -> None:
    first, second = parse_irc_urls(
        "ircs://bot:p%40ss@irc.example.org:7000/%23a,%23b%20key,c?account=acc&name=Net&rate=4 "
        "irc://localhost/%26local?realname=My%20Bot"
    )
    assert (first.host, first.port, first.tls, first.nick) == ("irc.example.org", 7000, True, "bot")
    assert (first.password, first.sasl, first.account) == ("p@ss", "plain", "acc")
    assert first.channels == (Channel("#a"), Channel("#b", "key"), Channel("#c"))
    assert (first.label, first.rate) == ("Net", 4.0)
    assert (second.port, second.tls, second.nick, second.sasl) == (6667, False, "waddlebot", "")
    assert second.channels == (Channel("&local"),)
    assert second.realname == "My Bot"
    assert parse_irc_urls(" ") == ()


def test_the_ways_to_log_in() -> None:
    external = parse_irc_url("ircs://bot@h/?sasl=external&cert=/a.pem")
    assert (external.port, external.sasl, external.cert) == (6697, "external", "/a.pem")
    server_password = parse_irc_url("ircs://bot:pw@h/?sasl=off")
    assert (server_password.sasl, server_password.password) == ("", "pw")
    assert parse_irc_url("irc://bot:pw@127.0.0.1/").sasl == "plain"
    assert parse_irc_url("irc://bot:pw@h/?insecure=1").insecure


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://bot:topsecret@h/", "must begin with ircs://"),
        ("ircs://bot:topsecret@/x", "the host is missing"),
        ("ircs://bot:topsecret@h:99999/", "port"),
        ("ircs://bot:topsecret@h:x/", "port"),
        ("ircs://1bot:topsecret@h/", "no nick"),
        ("ircs://b%20ot:topsecret@h/", "no nick"),
        ("ircs://bot:topsecret@h/%23a%0d%0aQUIT", "not a channel"),
        ("ircs://bot:topsecret@h/%23", "not a channel"),
        ("ircs://bot:topsecret@h/#a", "write the '#' of a channel as %23"),
        ("ircs://bot:topsecret@h/?sasl=scram", "sasl must be plain, external or off"),
        ("ircs://bot@h/?sasl=plain", "needs a password"),
        ("ircs://bot@h/?sasl=external", "needs cert="),
        ("irc://bot@h/?sasl=external&cert=/a", "over TLS only"),
        ("irc://bot:topsecret@h/", "in clear"),
        ("ircs://bot:topsecret@h/?insecure=yes", "insecure must be 0 or 1"),
        ("ircs://bot:topsecret@h/?rate=0", "rate must be"),
        ("ircs://bot:topsecret@h/?rate=nan", "rate must be"),
        ("ircs://bot:topsecret@h/?tls=no", "unknown option 'tls'"),
        ("ircs://bot:topsecret@h/?username=a%0d%0ab", "one word"),
        ("ircs://bot:topsecret@h/?realname=a%0d%0ab", "printable"),
        ("ircs://a@h/ ircs://b@h/", "two networks are called 'h'"),
        # Passwords in which a sign was not encoded, so that the URL ends too early.
        ("ircs://bot:topsecret/x@h/%23a", "password as %2F"),
        ("ircs://bot:topsecret#x@h/%23a", "password as %2F"),
        ("ircs://bot:1/topsecret@h/%23a", "password as %2F"),
        ("ircs://bot:1?topsecret@h/%23a", "password as %2F"),
        ("ircs://bot:1#topsecret@h/%23a", "password as %2F"),
        ("ircs://bot:topsecret[@h/%23a", "cannot be read"),
    ],
)
def test_what_is_wrong_is_named_and_no_password_shown(url: str, words: str) -> None:
    with pytest.raises(UrlError, match=words) as caught:
        parse_irc_urls(url)
    assert "topsecret" not in str(caught.value)
    assert "IRC_URLS" in str(caught.value)


def test_secrets_do_not_show_in_a_representation() -> None:
    assert "topsecret" not in repr(parse_irc_url("ircs://bot:topsecret@h/%23a%20topsecret"))
    assert "topsecret" not in repr(twitch_settings(["a"], "bot", "topsecret"))


def test_twitch_reads_anonymously_or_speaks() -> None:
    reader = twitch_settings([" Ronni ", "#dallas", ""])
    assert reader.nick.startswith("justinfan")
    assert reader.password == ""
    assert reader.dialect.mute
    assert reader.channels == (Channel("#ronni"), Channel("#dallas"))
    assert (reader.host, reader.port, reader.tls) == ("irc.chat.twitch.tv", 6697, True)
    for token in ("abc", "oauth:abc"):
        speaker = twitch_settings(["a"], "Bot", token)
        assert (speaker.nick, speaker.password, speaker.dialect.mute) == ("bot", "oauth:abc", "")


@pytest.mark.parametrize(
    ("channels", "login", "token", "url", "words"),
    [
        (["a b"], "", "", "", "TWITCH_CHANNELS"),
        (["a\r\nJOIN"], "", "", "", "TWITCH_CHANNELS"),
        (["a"], "bot", "", "", "belong together"),
        (["a"], "", "abc", "", "belong together"),
        (["a"], "b ot", "abc", "", "TWITCH_BOT_LOGIN"),
        (["a"], "bot", "topsecret\nx", "", "TWITCH_BOT_TOKEN"),
        (["a"], "bot", "abc", "wss://x", "TWITCH_IRC_URL"),
    ],
)
def test_what_is_wrong_for_twitch_is_named(
    channels: list[str], login: str, token: str, url: str, words: str
) -> None:
    with pytest.raises(UrlError, match=words) as caught:
        twitch_settings(channels, login, token, url)
    assert "topsecret" not in str(caught.value)
