"""The house rules as tests: every file of the repository keeps them, and every rule is shown to bite.

A rule takes a file's path (from the repository's root, with slashes) and its text, and yields what is wrong.
An exemption is part of a rule and says why; there is no list of files that are let off.
"""

import ast
import io
import re
import subprocess
import tokenize
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path, PurePosixPath

import pytest

type Rule = Callable[[str, str], Iterator[str]]

ROOT = Path(__file__).resolve().parent.parent
THIS_FILE = "tests/test_tidy.py"  # spells the forbidden words, so rules about words pass over it

CHARS_MAX = 25_000
FUNCTION_LINES_MAX = 50
CODE_SUFFIXES = {".py", ".md", ".html", ".js", ".css", ".sh"}


@cache
def files() -> dict[str, str]:
    """Path → text of all text files that are committed or would be; recorded payloads are data, not ours."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    found = {}
    for name in filter(None, names):
        path = ROOT / name
        if not {"fixtures", "corpus"} & set(PurePosixPath(name).parts) and path.is_file():
            try:
                found[name] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue  # a picture or an archive
    return found


def is_generated(path: str) -> bool:
    """Code that protoc writes: nobody reads it, and its size is not ours to choose."""
    return re.search(r"_pb2(_grpc)?\.pyi?$", path) is not None


def is_test(path: str) -> bool:
    """Whether the file belongs to a test folder."""
    return "tests" in PurePosixPath(path).parts


def is_product(path: str) -> bool:
    """Whether the file is Python that users run."""
    return path.startswith("waddlebot/") and path.endswith(".py") and not is_test(path) and not is_generated(path)


def file_size(path: str, text: str) -> Iterator[str]:
    """A file that does not fit a reader's head is two files."""
    if PurePosixPath(path).suffix in CODE_SUFFIXES and not is_generated(path) and len(text) > CHARS_MAX:
        yield f"{len(text):,} characters, at most {CHARS_MAX:,}"


def function_length(path: str, text: str) -> Iterator[str]:
    """Docstrings do not count: nobody is to save on them."""
    if not path.endswith(".py") or is_generated(path):
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if ast.get_docstring(node, clean=False) is not None:
                docstring = node.body[0]
                lines -= (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield f"line {node.lineno}: {node.name} has {lines} lines, at most {FUNCTION_LINES_MAX}"


def file_names(path: str, text: str) -> Iterator[str]:
    """A name that says nothing collects what belongs elsewhere."""
    if PurePosixPath(path).stem in {"utils", "util", "helpers", "helper", "misc", "common"}:
        yield "named after nothing: call it what it is about"


def leftovers(path: str, text: str) -> Iterator[str]:
    """What is to be done is an issue, not a remark."""
    if path != THIS_FILE:
        yield from lines_with(text, r"\b(TODO|FIXME|XXX|HACK)\b")


def skipped_tests(path: str, text: str) -> Iterator[str]:
    """A test that does not run says nothing."""
    if path != THIS_FILE and path.endswith(".py"):
        yield from lines_with(
            text, r"pytest\.(skip|xfail|importorskip)\b|mark\.(skip|skipif|xfail)\b|unittest\.skip"
        )


def exemptions(path: str, text: str) -> Iterator[str]:
    """Whoever silences a tool says why, on the same line, and silences one finding, not all."""
    if not path.endswith(".py") or is_generated(path):
        return
    codes = r"[A-Z]+[0-9]+(?:[,\s]+[A-Z]+[0-9]+)*"
    silencer = rf"#\s*(?:type:\s*ignore(\[[^\]]*\])?|noqa(:\s*{codes})?|nosec(\s+{codes})?|pragma:\s*no cover())"
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.COMMENT:
            continue
        for match in re.finditer(silencer, token.string):
            if all(group is None for group in match.groups()):
                yield f"line {token.start[0]}: {match[0]} names no code"
            if len(re.findall(r"\w", re.sub(silencer, "", token.string))) < 10:
                yield f"line {token.start[0]}: {match[0]} gives no reason"


def registry_hosts(path: str, text: str) -> Iterator[str]:
    """Where packages come from is each machine's own setting."""
    hosts = ("pypi.org", "pythonhosted.org", "registry.npmjs", "deb.debian.org", "/releases/download/")
    if path == THIS_FILE:
        return
    yield from lines_with(text, "|".join(map(re.escape, hosts)))
    if path.startswith(("requirements/", "scripts/", ".ci/")) or path in {"Makefile", "pyproject.toml"}:
        yield from lines_with(text, r"\b(https?|git|ssh)://|--(extra-)?index-url|--find-links")


def origin(path: str, text: str) -> Iterator[str]:
    """The code speaks for itself: not of who or what typed it, nor of the folder it was typed in."""
    if path == THIS_FILE:
        return
    makers = r"claude|chatgpt|gpt-?[0-9]|copilot|cursor|codex|gemini|an? (ai|llm|language model)"
    yield from lines_with(
        text, rf"(?i)co-authored-by|\b(generated|written|made|created) (by|with|using) ({makers})\b"
    )
    yield from lines_with(text, r"(?i)\bclaude code\b|\bgithub copilot\b|\bas an ai\b|\bai[- ]generated\b")
    yield from lines_with(text, r"\.\./shared\b|(^|[\s\"'(=])/work/")
    if PurePosixPath(path).name in {"AGENTS.md", "CLAUDE.md", "GEMINI.md", ".cursorrules"}:
        yield "a file for a tool, not for a reader"


def lines_with(text: str, pattern: str) -> Iterator[str]:
    """One finding for each line in which the pattern occurs."""
    for number, line in enumerate(text.splitlines(), 1):
        if match := re.search(pattern, line):
            yield f"line {number}: {match[0].strip()}"


PLACES = {
    "embedded",
    "container",
    "containers",
    "containerised",
    "docker",
    "kubernetes",
    "standalone",
    "monolith",
}
PLACE_CHOICES = {"mode", "profile", "topology"}
PLACE_OWNERS = {"config", "host", "runtime", "environment", "run", "deploy", "deployment", "host_config"}


def place_conditions(path: str, text: str) -> Iterator[str]:
    """Only runtime/ knows where things run, and even it looks up rather than branches."""
    if not is_product(path) or path.startswith("waddlebot/runtime/"):
        return
    for condition in conditions(ast.parse(text)):
        for node in ast.walk(condition):
            if name := place_named_by(node):
                yield f"line {condition.lineno}: a condition on where this runs ({name})"


def conditions(tree: ast.AST) -> Iterator[ast.expr]:
    """Every expression that decides which code runs."""
    for node in ast.walk(tree):
        match node:
            case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
                yield test
            case ast.comprehension(ifs=tests):
                yield from tests
            case ast.Match(subject=subject, cases=cases):
                yield subject
                yield from (case.guard for case in cases if case.guard)


def place_named_by(node: ast.AST) -> str:
    """The word by which this part of a condition asks where it runs, or ''."""
    match node:
        case ast.Constant(value=str(word)) if word in PLACES or word == "/.dockerenv":
            return word
        case ast.Attribute(value=ast.Name(id=owner), attr=name) if name in PLACE_CHOICES and owner in PLACE_OWNERS:
            return f"{owner}.{name}"
        case ast.Name(id=name) | ast.Attribute(attr=name):
            *before, last = name.lower().split("_")
            asks_choice = last in PLACE_CHOICES and bool(set(before) & PLACE_OWNERS)
            return name if asks_choice or PLACES & {*before, last} else ""
    return ""


EFFECTS = {
    *("open", "connect", "DAL", "run", "Thread", "getenv", "create_task", "Quart", "ClientSession", "start"),
    *("time", "now", "today", "urandom", "read_text", "read_bytes", "mkdir", "exec", "eval", "basicConfig"),
}


def import_effects(path: str, text: str) -> Iterator[str]:
    """Importing does nothing: no effect, no state that two hosts in one process would share."""
    if not is_product(path):
        return
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            yield f"line {node.lineno}: global {', '.join(node.names)}"
    for statement in tree.body:
        yield from statement_effects(statement)


def statement_effects(statement: ast.stmt) -> Iterator[str]:
    """What a statement at the top of a file does besides defining something."""
    match statement:
        case ast.Import() | ast.ImportFrom() | ast.TypeAlias() | ast.Expr(value=ast.Constant(value=str())):
            return
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return
        case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
            return
        case ast.Try(body=body, handlers=handlers, orelse=[], finalbody=[]):  # an optional import
            for part in [*body, *(inner for handler in handlers for inner in handler.body)]:
                yield from statement_effects(part)
        case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
            yield from value_effects(value)
        case ast.AnnAssign():
            return
        case _:
            yield f"line {statement.lineno}: {type(statement).__name__} runs on import"


def value_effects(value: ast.expr) -> Iterator[str]:
    """Calls that reach outside, and empty containers: those are made only to be filled."""
    match value:
        case ast.Dict(keys=[]) | ast.List(elts=[]) | ast.Call(func=ast.Name(id="set" | "dict" | "list"), args=[]):
            yield f"line {value.lineno}: a global to be filled"
        case ast.Call(func=ast.Name(id="defaultdict" | "Counter" | "deque" | "ContextVar" as kind)):
            if kind != "ContextVar":  # holds one value for each task, which is the opposite of global
                yield f"line {value.lineno}: a global to be filled"
    for node in ast.walk(value):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in EFFECTS:
                yield f"line {node.lineno}: {name}() runs on import"
            case ast.Attribute(value=ast.Name(id="os"), attr="environ"):
                yield f"line {node.lineno}: the environment is read on import"


def posix_imports(path: str, text: str) -> Iterator[str]:
    """The bot runs on Windows too: what only POSIX has is imported where it is used, after a look-up."""
    if is_product(path):
        for statement in ast.parse(text).body:
            names = [alias.name for alias in statement.names] if isinstance(statement, ast.Import) else []
            if isinstance(statement, ast.ImportFrom):
                names = [statement.module or ""]
            for name in {"fcntl", "resource", "pwd", "grp", "termios", "tty", "uvloop"} & set(names):
                yield f"line {statement.lineno}: import {name} fails on Windows"


def dead_links(path: str, text: str) -> Iterator[str]:
    """A page links to what is there."""
    if path.endswith(".md"):
        for target in re.findall(r"\]\((?!\w+:|#)([^)#\s]+)", text):
            if not (ROOT / path).parent.joinpath(target).exists():
                yield f"links to {target}, which is not there"


EXAMPLES: dict[Rule, tuple[tuple[str, str], ...]] = {
    file_size: (("docs/a.md", "x" * 25_001), ("waddlebot/a.js", "é" * 25_001)),
    function_length: (("waddlebot/a.py", "def f():\n" + "    pass\n" * 50),),
    file_names: (("waddlebot/libs/utils.py", ""), ("waddlebot/x/static/helpers.js", "")),
    leftovers: (("docs/a.md", "TODO: more"), ("waddlebot/a.py", "# FIXME")),
    skipped_tests: (
        ("tests/test_a.py", "@pytest.mark.skipif(True)"),
        ("tests/test_a.py", "pytest.importorskip('redis')"),
    ),
    exemptions: (
        ("waddlebot/a.py", "x = 1  # noqa: S608"),
        ("waddlebot/a.py", "x = 1  # noqa  # the reason is long enough"),
        ("waddlebot/a.py", "x = 1  # type: ignore[attr-defined]"),
        ("waddlebot/a.py", "x = 1  # type: ignore[misc]  # noqa: E501"),
        ("waddlebot/a.py", "x = 1  # pragma: no cover"),
    ),
    registry_hosts: (
        ("README.md", "see https://pypi.org/project/x"),
        ("requirements/dev.txt", "--index-url x"),
        ("scripts/get", "curl https://example.org/x"),
    ),
    origin: (
        ("docs/a.md", "Generated with Claude"),
        ("waddlebot/a.py", "# written by an AI"),
        ("tests/test_a.py", "open('../shared/a.md')"),
        ("tests/test_a.py", "open('/work/main')"),
        ("AGENTS.md", ""),
    ),
    place_conditions: (
        ("waddlebot/core/a.py", "if config.mode == 'x':\n    pass"),
        ("waddlebot/core/a.py", "x = 1 if host.is_container else 2"),
        ("waddlebot/core/a.py", "while not embedded:\n    pass"),
        ("waddlebot/core/a.py", "match run_mode:\n    case _: pass"),
        ("waddlebot/core/a.py", "[x for x in y if where == 'kubernetes']"),
    ),
    import_effects: (
        ("waddlebot/a.py", "print('hello')"),
        ("waddlebot/a.py", "for x in y: pass"),
        ("waddlebot/a.py", "URL = os.environ['URL']"),
        ("waddlebot/a.py", "DATA = Path('x').read_text()"),
        ("waddlebot/a.py", "registry: dict[str, str] = {}"),
        ("waddlebot/a.py", "seen = set()"),
        ("waddlebot/a.py", "def f():\n    global x"),
        ("waddlebot/a.py", "try:\n    import a\nexcept ImportError:\n    install()"),
    ),
    dead_links: (("docs/a.md", "see [b](b.md#part)"),),
    posix_imports: (("waddlebot/a.py", "import fcntl"), ("waddlebot/a.py", "from resource import getrlimit")),
}

ALLOWED: tuple[tuple[Rule, str, str], ...] = (
    (function_length, "waddlebot/a.py", 'def f():\n    """' + "doc\n" * 60 + '    """\n    pass\n'),
    (exemptions, "waddlebot/a.py", "x = 1  # noqa: S608, E501 the names come from our own manifest"),
    (exemptions, "waddlebot/a.py", "x = '# noqa'"),
    (place_conditions, "waddlebot/runtime/a.py", "if config.mode == 'x':\n    pass"),
    (place_conditions, "waddlebot/action/a.py", "if settings.mode == 'auto' and profile is None:\n    pass"),
    (
        import_effects,
        "waddlebot/a.py",
        "'''Doc.'''\nimport a\nmodule = Module(__name__)\nX = {'a': 1}\nR = re.compile('a')",
    ),
    (import_effects, "waddlebot/a.py", "try:\n    import a\nexcept ImportError:\n    a = None"),
    (dead_links, "docs/a.md", "[a](../CHANGELOG.md#added) [b](#here) [c](https://example.org/c)"),
    (posix_imports, "waddlebot/a.py", "def f():\n    import fcntl"),
)


@pytest.mark.parametrize("rule", EXAMPLES, ids=lambda rule: rule.__name__)
def test_every_file_keeps_the_rule(rule: Rule) -> None:
    assert "pyproject.toml" in files()
    found = [f"{path}: {finding}" for path, text in files().items() for finding in rule(path, text)]
    assert not found, f"{rule.__doc__}\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [(rule, path, text) for rule, examples in EXAMPLES.items() for path, text in examples],
)
def test_the_rule_bites(rule: Rule, path: str, text: str) -> None:
    assert list(rule(path, text)), f"{rule.__name__} lets this pass in {path}: {text[:80]}"


@pytest.mark.parametrize(("rule", "path", "text"), ALLOWED)
def test_the_rule_lets_good_code_pass(rule: Rule, path: str, text: str) -> None:
    assert not list(rule(path, text))


def module_folders(paths: set[str]) -> set[str]:
    """The folders of modules (ARCHITECTURE.md, The tree) among the given files."""
    kinds = r"(trigger|action)/\w+|core|processing|admin"
    found = (re.match(rf"waddlebot/({kinds})/\w+(?=/)", path) for path in paths if path.endswith(".py"))
    return {match[0] for match in found if match}


def without_declaration(contents: dict[str, str]) -> list[str]:
    """Module folders in which a reader cannot start in module.py and be told what the module is."""
    return [
        folder
        for folder in sorted(module_folders(set(contents)))
        if not ast.get_docstring(ast.parse(contents.get(f"{folder}/module.py", "")))
    ]


def test_every_module_starts_in_module_py() -> None:
    assert without_declaration(files()) == []
    assert without_declaration({"waddlebot/core/labels/store.py": ""}) == ["waddlebot/core/labels"]
    assert without_declaration({"waddlebot/action/pushing/twitch/module.py": "x = 1"}) == [
        "waddlebot/action/pushing/twitch"
    ]
    assert (
        without_declaration({"waddlebot/action/pushing/__init__.py": "", "waddlebot/core/__init__.py": ""}) == []
    )


def ports(contents: dict[str, str]) -> Counter[int]:
    """How many declarations claim each port, HTTP and gRPC together: they may end up on one machine."""
    claimed: Counter[int] = Counter()
    for path, text in contents.items():
        if path.endswith("/module.py") and path.startswith("waddlebot/"):
            for node in ast.walk(ast.parse(text)):
                match node:
                    case ast.keyword(arg="http_port" | "grpc_port", value=ast.Constant(value=int(port))):
                        claimed[port] += 1
    return claimed


def test_no_two_modules_claim_one_port() -> None:
    twice = {
        "waddlebot/core/a/module.py": "module = Module(__name__, '', http_port=8001, grpc_port=50001)",
        "waddlebot/core/b/module.py": "module = Module(__name__, '', http_port=8001)",
    }
    assert ports(twice) == {8001: 2, 50001: 1}
    assert [port for port, claims in ports(files()).items() if claims > 1] == []


def test_the_changelog_tells_of_this_version() -> None:
    version = (ROOT / ".version").read_text(encoding="utf-8")
    match = re.fullmatch(r"v(\d+\.\d+\.\d+)\.\d+\n", version)
    assert match, f".version says {version!r}, not vMajor.Minor.Patch.build"
    assert re.search(rf"^## {re.escape(match[1])}\b", files()["CHANGELOG.md"], re.MULTILINE)


def test_commit_messages_speak_of_the_change_alone() -> None:
    log = subprocess.run(
        ["git", "log", "--format=%B"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    assert list(origin("commit messages", log)) == []
