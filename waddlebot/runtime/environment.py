"""What an operator sets for a host. Every variable stands here or in a module's Config, and nowhere else."""

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import platformdirs

from waddlebot.libs.adapters.grpc_config import GrpcConfig
from waddlebot.libs.adapters.otlp_config import OtlpConfig
from waddlebot.libs.audit import FORMS
from waddlebot.libs.sdk.fields import (
    Field,
    FieldError,
    FieldInfo,
    Problem,
    env_name,
    fields_of,
    from_environment,
    problems_of,
)
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
    log_format: Annotated[
        str,
        Field(
            "How log lines are written: json is one object a line, for containers.",
            choices=FORMS,
            env="LOG_FORMAT",
        ),
    ] = "text"
    modules: Annotated[
        str,
        Field(
            "The modules to run, separated by spaces, where the command line names none; empty for all.",
            env="WADDLEBOT_MODULES",
        ),
    ] = ""
    database_url: Annotated[
        str,
        Field(
            "The database: postgresql://USER:PASSWORD@HOST/NAME, or empty for a file in the data folder.",
            env="DATABASE_URL",
            secret=True,
        ),
    ] = ""
    database_replica_urls: Annotated[
        str, Field("PostgreSQL read replicas, separated by commas.", env="DATABASE_REPLICA_URLS", secret=True)
    ] = ""
    database_replica_lag_s_max: Annotated[
        float,
        Field(
            "How far a read replica may be behind, in seconds; one that is further behind is not read.",
            at_least=2,
            env="DATABASE_REPLICA_LAG_S_MAX",
        ),
    ] = 5.0
    database_admin_url: Annotated[
        str,
        Field(
            "PostgreSQL: the same database by the account that owns its tables, for `waddlebot db upgrade` and "
            "`waddlebot restore` alone. Hosts refuse to run as that account.",
            env="DATABASE_ADMIN_URL",
            secret=True,
        ),
    ] = ""
    database_connections_max: Annotated[
        int,
        Field(
            "The most connections that this host opens to one PostgreSQL server.",
            at_least=5,
            at_most=1_000,
            env="DATABASE_CONNECTIONS_MAX",
        ),
    ] = 19
    database_readers: Annotated[
        int,
        Field(
            "How many reads run at once on one database; 0: 8, or as many as DATABASE_CONNECTIONS_MAX leaves "
            "(a file: 2).",
            at_least=0,
            at_most=1_000,
            env="DATABASE_READERS",
        ),
    ] = 0
    database_writers: Annotated[
        int,
        Field(
            "How many writes run at once; 0: 8, or as many as DATABASE_CONNECTIONS_MAX leaves (a file: always 1).",
            at_least=0,
            at_most=1_000,
            env="DATABASE_WRITERS",
        ),
    ] = 0
    database_read_timeout_s: Annotated[
        float,
        Field(
            "PostgreSQL: how long one statement of a read may take, in seconds.",
            at_least=0.1,
            env="DATABASE_READ_TIMEOUT_S",
        ),
    ] = 15.0
    database_write_timeout_s: Annotated[
        float,
        Field(
            "PostgreSQL: how long one statement of a write may take, in seconds.",
            at_least=0.1,
            env="DATABASE_WRITE_TIMEOUT_S",
        ),
    ] = 15.0
    redis_url: Annotated[
        str,
        Field(
            "Carries events between hosts: set it where the bot is several processes. One process needs none.",
            env="REDIS_URL",
            secret=True,
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


OF_EVERY_HOST = (("waddlebot", Environment), ("http", WebConfig), ("grpc", GrpcConfig), ("otel", OtlpConfig))
"""What is read whatever modules run, by the prefix of its variables."""


def variables(modules: Mapping[str, Module]) -> Iterator[tuple[str, str, FieldInfo]]:
    """Every variable there is: whose it is, its name, what it means. Hosts' own first."""
    for prefix, shape in OF_EVERY_HOST:
        for info in fields_of(shape):
            yield "every host", env_name(prefix, info), info
    for module in modules.values():
        for info in fields_of(module.config) if module.config else ():
            yield module.name, env_name(module.name, info), info


class ConfigurationError(FieldError):
    """Variables that are wrong, all of them; the text has a line for each."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(problem.problem for problem in problems))
        self.problems = tuple(problems)


def check(modules: Mapping[str, Module], environ: Mapping[str, str]) -> None:
    """Look at the variables of a host with these modules. Raises :class:`ConfigurationError` with all problems."""
    shapes: list[tuple[str, type]] = [*OF_EVERY_HOST]
    shapes += [(module.name, module.config) for module in modules.values() if module.config is not None]
    problems = [problem for prefix, shape in shapes for problem in problems_of(shape, prefix, environ)]
    if problems:
        raise ConfigurationError(problems)


def load(environ: Mapping[str, str] | None = None) -> Environment:
    """The host's variables. Raises ``FieldError`` that names the variable and says what it takes."""
    return from_environment(Environment, "waddlebot", os.environ if environ is None else environ)


__all__ = ["ConfigurationError", "Environment", "FieldError", "check", "load", "variables"]
