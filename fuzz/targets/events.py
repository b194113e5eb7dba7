"""The REST door for events: JSON from its first byte to what modules answer."""

import itertools
from functools import cache
from typing import Any

import msgspec
from waddlebot.libs.sdk.rank import Role
from waddlebot.libs.web.errors import HttpError
from waddlebot.libs.web.keys import KeyInfo
from waddlebot.processing.router.door import Answers, decode

from fuzz.hosting import close, stage
from fuzz.inputs import Input

__all__ = ["DOOR", "SEEDS", "SIZE_MAX", "WORDS", "check", "close"]

DOOR = (
    "waddlebot.processing.router.door", "waddlebot.processing.router.pipeline",
    "waddlebot.processing.router.engine", "waddlebot.processing.router.module",
    "waddlebot.core.community.module", "waddlebot.core.identity.module", "waddlebot.core.reputation.module",
    "waddlebot.trigger.cron.periodic_messages.module",
)  # fmt: skip
SIZE_MAX = 4_096
_LINES = (
    "hello", "!help", "!help rank give", "!commands", "!stats", "!admin", "!why", "!why @ann", "!why say-1",
    "!rule add bad contains warn x y z", "!rule add r regex block \"a+b\" no",
    "!rule add c word command \"hey\" help", "!rule list", "!rule show bad", "!rule remove bad",
    "!alias add greet !hi", "!alias greet2='!hi {user}'", "!alias list", "!alias show greet",
    "!alias remove greet", "!alias", "!greet x", "!command add !hi Hello $(user) $(count)",
    "!command add \"good day\" -level vip Hi ${1}", "!command edit !hi -cd=5 Hey", "!command options hi -cost 5",
    "!hi there", "good day", "!command list", "!command show hi", "!command rename hi ho",
    "!command alias ho hey", "!command enable ho", "!command disable ho", "!command hide ho",
    "!command unhide ho", "!command cooldown ho 5 1m", "!command restrict ho vip", "!command usage ho all",
    "!pricecom ho 5", "!command setcount ho 3", "!editcounter deaths +1", "!count ho", "!command remove ho",
    "!cmd", "!timer add water 15m Drink", "!timer add late \"0 18 * * *\" Late {user}", "!timer list",
    "!timer show water", "!timer edit water cron 0 18 * * *", "!timer edit water quiet 22:00-07:00",
    "!timer edit water channels all", "!timer disable water", "!timer enable water", "!timer remove water",
    "!rank give @bob moderator", "!rank show bob", "!rank take bob moderator", "!regulars add ann",
    "!regulars delete ann", "!claim 123456", "!claim", "!community", "!setting list",
    "!setting list core.community", "!setting get core.community prefix",
    "!setting set processing.router account_commands 0", "!setting reset core.community prefix",
    "!permcom help moderator", "!coolcom help 5", "!disablecom stats", "!enablecom stats",
    "!renamecom stats numbers", "!reputation", "!reputation @ann", "!activity", "!activity bob", "#help",
    "!module list", "!module core.reputation off", "!module on core.reputation", "!community leave",
    "!community delete home", "!module off interactive.alias", "!prefix", "!prefix ?",
)  # fmt: skip
SEEDS = (
    b'\0{"id":"1","kind":"chat.message","platform":"irc","server":"net","channel":"#c","user_id":"1","text":"!help"}',
    b'\0[{"id":"1","kind":"chat.message","platform":"irc","server":"net","channel":"#c","user_id":"1","user_login":"a",'
    b'"user_name":"A","roles":["moderator"],"text":"!stats","occurred_at":1763870000.5,"data":{"a":[1,null,1e9]}}]',
    b'\1{"id":"2","kind":"channel.raided","platform":"t","server":"t","channel":"c","data":{"viewers":5},'
    b'"occurred_at":"2026-01-31T18:00:00Z"}',
    b'\4[]', b'\5{"id":1}', b'\2{"unknown":1}', b"\3[[", b'\0{"id":"\\ud800"}',
    b'\0{"id":"3","kind":"k","platform":"p","server":"s","channel":"c","data":{"n":99999999999999999999999999}}',
    b'\0{"id":"4","kind":"k","platform":"p","server":"s","channel":"c","occurred_at":"0001-01-01T00:00:00+23:59"}',
    *(b"\x06" + line.encode() for line in _LINES), *(b"\x07" + line.encode() for line in _LINES),
)  # fmt: skip
WORDS = (
    '"id":', '"kind":', '"chat.message"', '"platform":', '"server":', '"channel":', '"user_id":',
    '"user_login":', '"user_name":', '"roles":[', '"text":', '"occurred_at":', '"data":{', "null", "true",
    "1e308", "-1", "{", "}", "[", "]", ",", '"', "\\u0000", "\\ud83d\\ude00", "99999999999999999999",
    "9999-12-31T23:59:59-12:00", "!", "#", "@", "\"a b\" ", *(word for line in _LINES for word in line.split()),
)  # fmt: skip

_QUERIES = ("", "wait=0", "wait=5", "wait=nan", "&", "wait=1&wait=2", "wait", "x=1", "wait=%ff", ";=&=;")
_KEYS = (
    KeyInfo("k1", "k1", Role.TRIGGER, "home", "", 0.0, "operator"),
    KeyInfo("k2", "k2", Role.TRIGGER, "", "irc:net:#c", 0.0, "operator"),
    KeyInfo("k3", "k3", Role.TRIGGER, "elsewhere", "", 0.0, "operator"),
)
_SPEAKER = KeyInfo("k4", "k4", Role.TRIGGER, "home", "", 0.0, "operator")
"""Brings what is said, so that no posted event has the same id."""
_OWNER = {"platform": "console", "server": "console", "channel": "console", "user_id": "console"}
_MODERATOR = {"platform": "irc", "server": "net", "channel": "#fuzz", "roles": ["broadcaster"]}


@cache
def _ids() -> "itertools.count[int]":
    return itertools.count()


def check(data: bytes) -> None:
    """A body is refused with what is wrong, or its events are answered in order; no command fails."""
    given = Input(data)
    mode = given.byte()
    if mode % 8 >= 6:
        stage().run(_say(given.texts(1)[0][:5_000], mode % 8 == 7))
    else:
        stage().run(_post(_KEYS[mode // 8 % len(_KEYS)], given.rest(), _QUERIES[mode % 8 + mode // 64]))


async def _say(text: str, as_owner: bool) -> None:
    """A line of somebody who may do almost everything: whatever follows the command, it does not fail."""
    if not text:
        return
    number = str(next(_ids()))
    speaker: dict[str, Any] = _OWNER if as_owner else _MODERATOR | {"user_id": number}
    event = speaker | {"id": number, "kind": "chat.message", "text": text}
    answers = await _answers(_SPEAKER, msgspec.json.encode(event), "wait=5")
    if answers is not None:
        assert answers.results[0].status not in ("failed", "accepted"), answers


async def _post(key: KeyInfo, body: bytes, query: str) -> None:
    answers = await _answers(key, body, query)
    if answers is not None:
        assert [answer.event_id for answer in answers.results] == [posted.id for posted in decode(body)]


async def _answers(key: KeyInfo, body: bytes, query: str) -> Answers | None:
    try:
        answered = await stage().desk.door.post(key, body, query)
    except HttpError as refusal:
        assert 400 <= refusal.status < 500, (refusal.status, refusal.detail)
        msgspec.json.encode(refusal.detail)
        return None
    return msgspec.json.decode(answered, type=Answers)
