"""Modules, contracts, ranks: what a declaration says, and what it may not say."""

from typing import Any

import msgspec
import pytest

from waddlebot.libs.sdk import CHAT_MESSAGE, Contract, Event, Module, Rank, Reply, Rest, Role, admits
from waddlebot.libs.sdk.ports import Send, sends_of
from waddlebot.libs.sdk.rank import of_platform, words


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


@pytest.mark.parametrize("word", ["Hello", "three words here", "!hello", "", " x"])
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
    ],
)
def test_a_promise_takes_one_typed_request_and_has_a_typed_answer(promise: str) -> None:
    scope = {"Contract": Contract, "Question": Question, "Answer": Answer}
    with pytest.raises(TypeError, match="one typed request"):
        exec(f"class Broken(Contract):\n    {promise}", scope)


def test_ranks_are_a_set() -> None:
    assert admits(Rank.VIEWER) == 127
    assert not admits(Rank.VIP) & Rank.SUBSCRIBER
    assert admits(Rank.VIP | Rank.SUBSCRIBER) & Rank.SUBSCRIBER
    assert admits(Rank.OWNER) == Rank.OWNER
    assert words(Rank.VIP | Rank.SUBSCRIBER) == "subscriber or vip"


def test_nothing_a_platform_says_makes_more_than_a_moderator() -> None:
    every = of_platform(("broadcaster", "owner", "admin", "moderator", "vip", "subscriber", "unheard-of"))
    assert not every & (Rank.ADMIN | Rank.OWNER)
    assert every & Rank.MODERATOR
    assert of_platform(()) == Rank.VIEWER


def test_replies_leave_under_ids_that_derive_from_their_event() -> None:
    event = Event(1, "e1", "k", "irc", "net", "#r", "u", "ann", "Ann", (), "", 0.0, 0.0, "home", "key:1")
    sends = sends_of(event, [Reply("a"), Reply("b")])
    assert [send.id for send in sends] == ["key:1/e1:0", "key:1/e1:1"]
    assert sends[0] == Send(
        "key:1/e1:0", "home", "irc", "net", "#r", Reply("a"), "e1", "irc:u", "Ann"
    )  # fmt: skip
    assert sends[0].entity == "irc:net:#r"
