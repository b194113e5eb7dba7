"""What URLs are refused before anything is asked."""

from ipaddress import ip_address
from pathlib import Path

import pytest

from waddlebot.libs.fetch import FetchRefusedError, Policy, check_url, public_address
from waddlebot.libs.fetch.address import literal_address

REFUSED = (Path(__file__).parent / "refused_urls.txt").read_text("utf-8").splitlines()

ACCEPTED = {
    "https://example.com/path?q=a b#top": "https://example.com/path?q=a+b",
    "HTTP://EXAMPLE.com": "http://example.com",
    "https://bücher.example/ä": "https://xn--bcher-kva.example/%C3%A4",
    "https://8.8.8.8/": "https://8.8.8.8/",
    "https://[2606:4700:4700::1111]/": "https://[2606:4700:4700::1111]/",
    "  https://api.example.com:443/x ": "https://api.example.com/x",
    "https://a_b.example.com/": "https://a_b.example.com/",
    "https://3.example/": "https://3.example/",
}


def refusal(text: str) -> None:
    """The checks that the client makes before it asks DNS."""
    host = check_url(text).raw_host or ""
    address = literal_address(host)
    if address is not None and not Policy().allowed(address, 80):
        raise FetchRefusedError("private")


def test_there_are_at_least_sixty_forms() -> None:
    assert len(set(REFUSED)) >= 90


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text: str) -> None:
    with pytest.raises(FetchRefusedError):
        refusal(text)


@pytest.mark.parametrize(
    "text", ["http://a\r\nHost: x/", "http://exa mple.com/", "", "http://" + "a" * 2_050, "\x00"]
)
def test_refused_with_spaces(text: str) -> None:
    with pytest.raises(FetchRefusedError):
        refusal(text)


@pytest.mark.parametrize(("text", "url"), ACCEPTED.items())
def test_accepted(text: str, url: str) -> None:
    refusal(text)
    assert str(check_url(text)) == url


@pytest.mark.parametrize("text", ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700::1", "2a00:1450:4001::1"])
def test_public(text: str) -> None:
    assert public_address(ip_address(text))


def test_the_message_says_what_to_do() -> None:
    with pytest.raises(FetchRefusedError, match=r"like https://example\.com"):
        check_url("gopher://example.com")
