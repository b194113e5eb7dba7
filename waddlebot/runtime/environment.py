"""What an operator sets for a host. Every variable stands here or in a module's Config, and nowhere else."""

import dataclasses
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import platformdirs

from waddlebot.libs.sdk.fields import Field, FieldError, FieldInfo, env_name, fields_of, from_environment
from waddlebot.libs.sdk.module import Module
from waddlebot.libs.web.config import WebConfig


@dataclasses.dataclass(frozen=True, slots=True)
class Environment:
    """The host's own variables."""

    data_dir: Annotated[
        str, Field("Where the database, the keys and backups are kept.", env="WADDLEBOT_DATA_DIR")
    ] = ""
    log_dir: Annotated[
        str, Field("Where log files are written; empty for a folder in the data folder.", env="LOG_DIR")
    ] = ""
    log_level: Annotated[
        str,
        Field("How much is logged.", choices=("DEBUG", "INFO", "WARNING", "ERROR"), env="LOG_LEVEL"),
    ] = "INFO"
    database_url: Annotated[
        str,
        Field(
            "The database: postgresql://USER:PASSWORD@HOST/NAME, or empty for a file in the data folder.",
            env="DATABASE_URL",
            secret=True,
        ),
    ] = ""
    database_replica_urls: Annotated[
        str, Field("Read replicas, separated by commas.", env="DATABASE_REPLICA_URLS", secret=True)
    ] = ""
    database_upgrade_url: Annotated[
        str,
        Field(
            "The same database by an account that may change its schema, for `waddlebot db upgrade` alone; "
            "empty for DATABASE_URL.",
            env="DATABASE_UPGRADE_URL",
            secret=True,
        ),
    ] = ""
    redis_url: Annotated[
        str,
        Field(
            "Carries events between hosts; one process needs none, and uses none.", env="REDIS_URL", secret=True
        ),
    ] = ""
    secret: Annotated[
        str,
        Field(
            "The installation's secret in 64 hexadecimal digits, the same for all its hosts; empty for the one in "
            "the data folder, which the first start makes.",
            env="WADDLEBOT_SECRET",
            secret=True,
        ),
    ] = ""
    wire_check: Annotated[
        int,
        Field(
            "1: every call and event in the process passes through the real codec (for tests).",
            at_least=0,
            at_most=1,
            env="WIRE_CHECK",
        ),
    ] = 0

    @property
    def data(self) -> Path:
        """The data folder, absolute."""
        return Path(self.data_dir or platformdirs.user_data_dir("waddlebot", appauthor=False)).absolute()

    @property
    def database(self) -> str:
        """The database URL in effect."""
        return self.database_url or f"sqlite:///{self.data / 'waddlebot.db'}"

    @property
    def database_for_upgrades(self) -> str:
        """The URL by which the schema is changed."""
        return self.database_upgrade_url or self.database

    @property
    def host_role(self) -> str | None:
        """The account of hosts, where another one changes the schema and has to grant it what hosts need."""
        return urlsplit(self.database).username if self.database_upgrade_url else None

    @property
    def backups(self) -> Path:
        """The folder where backups and copies are kept unless the operator names another file."""
        return self.data / "backups"

    @property
    def replicas(self) -> tuple[str, ...]:
        """The URLs of the read replicas."""
        return tuple(url.strip() for url in self.database_replica_urls.split(",") if url.strip())

    @property
    def logs(self) -> Path:
        """The folder of the log files."""
        return Path(self.log_dir) if self.log_dir else self.data / "logs"


def variables(modules: Mapping[str, Module]) -> Iterator[tuple[str, str, FieldInfo]]:
    """Every variable there is: whose it is, its name, what it means. Hosts' own first."""
    for of, prefix, shape in (("every host", "waddlebot", Environment), ("every host", "http", WebConfig)):
        for info in fields_of(shape):
            yield of, env_name(prefix, info), info
    for module in modules.values():
        for info in fields_of(module.config) if module.config else ():
            yield module.name, env_name(module.name, info), info


def load(environ: Mapping[str, str] | None = None) -> Environment:
    """The host's variables. Raises ``FieldError`` that names the variable and says what it takes."""
    return from_environment(Environment, "waddlebot", os.environ if environ is None else environ)


__all__ = ["Environment", "FieldError", "load", "variables"]
