"""Starts the images of all modules together, on a real PostgreSQL and Valkey, and asks the bot that they are."""

import contextlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from deploy.compose import ADMIN_URL
from deploy.containers import ACCOUNT, Container, container_of
from deploy.programs import run
from deploy.services import ROUTER, Service
from waddlebot.libs.testing.databases import admin_url, postgresql_running
from waddlebot.libs.testing.ports import free_port
from waddlebot.libs.testing.redis_servers import RedisServer, valkey_program

READY_S = 180.0
_SECRETS = "/run/secrets/waddlebot"
_BUDGETS = {"DATABASE_READERS": "2", "DATABASE_WRITERS": "3"}


def say(words: str) -> None:
    """Tell whoever waits, at once."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def trial(chosen: Sequence[Service]) -> None:
    """Raises RuntimeError where one does not become ready, or a command gets no answer."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="waddlebot-trial-")))
        folder.chmod(0o755)
        server = stack.enter_context(postgresql_running())
        valkey = RedisServer(valkey_program(), folder / "valkey", free_port(), ('save ""',))
        stack.callback(valkey.kill)
        valkey.start()
        url = server.url(server.create())
        secrets = _secrets(folder, url, valkey.url)
        containers = {
            service: stack.enter_context(
                container_of(f"localhost/waddlebot/{service.module}", _environ(service), {_SECRETS: secrets})
            )
            for service in chosen
        }
        router = next(container for service, container in containers.items() if service.module == ROUTER)
        admin = {f"{ADMIN_URL}_FILE": f"{_SECRETS}/{ADMIN_URL}"}
        say(router.call("db", "upgrade", **admin).splitlines()[-1])
        began_s = time.monotonic()
        for service, container in containers.items():
            _check_settings(service, container)
            container.start()
        for service, container in containers.items():
            _until_ready(service, container)
            container.check()
            say(f"{service.module:<24} ready after {time.monotonic() - began_s:.1f} s, health check passed")
        say(f"!help: {_asked(router)}")


def _secrets(folder: Path, url: str, redis_url: str) -> Path:
    """What ``make-secrets`` makes, for the servers of this trial."""
    script = Path(shutil.copy(Path(__file__).parent / "make-secrets", folder))
    run(script, "waddlebot.example.org")
    found = folder / "secrets"
    for name, value in {"DATABASE_URL": url, ADMIN_URL: admin_url(url), "REDIS_URL": redis_url}.items():
        (found / name).chmod(0o644)
        (found / name).write_text(value, encoding="utf-8")
    (found / "DATABASE_REPLICA_URLS").unlink()
    found.chmod(0o755)  # the images' account reads them
    return found


def _environ(service: Service) -> dict[str, str]:
    files = {f"{name}_FILE": f"{_SECRETS}/{name}" for name in service.secrets if name != "DATABASE_REPLICA_URLS"}
    ports = {"HTTP_PORT": str(free_port()), "GRPC_PORT": str(free_port())}
    certificates = {f"GRPC_TLS_{part.upper()}": f"{_SECRETS}/grpc_{part}" for part in ("cert", "key", "ca")}
    address = {"GRPC_ADVERTISE": f"127.0.0.1:{ports['GRPC_PORT']}", "GRPC_TLS_NAME": "waddlebot"}
    return {**files, **ports, **certificates, **address, **_BUDGETS}


def _check_settings(service: Service, container: Container) -> None:
    if container.settings["User"] != f"{ACCOUNT}:{ACCOUNT}":
        raise RuntimeError(f"{service.module} would run as {container.settings['User']}")
    if container.environ["WADDLEBOT_MODULES"] != service.module:
        raise RuntimeError(f"the image of {service.module} runs {container.environ['WADDLEBOT_MODULES']}")
    if leaked := [name for name in container.environ if name.startswith("PIP_")]:
        raise RuntimeError(f"settings of this machine are in the image: {', '.join(leaked)}")


def _until_ready(service: Service, container: Container) -> None:
    deadline_s, found = time.monotonic() + READY_S, ""
    while time.monotonic() < deadline_s and not container.ended:
        status, found = _ask(container, "/health/ready")
        if status == HTTPStatus.OK:
            return
        time.sleep(0.2)
    raise RuntimeError(f"{service.module} was not ready within {READY_S:g} s: {found}\n{container.log()}")


def _asked(router: Container) -> str:
    """What the bot answers to ``!help``."""
    key = router.call("key", "create", "trial", "--role", "trigger").strip()
    event = {
        "id": "1", "kind": "chat.message", "platform": "trial", "server": "s", "channel": "c", "user_id": "u",
        "text": "!help",
    }  # fmt: skip
    path, headers = "/api/v1/processing.router/events?wait=20", {"X-API-Key": key}
    deadline_s, answer = time.monotonic() + READY_S, ""
    while time.monotonic() < deadline_s:
        # A door that is busy says so; an event that is posted again brings the result of the first time.
        _, answer = _ask(router, path, json.dumps(event).encode(), headers)
        match json.loads(answer):
            case {"results": [{"status": "answered", "replies": [{"text": str(text)}, *_]}]}:
                return text
            case {"results": [{"status": "accepted"}]} | {"error": "busy" | "unavailable"}:
                time.sleep(1.0)
            case _:
                break
    raise RuntimeError(f"the bot did not answer: {answer}\n{router.log()}")


def _ask(
    container: Container, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """The status and the body of an answer; 0 and why, where there is none."""
    url = f"http://127.0.0.1:{container.environ['HTTP_PORT']}{path}"
    try:
        with urlopen(Request(url, body, dict(headers or {})), timeout=30) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()
    except (URLError, OSError) as error:
        return 0, str(error)
