"""Answers that refuse a request."""

import logging
import secrets
from collections.abc import Mapping

import msgspec

_log = logging.getLogger(__name__)


class HttpError(Exception):
    """Ends a request with a status and plain words: what is wrong and what to do.

    ``error`` is a word for programs (``unknown_field``), ``detail`` is for people. Handlers of routes and bare
    doors may raise it.
    """

    def __init__(self, status: int, error: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {error}: {detail}")
        self.status = status
        self.error = error
        self.detail = detail
        self.headers = dict(headers or {})


class ErrorAnswer(msgspec.Struct, frozen=True):
    """What every refusal looks like."""

    error: str
    detail: str


def error_body(error: HttpError) -> bytes:
    """The JSON of a refusal."""
    return msgspec.json.encode(ErrorAnswer(error.error, error.detail))


def too_many(retry_after_s: float, detail: str) -> HttpError:
    """A refusal of what came too often."""
    return HttpError(429, "too_many_requests", detail, {"Retry-After": str(max(1, round(retry_after_s + 0.5)))})


def too_large(limit: int) -> HttpError:
    """A refusal of a body of more than ``limit`` bytes."""
    return HttpError(413, "too_large", f"A request has at most {limit:,} bytes: send less, or several requests.")


def unforeseen(error: Exception, path: str) -> HttpError:
    """An error that is ours: its story goes to the log, under a number that the answer names."""
    number = secrets.token_hex(4)
    _log.error("request error %s at %s", number, path, exc_info=error)
    return HttpError(500, "internal", f"Something went wrong on our side; the log has it under {number}.")
