"""Programs of chatters and of authors, against the real engine."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.libs.templates.javascript import Lexer, Mode, insert
from waddlebot.libs.templates.ports import ServiceError
from waddlebot.libs.templates.script import WAITING_MAX, JavaScript, is_installed


@pytest.fixture
async def javascript() -> AsyncIterator[JavaScript]:
    async with JavaScript() as running:
        yield running


def mode_after(code: str) -> Mode:
    lexer = Lexer()
    lexer.feed(code)
    return lexer.mode


@pytest.mark.parametrize(
    "code",
    [
        "'",
        '"',
        "`",
        "f('a', \"b",
        "'it\\'s ",
        "`${a} ",
        "`${`x` + {a: {}}.b} ",
        "// a comment ",
        "a; /* b ",
        "/",
        "x = /[/'] ",
        "return /",
        "(/",
        "a.replace(/",
        "typeof /x",
    ],
)
def test_inside_something_quoted(code: str) -> None:
    assert mode_after(code) is Mode.QUOTED


@pytest.mark.parametrize(
    "code",
    [
        "",
        "'a' + ",
        "a / ",
        "a / b / ",
        "f(1) / ",
        "a[0] / ",
        "`${",
        "`a${b + `c${",
        "`a` + ",
        "// c\n ",
        "/* ' */ ",
        "/'/ + ",
        "x = /[/]'/.test(y) && ",
        "'a\\\\' + ",
        "{ a: 1 } ",
        "'open\n ",
    ],
)
def test_among_code(code: str) -> None:
    assert mode_after(code) is Mode.CODE


@pytest.mark.parametrize(("value", "text"), [("5", "5"), ("-2.5", "(-2.5)"), ("007", '"007"'), ("1e9", '"1e9"')])
def test_numbers_stay_numbers(value: str, text: str) -> None:
    assert insert(value, Mode.CODE) == text


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
def test_a_value_is_the_same_after_json(value: str) -> None:
    quoted = insert(value, Mode.QUOTED)
    assert json.loads(f'"{quoted}"') == value
    assert not set(quoted) & set("'\"`$(){}[];/*\n\r\u2028\u2029")


async def test_values_come_back(javascript: JavaScript) -> None:
    nasty = "'\"`${x}\\ \n\u2028*/ // ) ]"
    for code in ["'%s'", '"%s"', "`%s`", "/%s/.exec({s}) ? {s} : 'no'"]:
        source = code.replace("{s}", insert(nasty, Mode.CODE)).replace("%s", insert(nasty, Mode.QUOTED))
        assert await javascript.run(source, 0) == nasty
    assert await javascript.run(f"1 /* {insert(nasty, Mode.QUOTED)} */ + 1", 0) == "2"


async def test_modern_javascript(javascript: JavaScript) -> None:
    source = """
        class A { #x = 3; get x() { return this.#x } }
        const {a, ...rest} = {a: 1, b: 2};
        q = [..."ab"].map((c) => c.padStart(2, '.')).join('');
        `${new A().x} ${rest.b ?? 0} ${q} ${[1, [2]].flat().at(-1)} ${'aa'.replaceAll('a', 'b')}`"""
    assert await javascript.run(source, 0) == "3 2 .a.b 2 bb"
    assert await javascript.run("boom(); function boom() { return 'Boom' }", 0) == "Boom"


async def test_chance_is_repeatable(javascript: JavaScript) -> None:
    source = "[Math.random(), Math.random()].join()"
    first = await javascript.run(source, 7)
    assert first == await javascript.run(source, 7) != await javascript.run(source, 8)
    assert all(0 <= float(number) < 1 for number in first.split(","))


async def test_programs_share_nothing(javascript: JavaScript) -> None:
    await javascript.run("globalThis.left = 1; Array.prototype.at = () => 9; 0", 0)
    assert await javascript.run("typeof left + [1].at(0)", 0) == "undefined1"


async def test_nothing_of_the_host_is_there(javascript: JavaScript) -> None:
    names = ["require", "process", "fetch", "XMLHttpRequest", "std", "os", "print", "console", "setTimeout"]
    source = f"{json.dumps(names)}.filter((name) => name in globalThis).join()"
    assert await javascript.run(source, 0) == ""
    with pytest.raises(ServiceError):
        await javascript.run("import('os').then(() => 1)", 0)


HOSTILE = {
    "loop": "while (true) {}",
    "redos": "/^(a+)+$/.test('a'.repeat(60) + 'b')",
    "recursion": "function f() { return f() + 1 } f()",
    "memory": "let a = []; while (true) a.push(new Array(1000).fill(1))",
    "strings": "let s = 'x'; while (true) s = s + s + 'y'",
    "buffers": "let b = []; while (true) b.push(new Uint8Array(5e7).fill(1))",
    "bigint": "let x = 3n ** 10000000n; x * x * x; 1",
    "sort": "Array.from({length: 1e8}, (_, i) => -i).sort().length",
    "nesting": "JSON.parse('['.repeat(1e6))",
    "deep json": "let f = []; for (let i = 0; i < 1e5; i++) f = [f]; JSON.stringify(f).length",
    "catching": "while (true) { try { while (true) {} } catch (e) {} }",
    "getter": "({toString() { while (true) {} }})",
    "proxy": "new Proxy({}, {get(t, k, r) { return r[k] }}).x",
    "throws": "throw {toString() { throw 1 }}",
    "promise": "(async () => 1)()",
    "syntax": "'a",
}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE.keys())
async def test_hostile_programs_end_and_the_next_one_runs(javascript: JavaScript, source: str) -> None:
    with pytest.raises(ServiceError):
        await javascript.run(source, 0)
    assert await javascript.run("1 + 1", 0) == "2"


async def test_results_are_bounded(javascript: JavaScript) -> None:
    assert len(await javascript.run("'x'.repeat(1e6)", 0)) == 5_000
    assert len(await javascript.run("'\\uD83D'.repeat(1e6)", 0)) == 5_000


async def test_a_cancelled_program_leaves_no_answer_behind(javascript: JavaScript) -> None:
    assert await javascript.run("'warm'", 0) == "warm"
    task = asyncio.ensure_future(javascript.run("let n = 0; while (n < 1e7) n++; 'late'", 0))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await javascript.run("'next'", 0) == "next"


async def test_too_many_are_turned_away(javascript: JavaScript) -> None:
    runs = [javascript.run("1", 0) for _ in range(WAITING_MAX + 8)]
    answers = await asyncio.gather(*runs, return_exceptions=True)
    assert answers.count("1") == WAITING_MAX
    assert sum(isinstance(answer, ServiceError) for answer in answers) == 8


DYING = """
import sys
for line in sys.stdin:
    if "die" in line:
        sys.exit(3)
    print('{"value": "ok"}', flush=True)
"""


async def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    worker = tmp_path / "worker.py"
    worker.write_text(DYING)
    async with JavaScript(worker=worker) as running:
        with pytest.raises(ServiceError, match="stopped"):
            await running.run("die", 0)
        assert await running.run("live", 0) == "ok"


async def test_a_missing_engine_says_what_to_install(tmp_path: Path) -> None:
    worker = tmp_path / "worker.py"
    worker.write_text("import no_such_engine\n")
    async with JavaScript(worker=worker) as running:
        with pytest.raises(ServiceError, match=r"waddlebot\[javascript\]"):
            await running.run("1", 0)
    assert is_installed()
