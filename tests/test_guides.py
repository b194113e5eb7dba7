"""The guides are true: every conversation in them is held, and the example of the authors' guide is built."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from waddlebot.libs.testing.bots import environ_of, hosted
from waddlebot.libs.testing.talk import WITHIN_S, joined
from waddlebot.processing.router.pipeline import PIPELINE

ROOT = Path(__file__).resolve().parent.parent
GUIDES = ROOT / "docs" / "guides"
BOT = "WaddleBot"


def conversation(guide: str) -> list[tuple[str, str]]:
    """Who says what in a guide's blocks of chat, in order."""
    text = (GUIDES / guide).read_text(encoding="utf-8")
    lines = [line for block in re.findall(r"```chat\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    assert lines
    return [(who, said) for who, _, said in (line.partition(": ") for line in lines)]


@pytest.mark.parametrize("guide", ["viewer.md", "moderator.md", "community-admin.md"])
async def test_the_conversations_of_a_guide_are_true(guide: str, tmp_path: Path) -> None:
    """``mod`` is the platform's moderator, ``ann`` owns the community, everybody else is a viewer."""
    async with hosted(environ_of(tmp_path)) as bot, joined(bot, "lab") as chat:
        await chat.own("ann")
        for who, said in conversation(guide):
            if who == BOT:
                await chat.hears(said, within_s=WITHIN_S)
            else:
                await chat.hears_nothing()
                await chat.say(said, as_=who, roles=("moderator",) if who == "mod" else ())


def test_the_example_for_authors_passes_all_checks(tmp_path: Path) -> None:
    text = (GUIDES / "module-author.md").read_text(encoding="utf-8")
    files = dict(re.findall(r"\*\*`([\w/.]+)`\*\*\n\n```\w+\n(.*?)```", text, re.DOTALL))
    assert set(files) == {"module.py", "store.py", "migrations/0001_dice.sql", "tests/test_dice.py"}
    command = re.search(r"^waddlebot (new module .*)$", text, re.MULTILINE)
    assert command
    called(tmp_path, "waddlebot", *command[1].split())
    package = tmp_path / "acme-dice"
    for name, content in files.items():
        path = package / "acme" / "dice" / name
        assert path.exists(), f"the scaffold has no {name}"
        path.write_text(content, encoding="utf-8")
    called(package, "ruff", "check", ".")
    called(package, "ruff", "format", "--check", ".")
    called(package, "mypy", "--follow-imports=silent", "acme")
    called(package, "pytest", "-p", "no:cacheprovider")


def test_the_pipeline_of_the_architecture_is_the_one_that_runs() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    listed = re.search(r"PIPELINE: tuple\[Stage, \.\.\.\] = \((.*?)\n\)", text, re.DOTALL)
    assert listed
    names = re.findall(r"(\w+),", re.sub(r"#.*", "", listed[1]))
    assert names == [stage.__name__ for stage in PIPELINE]


def called(folder: Path, program: str, *arguments: str) -> None:
    """Run a program of the environment; it must succeed."""
    run = subprocess.run(
        [sys.executable, "-m", program, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
