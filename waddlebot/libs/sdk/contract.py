"""What one module promises to answer. A caller sees typed methods; where the answer comes from is a look-up."""

import dataclasses
import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Protocol, get_type_hints

_PROMISE = "__promise__"


class Caller(Protocol):
    """Carries one call to whoever answers the contract."""

    def __call__(self, contract: str, method: str, request: Any, answer: Any) -> Awaitable[Any]:
        """Ask ``contract.method``; the answer is decoded as the type ``answer``."""


@dataclasses.dataclass(frozen=True, slots=True)
class Method:
    """One promise of a contract: its name and the plain types that cross the border."""

    name: str
    request: Any
    answer: Any
    help: str


class Contract:
    """Base of all contracts, which stand in ``libs/contracts``.

    Each public async method takes one frozen request and returns one frozen answer; its body only raises
    because the module that promises it answers (``@module.answers(Identity.lookup)``). A caller gets
    it by ``ctx.use(Identity)``.
    """

    methods: ClassVar[dict[str, Method]] = {}

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Collects the promises and builds the callers in their place."""
        super().__init_subclass__(**kwargs)
        cls.methods = {}
        for name, function in list(vars(cls).items()):
            if name.startswith("_") or not inspect.isfunction(function):
                continue
            hints = get_type_hints(function)
            parameters = list(inspect.signature(function).parameters)[1:]
            if not inspect.iscoroutinefunction(function):
                raise TypeError(f"{cls.__name__}.{name} is not async; start the names of other methods with _")
            if len(parameters) != 1 or parameters[0] not in hints or "return" not in hints:
                raise TypeError(f"{cls.__name__}.{name} takes one typed request and has a typed answer")
            method = Method(name, hints[parameters[0]], hints["return"], inspect.getdoc(function) or "")
            cls.methods[name] = method
            setattr(cls, name, _calling(cls.__name__, method, function))


def promise_of(caller: Callable[..., Any]) -> tuple[str, Method]:
    """The contract's name and the promise behind ``Identity.lookup``. Raises ``TypeError`` for what is none."""
    found: tuple[str, Method] | None = getattr(caller, _PROMISE, None)
    if found is None:
        raise TypeError(f"{caller!r} is no promise of a Contract")
    return found


def _calling(contract: str, method: Method, promise: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(promise)
    def call(self: Contract, request: Any) -> Awaitable[Any]:
        return self._caller(contract, method.name, request, method.answer)

    setattr(call, _PROMISE, (contract, method))
    return call
