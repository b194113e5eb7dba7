"""``waddlebot rule secret`` on a real installation: shown once, kept nowhere, another each time."""

import re
from pathlib import Path

from waddlebot.cli.tests.conftest import Call, Environ
from waddlebot.libs.dal import Community
from waddlebot.processing.router.store import RouterStore, StringRule
from waddlebot.processing.router.webhooks import SECRET_PURPOSE, in_text, signing_key
from waddlebot.runtime.environment import load
from waddlebot.runtime.installation import opened
from waddlebot.runtime.secret import load as load_secret


async def rules(environ: Environ, *saved: StringRule) -> list[StringRule]:
    """The rules of the community ``lab``, with some more."""
    async with opened(load(environ)) as found:
        for rule in saved:
            await store_of(found.dal.bind("processing.router", Community("lab"))).save(rule)
        return await store_of(found.dal.bind("processing.router", Community("lab"))).rules()


def store_of(store: object) -> RouterStore:
    assert isinstance(store, RouterStore)
    return store


async def test_a_secret_is_shown_once_and_kept_nowhere(call: Call, upgraded: Environ) -> None:
    relay = StringRule("relay", "spam", action="webhook", value="https://example.com/hook")
    [made] = await rules(upgraded, relay)
    told = [call(upgraded, "rule", "secret", "relay", "--community", "lab") for _ in range(2)]
    assert [found.returncode for found in told] == [0, 0], told[0].stderr
    first, second = (found.stdout.strip() for found in told)
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", first)
    assert first != second
    [now] = await rules(upgraded)
    assert now.secret_id not in (made.secret_id, "")
    data = Path(upgraded["WADDLEBOT_DATA_DIR"])
    root = load_secret(data).derive(f"processing.router/{SECRET_PURPOSE}")
    assert second == in_text(signing_key(root, "lab", "relay", now.secret_id))
    changes = call(upgraded, "undo", "--community", "lab").stdout
    assert "secret_id" in changes
    assert second.removeprefix("whsec_")[:20] not in changes


async def test_what_has_no_secret_is_told_apart(call: Call, upgraded: Environ) -> None:
    await rules(upgraded, StringRule("calm", "spam", value="Calm!"))
    for name, words in (("nothing", "There is no rule nothing"), ("calm", "posts nothing, so it has no secret")):
        told = call(upgraded, "rule", "secret", name, "--community", "lab")
        assert (told.returncode, told.stdout) == (1, "")
        assert words in told.stderr
