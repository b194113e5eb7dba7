"""What an operator sets, the installation's secret, and what follows from the database's URL."""

import stat
from pathlib import Path

import pytest

from waddlebot.libs.dal import SchemaError
from waddlebot.libs.sdk.fields import FieldError
from waddlebot.runtime import environment, secret, upgrade
from waddlebot.runtime.profiles import budgets_of, profile_of


def test_nothing_set_means_everything_in_the_users_data_folder() -> None:
    found = environment.load({})
    assert found.data.is_absolute()
    assert found.database == f"sqlite:///{found.data / 'waddlebot.db'}"
    assert upgrade.admin_url(found) == found.database
    assert (found.logs, found.backups) == (found.data / "logs", found.data / "backups")
    assert found.replicas == ()


def test_everything_set(tmp_path: Path) -> None:
    found = environment.load(
        {
            "WADDLEBOT_DATA_DIR": str(tmp_path),
            "LOG_DIR": "/var/log/bot",
            "DATABASE_URL": "postgresql://host@db/bot",
            "DATABASE_ADMIN_URL": "postgresql://owner@db/bot",
            "DATABASE_REPLICA_URLS": " postgresql://a, ,postgresql://b ",
        }
    )
    assert found.logs == Path("/var/log/bot")
    assert found.replicas == ("postgresql://a", "postgresql://b")
    assert upgrade.admin_url(found) == "postgresql://owner@db/bot"


def test_a_server_s_schema_is_changed_by_its_own_account_alone() -> None:
    with pytest.raises(SchemaError, match="DATABASE_ADMIN_URL is not set"):
        upgrade.admin_url(environment.load({"DATABASE_URL": "postgresql://host@db/bot"}))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("WIRE_CHECK", "2", "WIRE_CHECK is at most 1"),
        ("LOG_LEVEL", "LOUD", "LOG_LEVEL is one of DEBUG, INFO, WARNING, ERROR"),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str, words: str) -> None:
    with pytest.raises(FieldError, match=words):
        environment.load({name: value})


@pytest.mark.parametrize(
    ("url", "name", "upgrade_first"),
    [
        ("sqlite:////tmp/x.db", "embedded", True),
        ("postgresql://db/x", "server", False),
        ("postgres://db/x", "server", False),
    ],
)
def test_the_scheme_chooses_the_profile(url: str, name: str, upgrade_first: bool) -> None:
    found = profile_of(url)
    assert (found.name, found.upgrade_first) == (name, upgrade_first)


@pytest.mark.parametrize(
    ("variables", "readers", "writers"),
    [
        ({}, 8, 8),
        ({"DATABASE_CONNECTIONS_MAX": "8"}, 2, 2),
        ({"DATABASE_CONNECTIONS_MAX": "5"}, 1, 1),
        ({"DATABASE_READERS": "12", "DATABASE_WRITERS": "4"}, 12, 4),
        ({"DATABASE_URL": ""}, 2, 1),
    ],
)
def test_connections_are_shared_out_among_readers_and_writers(
    variables: dict[str, str], readers: int, writers: int
) -> None:
    budgets = budgets_of(environment.load({"DATABASE_URL": "postgresql://db/x", **variables}))
    assert (budgets.readers.threads, budgets.writers.threads) == (readers, writers)


def test_budgets_beyond_the_limit_are_refused_by_name() -> None:
    found = environment.load({"DATABASE_URL": "postgresql://db/x", "DATABASE_READERS": "17"})
    with pytest.raises(ValueError, match=r"DATABASE_READERS \(17\).*more than DATABASE_CONNECTIONS_MAX \(19\)"):
        budgets_of(found)


def test_an_unknown_scheme_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'mysql'; known are postgres, postgresql, sqlite"):
        profile_of("mysql://db/x")


def test_the_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    first = secret.load(tmp_path / "new")
    again = secret.load(tmp_path / "new")
    assert first.derive("a") == again.derive("a") == first.derive("a")
    assert len({first.derive("a"), first.derive("b"), secret.load(tmp_path / "other").derive("a")}) == 3
    [file] = (tmp_path / "new").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text() not in repr(first)


@pytest.mark.parametrize("content", ["", "not hexadecimal", "abcd", "é"])
def test_a_secret_that_is_not_whole_is_not_replaced(tmp_path: Path, content: str) -> None:
    secret.load(tmp_path)
    [file] = tmp_path.iterdir()
    file.write_text(content)
    with pytest.raises(secret.SecretError, match="Restore it from a backup"):
        secret.load(tmp_path)
    assert file.read_text() == content


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(secret.SecretError, match="Set WADDLEBOT_DATA_DIR to a folder of yours"):
        secret.load(tmp_path / "file" / "below")


def test_a_given_secret_is_the_same_on_every_host_and_leaves_no_file(tmp_path: Path) -> None:
    made = secret.load(tmp_path / "first")
    given = secret.path_of(tmp_path / "first").read_text("ascii")
    assert secret.load(tmp_path / "second", given).derive("a") == made.derive("a")
    assert not secret.path_of(tmp_path / "second").exists()
    assert secret.is_there(tmp_path / "second", given)
    assert not secret.is_there(tmp_path / "second")


@pytest.mark.parametrize("given", ["changeme", "ab" * 31, "g" * 64])
def test_a_given_secret_that_is_none_is_refused_by_name(tmp_path: Path, given: str) -> None:
    with pytest.raises(secret.SecretError, match=r"WADDLEBOT_SECRET is not 64 hexadecimal digits.*openssl rand"):
        secret.load(tmp_path, given)
