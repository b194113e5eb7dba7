"""Whoever guesses codes in chat is slowed down, and who is connected or not any more hears of it."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from waddlebot.action.pushing.irc.module import module as pushing
from waddlebot.core.identity.login.store import FREE_TRIES, WAIT_S
from waddlebot.core.identity.tests.test_linking import ANN, BOB, seen
from waddlebot.core.identity.tests.test_login_ranks import user_id
from waddlebot.libs.testing.modules import Bench
from waddlebot.libs.testing.signing import Browser, Front, opened_front


@pytest.fixture
async def front(database_url: str) -> AsyncIterator[Front]:
    async with opened_front(database_url, pushing) as opened:
        yield opened


@pytest.fixture
async def browser(front: Front) -> AsyncIterator[Browser]:
    """Somebody who signed in."""
    await front.user()
    async with aiohttp.ClientSession() as session:
        found = Browser(session, front.url)
        await found.login()
        yield found


async def says(bench: Bench, id_: str, line: str) -> str:
    login = id_.rpartition("/")[2]
    return await bench.says(line, login=login, **{"user_id": id_})


async def test_an_account_that_guesses_codes_is_slowed_down(front: Front, browser: Browser) -> None:
    bench = front.bench
    for number in range(FREE_TRIES):
        assert "no such code" in await says(bench, ANN, f"login ABCDE{number} {'yes' if number % 2 else ''}")
    _, found = await browser.ask("POST", "/accounts/code")
    for line in (f"login {found['code']}", f"login {found['code']} yes", "login ABCDEF"):
        assert "too many wrong codes" in await says(bench, ANN, line)
    assert "Only if you asked" in await says(bench, BOB, f"login {found['code']}"), "others are not"
    bench.now += WAIT_S + 1
    assert "no such code" in await says(bench, ANN, "login ABCDEF")
    assert "too many wrong codes" in await says(bench, ANN, f"login {found['code']}"), "each wait is longer"
    bench.now += 2 * WAIT_S + 1
    assert "connected" in await says(bench, ANN, f"login {found['code']} yes")
    assert "no such code" in await says(bench, ANN, "login ABCDEF"), "what was right forgives what was wrong"


def told(bench: Bench) -> list[tuple[str, Any]]:
    """Who was told something alone, and its first words."""
    assert all(send.reply.private for send in bench.sent)
    found = [(send.account, " ".join(send.reply.text.lower().split()[:4])) for send in bench.sent]
    bench.sent.clear()
    return found


async def test_all_accounts_of_a_sign_in_hear_who_comes_and_goes(front: Front, browser: Browser) -> None:
    bench = front.bench
    for id_ in (ANN, BOB):
        await seen(bench, id_)
        _, found = await browser.ask("POST", "/accounts/code")
        assert "is connected" in await says(bench, id_, f"login {found['code']} yes")
    assert told(bench) == [(f"irc:{ANN}", "bob on irc is")], "the first had nobody to tell"
    assert (await browser.ask("DELETE", f"/accounts/irc:{BOB}"))[0] == 204
    assert told(bench) == [(f"irc:{BOB}", "bob on irc is"), (f"irc:{ANN}", "bob on irc is")]
    assert len(await front.store.accounts(await user_id(front))) == 1
