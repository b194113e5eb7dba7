"""How commands fail: one plain message on standard error, and an exit code."""

import contextlib
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from waddlebot.libs.audit import Redactor

WRONG = 1
"""Exit code: the command did its work and found something wrong, or nothing to work on."""
UNUSABLE = 2
"""Exit code: the command line, the configuration or the machine does not allow the command to work."""
INTERRUPTED = 130
"""Exit code: somebody pressed Ctrl+C (128 + SIGINT, as shells have it)."""


class Failure(Exception):  # noqa: N818  an answer to the operator, not an error of ours
    """Ends a command with words for the operator: what is wrong and what to do."""

    def __init__(self, text: str, code: int = WRONG) -> None:
        super().__init__(text)
        self.code = code


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turns what commands raise into words and an exit code; what nobody foresaw keeps its traceback."""
    try:
        yield
    except Failure as failure:
        _end(str(failure), failure.code)
    except BrokenPipeError:
        # Whoever read our output has seen enough (`waddlebot modules | head`). The interpreter flushes once more
        # at its end, which must not fail again (https://docs.python.org/3/library/signal.html#note-on-sigpipe).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(WRONG)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:
        if not isinstance(error, _foreseen()):
            _tell(traceback.format_exc().rstrip())
            sys.exit(WRONG)
        _end(_structured(error) or str(error), UNUSABLE)


def _structured(error: Exception) -> str:
    """The problems of a wrong configuration as one JSON object, where log lines are JSON; else nothing."""
    import json

    from waddlebot.runtime.environment import ConfigurationError

    if not isinstance(error, ConfigurationError) or os.environ.get("LOG_FORMAT") != "json":
        return ""
    problems = [{"variable": found.variable, "problem": found.problem} for found in error.problems]
    return json.dumps({"level": "ERROR", "event_type": "CONFIGURATION", "problems": problems}, ensure_ascii=False)


def redactor() -> "Redactor":
    """Takes the environment's secrets out of what an operator is told: terminals are filmed and copied from."""
    from waddlebot.libs.audit import Redactor
    from waddlebot.libs.sdk.discovery import discover
    from waddlebot.libs.sdk.module import Module
    from waddlebot.runtime.secrecy import secrets_of

    modules: Mapping[str, Module] = {}
    with contextlib.suppress(Exception):  # a package that cannot be imported: perhaps what is to be told
        modules = discover()
    found = Redactor()
    found.register(*secrets_of(modules, os.environ))
    return found


def _foreseen() -> tuple[type[Exception], ...]:
    """What says by itself what is wrong and what to do. Imported late: most commands never fail."""
    from waddlebot.libs.dal import DalError
    from waddlebot.libs.sdk.discovery import DiscoveryError
    from waddlebot.libs.sdk.fields import FieldError
    from waddlebot.libs.web.server import AddressError
    from waddlebot.runtime.host import StartError
    from waddlebot.runtime.secret import SecretError
    from waddlebot.runtime.tracing import TracingError

    return (DalError, DiscoveryError, FieldError, AddressError, StartError, SecretError, TracingError)


def _end(text: str, code: int) -> NoReturn:
    _tell(text if text.startswith("{") else f"waddlebot: {text}")
    sys.exit(code)


def _tell(text: str) -> None:
    print(redactor().hide(text), file=sys.stderr)  # noqa: T201  this is where commands speak
