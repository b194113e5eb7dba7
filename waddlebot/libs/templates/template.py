"""Templates: texts with variables, compiled once and rendered often.

A value is data: it is inserted into the result and never read again, so a chatter who types `$(eval …)` sees just
that. Names that mean nothing stay as they are written, and `Template.problems` tells about them.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from waddlebot.libs.templates import javascript
from waddlebot.libs.templates.catalogue import NOT_HERE, names, nearest
from waddlebot.libs.templates.errors import Problem, ProblemKind
from waddlebot.libs.templates.ports import Service, ServiceError
from waddlebot.libs.templates.scope import Scope
from waddlebot.libs.templates.syntax import Dialect, Piece, RawCall, parse, split_words, strip
from waddlebot.libs.templates.variables.variable import Shape, Variable
from waddlebot.libs.templates.variables.web import is_json
from waddlebot.libs.templates.variables.who import positional

RESULT_MAX = 5_000
"""Longest rendered text in characters; the rest is cut."""

# A name ends at a space, and where fallbacks exist (`$(1|sender)`) also before their sign.
_HEAD = {dialect: re.compile(r"\s*([^\s|]*)") for dialect in Dialect}
_HEAD[Dialect.NIGHTBOT] = re.compile(r"\s*(\S*)")
_FIELD = re.compile(r"\{\{\{?\s*([A-Za-z]\w*)\s*\}?\}\}")


@dataclass(frozen=True, slots=True)
class Field:
    """`{{name}}` in a format."""

    name: str
    source: str


type Part = str | Call | Field
type Parts = tuple[Part, ...]


@dataclass(slots=True, eq=False)
class Call:
    """A variable in a template, with its arguments compiled."""

    variable: Variable
    args: tuple[Parts, ...] = ()
    fallback: Parts = ()
    format: Parts = ()
    modes: tuple[javascript.Mode, ...] = ()
    is_plain: bool = True

    def __post_init__(self) -> None:
        inner = (part for parts in (*self.args, self.fallback, self.format) for part in parts)
        self.is_plain = self.variable.ask is None and all(
            part.is_plain for part in inner if isinstance(part, Call)
        )

    def render(self, scope: Scope) -> str:
        """The value, of a variable that is plain."""
        evaluate = self.variable.evaluate
        assert evaluate is not None  # noqa: S101 -- `Template.render` refuses templates that are not plain
        value = evaluate(scope, [_join(parts, scope) for parts in self.args])
        return value[: self.variable.value_max] if value or not self.fallback else _join(self.fallback, scope)

    async def ask(self, scope: Scope) -> str:
        """The value, of any variable; a service that fails gives its words instead."""
        if self.is_plain:
            return self.render(scope)
        try:
            value = await self._value(scope)
        except ServiceError as error:
            value = str(error)
        return value[: self.variable.value_max] if value or not self.fallback else await _ask(self.fallback, scope)

    async def _value(self, scope: Scope) -> str:
        args = [await self._code(scope)] if self.modes else [await _ask(parts, scope) for parts in self.args]
        if self.variable.ask is None:
            assert self.variable.evaluate is not None  # noqa: S101 -- a variable has one of both
            return self.variable.evaluate(scope, args)
        value = await self.variable.ask(scope, args)
        return value if isinstance(value, str) else await _ask(self.format, scope, value)

    async def _code(self, scope: Scope) -> str:
        pieces: list[str] = []
        for part, mode in zip(self.args[0], self.modes, strict=True):
            value = part if isinstance(part, str) else await _ask((part,), scope)
            pieces.append(javascript.insert(value, mode))
        source = "".join(pieces)
        if len(source) > javascript.SOURCE_MAX:
            raise ServiceError("the program is too long")
        return source


def _join(parts: Parts, scope: Scope) -> str:
    if len(parts) == 1 and isinstance(parts[0], str):
        return parts[0]
    return "".join([part.render(scope) if isinstance(part, Call) else str(part) for part in parts])


async def _ask(parts: Parts, scope: Scope, fields: Mapping[str, str] | None = None) -> str:
    texts: list[str] = []
    for part in parts:
        if isinstance(part, Call):
            texts.append(await part.ask(scope))
        elif isinstance(part, Field):
            texts.append((fields or {}).get(part.name, part.source))
        else:
            texts.append(part)
    return "".join(texts)


class Template:
    """A compiled template; made by `compile_template`, frozen from then on, safe to share.

    Attributes:
        source: The text.
        dialect: Its language.
        needs: Names of the services it asks; empty if `render` serves.
        names: Canonical names of the variables it uses.
        problems: What its author should look at, by position.
    """

    __slots__ = ("_parts", "_plain", "dialect", "names", "needs", "problems", "source")

    def __init__(self, source: str, dialect: Dialect, parts: Parts, problems: tuple[Problem, ...]) -> None:
        self.source = source
        self.dialect = dialect
        self.problems = problems
        calls = tuple(_calls(parts))
        self.needs: frozenset[str] = frozenset(need.value for call in calls for need in call.variable.needs)
        self.names = frozenset(call.variable.name for call in calls)
        self._parts = parts
        self._plain = tuple(_plain(part) for part in parts)

    def render(self, scope: Scope) -> str:
        """The text with all variables filled in.

        Raises:
            RuntimeError: The template needs services: use `render_async`.
        """
        if self.needs:
            raise RuntimeError(f"The template asks {', '.join(sorted(self.needs))}: use render_async.")
        return "".join([part if part.__class__ is str else part(scope) for part in self._plain])[:RESULT_MAX]  # type: ignore[operator]  # the class test, twice as fast as isinstance, tells mypy nothing

    async def render_async(self, scope: Scope) -> str:
        """The text with all variables filled in, asking the scope's services, from left to right.

        Raises:
            RuntimeError: The scope lacks a service in `needs`.
        """
        if not self.needs:
            return self.render(scope)
        return (await _ask(self._parts, scope))[:RESULT_MAX]


def _plain(part: Part) -> str | Callable[[Scope], str]:
    return part.render if isinstance(part, Call) else str(part)


def _calls(parts: Parts) -> list[Call]:
    found: list[Call] = []
    for part in parts:
        if isinstance(part, Call):
            found.append(part)
            for inner in (*part.args, part.fallback, part.format):
                found.extend(_calls(inner))
    return found


def compile_template(
    text: str,
    dialect: Dialect | str = Dialect.NATIVE,
    *,
    names: frozenset[str] = frozenset(),
    available: frozenset[str] | None = None,
) -> Template:
    """Compile a text; any text compiles, within the limits of `syntax.py`.

    Args:
        text: What the author wrote.
        dialect: Its language.
        names: Further names that `Scope.values` will hold; they shadow the catalogue's.
        available: Services that exist here (`Ports.available`); variables that need others stay literal and are
            reported. None means all.

    Raises:
        TemplateError: The text is too long, too deep or has too many variables.
        ValueError: There is no such dialect.
    """
    return _Compiler(text, Dialect(dialect), names, available).template()


class _Compiler:
    """Gives meaning to the names in a parsed text, and collects what the author should know."""

    def __init__(
        self, text: str, dialect: Dialect, values: frozenset[str], available: frozenset[str] | None
    ) -> None:
        self._text = text
        self._dialect = dialect
        self._names = names(dialect)
        self._values = values
        self._available = available
        self._problems: list[Problem] = []

    def template(self) -> Template:
        tree = parse(self._text, self._dialect)
        for position in tree.unclosed:
            name = self._text[position : position + 20]
            self._report(position, ProblemKind.UNCLOSED, name, "This variable is opened and never closed.")
        parts = self._parts(tree.pieces)
        problems = tuple(sorted(self._problems, key=lambda problem: problem.position))
        return Template(self._text, self._dialect, parts, problems)

    def _report(self, position: int, kind: ProblemKind, name: str, advice: str, near: str = "") -> None:
        self._problems.append(Problem(position, kind, name, advice, near))

    def _parts(self, pieces: tuple[Piece, ...]) -> Parts:
        parts: list[Part] = []
        for piece in pieces:
            if isinstance(piece, str):
                parts.append(piece)
            else:
                parts.extend(self._call(piece))
        return tuple(parts)

    def _call(self, raw: RawCall) -> Parts:
        first = raw.body[0] if raw.body and isinstance(raw.body[0], str) else ""
        match = _HEAD[self._dialect].match(first)
        head = match[1] if match else ""
        rest = raw.body[1:]
        joined = bool(rest) and match is not None and match.end() == len(first)  # `$(name$(other))`
        variable = None if joined else self._find(head)
        if variable is None and "." in head:
            base, _, tail = head.partition(".")
            dotted = self._names.get(base.lower())
            if dotted is not None and dotted.dotted and match is not None:
                return self._bind(raw, dotted, (tail + first[match.end() :], *rest))
        if variable is None or match is None:
            return self._literal(raw, head)
        return self._bind(raw, variable, (first[match.end() :], *rest))

    def _find(self, head: str) -> Variable | None:
        if head in self._values:
            return Variable(head, "A value of the caller.", lambda scope, args: str(scope.values.get(head, "")))
        return self._names.get(head.lower()) or (positional(head.lower()) if head else None)

    def _literal(self, raw: RawCall, head: str) -> Parts:
        """A variable that stays as written; those inside it are filled in."""
        vendor = NOT_HERE.get(head.lower())
        if vendor is not None and self._dialect is not Dialect.NATIVE:
            advice = f"This asks {vendor}, which is not available here: use a custom API instead."
            self._report(raw.position, ProblemKind.UNAVAILABLE, head, advice)
        else:
            near = nearest(head, self._dialect)
            advice = f"There is no such variable; did you mean {near}?" if near else "There is no such variable."
            self._report(raw.position, ProblemKind.UNKNOWN, head, advice, near)
        return self._verbatim(raw)

    def _verbatim(self, raw: RawCall) -> Parts:
        return (raw.opener, *self._parts(raw.body), self._text[raw.end - 1])

    def _bind(self, raw: RawCall, variable: Variable, pieces: tuple[Piece, ...]) -> Parts:
        missing = [] if self._available is None else sorted(variable.needs - self._available)
        if missing:
            advice = f"This needs {', '.join(missing)}, which is not switched on here."
            if Service.JAVASCRIPT in missing:
                advice = "This needs JavaScript: the operator can install waddlebot[javascript]."
            self._report(raw.position, ProblemKind.MISSING, variable.name, advice)
            return self._verbatim(raw)
        fallback: Parts = ()
        if isinstance(pieces[0], str) and pieces[0].startswith("|"):
            fallback = self._fallback(strip((pieces[0][1:], *pieces[1:])))
            pieces = ()
        return (self._shaped(raw, variable, strip(pieces), fallback),)

    def _shaped(self, raw: RawCall, variable: Variable, pieces: tuple[Piece, ...], fallback: Parts) -> Call:
        match variable.shape:
            case Shape.TEXT:
                args: tuple[Parts, ...] = (self._parts(pieces),)
            case Shape.WORDS:
                args = tuple(self._parts(word) for word in split_words(pieces))
            case Shape.FORMAT:
                return self._formatted(raw, variable, pieces, fallback)
            case Shape.CODE:
                code = self._parts(pieces)
                return Call(variable, (code,), fallback, modes=self._modes(code, pieces))
            case _:
                args = ()
        self._check(raw, variable, args)
        return Call(variable, args, fallback)

    def _check(self, raw: RawCall, variable: Variable, args: tuple[Parts, ...]) -> None:
        texts = ["".join(part for part in parts if isinstance(part, str)) for parts in args]
        is_fixed = all(isinstance(part, str) for parts in args for part in parts)
        wrong = variable.check(texts) if variable.check is not None and is_fixed else ""
        if wrong:
            self._report(raw.position, ProblemKind.VALUE, variable.name, wrong)

    def _fallback(self, pieces: tuple[Piece, ...]) -> Parts:
        """`$(1|sender)`: a name, a text in quotes or a plain text."""
        if len(pieces) == 1 and isinstance(pieces[0], str):
            text = pieces[0]
            variable = self._find(text)
            if variable is not None and not variable.needs:
                return (Call(variable),)
            return (text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text,)
        return self._parts(pieces)

    def _formatted(self, raw: RawCall, variable: Variable, pieces: tuple[Piece, ...], fallback: Parts) -> Call:
        words = split_words(pieces)
        form: list[Part] = []
        for word in words[1:]:
            form.extend([" "] if form else [])
            form.extend(self._fields(raw, variable, word))
        default = self._fields(raw, variable, (variable.format,))
        return Call(variable, tuple(self._parts(word) for word in words[:1]), fallback, tuple(form or default))

    def _fields(self, raw: RawCall, variable: Variable, pieces: tuple[Piece, ...]) -> list[Part]:
        parts: list[Part] = []
        for piece in pieces:
            if not isinstance(piece, str):
                parts.extend(self._call(piece))
                continue
            at = 0
            for match in _FIELD.finditer(piece):
                parts.append(piece[at : match.start()])
                parts.append(Field(match[1], match[0]))
                at = match.end()
                if match[1] not in variable.fields:
                    self._report(raw.position, ProblemKind.UNKNOWN, match[0], "There is no such field.")
            parts.append(piece[at:])
        return [part for part in parts if part != ""]

    def _modes(self, code: Parts, pieces: tuple[Piece, ...]) -> tuple[javascript.Mode, ...]:
        """How each part of a program is inserted; `pieces` tell where its variables stand."""
        lexer = javascript.Lexer()
        modes: list[javascript.Mode] = []
        raws = iter([piece for piece in pieces if isinstance(piece, RawCall)])
        for part in code:
            if isinstance(part, str):
                lexer.feed(part)
                modes.append(javascript.Mode.RAW)
                continue
            mode = lexer.mode
            if mode is javascript.Mode.CODE and _is_program(part):
                mode = javascript.Mode.RAW
                raw = next((raw for raw in raws if "urlfetch" in self._text[raw.position : raw.end]), None)
                position = raw.position if raw is not None else 0
                advice = "Whoever controls this URL decides what runs here; keep it to URLs you trust."
                self._report(position, ProblemKind.RAW, "urlfetch json", advice)
            modes.append(mode)
            lexer.value()
        return tuple(modes)


def _is_program(part: Part) -> bool:
    if not isinstance(part, Call) or part.variable.name != "urlfetch":
        return False
    first = part.args[0][0] if part.args and part.args[0] else ""
    return isinstance(first, str) and is_json(first)
