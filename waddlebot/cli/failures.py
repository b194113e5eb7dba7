"""How commands fail: one plain message on standard error, and an exit code."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import NoReturn

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
            raise
        _end(str(error), UNUSABLE)


def _foreseen() -> tuple[type[Exception], ...]:
    """What says by itself what is wrong and what to do. Imported late: most commands never fail."""
    from waddlebot.libs.dal import DalError
    from waddlebot.libs.sdk.discovery import DiscoveryError
    from waddlebot.libs.sdk.fields import FieldError
    from waddlebot.libs.web.server import AddressError
    from waddlebot.runtime.host import StartError
    from waddlebot.runtime.secret import SecretError

    return (DalError, DiscoveryError, FieldError, AddressError, StartError, SecretError)


def _end(text: str, code: int) -> NoReturn:
    print(f"waddlebot: {text}", file=sys.stderr)  # noqa: T201  this is where commands speak
    sys.exit(code)
