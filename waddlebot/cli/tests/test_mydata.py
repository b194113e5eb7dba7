"""``waddlebot mydata``, beside a running bot."""

import json
import stat
from pathlib import Path

from waddlebot.cli.tests.conftest import Call, Environ
from waddlebot.libs.testing.bots import launched
from waddlebot.libs.testing.talk import joined
from waddlebot.libs.testing.waiting import until

ANN = "test:ann"


async def test_the_operator_gets_and_deletes_what_is_held(call: Call, environ: Environ, tmp_path: Path) -> None:
    file = tmp_path / "ann.json"
    async with launched(environ) as bot, joined(bot, "lab") as chat:
        await chat.say("!help help")
        await chat.hears("Usage: !help…")
        await until(lambda: "core.reputation" in call(environ, "mydata", "export", ANN).stdout)
        told = call(environ, "mydata", "export", ANN, "--to", str(file))
        assert (told.returncode, told.stdout) == (0, ""), told.stderr
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        found = json.loads(file.read_text())
        assert (found["accounts"], found["not_asked"]) == ([ANN], {})
        assert found["held"]["core.identity"]["account"][0]["login"] == "ann"
        told = call(environ, "mydata", "export", ANN, "--to", str(file))
        assert (told.returncode, "Name a file that is not there" in told.stderr) == (1, True)
        told = call(environ, "mydata", "forget", ANN, stdin="n\n")
        assert (told.returncode, "Nothing was deleted" in told.stderr) == (1, True)
        told = call(environ, "mydata", "forget", ANN, "--yes")
        assert told.returncode == 0, told.stderr
        assert "core.identity: 1 entries deleted" in told.stdout
        assert "stays: sums without names" in told.stdout
        assert json.loads(call(environ, "mydata", "export", ANN).stdout)["held"] == {}
        for nobody in ("ann@example.org", "0123"):
            told = call(environ, "mydata", "export", nobody)
            assert (told.returncode, f"no user {nobody}" in told.stderr) == (1, True)
        told = call(environ, "mydata", "export", "@")
        assert (told.returncode, "Write an e-mail address" in told.stderr) == (2, True)


def test_without_a_bot_it_says_how_to_start_one(call: Call, lone_environ: Environ) -> None:
    told = call(lone_environ, "mydata", "export", ANN)
    assert (told.returncode, "waddlebot run" in told.stderr) == (2, True)
