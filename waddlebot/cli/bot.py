"""Asks the bot that runs on this installation, as its operator."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

import msgspec

from waddlebot.cli.failures import UNUSABLE, Failure
from waddlebot.libs.sdk.fields import from_environment
from waddlebot.libs.sdk.rank import Role
from waddlebot.libs.web.config import WebConfig
from waddlebot.libs.web.operator import PURPOSE, OperatorTokens
from waddlebot.runtime.environment import Environment
from waddlebot.runtime.secret import SecretError, is_there
from waddlebot.runtime.secret import load as load_secret

_TIMEOUT_S = 10.0
SLOW_S = 60.0
"""For what asks every module."""
_API = "/api/v1"


class NotRunning(Exception):  # noqa: N818  a finding, not an error of ours
    """Nobody answers where the bot would."""


def url_of() -> str:
    """Where the bot would be, by HTTP_HOST and HTTP_PORT."""
    return from_environment(WebConfig, "http").url()


def ask(
    environment: Environment,
    path: str,
    community: str,
    role: Role = Role.USER,
    *,
    method: str = "GET",
    timeout_s: float = _TIMEOUT_S,
) -> Any:
    """The JSON that the bot answers about ``/api/v1`` and the path; None where it knows no such thing.

    The path is percent-encoded; without a community it is about all of them. Raises :class:`NotRunning`, and
    ``Failure`` with the bot's words when it refuses.
    """
    where = environment.data, environment.secret
    if not is_there(*where):
        raise NotRunning
    tokens = OperatorTokens(load_secret(*where).derive(PURPOSE))
    headers = {"X-API-Key": tokens.make(role, community)}
    status, body = _get(_API + path, headers, method=method, timeout_s=timeout_s)
    if status == HTTPStatus.OK:
        return msgspec.json.decode(body)
    if status == HTTPStatus.NOT_FOUND:
        return None
    raise Failure(f"The bot at {url_of()} refuses: {_words(body) or status}", UNUSABLE)


def runs(environment: Environment) -> bool:
    """Whether a bot of this installation runs: one that knows its secret."""
    try:
        return ask(environment, "/processing.router/coordination", "home") is not None
    except (NotRunning, SecretError, Failure):
        return False


def health(of: str) -> tuple[bool, list[str]]:
    """Whether the bot is ``live`` or ``ready``, and a line for each check. Raises :class:`NotRunning`."""
    status, body = _get(f"/health/{of}", {})
    found = msgspec.json.decode(body)
    checks = [f"{name}: {check['detail']}" for name, check in found.get("checks", {}).items()]
    return status == HTTPStatus.OK, [str(found["status"]), *checks]


def _get(
    path: str, headers: Mapping[str, str], *, method: str = "GET", timeout_s: float = _TIMEOUT_S
) -> tuple[int, bytes]:
    request = Request(url_of() + path, headers=dict(headers), method=method)  # noqa: S310  our own http URL
    opener = build_opener(ProxyHandler({}))  # a proxy of the environment is for elsewhere
    try:
        with opener.open(request, timeout=timeout_s) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        return error.code, error.read()
    except (URLError, TimeoutError, ConnectionError):
        raise NotRunning from None


def _words(body: bytes) -> str:
    try:
        return str(msgspec.json.decode(body)["detail"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return ""
