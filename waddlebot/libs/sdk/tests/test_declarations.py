"""Modules, contracts, ranks: what a declaration says, and what it may not say."""

from collections.abc import Callable
from typing import Any, get_args

import msgspec
import pytest

from waddlebot.libs.sdk import (
    CHAT_MESSAGE,
    Contract,
    Event,
    Module,
    Rank,
    Refusal,
    Reply,
    Rest,
    Role,
    UsageError,
    admits,
)
from waddlebot.libs.sdk.ports import Send, sends_of
from waddlebot.libs.sdk.reply import Action
from waddlebot.libs.sdk.view import Alias, Contribution, DynamicCommand, Override, Restriction, Rule


class Question(msgspec.Struct, frozen=True):
    n: int


class Answer(msgspec.Struct, frozen=True):
    n: int


class Sums(Contract):
    async def double(self, request: Question) -> Answer:
        """Twice as much."""
        raise NotImplementedError


def module(name: str = "waddlebot.action.interactive.sample.module") -> Module:
    return Module(name, "A sample.", http_port=8000, grpc_port=50000)


async def hello(ctx: Any, who: str = "you", text: Rest | None = None) -> Reply:
    """Say hello,
    kindly.

    More that help leaves out.
    """
    return Reply("hello")


@pytest.mark.parametrize(
    ("import_name", "name", "kind"),
    [
        ("waddlebot.action.interactive.shoutout.module", "interactive.shoutout", "action"),
        ("waddlebot.trigger.poller.irc.module", "poller.irc", "trigger"),
        ("waddlebot.core.identity.module", "core.identity", "core"),
        ("waddlebot.processing.router.module", "processing.router", "processing"),
        ("waddlebot.admin.hub.module", "admin.hub", "admin"),
        ("vendor.dice.module", "vendor.dice", "action"),
        ("dice.module", "dice", "action"),
        ("dice", "dice", "action"),
        ("vendor.processing.dice.module", "processing.dice", "action"),
        ("waddlebot.module", "waddlebot", "action"),
    ],
)
def test_a_module_is_named_after_its_folders(import_name: str, name: str, kind: str) -> None:
    found = module(import_name)
    assert (found.name, found.kind, repr(found)) == (name, kind, f"<Module {name}>")


def test_a_command_and_what_is_derived_from_it() -> None:
    sample = module()
    sample.command("hello", aliases=("hi",), rank=Rank.MODERATOR)(hello)
    command = sample.commands["hello"]
    assert command.help == "Say hello, kindly."
    assert command.usage == "hello [who] [text…]"
    assert command.least == Rank.MODERATOR | Rank.ADMIN | Rank.OWNER


@pytest.mark.parametrize(
    "word", ["Hello", "É", "three words here", "!hello", "#hello", "", " x", "x ", "a  b", "a\tb"]
)
def test_words_that_are_no_command(word: str) -> None:
    with pytest.raises(ValueError, match="is no command"):
        module().command(word)(hello)


def test_a_command_needs_a_docstring_and_a_name_of_its_own() -> None:
    async def silent(ctx: Any) -> None: ...

    sample = module()
    with pytest.raises(ValueError, match="no docstring"):
        sample.command("silent")(silent)
    sample.command("hello")(hello)
    with pytest.raises(ValueError, match="declared twice"):
        sample.command("hello")(hello)


@pytest.mark.parametrize("kind", [CHAT_MESSAGE, "*"])
def test_no_module_is_asked_for_each_line(kind: str) -> None:
    with pytest.raises(ValueError, match="contribute rules"):
        module().on(kind)(hello)


def test_everything_else_a_module_declares() -> None:
    sample = module()

    async def handler(ctx: Any) -> None: ...
    async def route(ctx: Any, body: Question) -> Answer:
        """Double it."""
        return Answer(body.n)

    async def answer(ctx: Any, request: Question) -> Answer:
        return Answer(request.n * 2)

    sample.dynamic("d")(handler)
    sample.on("channel.raided", priority=3)(handler)
    sample.observe("a", "b")(handler)
    sample.job(every_s=5)(handler)
    sample.route("POST", "/double", role=Role.USER)(route)
    sample.mount("/raw", role=Role.TRIGGER, body=Question, answer=Answer)(handler)
    sample.answers(Sums.double)(answer)
    sample.contributes(handler)
    sample.runs(handler)
    sample.pushes(handler)
    sample.starts(handler)
    assert sample.dynamics == {"d": handler}
    assert (sample.answering[0].kind, sample.answering[0].priority) == ("channel.raided", 3)
    assert sample.observers[0].kinds == ("a", "b")
    assert (sample.jobs[0].name, sample.jobs[0].every_s) == ("handler", 5)
    assert (sample.routes[0].body, sample.routes[0].answer, sample.routes[0].help) == (
        Question,
        Answer,
        "Double it.",
    )
    assert sample.mounts[0].role is Role.TRIGGER
    method, _ = sample.promises[("Sums", "double")]
    assert (method.request, method.answer, method.help) == (Question, Answer, "Twice as much.")
    assert sample.contributor is sample.runner is sample.deliverer is sample.starter is handler


async def test_a_contract_hands_its_calls_to_the_caller() -> None:
    asked: list[Any] = []

    async def caller(contract: str, method: str, request: Any, answer: Any) -> Any:
        asked.append((contract, method, request, answer))
        return Answer(4)

    assert await Sums(caller).double(Question(2)) == Answer(4)
    assert asked == [("Sums", "double", Question(2), Answer)]
    assert Sums.double.__doc__ == "Twice as much."


@pytest.mark.parametrize(
    "promise",
    [
        "async def p(self) -> Answer: ...",
        "async def p(self, request: Question): ...",
        "async def p(self, request) -> Answer: ...",
        "async def p(self, a: Question, b: Question) -> Answer: ...",
        "async def p(self) -> None: ...",
    ],
)
def test_a_promise_takes_one_typed_request_and_has_a_typed_answer(promise: str) -> None:
    scope = {"Contract": Contract, "Question": Question, "Answer": Answer}
    with pytest.raises(TypeError, match="one typed request"):
        exec(f"class Broken(Contract):\n    {promise}", scope)


def test_replies_leave_under_ids_that_derive_from_their_event() -> None:
    event = Event(1, "e1", "k", "irc", "net", "#r", "u", "ann", "Ann", (), "", 0.0, 0.0, "home", "key:1")
    sends = sends_of(event, [Reply("a"), Reply("b")])
    assert [send.id for send in sends] == ["key:1/e1:0", "key:1/e1:1"]
    assert sends[0] == Send(
        "key:1/e1:0", "home", "irc", "net", "#r", Reply("a"), "e1", "irc:u", "Ann"
    )  # fmt: skip
    assert sends[0].entity == "irc:net:#r"


def test_the_ids_of_replies_stay_the_same_in_a_rerun_and_differ_within_it() -> None:
    events = [
        Event(1, id_, "k", "irc", "net", "#r", "u", "ann", "Ann", (), "", 0.0, 0.0, "home", source)
        for id_ in ("e1", "e2")
        for source in ("key:1", "key:2")
    ]
    replies = [Reply("same"), Reply("same")]
    ids = [send.id for event in events for send in sends_of(event, replies)]
    assert len(set(ids)) == len(ids) == 8
    assert [send.id for event in events for send in sends_of(event, replies)] == ids
    assert sends_of(events[0], []) == []


def test_a_promise_is_async() -> None:
    with pytest.raises(TypeError, match=r"Late\.p is not async"):

        class Late(Contract):
            def p(self, request: Question) -> Answer: ...  # type: ignore[empty-body]  # never called


def test_a_contract_keeps_its_own_methods_private_by_name() -> None:
    class Mixed(Contract):
        limit = 3

        async def p(self, request: Question) -> Answer:
            raise NotImplementedError

        def _helper(self) -> int:
            return self.limit

    assert list(Mixed.methods) == ["p"]
    assert Mixed.methods["p"].help == ""
    assert Contract.methods == {}


def test_only_promises_are_answered() -> None:
    async def stray(ctx: Any, request: Question) -> Answer: ...  # type: ignore[empty-body]  # never called

    for what in (stray, print, Contract):
        with pytest.raises(TypeError, match="is no promise of a Contract"):
            module().answers(what)


async def _handler(ctx: Any) -> None:
    """Do something."""


@pytest.mark.parametrize(
    "declare",
    [
        lambda sample: sample.command("hi", aliases=("hello",)),
        lambda sample: sample.dynamic("d"),
        lambda sample: sample.job(every_s=1),
        lambda sample: sample.route("GET", "/x", role=None),
        lambda sample: sample.mount("/x", role=Role.TRIGGER, body=None, answer=None),
        lambda sample: sample.answers(Sums.double),
        lambda sample: sample.contributes,
        lambda sample: sample.runs,
        lambda sample: sample.pushes,
        lambda sample: sample.starts,
    ],
)
def test_nothing_is_declared_twice(declare: Callable[[Module], Callable[[Any], Any]]) -> None:
    sample = module()
    assert declare(sample)(_handler) is _handler
    with pytest.raises(ValueError, match="is declared twice"):
        declare(sample)(_handler)


@pytest.mark.parametrize(("word", "aliases"), [("hi", ()), ("other", ("hi",)), ("hello", ()), ("new", ("new",))])
def test_no_word_means_two_commands(word: str, aliases: tuple[str, ...]) -> None:
    sample = module()
    sample.command("hi", aliases=("hello",))(_handler)
    with pytest.raises(ValueError, match=r"the command (hi|hello|new) is declared twice"):
        sample.command(word, aliases=aliases)(_handler)


def test_the_same_path_may_take_two_methods() -> None:
    sample = module()
    for method in ("GET", "POST"):
        sample.route(method, "/x", role=Role.USER)(_handler)
    assert [(route.method, route.body, route.answer) for route in sample.routes] == [
        ("GET", None, type(None)),
        ("POST", None, type(None)),
    ]


def test_routes_take_at_most_one_typed_body() -> None:
    async def untyped(ctx, body): ...  # type: ignore[no-untyped-def]  # it is what is refused
    async def two(ctx: Any, a: Question, b: Question) -> None: ...

    for handler in (untyped, two):
        with pytest.raises(TypeError, match="takes a context and at most one typed body"):
            module().route("POST", "/x", role=None)(handler)


def test_who_observes_says_what_and_who_repeats_says_when() -> None:
    with pytest.raises(ValueError, match="say which kinds _handler observes"):
        module().observe()(_handler)
    for every_s in (0, -1):
        with pytest.raises(ValueError, match="the job _handler needs seconds between its runs"):
            module().job(every_s=every_s)(_handler)


def test_a_module_wants_what_it_observes_or_answers() -> None:
    sample = module()
    assert not sample.wants("a")
    sample.observe("a", "b")(_handler)
    sample.on("c")(_handler)
    assert [kind for kind in "abcd" if sample.wants(kind)] == ["a", "b", "c"]
    sample.observe("*")(_handler)
    assert sample.wants("d")


def test_a_reply_leaves_out_what_nobody_set() -> None:
    assert msgspec.json.encode(Reply("hi")) == b'{"text":"hi"}'
    every: tuple[Action, ...] = get_args(Action.__value__)
    for action in every:
        reply = Reply("hi", action, private=True, data={"n": 1})
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(reply), type=Reply) == reply
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"text":"hi","action":"shell"}', type=Reply)
    with pytest.raises(AttributeError):
        Reply("hi").text = "other"  # type: ignore[misc]  # it is what is refused


def test_a_refusal_carries_its_words() -> None:
    refusal = Refusal("Not now.")
    assert (refusal.text, str(refusal)) == ("Not now.", "Not now.")
    assert isinstance(UsageError("Usage: x"), Refusal)


def test_a_contribution_crosses_borders_whole() -> None:
    whole = Contribution(
        commands=(DynamicCommand("hi", "say", b"\x00", bare=True, least=int(Rank.VIP), help="Says hi."),),
        rules=(Rule("r1", "bad", "word", "block", seconds=60, entities=("irc:net:#r",), exempt=112),),
        overrides=(Override("so", least=16, say_limited=False),),
        restrictions=(Restriction("irc:u", "spam", 9.5),),
        disabled=("interactive.dice",),
        ranks={"irc:u": 64},
        settings={"core.x": {"a": [1, None, "b"]}},
        prefix="?",
        community_prefix="~",
        late_s=0.5,
        aliases=(Alias("bye", "hi {all_args}", "bare", 1),),
    )
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(whole), type=Contribution) == whole
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(Contribution()), type=Contribution) == Contribution()
    assert DynamicCommand("x", "y").least == admits(Rank.VIEWER)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"id": "r", "pattern": "x", "action": "delete"}, Rule)
