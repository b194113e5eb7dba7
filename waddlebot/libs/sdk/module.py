"""Module: the declaration everything else is derived from. Importing one does nothing."""

import dataclasses
import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Literal, get_type_hints

from waddlebot.libs.dal import Store
from waddlebot.libs.sdk.arguments import Argument, arguments_of
from waddlebot.libs.sdk.contract import Contract, Method, promise_of
from waddlebot.libs.sdk.event import CHAT_MESSAGE
from waddlebot.libs.sdk.gathering import Events, Gathered
from waddlebot.libs.sdk.metrics import Measure
from waddlebot.libs.sdk.personal import Keeping, by_store
from waddlebot.libs.sdk.rank import Rank, Role, admits

SDK_API = 1

KINDS = ("trigger", "processing", "action", "core", "admin")
"""What a module may be, after the folder it is in. One of an outside package is an action."""

type Handler = Callable[..., Awaitable[Any]]
type Limited = Literal["silent", "once", "say"]

_COMMAND = re.compile(r"[^\s!#]+( [^\s]+)?")


@dataclasses.dataclass(frozen=True, slots=True)
class Command:
    """A word users type, perhaps with a verb (``alias add``). Its handler's docstring is its help.

    ``least`` is the rank asked for; cooldowns are seconds. ``limited`` says what a user sees who comes too
    soon: nothing, a word once per cooldown, or always. ``timeout_s`` is how long the router waits. ``by_hand``:
    only who types it runs it, never an alias or rule in somebody's name.
    """

    name: str
    handler: Handler
    arguments: tuple[Argument, ...]
    aliases: tuple[str, ...] = ()
    rank: Rank = Rank.VIEWER
    cooldown_s: float = 0.0
    user_cooldown_s: float = 0.0
    limited: Limited = "once"
    community: bool = False
    hidden: bool = False
    timeout_s: float = 10.0
    by_hand: bool = False

    @property
    def help(self) -> str:
        """The first paragraph of the handler's docstring, in the user's words."""
        return (inspect.getdoc(self.handler) or "").split("\n\n")[0].replace("\n", " ")

    @property
    def usage(self) -> str:
        """How it is typed, without the prefix: ``so <streamer>``."""
        return " ".join((self.name, *(argument.usage for argument in self.arguments)))

    @property
    def least(self) -> int:
        """The mask of ranks that may use it."""
        return admits(self.rank)


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """ "I may reply when": the router asks for each event of this kind, in order of priority."""

    kind: str
    handler: Handler
    priority: int = 0
    timeout_s: float = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class Observer:
    """ "Tell me when": nobody waits. Events come in batches; ``*`` is every kind.

    ``into`` makes, of the observer's context, what a batch is gathered in.
    """

    kinds: tuple[str, ...]
    handler: Handler
    into: Callable[[Any], Gathered]


@dataclasses.dataclass(frozen=True, slots=True)
class Job:
    """Something done on a schedule: every so many seconds, by one host at a time."""

    name: str
    handler: Handler
    every_s: float


@dataclasses.dataclass(frozen=True, slots=True)
class Route:
    """HTTP below the module's URL. ``body`` and ``answer`` are the types that OpenAPI shows; a ``None``
    role means that anybody may ask. ``page`` routes stand at the root, for browsers. Keys bound to one entity
    may only ask ``entity_keys`` routes, which answer them with what concerns ``ctx.entity`` alone; keys of the
    whole installation only ``installation_keys`` routes, where ``ctx.community`` is empty then.

    Whoever signed in with a browser may ask where ``rank`` is given, if they have that rank (or stand above it) in
    the community that the query names (``?community=home``), and where ``session`` says so, on behalf of
    themselves alone: ``ctx.visitor`` is who. Pages of other sites can use neither these nor ``browser`` routes.
    """

    method: str
    path: str
    handler: Handler
    role: Role | None
    body: Any
    answer: Any
    page: bool = False
    entity_keys: bool = False
    installation_keys: bool = False
    rank: Rank | None = None
    session: bool = False
    browser: bool = False

    @property
    def help(self) -> str:
        """What the handler's docstring says."""
        return inspect.getdoc(self.handler) or ""


@dataclasses.dataclass(frozen=True, slots=True)
class Mount:
    """A bare ASGI callable in front of the web framework, for doors that must be fast.

    ``factory`` is called with the module's context at start and returns the ASGI callable, which checks
    API keys itself. ``body`` and ``answer`` are for OpenAPI.
    """

    path: str
    factory: Callable[..., Any]
    role: Role
    body: Any
    answer: Any


class Module:
    """What a module is, has and promises. See ARCHITECTURE §3 for an example.

    ``delivers`` is the platform that its ``pushes`` brings replies to, ``whispers`` whether it can tell something
    to one user alone there.

    With ``keeps_people`` the store knows what is held about people, by ``held(accounts)``, a read that gives rows
    by table, and ``forget(accounts)``, a write that gives how many rows are gone, both in a scope of all
    communities. It has words for each table of which rows may be left: what they are, and why they stay. For more
    than that there are :meth:`held_of_person` and :meth:`forget_person`.
    """

    teller: Handler | None = None

    def __init__(
        self,
        import_name: str,
        summary: str,
        *,
        http_port: int,
        grpc_port: int,
        settings: type | None = None,
        config: type | None = None,
        store: type[Store] | None = None,
        keeps_people: Mapping[str, str] | None = None,
        uses: tuple[type[Contract], ...] = (),
        delivers: str = "",
        whispers: bool = False,
        always_on: bool = False,
        enabled: Callable[[Any], bool] | None = None,
        sdk_api: int = SDK_API,
    ) -> None:
        package = import_name.rsplit(".", 1)[0]
        parts = package.split(".")
        self.package = package
        self.name = ".".join(parts[-2:])
        self.kind = parts[1] if parts[0] == "waddlebot" and parts[1:] and parts[1] in KINDS else "action"
        self.summary = summary
        self.http_port = http_port
        self.grpc_port = grpc_port
        self.settings = settings
        self.config = config
        self.store = store
        self.uses = uses
        self.delivers = delivers
        self.whispers = whispers
        self.always_on = always_on
        self.enabled = enabled
        self.sdk_api = sdk_api
        self.commands: dict[str, Command] = {}
        self.dynamics: dict[str, Handler] = {}
        self.answering: list[Answer] = []
        self.observers: list[Observer] = []
        self.jobs: list[Job] = []
        self.routes: list[Route] = []
        self.mounts: list[Mount] = []
        self.promises: dict[tuple[str, str], tuple[Method, Handler]] = {}
        self.contributor: Handler | None = None
        self.keeping: Keeping | None = None if keeps_people is None else by_store(dict(keeps_people))
        self.runner: Handler | None = None
        self.deliverer: Handler | None = None
        self.starter: Callable[..., Any] | None = None
        self.measurer: Callable[[Any], Iterable[Measure]] | None = None
        self._declared: set[tuple[str, str]] = set()

    def __repr__(self) -> str:
        return f"<Module {self.name}>"

    def command(
        self,
        name: str,
        *,
        aliases: tuple[str, ...] = (),
        rank: Rank = Rank.VIEWER,
        cooldown_s: float = 0.0,
        user_cooldown_s: float = 0.0,
        limited: Limited = "once",
        community: bool = False,
        hidden: bool = False,
        timeout_s: float = 10.0,
        by_hand: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Declare a command. The handler takes a :class:`Context`, then typed arguments, and returns replies."""

        def declare(handler: Handler) -> Handler:
            for word in (name, *aliases):
                if not _COMMAND.fullmatch(word) or word != word.lower():
                    raise ValueError(f"{self.name}: {word!r} is no command: lower case, at most two words")
                self._once("the command", word)
            if not inspect.getdoc(handler):
                raise ValueError(f"{self.name}: {name} has no docstring, so users would have no help")
            self.commands[name] = Command(
                name, handler, arguments_of(handler), aliases, rank, cooldown_s, user_cooldown_s,
                limited, community, hidden, timeout_s, by_hand,
            )  # fmt: skip
            return handler

        return declare

    def dynamic(self, name: str) -> Callable[[Handler], Handler]:
        """Declare the handler of commands that the module contributes to views (``DynamicCommand.handler``)."""

        def declare(handler: Handler) -> Handler:
            self._once("the dynamic handler", name)
            self.dynamics[name] = handler
            return handler

        return declare

    def on(self, kind: str, *, priority: int = 0, timeout_s: float = 10.0) -> Callable[[Handler], Handler]:
        """Declare an answer: the handler takes a :class:`Context` and may return replies.

        Chat lines are not for answers: what a module says to plain lines it contributes as rules, which
        the router runs in memory.
        """

        def declare(handler: Handler) -> Handler:
            if kind in (CHAT_MESSAGE, "*"):
                raise ValueError(f"{self.name}: contribute rules for chat lines; no module is asked per line")
            self.answering.append(Answer(kind, handler, priority, timeout_s))
            return handler

        return declare

    def observe(
        self, *kinds: str, into: Callable[[Any], Gathered] = lambda ctx: Events()
    ) -> Callable[[Handler], Handler]:
        """Declare an observer: ``async def f(ctx: BatchContext, events: Sequence[Event]) -> None``.

        ``into(ctx)`` makes what gathers the events, and what the handler then gets in place of a list of them:
        for who looks at every line and need not keep it. ``Crowd`` is gathered once for all who ask for it.
        """

        def declare(handler: Handler) -> Handler:
            if not kinds:
                raise ValueError(f"{self.name}: say which kinds {handler.__name__} observes; * is all of them")
            self.observers.append(Observer(kinds, handler, into))
            return handler

        return declare

    def job(self, *, every_s: float) -> Callable[[Handler], Handler]:
        """Declare a job: ``async def f(ctx: ServiceContext) -> None``, called every so many seconds."""

        def declare(handler: Handler) -> Handler:
            self._once("the job", handler.__name__)
            if every_s <= 0:
                raise ValueError(f"{self.name}: the job {handler.__name__} needs seconds between its runs")
            self.jobs.append(Job(handler.__name__, handler, every_s))
            return handler

        return declare

    def route(
        self,
        method: str,
        path: str,
        *,
        role: Role | None,
        page: bool = False,
        entity_keys: bool = False,
        installation_keys: bool = False,
        rank: Rank | None = None,
        session: bool = False,
        browser: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Declare an HTTP route: ``async def f(ctx: RouteContext[, body: Struct]) -> Struct``.

        What the flags mean is said at :class:`Route`.
        """

        def declare(handler: Handler) -> Handler:
            self._once("the route", f"{method} {path}")
            if rank is not None and role is None:
                raise ValueError(f"{self.name}: {method} {path} asks people for a rank, so keys for a role")
            hints = get_type_hints(handler)
            names = list(inspect.signature(handler).parameters)[1:]
            if len(names) > 1 or any(name not in hints for name in names):
                raise TypeError(f"{self.name}: {handler.__name__} takes a context and at most one typed body")
            body = hints[names[0]] if names else None
            answer = hints.get("return")
            flags = (page, entity_keys, installation_keys, rank, session, browser)
            self.routes.append(Route(method, path, handler, role, body, answer, *flags))
            return handler

        return declare

    def mount(self, path: str, *, role: Role, body: Any, answer: Any) -> Callable[[Callable[..., Any]], Any]:
        """Declare a bare ASGI door; the function takes a :class:`ServiceContext` and returns the callable."""

        def declare(factory: Callable[..., Any]) -> Callable[..., Any]:
            self._once("the mount", path)
            self.mounts.append(Mount(path, factory, role, body, answer))
            return factory

        return declare

    def answers(self, promise: Callable[..., Any]) -> Callable[[Handler], Handler]:
        """Declare who keeps a promise: ``@module.answers(Identity.lookup)`` over ``async def f(ctx, request)``."""
        contract, method = promise_of(promise)

        def declare(handler: Handler) -> Handler:
            self._once("the promise", f"{contract}.{method.name}")
            self.promises[(contract, method.name)] = (method, handler)
            return handler

        return declare

    def contributes(self, handler: Handler) -> Handler:
        """Declare what goes into views: ``async def f(ctx, communities) -> dict[str, Contribution]``."""
        self._once("what it", "contributes")
        self.contributor = handler
        return handler

    def held_of_person(self, handler: Handler) -> Handler:
        """Declare what the module holds about a person: ``async def f(ctx: ServiceContext, person) -> Tables``.

        It goes with :meth:`forget_person`: who keeps what says whose it is does both.
        """
        self._once("what it", "holds of a person")
        self.teller = handler
        return handler

    def forget_person(self, *, stays: Mapping[str, str] | None = None) -> Callable[[Handler], Handler]:
        """Declare how the module forgets a person: ``async def f(ctx: ServiceContext, person) -> int``, the rows.

        Of what :meth:`held_of_person`, declared before, tells, only tables in ``stays`` may have rows afterwards;
        its words say to the person what they are and why they stay.
        """

        def declare(handler: Handler) -> Handler:
            self._once("how it", "forgets a person")
            if self.teller is None:
                raise ValueError(f"{self.name}: say by held_of_person what is held, then how it is forgotten")
            self.keeping = Keeping(self.teller, handler, dict(stays or {}))
            return handler

        return declare

    def runs(self, handler: Handler) -> Handler:
        """Declare a task for the life of the host: ``async def f(ctx: ServiceContext) -> None``.

        It is started where the module is enabled and started again, with growing pauses, when it fails.
        """
        self._once("what it", "runs")
        self.runner = handler
        return handler

    def pushes(self, handler: Handler) -> Handler:
        """Declare how replies reach the platform ``delivers``: ``async def f(ctx, sends) -> list[Sent]``."""
        self._once("what it", "pushes")
        self.deliverer = handler
        return handler

    def starts(self, factory: Callable[..., Any]) -> Callable[..., Any]:
        """Declare the module's state: an async context manager over a :class:`ServiceContext`, entered
        before anything of the module is called; what it yields is ``ctx.state(…)``.
        """
        self._once("what it", "starts")
        self.starter = factory
        return factory

    def measures(self, handler: Callable[[Any], Iterable[Measure]]) -> Callable[[Any], Iterable[Measure]]:
        """Declare what the operator's monitoring is told: ``def f(ctx: ServiceContext) -> Iterable[Measure]``.

        It is called when somebody asks, and reads what is counted anyway; the label ``module`` is added to each.
        """
        self._once("what it", "measures")
        self.measurer = handler
        return handler

    def wants(self, kind: str) -> bool:
        """Whether it observes or answers events of a kind."""
        return any(kind in observer.kinds or "*" in observer.kinds for observer in self.observers) or any(
            answer.kind == kind for answer in self.answering
        )

    def _once(self, what: str, name: str) -> None:
        """Two declarations of one name would leave it to their order which one holds."""
        if (what, name) in self._declared:
            raise ValueError(f"{self.name}: {what} {name} is declared twice")
        self._declared.add((what, name))
