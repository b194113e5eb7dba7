"""What ``waddlebot doctor`` looks at. A check yields findings; it never raises, and never changes anything."""

import email.utils
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Literal
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import msgspec

from waddlebot.cli import bot
from waddlebot.cli.failures import Failure
from waddlebot.cli.switches import state_of
from waddlebot.libs.contracts.community import HOME
from waddlebot.libs.contracts.irc import Connection, IrcConnections, Status, TwitchChat
from waddlebot.libs.dal import DalError
from waddlebot.libs.dal.admin import admin, sqlite_path
from waddlebot.libs.dal.migrations import status
from waddlebot.libs.irc.connection import tls_context
from waddlebot.libs.irc.errors import IrcError
from waddlebot.libs.irc.twitch import twitch_settings
from waddlebot.libs.irc.url import parse_irc_urls
from waddlebot.libs.sdk.discovery import DiscoveryError, discover
from waddlebot.libs.sdk.fields import FieldError, FieldInfo, env_name, fields_of, from_environment, value_of
from waddlebot.libs.sdk.module import Module
from waddlebot.libs.sdk.rank import Role
from waddlebot.libs.web.config import WebConfig
from waddlebot.libs.web.server import AddressError, bind
from waddlebot.runtime.environment import OF_EVERY_HOST, Environment, load, variables
from waddlebot.runtime.host import StartError, database
from waddlebot.runtime.profiles import profile_of
from waddlebot.runtime.secret import SecretError, is_there
from waddlebot.runtime.secret import load as load_secret
from waddlebot.runtime.secret import path_of as secret_path

_FREE_BYTES_MIN = 200 * 1024**2
"""Below this SQLite's log and a backup may not fit."""
_NAMED_MAX = 10
_CLOCK_OFF_S_MAX = 30.0
"""Far below the 600 s after which Twitch's signatures are refused, far above what a Date header rounds away."""
_CLOCK_URL = "https://id.twitch.tv/"
"""Asked for its Date header alone: the platform whose signatures need the right time."""
_CLOCK_TIMEOUT_S = 3.0
_WATCHED_S = 0.05


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: ``wrong`` needs the operator, a ``note`` is good to know."""

    of: str
    verdict: Literal["fine", "note", "wrong"]
    words: str


def examine(*, offline: bool) -> Iterator[Finding]:
    """All checks, in the order in which one depends on another."""
    try:
        environment = load()
        modules = discover()
    except (FieldError, DiscoveryError) as error:
        yield Finding("settings", "wrong", str(error))
        return
    yield from _settings(modules)
    yield from _folder(environment)
    yield from _secret(environment)
    yield from _database(environment, modules)
    running = bot.runs(environment)
    yield from _port(environment, running)
    yield from _clock(offline)
    yield from _platforms(modules)
    yield from _logins(environment, modules) if running else _unasked(modules)


def _settings(modules: Mapping[str, Module]) -> Iterator[Finding]:
    problems = []
    for name, shape in (*OF_EVERY_HOST, *((m.name, m.config) for m in modules.values() if m.config)):
        try:
            from_environment(shape, name)
        except (FieldError, ValueError) as error:
            problems.append(str(error))
    for problem in problems:
        yield Finding("settings", "wrong", problem)
    if not problems:
        yield Finding("settings", "fine", f"{len(modules)} modules read their variables without complaint.")


def _folder(environment: Environment) -> Iterator[Finding]:
    for what, folder in (("data folder", environment.data), ("log folder", environment.logs)):
        there = _nearest(folder)
        try:
            with tempfile.TemporaryFile(dir=there):
                pass
        except OSError as error:
            variable = {"data folder": "WADDLEBOT_DATA_DIR", "log folder": "LOG_DIR"}[what]
            words = f"{there} cannot be written to ({error.strerror}): set {variable} to a folder of yours."
            yield Finding(what, "wrong", words)
        else:
            yield Finding(what, "fine", str(folder) + ("" if there == folder else " (made at the first start)"))
    free = shutil.disk_usage(_nearest(environment.data)).free
    words = f"{free / 1024**3:.1f} GiB are free."
    if free < _FREE_BYTES_MIN:
        yield Finding("disk", "wrong", f"{words} Make room: a full disk stops the bot.")
    else:
        yield Finding("disk", "fine", words)


def _nearest(folder: Path) -> Path:
    """The folder itself, or the one in which it would be made."""
    return next(place for place in (folder.absolute(), *folder.absolute().parents) if place.is_dir())


def _secret(environment: Environment) -> Iterator[Finding]:
    path = secret_path(environment.data)
    if not is_there(environment.data, environment.secret):
        yield Finding("secret", "note", f"{path} will be made at the first start.")
        return
    try:
        load_secret(environment.data, environment.secret)
    except SecretError as error:
        yield Finding("secret", "wrong", str(error))
        return
    if environment.secret:
        yield Finding("secret", "fine", "WADDLEBOT_SECRET is whole.")
        return
    # On Windows these bits say nothing; the profile's folder is its user's anyway.
    if os.name == "posix" and path.stat().st_mode & 0o077:
        yield Finding("secret", "wrong", f"Others can read {path}: chmod 600 it.")
    else:
        yield Finding("secret", "fine", f"{path} is whole. Keep a copy of it apart from the backups.")


def _database(environment: Environment, modules: Mapping[str, Module]) -> Iterator[Finding]:
    try:
        owners = database(environment, modules).owners
        path = sqlite_path(environment.database)
        if path is not None and not path.exists():
            yield Finding("database", "note", f"{path} will be made at the first start.")
            return
        with admin(environment.database) as opened:
            opened.run("select 1")
        problems = [found.problem for found in status(environment.database, owners) if found.problem]
    except (StartError, DalError) as error:
        yield Finding("database", "wrong", str(error))
        return
    where = str(path) if path is not None else "PostgreSQL answers"
    behind = "run `waddlebot db upgrade`"
    if profile_of(environment.database).upgrade_first and all(behind in problem for problem in problems):
        words = (
            "its schema is brought up to date at the next start" if problems else "its schema is this program's"
        )
        yield Finding("database", "fine", f"{where}; {words}.")
        return
    for problem in problems:
        yield Finding("database", "wrong", problem)
    if not problems:
        yield Finding("database", "fine", f"{where}; its schema is this program's.")


def _port(environment: Environment, running: bool) -> Iterator[Finding]:
    try:
        config = from_environment(WebConfig, "http")
    except FieldError:
        return  # said already
    if running:
        yield Finding("port", "fine", f"The bot runs and answers at {config.url()}.")
        yield from _events(environment)
        return
    try:
        bind(config).close()
    except AddressError as error:
        yield Finding("port", "wrong", str(error))
    else:
        yield Finding("port", "fine", f"{config.host}:{config.port} is free; the bot does not run.")


def _events(environment: Environment) -> Iterator[Finding]:
    try:
        metrics = bot.ask(environment, "/processing.router/metrics", "")
    except (bot.NotRunning, Failure):
        return  # it ended a moment ago
    counts: dict[str, int] = metrics["host"]["events"]
    parts = ", ".join(f"{count:,} {status}" for status, count in sorted(counts.items())) or "none yet"
    yield Finding("events", "fine", f"In all communities since its start: {parts}.")


def _clock(offline: bool) -> Iterator[Finding]:
    before, monotonic = time.time(), time.monotonic()
    time.sleep(_WATCHED_S)
    drift_s = abs((time.time() - before) - (time.monotonic() - monotonic))
    if drift_s > _WATCHED_S:
        yield Finding(
            "clock", "wrong", f"It jumped by {drift_s:.2f} s while it was watched: look at the time service."
        )
        return
    off_s = None if offline else _clock_off_s()
    if off_s is None:
        yield Finding("clock", "note", "It runs evenly; there is nothing to compare it with (offline).")
    elif abs(off_s) > _CLOCK_OFF_S_MAX:
        words = f"It is {abs(off_s):.0f} s {'ahead' if off_s > 0 else 'behind'}: switch time synchronisation on."
        yield Finding("clock", "wrong", f"{words} Platforms refuse signatures and tokens of a wrong time.")
    else:
        yield Finding("clock", "fine", "It runs evenly and is right.")


def _clock_off_s() -> float | None:
    """By how much this machine's clock is ahead of a web server's; None where none can be reached."""
    began = time.time()
    try:
        with urlopen(Request(_CLOCK_URL, method="HEAD"), timeout=_CLOCK_TIMEOUT_S) as answer:
            date = answer.headers.get("Date")
    except HTTPError as error:
        date = error.headers.get("Date")
    except (OSError, HTTPException):
        return None
    try:
        told = email.utils.parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return None
    return (began + time.time()) / 2 - told


def _platforms(modules: Mapping[str, Module]) -> Iterator[Finding]:
    for module in modules.values():
        if module.config is None:
            continue
        for info in fields_of(module.config):
            name = env_name(module.name, info)
            if info.field.secret and _set(info, name):
                yield Finding(module.name, "fine", f"{name} is set.")
        if module.enabled is not None:
            state = state_of(module, os.environ)
            verdict: Literal["fine", "note"] = "fine" if state == "on" else "note"
            if not state.startswith("wrong"):  # said with the settings
                yield Finding(module.name, verdict, state)
    values = {name: _set(info, name) for _, name, info in variables(modules)}
    for parse in (_irc, _twitch):
        yield from _parsed(parse, values)


def _set(info: FieldInfo, name: str) -> str:
    """What is set for a variable; nothing for a file that cannot be read, which is said with the settings."""
    try:
        return value_of(info, name, os.environ)
    except FieldError:
        return ""


def _parsed(parse: Callable[[Mapping[str, str]], Finding | None], values: Mapping[str, str]) -> Iterator[Finding]:
    try:
        found = parse(values)
    except IrcError as error:
        yield Finding("platforms", "wrong", str(error))
        return
    if found is not None:
        yield found


def _irc(values: Mapping[str, str]) -> Finding | None:
    urls = values.get("IRC_URLS", "")
    if not urls:
        return None
    networks = parse_irc_urls(urls)
    for network in networks:
        tls_context(network)
    names = ", ".join(f"{network.label} as {network.nick}" for network in networks)
    return Finding("IRC", "fine", f"IRC_URLS names {names}.")


def _twitch(values: Mapping[str, str]) -> Finding | None:
    names = [name for name in values.get("TWITCH_CHANNELS", "").replace(",", " ").split() if name]
    login, token = values.get("TWITCH_BOT_LOGIN", ""), values.get("TWITCH_BOT_TOKEN", "")
    settings = twitch_settings(names, login, token, values.get("TWITCH_IRC_URL", ""))
    if not names:
        return None
    if settings.dialect.mute:
        return Finding("Twitch", "note", settings.dialect.mute)
    return Finding("Twitch", "fine", f"{len(settings.channels)} channels, spoken in as {settings.nick}.")


def _connected(modules: Mapping[str, Module]) -> list[Module]:
    """The modules that keep connections to chat servers, and tell how they are doing."""
    kept = {(contract.__name__, "status") for contract in (IrcConnections, TwitchChat)}
    return [module for module in modules.values() if kept & module.promises.keys()]


def _unasked(modules: Mapping[str, Module]) -> Iterator[Finding]:
    for module in _connected(modules):
        if state_of(module, os.environ) == "on":
            words = "Whether its login is accepted only a running bot knows: start it, then ask again."
            yield Finding(module.name, "note", words)


def _logins(environment: Environment, modules: Mapping[str, Module]) -> Iterator[Finding]:
    """How the running bot gets on with chat servers; its environment may be another one than ours."""
    for module in _connected(modules):
        try:
            found = bot.ask(environment, f"/{module.name}/status", HOME, Role.ADMIN)
        except (bot.NotRunning, Failure):
            return  # it ended a moment ago
        if found is not None:  # else the bot runs without this module
            told = msgspec.convert(found, Status)
            for connection in told.connections:
                yield from _connection(module.name, connection)
            yield from _unread(module.name, told.unread)


def _unread(of: str, names: Sequence[str]) -> Iterator[Finding]:
    if names:
        some = ", ".join(names[:_NAMED_MAX]) + (" …" if len(names) > _NAMED_MAX else "")
        words = (
            f"Nobody reads {len(names)} channels ({some}). After a host died it takes up to 15 s; where each "
            "replica reads as many as the platform lets it (Twitch: 100), run another one or name fewer."
        )
        yield Finding(of, "wrong", words)


def _connection(of: str, state: Connection) -> Iterator[Finding]:
    if state.phase == "idle":
        return  # not configured
    if state.phase == "registered":
        words = f"In {state.joined} of {state.wanted} channels of {state.server} as {state.nick}."
        yield Finding(of, "fine", words)
    elif state.error:
        then = {
            "stopped": "The bot does not try again: restart it when this is mended.",
            "waiting": f"The bot tries again within {state.retry_in_s:.0f} s.",
        }.get(state.phase, "The bot is trying again.")
        yield Finding(of, "wrong", f"{state.error.rstrip('.')}. {then}")
    else:
        yield Finding(of, "note", f"The bot is connecting to {state.server}: ask again in a moment.")
    for channel, why in state.failures.items():
        yield Finding(of, "wrong", f"The bot is not in {channel} of {state.server}: {why.rstrip('.')}.")
