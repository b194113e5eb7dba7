"""What REDIS_URL may say, and that no error shows what it says."""

import pytest

from waddlebot.libs.adapters.redis_url import RedisUrlError, parse

SECRET = "canary-9f2c"


def test_a_server() -> None:
    url = parse("redis://host")
    assert (url.nodes, url.db, url.user, url.password) == ((("host", 6379),), 0, None, None)
    assert (url.tls, url.scattered, url.prefix) == (False, False, "wb")


def test_an_acl_user_with_signs_in_the_password() -> None:
    url = parse("rediss://me:p%40ss%2Fw@host:7000/3?prefix=two&ca=/ca.pem")
    assert (url.user, url.password, url.db, url.prefix) == ("me", "p@ss/w", 3, "two")
    assert url.tls
    assert url.settings()["ssl_ca_certs"] == "/ca.pem"
    assert str(url) == "rediss://host:7000"
    assert "p@ss" not in repr(url)


def test_sentinels_and_their_own_password() -> None:
    url = parse("redis+sentinel://:pw@one,two:7000/main/2?sentinel_password=other")
    assert url.nodes == (("one", 26379), ("two", 7000))
    assert (url.service, url.db, url.password) == ("main", 2, "pw")


def test_a_cluster() -> None:
    url = parse("rediss+cluster://one:7000,[::1]:7001")
    assert url.nodes == (("one", 7000), ("::1", 7001))
    assert url.scattered
    assert url.tls


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "begins with redis://"),
        (f"http://:{SECRET}@host", "begins with redis://"),
        (f"redis:{SECRET}", "begins with redis://"),
        (f"redis://:{SECRET}@", "names a host"),
        (f"redis://:{SECRET}@host:99999", "names a host"),
        (f"redis://:{SECRET}@[host", "names a host"),
        (f"redis://:{SECRET}@host/words", "number of a database"),
        (f"redis://:{SECRET}@host/1/2", "number of a database"),
        (f"redis://:{SECRET}@one,two", "several hosts"),
        (f"redis+sentinel://:{SECRET}@one", "name of the service"),
        (f"redis+cluster://:{SECRET}@one/1", "number of a database"),
        (f"redis://:{SECRET}@host?what=1", "no option what"),
        (f"redis://:{SECRET}@host?ca=/ca.pem", "write rediss"),
    ],
)
def test_what_is_wrong_is_said_without_what_is_secret(url: str, words: str) -> None:
    with pytest.raises(RedisUrlError, match=words) as caught:
        parse(url)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
