"""What one module promises to answer. A caller sees typed methods; where the answer comes from is a look-up."""

import dataclasses
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Protocol, get_type_hints


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
            if name.startswith("_") or not inspect.iscoroutinefunction(function):
                continue
            hints = get_type_hints(function)
            parameters = [p for p in inspect.signature(function).parameters if p != "self"]
            if len(parameters) != 1 or parameters[0] not in hints or "return" not in hints:
                raise TypeError(f"{cls.__name__}.{name} takes one typed request and has a typed answer")
            method = Method(name, hints[parameters[0]], hints["return"], inspect.getdoc(function) or "")
            cls.methods[name] = method
            setattr(cls, name, _calling(cls.__name__, method, function))


def _calling(contract: str, method: Method, promise: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: Contract, request: Any) -> Awaitable[Any]:
        return self._caller(contract, method.name, request, method.answer)

    call.__name__ = method.name
    call.__qualname__ = promise.__qualname__
    call.__doc__ = promise.__doc__
    call.__wrapped__ = promise  # type: ignore[attr-defined]  # functions take attributes; inspect follows this one
    return call
