"""Cookies of sessions, and who is asking behind a proxy."""

import pytest

from waddlebot.libs.sdk.fields import FieldError, from_environment
from waddlebot.libs.web.config import WebConfig
from waddlebot.libs.web.sessions import Cookie, client_of, csrf_of, digest_of, new_token

PROXIES = WebConfig(proxies="10.0.0.1, 192.168.0.0/16,fd00::/8").proxy_networks


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # anybody may write that
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.1", "198.51.100.1"),  # what the proxy did not add
        ("10.0.0.1", "198.51.100.1, 192.168.3.4", "198.51.100.1"),  # two of ours
        ("10.0.0.1", "192.168.3.4", "192.168.3.4"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "", "203.0.113.9"),
        ("fd00::1", "198.51.100.1", "198.51.100.1"),
        ("", "198.51.100.1", ""),
    ],
)
def test_only_our_own_proxies_say_who_asks(peer: str, forwarded: str, client: str) -> None:
    assert client_of(peer, {"x-forwarded-for": forwarded}, PROXIES) == client


def test_a_cookie_is_read_as_it_was_set_and_two_of_a_name_are_none() -> None:
    token = new_token()
    for secure, name in ((True, "__Host-x"), (False, "x")):
        cookie = Cookie("x", secure=secure)
        header, value = cookie.set(token, 60.5)
        assert (header, value.split("; ")[0]) == ("Set-Cookie", f"{name}={token}")
        assert ("Secure" in value.split("; ")) == secure
        assert {"Path=/", "HttpOnly", "SameSite=Lax", "Max-Age=60"} <= set(value.split("; "))
        assert cookie.token({"cookie": f"a=b; {name}={token}; c"}) == token
        assert cookie.token({"cookie": f"{name}={token}; {name}={token}"}) == ""
        assert cookie.token({"cookie": f"{name}=short"}) == cookie.token({}) == ""
        assert "Max-Age=0" in cookie.clear()[1]
    assert len({token, digest_of(token), csrf_of(token)}) == 3


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTP_PROXIES": "nonsense"},
        {"HTTP_PUBLIC_URL": "bot.example.org"},
        {"HTTP_PUBLIC_URL": "https://bot.example.org/hub"},
        {"HTTP_PUBLIC_URL": "https://user@bot.example.org"},
    ],
)
def test_what_makes_no_sense_is_refused_at_the_start(environ: dict[str, str]) -> None:
    with pytest.raises(FieldError, match=next(iter(environ))):
        from_environment(WebConfig, "http", environ)


def test_the_public_name_is_one_of_ours() -> None:
    assert WebConfig(public_url="https://Bot.net:8443", allowed_hosts="a.b").host_names == {
        "bot.net",
        "a.b",
    }
