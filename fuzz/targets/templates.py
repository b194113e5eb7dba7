"""Texts with variables, in three dialects: compiled and rendered."""

import asyncio
import atexit
from dataclasses import replace
from functools import cache
from random import Random

from waddlebot.libs.templates import Dialect, Person, Place, Scope, Template, TemplateError, compile_template
from waddlebot.libs.templates.catalogue import VARIABLES
from waddlebot.libs.templates.ports import ServiceError
from waddlebot.libs.templates.syntax import TEXT_MAX
from waddlebot.libs.templates.template import RESULT_MAX
from waddlebot.libs.templates.tests.world import NOW, World, ports

from fuzz.inputs import Input

DOOR = tuple(
    f"waddlebot.libs.templates.{name}"
    for name in (
        "syntax", "template", "arithmetic", "moment", "javascript", "variables.chance", "variables.clock",
        "variables.community", "variables.stream", "variables.web", "variables.who",
    )
)  # fmt: skip
SIZE_MAX = 1_000
SEEDS = (
    b"\0\0Hello {user}, {touser} has {points} {pointsname}! {random 1-6} {count deaths +2}\0@Bob now",
    b"\0\0{math 2 * (3 + 4)^2 / sqrt(2)} {time Europe/Berlin \"HH:mm\"} {countdown Dec 25 2026 6:00 PM EST}\0",
    b"\1\0$(user) $(touser) $(query) $(querystring) $(count) $(time America/New_York) $(countdown 12/25/2026)\0a",
    b"\1\0$(eval const x = '$(query)'; `${x}` + /[$(1)]/.test(x) // $(2)\n + $(urlfetch json https://a/))\0\");x(",
    b"\1\0$(twitch $(touser) \"{{displayName}} {{uptimeLength}} {{{followers}}} {{nope}}\")\0@night",
    b"\2\0${user} ${1|sender} ${2:} ${1:3} ${random.pick 'a b' \"c\"} ${repeat 5 x} ${math 7 mod 3!}\0x y z",
    b"\2\0${customapi.https://a/?q=${queryescape ${args}}} ${channel.viewers} ${getcount x} ${user.points bob}\0q",
    b"\2\7${user\0", b"\0\7{\0", b"\1\7$($($(\0", b"\2\7'$(${\"\0", b"\0\0{nope {user}} {usr}\0",
    b"\0\0{countup 0001-01-01T00:00+05:00} {countdown 9999-12-31T23:59:59-12:00} {countup 29 Feb}\0",
)  # fmt: skip
WORDS = (
    *sorted({name for v in VARIABLES for d in Dialect for name in getattr(v, d.value).split()}), "{", "}", "$(",
    "${", ")", "{{displayName}}", "{{", "}}", "{{{", "'", "\"", "`", "\\", "|", "1:", "2:4", "arg1", "3.emote",
    "1.word", "+1", "json ", "https://a.example/", "/*", "*/", "//", "<!--", "\u2028", "\u2029", "\n",
    "0001-01-01", "9999-12-31T23:59:59-14:00", "Feb 29", "12:00 AM EST", "25:61", "Europe/Berlin", "[YYYY]",
    "Do", "dddd", "x", "1e309", "0^-1", "9!", "infinity", "atan2(", "mean(", "hypot(", "²", "\u0660", "İ", "😀",
)  # fmt: skip

_SECRET = "\ue000\ue001"
"""The name of who says the command; no one's own input has it."""

_NAMES_PERSON = frozenset({"user", "login", "touser", "random.chatter", "urlfetch", "customapi"})
_WORDS_OF_OTHERS = f"{{user}} $(user) ${{user}} $(sender) '\"`);{_SECRET}//"


class _Quotes:
    """Quotes of a community that has two."""

    async def quote(self, key: str, pick: float) -> str:
        if key not in ("", "1", "2"):
            raise ServiceError("There is no such quote.")
        return f"Quote {key or int(pick * 2) + 1}."


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    atexit.register(loop.close)
    return loop


def check(data: bytes) -> None:
    """Every text compiles or is refused at a place in it; what chatters say is never read as a template."""
    given = Input(data)
    dialect = given.choice(tuple(Dialect))
    source, said = Input(data[2:]).texts(2)
    source = given.long(source, TEXT_MAX + 1)
    try:
        template = compile_template(source, dialect)
    except TemplateError as error:
        assert 0 <= error.position <= len(source), error
        return
    assert all(0 <= problem.position <= len(source) for problem in template.problems)
    result, programs = _rendered(template, _scope(said))
    assert len(result) <= RESULT_MAX
    assert (result, programs) == _rendered(template, _scope(said)), "chance is not derived"
    _check_inserted(template)


def _scope(said: str) -> Scope:
    return Scope(
        user=Person(_SECRET, "ann", "42", frozenset({"subscriber"})), args=said.split(), text=said,
        place=Place("night", "Night", "twitch:1:night", "twitch", "11785491", "nightly"), command="!test",
        emotes=frozenset({"Kappa"}), random=Random(1), now=NOW,
    )  # fmt: skip


def _rendered(template: Template, scope: Scope) -> tuple[str, list[tuple[str, int]]]:
    world = World()
    scope.ports = replace(ports(world), quotes=_Quotes())
    return _loop().run_until_complete(template.render_async(scope)), world.programs


def _check_inserted(template: Template) -> None:
    """Words of a chatter that look like variables or like JavaScript are words."""
    if _SECRET in template.source:
        return
    if not template.names & _NAMES_PERSON:
        result, _ = _rendered(template, _scope("{user} $(user) ${user} $(sender)"))
        assert _SECRET not in result, result
    if "urlfetch" not in template.names:
        # Everything that is no letter, digit or space is escaped, wherever in a program it stands.
        _, programs = _rendered(template, _scope(_WORDS_OF_OTHERS))
        assert not [source for source, _ in programs if _SECRET in source], programs
